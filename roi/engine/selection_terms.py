"""What may be selected, and what a selection must keep to, each thing named. Whole units throughout."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from enum import StrEnum

_LARGEST = 2**53  # above it doubles skip whole numbers


class SelectionError(ValueError):
    """Candidates or limits that contradict themselves; the message is for the user."""


class Kind(StrEnum):
    """What a selection must keep to. The values are stored; never rename one."""

    BUDGET = "budget"
    CAPACITY = "capacity"
    BUDGET_RESERVE = "budget_reserve"
    CAPACITY_RESERVE = "capacity_reserve"
    MUST_FUND = "must_fund"
    NEEDS = "needs"
    GROUP = "group"


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An investment that may go on: next year's cost and its value in micro-units, capacity in hundredths."""

    code: str
    cost: int
    value: int
    capacity: int = 0
    is_exploration: bool = False
    is_must_fund: bool = False
    needs: tuple[str, ...] = ()
    group: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What there is; None: no limit. The share of either that exploration receives at least is of what there is."""

    budget: int
    capacity: int | None = None
    reserve_share: Decimal = Decimal(0)

    def reserve_of(self, whole: int) -> int:
        """Return the least that goes to exploration, rounded up to a whole unit."""
        return int((self.reserve_share * whole).to_integral_value(ROUND_CEILING))


@dataclass(frozen=True, slots=True)
class Constraint:
    """One thing to keep to: lowest <= sum of weight by code <= highest; None is open."""

    kind: Kind
    about: tuple[str, ...]
    weights: Mapping[str, int]
    lowest: int | None = None
    highest: int | None = None

    def slack(self, chosen: Collection[str]) -> int:
        """Return how much room a set of codes leaves, in the unit of the weights; below 0: it is broken by as much."""
        total = sum(weight for code, weight in self.weights.items() if code in chosen)
        room = [] if self.lowest is None else [total - self.lowest]
        room += [] if self.highest is None else [self.highest - total]
        return min(room, default=0)

    def holds(self, chosen: Collection[str]) -> bool:
        """Return whether a set of codes keeps to it, exactly."""
        return self.slack(chosen) >= 0

    @property
    def sentence(self) -> str:
        """Return it in words."""
        return _SENTENCES[self.kind].format(*self.about)


_SENTENCES: dict[Kind, str] = {
    Kind.BUDGET: "the budget",
    Kind.CAPACITY: "the capacity",
    Kind.BUDGET_RESERVE: "the reserve of the budget for exploration",
    Kind.CAPACITY_RESERVE: "the reserve of the capacity for exploration",
    Kind.MUST_FUND: "{0} must be funded",
    Kind.NEEDS: "{0} needs {1}",
    Kind.GROUP: "only one of the group {0} can be chosen",
}


def constraints_of(candidates: Iterable[Candidate], limits: Limits) -> tuple[Constraint, ...]:
    """Return everything a selection keeps to, named. Raises SelectionError."""
    ordered = ordered_of(candidates, limits)
    cost = {one.code: one.cost for one in ordered}
    rows = _limit(Kind.BUDGET, Kind.BUDGET_RESERVE, cost, limits.budget, limits, ordered)
    if limits.capacity is not None:
        capacity = {one.code: one.capacity for one in ordered}
        rows += _limit(Kind.CAPACITY, Kind.CAPACITY_RESERVE, capacity, limits.capacity, limits, ordered)
    groups: dict[str, dict[str, int]] = {}
    for one in ordered:
        if one.is_must_fund:
            rows.append(Constraint(Kind.MUST_FUND, (one.code,), {one.code: 1}, lowest=1))
        for needed in sorted(set(one.needs)):
            rows.append(Constraint(Kind.NEEDS, (one.code, needed), {one.code: 1, needed: -1}, highest=0))
        if one.group:
            groups.setdefault(one.group, {})[one.code] = 1
    rows += [
        Constraint(Kind.GROUP, (name,), members, highest=1)
        for name, members in sorted(groups.items())
        if len(members) > 1
    ]
    return tuple(rows)


def ordered_of(candidates: Iterable[Candidate], limits: Limits) -> list[Candidate]:
    """Return the candidates by code, checked. Raises SelectionError."""
    ordered = sorted(candidates, key=lambda one: one.code)
    codes = {one.code for one in ordered}
    if len(codes) != len(ordered):
        raise SelectionError("A candidate is named twice.")
    if limits.budget < 0 or (limits.capacity or 0) < 0 or not 0 <= limits.reserve_share <= 1:
        raise SelectionError(
            "Budget and capacity cannot be negative, and the reserve is a share from 0 to 1."
        )
    for one in ordered:
        if one.cost < 0 or one.capacity < 0 or max(one.cost, one.capacity, abs(one.value)) > _LARGEST:
            raise SelectionError(
                f"Cost and capacity of {one.code} cannot be negative, nor they or its value above 9 billion."
            )
        if unknown := sorted(set(one.needs) - codes):
            raise SelectionError(f"{one.code} needs {', '.join(unknown)}, which cannot be chosen.")
    return ordered


def _limit(
    limit: Kind, reserve: Kind, use: Mapping[str, int], whole: int, limits: Limits, ordered: list[Candidate]
) -> list[Constraint]:
    rows = [Constraint(limit, (), use, highest=whole)]
    if least := limits.reserve_of(whole):
        exploring = {one.code: use[one.code] for one in ordered if one.is_exploration}
        rows.append(Constraint(reserve, (), exploring, lowest=least))
    return rows
