"""Selections against every set there is, on small instances; what is said where there is none."""

import random
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portfolio.terms import MICRO
from roi.engine import frontier, selection
from roi.engine.selection import Selection, Status, select
from roi.engine.selection_terms import Candidate, Constraint, Kind, Limits, SelectionError, constraints_of


def best_of_all(candidates: Sequence[Candidate], limits: Limits) -> int | None:
    """Return the most value of any set that keeps to the limits, looked at one by one; None where none does."""
    found = None
    for size in range(len(candidates) + 1):
        for some in combinations(candidates, size):
            if keeps_to(some, candidates, limits):
                value = sum(one.value for one in some)
                found = value if found is None else max(found, value)
    return found


def keeps_to(some: Sequence[Candidate], candidates: Sequence[Candidate], limits: Limits) -> bool:
    codes = {one.code for one in some}
    groups = [one.group for one in some if one.group]
    exploring = [one for one in some if one.is_exploration]
    share = limits.reserve_share
    kept = (
        sum(one.cost for one in some) <= limits.budget
        and sum(one.cost for one in exploring) >= share * limits.budget
        and len(groups) == len(set(groups))
        and all(set(one.needs) <= codes for one in some)
        and all(one.code in codes for one in candidates if one.is_must_fund)
    )
    if limits.capacity is None:
        return kept
    return (
        kept
        and sum(one.capacity for one in some) <= limits.capacity
        and sum(one.capacity for one in exploring) >= share * limits.capacity
    )


@st.composite
def instances(draw: st.DrawFn, *, largest: int, amount: int) -> tuple[list[Candidate], Limits]:
    codes = [f"I{number:02}" for number in range(draw(st.integers(0, largest)))]
    candidates = [
        Candidate(
            code=code,
            cost=draw(st.integers(0, amount)),
            value=draw(st.integers(-amount, amount)),
            capacity=draw(st.integers(0, 20)),
            is_exploration=draw(st.booleans()),
            is_must_fund=draw(st.integers(0, 5)) == 0,
            needs=tuple(draw(st.sets(st.sampled_from(codes), max_size=2)) - {code})
            if draw(st.integers(0, 2)) == 0
            else (),
            group=draw(st.sampled_from(["", "", "a", "b"])),
        )
        for code in codes
    ]
    limits = Limits(
        budget=draw(st.integers(0, amount * max(1, len(codes)) // 2)),
        capacity=draw(st.none() | st.integers(0, 20 * max(1, len(codes)) // 2)),
        reserve_share=Decimal(draw(st.sampled_from(["0", "0.1", "0.333333", "0.5"]))),
    )
    return candidates, limits


def assert_best(candidates: Sequence[Candidate], limits: Limits) -> None:
    found, best = select(candidates, limits), best_of_all(candidates, limits)
    if best is None:
        assert found.status is Status.INFEASIBLE
        assert_minimal(candidates, found)
        return
    assert (found.status, found.value, found.gap) == (Status.OPTIMAL, best, 0)
    chosen = [one for one in candidates if one.code in found.chosen]
    assert keeps_to(chosen, candidates, limits)
    assert found.cost == sum(one.cost for one in chosen)
    assert found.capacity == sum(one.capacity for one in chosen)


def assert_minimal(candidates: Sequence[Candidate], found: Selection) -> None:
    codes = [one.code for one in candidates]
    sets = [set(some) for size in range(len(codes) + 1) for some in combinations(codes, size)]

    def is_possible(constraints: Sequence[Constraint]) -> bool:
        return any(all(one.holds(some) for one in constraints) for some in sets)

    assert found.conflict
    assert not is_possible(found.conflict)
    for one in found.conflict:
        assert is_possible([other for other in found.conflict if other is not one])


@settings(max_examples=80, deadline=None)
@given(instances(largest=8, amount=12))
def test_small_instances_with_many_ties_are_solved_exactly(instance: tuple[list[Candidate], Limits]) -> None:
    assert_best(*instance)


@settings(max_examples=40, deadline=None)
@given(instances(largest=8, amount=10**6 * MICRO))
def test_amounts_to_the_micro_unit_are_solved_exactly(instance: tuple[list[Candidate], Limits]) -> None:
    assert_best(*instance)


@settings(max_examples=3, deadline=None)
@given(instances(largest=16, amount=100).filter(lambda one: len(one[0]) >= 14))
def test_sixteen_candidates_are_solved_exactly(instance: tuple[list[Candidate], Limits]) -> None:
    candidates, limits = instance
    found, best = select(candidates, limits), best_of_all(candidates, limits)
    assert (found.value if found.status is Status.OPTIMAL else None) == best


@settings(max_examples=25, deadline=None)
@given(instances(largest=7, amount=4), st.randoms())
def test_the_order_of_the_candidates_does_not_matter(instance, random) -> None:
    candidates, limits = instance
    mixed = list(candidates)
    random.shuffle(mixed)
    assert select(mixed, limits) == select(candidates, limits)


def test_of_equals_the_first_codes_are_chosen() -> None:
    alike = [Candidate(code=f"I{number}", cost=10, value=5) for number in (4, 2, 3, 1)]
    assert select(alike, Limits(budget=25)).chosen == ("I1", "I2")


def test_a_budget_short_by_one_micro_unit_is_kept_to() -> None:
    large = 10**9 * MICRO
    two = [Candidate(code="A", cost=large, value=3), Candidate(code="B", cost=large, value=2)]
    assert select(two, Limits(budget=2 * large)).chosen == ("A", "B")
    assert select(two, Limits(budget=2 * large - 1)).chosen == ("A",)


def test_what_cannot_be_kept_to_together_is_named() -> None:
    candidates = [
        Candidate(code="A", cost=8, value=1, is_must_fund=True, needs=("B",)),
        Candidate(code="B", cost=5, value=1),
        Candidate(code="C", cost=9, value=1, is_exploration=True),
    ]
    found = select(candidates, Limits(budget=12, capacity=5))
    assert found.status is Status.INFEASIBLE
    assert [one.kind for one in found.conflict] == [Kind.BUDGET, Kind.MUST_FUND, Kind.NEEDS]
    assert found.sentence == "No selection keeps to all of this: the budget; A must be funded; A needs B."


def test_few_in_conflict_among_many_are_found_with_few_searches(monkeypatch: pytest.MonkeyPatch) -> None:
    many = [Candidate(code=f"D{at:03}", cost=1, value=1, is_must_fund=True) for at in range(400)]
    dear = [Candidate(code=code, cost=600, value=1, is_must_fund=True) for code in ("D100x", "D300x")]
    searched: list[int] = []
    search = selection.search
    monkeypatch.setattr(
        selection,
        "search",
        lambda *some: searched.append(1) or search(*some),  # type: ignore[func-returns-value]
    )
    found = select([*many, *dear], Limits(budget=1_100))
    assert found.sentence == (
        "No selection keeps to all of this: the budget; D100x must be funded; D300x must be funded."
    )
    assert len(searched) < 60


def test_a_short_search_among_very_many_finds_something() -> None:
    draw = random.Random(7)
    many = [
        Candidate(
            code=f"I{at:05}",
            cost=draw.randrange(10**9, 10**12),
            value=draw.randrange(10**12),
            capacity=draw.randrange(50, 2_000),
            needs=(f"I{at - 1:05}",) if at % 9 == 4 else (),
            group=f"G{at // 20}" if at % 10 == 3 else "",
        )
        for at in range(5_000)
    ]
    limits = Limits(budget=10**15, capacity=1_700_000)
    found = select(many, limits, seconds=1)
    assert found.gap is not None
    assert found.gap < found.value / 100
    assert all(one.holds(found.chosen) for one in constraints_of(many, limits))


def test_cuts_do_not_lengthen_the_time_a_search_may_take(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[float] = []

    def never_exact(
        ordered: object, constraints: object, seconds: float
    ) -> tuple[Status, frozenset[str], float]:
        given.append(seconds)
        return Status.OPTIMAL, frozenset({"A"}), 1.0

    clock = iter(range(100, 200))
    monkeypatch.setattr(selection, "_solve", never_exact)
    monkeypatch.setattr(selection, "monotonic", lambda: next(clock))
    found = select([Candidate(code="A", cost=2, value=1)], Limits(budget=1), seconds=3)
    assert (found.status, given[:4]) == (Status.STOPPED, [2, 1, 0, 0])


def test_a_reserve_that_nothing_explores_is_named() -> None:
    found = select([Candidate(code="A", cost=5, value=1)], Limits(budget=10, reserve_share=Decimal("0.1")))
    assert [one.kind for one in found.conflict] == [Kind.BUDGET_RESERVE]
    nothing = select([], Limits(budget=10, reserve_share=Decimal("0.1")))
    assert [one.kind for one in nothing.conflict] == [Kind.BUDGET_RESERVE]
    assert select([], Limits(budget=10)).chosen == ()


KNAPSACK = [
    Candidate(code="A", cost=60, value=100),
    Candidate(code="B", cost=50, value=70),
    Candidate(code="C", cost=50, value=60),
]


def test_the_next_amount_says_what_moves() -> None:
    limits = Limits(budget=100)
    best = select(KNAPSACK, limits)
    assert (best.chosen, best.value) == (("B", "C"), 130)
    move = frontier.next_amount(KNAPSACK, limits, best, amount=10)
    assert (move.added, move.dropped, move.gain) == (("A",), ("C",), 40)


def test_the_frontier_never_falls_without_a_reserve() -> None:
    points = frontier.frontier(KNAPSACK, Limits(budget=0), budgets=range(0, 161, 10))
    values = [found.value for _, found in points]
    assert values == sorted(values)
    assert values[-1] == 230


def test_standing_still_forgoes_the_difference_and_names_what_it_breaks() -> None:
    limits = Limits(budget=100)
    best = select(KNAPSACK, limits)
    assert frontier.regret(KNAPSACK, limits, best, standing={"A"}).amount == 30
    both = frontier.regret(KNAPSACK, limits, best, standing={"A", "B"})
    assert (both.standing_value, both.amount, [one.kind for one in both.broken]) == (170, -40, [Kind.BUDGET])


def test_a_limit_binds_where_more_would_be_worth_something() -> None:
    limits = Limits(budget=100, capacity=0)
    best = select(KNAPSACK, limits)
    assert [one.kind for one in frontier.binding(KNAPSACK, limits, best)] == [Kind.BUDGET]
    assert frontier.binding(KNAPSACK, Limits(budget=160), select(KNAPSACK, Limits(budget=160))) == ()


def test_slack_is_what_is_left_to_either_side() -> None:
    limits = Limits(budget=100, reserve_share=Decimal("0.3"))
    candidates = [Candidate(code="E", cost=40, value=1, is_exploration=True), *KNAPSACK]
    budget, reserve = constraints_of(candidates, limits)
    assert (budget.slack({"E", "B"}), reserve.slack({"E", "B"})) == (10, 10)
    assert (budget.slack({"A", "B"}), reserve.slack({"A"}), budget.holds({"A", "B"})) == (-10, -30, False)


def test_a_limit_holds_back_what_would_be_added_without_it() -> None:
    limits = Limits(budget=100)
    candidates = [*KNAPSACK, Candidate(code="D", cost=0, value=-5, is_must_fund=True)]
    constraints, best = constraints_of(candidates, limits), select(candidates, limits)
    held = [frontier.held_back(candidates, constraints, one, best) for one in constraints]
    # All three cost 160 and are worth 230; the duty costs 5.
    assert [(one.kind, gain) for one, gain in zip(constraints, held, strict=True)] == [
        (Kind.BUDGET, 100),
        (Kind.MUST_FUND, 5),
    ]


def test_a_search_that_was_stopped_proves_no_limit_loose(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = Limits(budget=100)
    constraints, best = constraints_of(KNAPSACK, limits), select(KNAPSACK, limits)
    stopped = Selection(status=Status.STOPPED, value=best.value, gap=9)
    monkeypatch.setattr(selection, "search", lambda *_: stopped)
    assert frontier.held_back(KNAPSACK, constraints, constraints[0], best) is None
    monkeypatch.setattr(selection, "search", lambda *_: replace(stopped, value=best.value + 1))
    assert frontier.held_back(KNAPSACK, constraints, constraints[0], best) == 1


@pytest.mark.parametrize(
    ("candidates", "limits"),
    [
        ([Candidate(code="A", cost=1, value=1)] * 2, Limits(budget=1)),
        ([Candidate(code="A", cost=-1, value=1)], Limits(budget=1)),
        ([Candidate(code="A", cost=1, value=1, needs=("Z",))], Limits(budget=1)),
        ([], Limits(budget=-1)),
        ([], Limits(budget=1, reserve_share=Decimal(2))),
    ],
)
def test_contradictions_are_refused(candidates: list[Candidate], limits: Limits) -> None:
    with pytest.raises(SelectionError):
        select(candidates, limits)


def _near(code: str, cost: int, value: int, *, explores: bool = False, must: bool = False) -> Candidate:
    return Candidate(code=code, cost=cost, value=value, is_exploration=explores, is_must_fund=must)


def test_what_misses_a_limit_by_little_hides_nothing_that_keeps_to_it() -> None:
    """Two instances that the solver answered wrongly while it presolved: infeasible, and not the best."""
    lone = [
        _near("A", 146_462_170_000, -491_487_910_000),
        _near("B", 480_375_540_000, -443_523_250_000, explores=True, must=True),
        _near("C", 361_009_880_000, 410_344_820_000, explores=True),
        _near("D", 5_905_070_000, 1_000_632_190_000, explores=True),
        _near("E", 198_214_840_000, 1_061_517_520_000, explores=True),
    ]
    budget = Limits(budget=678_590_370_000)
    assert select(lone, budget).value == best_of_all(lone, budget)
    close = [
        _near("C0", 6_000_001, 14_000_000),
        _near("C1", 5_000_000, 2_142_857, explores=True),
        _near("C2", 0, -8_999_999, explores=True),
        _near("C3", 12_000_001, 18_000_001),
        _near("C4", 2_428_570, 1_000_000),
        _near("C5", 6_000_001, -142_858, must=True),
        _near("C6", 2_285_714, 7_000_000),
    ]
    limits = Limits(budget=21_714_285, reserve_share=Decimal("0.1"))
    found = select(close, limits)
    assert (found.status, found.value, found.gap) == (Status.OPTIMAL, best_of_all(close, limits), 0)


@settings(max_examples=150, deadline=None)
@given(instance=instances(largest=7, amount=10**12), data=st.data())
def test_limits_that_are_hit_exactly_or_missed_by_a_micro_unit(
    instance: tuple[list[Candidate], Limits], data: st.DataObject
) -> None:
    """The budget and the capacity of some set, less nothing, a micro-unit or a cent."""
    candidates, limits = instance
    some = [one for one in candidates if data.draw(st.booleans())]
    less = data.draw(st.sampled_from([0, 0, 1, -1, 10_000]))
    budget = max(0, sum(one.cost for one in some) - less)
    capacity = None if limits.capacity is None else sum(one.capacity for one in some)
    near = replace(limits, budget=budget, capacity=capacity)
    best, found = best_of_all(candidates, near), select(candidates, near)
    if found.status is Status.OPTIMAL:
        assert (found.value, found.gap) == (best, 0)
    elif found.status is Status.INFEASIBLE:
        assert best is None
    else:
        assert best is not None
        assert found.gap is None or found.value + found.gap >= best
