"""What another budget would buy, what standing still forgoes, and which limits cost something."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from roi.engine import selection
from roi.engine.selection import Selection, Status, select
from roi.engine.selection_terms import Candidate, Constraint, Limits, constraints_of, ordered_of


@dataclass(frozen=True, slots=True)
class Move:
    """What more (or less) budget would change."""

    amount: int
    added: tuple[str, ...]
    dropped: tuple[str, ...]
    gain: int | None
    selection: Selection


@dataclass(frozen=True, slots=True)
class Regret:
    """What standing still forgoes, and which limits what is funded today breaks."""

    standing_value: int
    amount: int | None
    broken: tuple[Constraint, ...]


def next_amount(
    candidates: Sequence[Candidate],
    limits: Limits,
    now: Selection,
    *,
    amount: int,
    seconds: float | None = None,
) -> Move:
    """Return what a budget larger by an amount (smaller, if negative) changes; no gain where either found nothing."""
    then = select(candidates, replace(limits, budget=limits.budget + amount), seconds=seconds)
    return Move(
        amount,
        tuple(code for code in then.chosen if code not in now.chosen),
        tuple(code for code in now.chosen if code not in then.chosen),
        None if None in (now.gap, then.gap) else then.value - now.value,
        then,
    )


def frontier(
    candidates: Sequence[Candidate], limits: Limits, *, budgets: Iterable[int], seconds: float | None = None
) -> tuple[tuple[int, Selection], ...]:
    """Return the best selection at each budget: what money could buy. `seconds` stops each search early."""
    return tuple(
        (budget, select(candidates, replace(limits, budget=budget), seconds=seconds)) for budget in budgets
    )


def regret(
    candidates: Sequence[Candidate], limits: Limits, best: Selection, *, standing: Collection[str]
) -> Regret:
    """Return the value forgone by going on as today instead of the best selection; None where there is none."""
    value = sum(one.value for one in candidates if one.code in standing)
    broken = tuple(one for one in constraints_of(candidates, limits) if not one.holds(standing))
    return Regret(value, None if best.status is Status.INFEASIBLE else best.value - value, broken)


def held_back(
    ordered: Sequence[Candidate],
    constraints: Sequence[Constraint],
    one: Constraint,
    best: Selection,
    *,
    seconds: float | None = None,
) -> int | None:
    """Return how much more a selection would be worth without one constraint: it binds where this is above 0.

    `ordered` is by code, and `best` a proven optimum. None: `seconds` ran out before anything was known. A search that
    was stopped after something better was found returns what is sure: at least so much.
    """
    freed = selection.search(ordered, [other for other in constraints if other is not one], seconds)
    gain = freed.value - best.value
    if freed.gap is not None and gain > 0:
        return gain
    return 0 if freed.status is Status.OPTIMAL else None


def binding(candidates: Sequence[Candidate], limits: Limits, best: Selection) -> tuple[Constraint, ...]:
    """Return the constraints without which, one at a time, a better selection would be found."""
    constraints, ordered = constraints_of(candidates, limits), ordered_of(candidates, limits)
    return tuple(one for one in constraints if held_back(ordered, constraints, one, best))
