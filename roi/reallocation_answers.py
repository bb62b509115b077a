"""What to go on with under a budget: the selection, what binds it, the next amount, the frontier and the regret.

An answer follows from its inputs alone. The same inputs are not solved again for a day; roi/reallocations.py keeps an
answer as a proposal.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from time import monotonic
from typing import Any

from django.db.models import Q

from portfolio import approvals, clock
from portfolio import knowledge as knowing
from portfolio.models import Head, Investment, Portfolio
from portfolio.terms import ENDED_STAGES, Stage, to_micros
from roi import prospects as gathering
from roi.engine import frontier
from roi.engine.result import ENGINE_VERSION
from roi.engine.selection import Selection, Status, select
from roi.engine.selection_terms import (
    Candidate,
    Constraint,
    Kind,
    Limits,
    SelectionError,
    constraints_of,
    ordered_of,
)
from roi.models import RememberedReallocation
from roi.prospects import ReallocationError, hundredths

FRONTIER_STEPS = 10  # budgets looked at, up to twice the one asked for
SECONDS = (
    5.0  # the search is stopped after, and says its gap; all other searches together are, and are counted
)
REMEMBERED = timedelta(days=1)
_LIMITS = frozenset({Kind.BUDGET, Kind.CAPACITY, Kind.BUDGET_RESERVE, Kind.CAPACITY_RESERVE})
_UNFUNDED = frozenset({Stage.PROPOSED.value, Stage.DECOMMISSIONING.value})

Plain = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a reallocation is asked under; None: as the portfolio says.

    `stated_costs` are next year's costs of investments without a forecast that shall go on all the same.
    """

    budget: Decimal | None = None
    capacity: Decimal | None = None
    reserve_share: Decimal | None = None
    risk_aversion: Decimal | None = None
    next_amount: Decimal | None = None
    stated_costs: Mapping[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """What was asked, what it was answered from, and the answer, as plain JSON; and the facts' knowledge time."""

    knowledge: int
    inputs: Plain
    result: Plain


def answer(portfolio: Portfolio, question: Question, *, knowledge: int | None = None) -> Answer:
    """Return what to go on with, as known now or at a knowledge time. Raises ReallocationError.

    It may take seconds: no lock is held meanwhile that others wait for, if the caller holds none.
    """
    known, inputs = knowing.with_one_view(lambda: asked(portfolio, question, knowledge=knowledge))
    return Answer(known, inputs, remembered(inputs))


def asked(portfolio: Portfolio, question: Question, *, knowledge: int | None = None) -> tuple[int, Plain]:
    """Return the knowledge time of the facts and what an answer is computed from. Raises ReallocationError.

    The caller holds one consistent view of the database.
    """
    limits, aversion, amount = _limits(portfolio, question)
    members = list(
        Investment.objects.filter(portfolio=portfolio)
        .exclude(stage__in=ENDED_STAGES)
        .select_related("portfolio")
        .order_by("code")
    )
    known = knowledge if knowledge is not None else _newest(portfolio, members)
    prospects = gathering.gather(members, aversion, question.stated_costs, knowledge)
    return known, {
        "budget": limits.budget,
        "capacity": limits.capacity,
        "reserve_share": str(limits.reserve_share),
        "risk_aversion": str(aversion),
        "next_amount": amount,
        "currency": portfolio.reporting_currency,
        "stated_costs": {code: to_micros(cost) for code, cost in sorted(question.stated_costs.items())},
        "candidates": [asdict(one) | {"needs": list(one.needs)} for one in prospects],
    }


def remembered(inputs: Plain) -> Plain:
    """Return the answer of inputs that were solved within a day, or solve them. Raises ReallocationError.

    A search that was stopped may end otherwise the next time: who looks and then keeps the answer keeps what was seen.
    """
    key = approvals.hash_of({"inputs": inputs, "engine": ENGINE_VERSION})
    now = clock.now()
    rows = RememberedReallocation.objects
    known = rows.filter(key=key, solved_at__gt=now - REMEMBERED).first()
    if known is not None:
        return dict(known.result)
    found = solved(inputs)
    rows.filter(solved_at__lte=now - REMEMBERED).delete()
    rows.bulk_create([RememberedReallocation(key=key, result=found, solved_at=now)], ignore_conflicts=True)
    return found


def solved(inputs: Plain) -> Plain:
    """Return the answer that follows from inputs, computed anew. Raises ReallocationError."""
    limits = Limits(
        budget=inputs["budget"], capacity=inputs["capacity"], reserve_share=Decimal(inputs["reserve_share"])
    )
    possible = [one for one in inputs["candidates"] if not one["left_out"]]
    candidates = [_candidate(one, inputs["stated_costs"]) for one in possible]
    standing = {one["code"] for one in possible if one["stage"] not in _UNFUNDED}
    try:
        best = select(candidates, limits, seconds=SECONDS)
        if best.status is Status.STOPPED and best.gap is None:
            raise ReallocationError(f"The search found no selection within {SECONDS:g} seconds.")
        return _result(candidates, limits, best, amount=inputs["next_amount"], standing=standing)
    except SelectionError as error:
        raise ReallocationError(str(error)) from error


def _limits(portfolio: Portfolio, question: Question) -> tuple[Limits, Decimal, int]:
    budget = portfolio.yearly_budget if question.budget is None else question.budget
    if budget is None:
        raise ReallocationError("Neither you nor the portfolio states a yearly budget.")
    capacity = portfolio.capacity_person_months if question.capacity is None else question.capacity
    share = portfolio.exploration_share if question.reserve_share is None else question.reserve_share
    aversion = portfolio.risk_aversion if question.risk_aversion is None else question.risk_aversion
    if not 0 <= aversion <= 5:
        raise ReallocationError("Risk aversion is a number from 0 to 5.")
    amount = question.next_amount
    if amount is None:
        amount = (budget / 10).quantize(Decimal(1), rounding=ROUND_HALF_EVEN)
    try:
        limits = Limits(
            budget=to_micros(budget),
            capacity=None if capacity is None else hundredths(capacity),
            reserve_share=Decimal(share).normalize(),
        )
        return limits, Decimal(aversion).normalize(), to_micros(amount)
    except ValueError as error:
        raise ReallocationError(str(error)) from error


def _newest(portfolio: Portfolio, members: Sequence[Investment]) -> int:
    """Return the knowledge time of the newest fact that can matter."""
    heads = Head.objects.filter(
        Q(scope="installation")
        | Q(scope="portfolio", scope_id=portfolio.pk)
        | Q(scope="investment", scope_id__in=[one.pk for one in members])
    )
    return max(heads.values_list("knowledge", flat=True), default=0)


def _candidate(prospect: Plain, stated: Mapping[str, int]) -> Candidate:
    """Return it as it is selected; one whose cost is stated goes on, and adds nothing that is known."""
    is_stated = prospect["value"] is None
    return Candidate(
        code=prospect["code"],
        cost=stated[prospect["code"]] if is_stated else prospect["cost"] or 0,
        value=prospect["value"] or 0,
        capacity=prospect["capacity"],
        is_exploration=prospect["is_exploration"],
        is_must_fund=prospect["is_must_fund"] or is_stated,
        needs=tuple(prospect["needs"]),
        group=prospect["group"],
    )


class _Time:
    """What is left of the time that the searches beside the best one may take together."""

    def __init__(self) -> None:
        self._end = monotonic() + SECONDS

    def share(self, others: int) -> float:
        """Return the seconds of a search that leaves as many to each of so many others; 0: time is up."""
        return max(0.0, self._end - monotonic()) / (others + 1)


def _result(
    candidates: Sequence[Candidate], limits: Limits, best: Selection, *, amount: int, standing: set[str]
) -> Plain:
    found: Plain = {
        "status": best.status.value,
        "sentence": best.sentence,
        "conflict": _named(best.conflict),
        "chosen": list(best.chosen),
        "standing": sorted(standing),
        "value": None,
        "cost": None,
        "capacity": None,
        "gap": best.gap,
        "next": None,
        "regret": None,
        "limits": None,
    }
    time = _Time()
    if best.status is Status.INFEASIBLE:
        return found | {"frontier": _frontier(candidates, limits, time, others=0)}
    still = frontier.regret(candidates, limits, best, standing=standing)
    return found | {
        "value": best.value,
        "cost": best.cost,
        "capacity": best.capacity,
        # In the order of what people ask first: what comes later goes without when time is up.
        "next": _next(candidates, limits, best, amount, time),
        "frontier": _frontier(candidates, limits, time, others=1),
        "limits": _kept_to(candidates, limits, best, time),
        "regret": {
            "standing_value": still.standing_value,
            "amount": still.amount,
            "broken": _named(still.broken),
        },
    }


def _next(
    candidates: Sequence[Candidate], limits: Limits, best: Selection, amount: int, time: _Time
) -> Plain:
    move = frontier.next_amount(candidates, limits, best, amount=amount, seconds=time.share(2))
    return {
        "amount": amount,
        "added": list(move.added),
        "dropped": list(move.dropped),
        "gain": move.gain,
        "sentence": move.selection.sentence,
    }


def _frontier(candidates: Sequence[Candidate], limits: Limits, time: _Time, *, others: int) -> list[Plain]:
    """Return the best value at budgets up to twice the one asked for; None where none was found, or none in time."""
    budgets = sorted({limits.budget * step // (FRONTIER_STEPS // 2) for step in range(FRONTIER_STEPS + 1)})
    rows: list[Plain] = []
    for at, budget in enumerate(budgets):
        value = None
        if seconds := time.share(len(budgets) - at - 1 + others * len(budgets)):
            [(_, one)] = frontier.frontier(candidates, limits, budgets=[budget], seconds=seconds)
            value = None if one.gap is None else one.value
        rows.append({"budget": budget, "value": value})
    return rows


def _kept_to(candidates: Sequence[Candidate], limits: Limits, best: Selection, time: _Time) -> Plain | None:
    """Return what the best selection keeps to, and what each thing holds back; None where it is not proven best.

    Budget, capacity and their reserves stand there with what they leave, binding or not; duties, needs and groups only
    where they bind. Those not tried within the time are counted.
    """
    if best.gap != 0:
        return None
    ordered, constraints = ordered_of(candidates, limits), constraints_of(candidates, limits)
    rows: list[Plain] = []
    untried = 0
    for at, one in enumerate(constraints):
        seconds = time.share(min(len(constraints) - at, FRONTIER_STEPS) - 1)
        gain = frontier.held_back(ordered, constraints, one, best, seconds=seconds) if seconds else None
        untried += gain is None
        if gain or one.kind in _LIMITS:
            slack = one.slack(best.chosen) if one.kind in _LIMITS else None
            rows.append(_named([one])[0] | {"slack": slack, "gain": gain})
    return {"rows": rows, "untried": untried}


def _named(constraints: Sequence[Constraint]) -> list[Plain]:
    return [
        {"kind": one.kind.value, "about": list(one.about), "sentence": one.sentence} for one in constraints
    ]
