"""Which investments to go on with under a budget: the selection that adds most value. Whole units throughout.

HiGHS computes in doubles. Its answer is therefore checked in whole numbers, and a set that breaks a limit by less than
the solver can see is cut off and the rest solved again; see docs/methodology/reallocation.md.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from time import monotonic
from typing import Any

import numpy as np

from roi.engine.selection_terms import Candidate, Constraint, Kind, Limits, constraints_of, ordered_of

_SCALED = 20  # the largest coefficient of a row, as a power of two: its 1e-6 is the solver's tolerance
_RESOLUTION = 2.0**-32  # of the sum of all values: a bound is not told apart from the value below that
_MOST_CUTS = 50


class Status(StrEnum):
    """How a search ended. The values are stored; never rename one."""

    OPTIMAL = "optimal"
    STOPPED = "stopped"
    INFEASIBLE = "infeasible"


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What to go on with, by code; `gap` is how much better another set may at most be, None where unknown.

    Infeasible: nothing is chosen, and `conflict` cannot be kept to together, though without any one of them it could.
    """

    status: Status
    chosen: tuple[str, ...] = ()
    value: int = 0
    cost: int = 0
    capacity: int = 0
    gap: int | None = None
    conflict: tuple[Constraint, ...] = ()

    @property
    def sentence(self) -> str:
        """Return in words what cannot be kept to together; empty where something was found."""
        if not self.conflict:
            return ""
        return f"No selection keeps to all of this: {'; '.join(one.sentence for one in self.conflict)}."


def select(candidates: Iterable[Candidate], limits: Limits, *, seconds: float | None = None) -> Selection:
    """Return the selection of most value. The order of the candidates does not matter. Raises SelectionError.

    Of investments alike in everything but their codes the first codes are chosen. `seconds` stops the search early.
    """
    ordered = ordered_of(candidates, limits)
    constraints = constraints_of(ordered, limits)
    found = search(ordered, constraints, seconds)
    if found.status is not Status.INFEASIBLE:
        return found
    return replace(found, conflict=_minimal(ordered, constraints))


def search(
    ordered: Sequence[Candidate], constraints: Sequence[Constraint], seconds: float | None
) -> Selection:
    """Return the best selection: solve, check in whole numbers, and cut off what only doubles allow.

    `ordered` is by code. An infeasible one names no conflict.
    """
    cuts: list[Constraint] = []
    end = None if seconds is None else monotonic() + seconds
    for _ in range(_MOST_CUTS):
        left = None if end is None else max(0.0, end - monotonic())
        status, chosen, bound = _solve(ordered, [*constraints, *cuts], left)
        if chosen is None:
            return Selection(status=status)
        if all(one.holds(chosen) for one in constraints):
            return _selection(ordered, _first_of_equals(ordered, chosen, constraints), status, bound)
        weights = {one.code: 1 if one.code in chosen else -1 for one in ordered}
        cuts.append(Constraint(Kind.GROUP, (), weights, highest=len(chosen) - 1))
    return Selection(status=Status.STOPPED)


def _solve(
    ordered: Sequence[Candidate], constraints: Sequence[Constraint], seconds: float | None
) -> tuple[Status, frozenset[str] | None, float | None]:
    """Return how the search ended, the codes found (None: none) and the upper bound of the value."""
    if not ordered:
        is_kept = all(one.holds(()) for one in constraints)
        return (Status.OPTIMAL, frozenset(), 0.0) if is_kept else (Status.INFEASIBLE, None, None)
    from scipy.optimize import Bounds, milp

    objective, unit = objective_of(ordered)
    # Presolving drops what misses a limit by less than its tolerances together with what hits it exactly: then the best
    # set is lost, or everything, and no check of an answer finds that. Of thousands it takes longer than the search.
    options: Any = {"mip_rel_gap": 0.0, "presolve": False}
    if seconds is not None:
        options["time_limit"] = seconds
    answer = milp(
        objective,
        integrality=np.ones(len(ordered), dtype=np.int64),
        bounds=Bounds(0, 1),
        constraints=matrix_of(ordered, constraints),
        options=options,
    )
    if answer.status == 2:
        return Status.INFEASIBLE, None, None
    if answer.x is None:
        return Status.STOPPED, None, None
    status = Status.OPTIMAL if answer.status == 0 else Status.STOPPED
    chosen = frozenset(one.code for one, x in zip(ordered, answer.x, strict=True) if x > 0.5)
    bound = answer.mip_dual_bound
    return status, chosen, None if bound is None else -bound * unit


def objective_of(ordered: Sequence[Candidate]) -> tuple[Any, float]:
    """Return what HiGHS minimizes, and how many micro-units one of it is."""
    values = np.array([-one.value for one in ordered], dtype=np.float64)
    unit = _unit(max(abs(one.value) for one in ordered))
    return values / unit, unit


def matrix_of(ordered: Sequence[Candidate], constraints: Sequence[Constraint]) -> Any:
    """Return the constraints as HiGHS takes them; dividing by powers of two changes no digit."""
    from scipy.optimize import LinearConstraint
    from scipy.sparse import csr_array

    column = {one.code: at for at, one in enumerate(ordered)}
    numbers: list[float] = []
    columns: list[int] = []
    starts, lowest, highest = [0], [], []
    for one in constraints:
        unit = _unit(max(map(abs, one.weights.values()), default=1))
        numbers += [weight / unit for weight in one.weights.values()]
        columns += [column[code] for code in one.weights]
        starts.append(len(numbers))
        lowest.append(-np.inf if one.lowest is None else one.lowest / unit)
        highest.append(np.inf if one.highest is None else one.highest / unit)
    shape = (len(constraints), len(ordered))
    return LinearConstraint(csr_array((numbers, columns, starts), shape=shape), lowest, highest)


def _unit(largest: int) -> float:
    return 2.0 ** max(0, largest.bit_length() - _SCALED)


def _first_of_equals(
    ordered: Sequence[Candidate], chosen: frozenset[str], constraints: Sequence[Constraint]
) -> frozenset[str]:
    """Return as many of each sort of interchangeable candidates, the first codes first."""
    tied = {code for one in constraints if one.kind is Kind.NEEDS for code in one.about}
    sorts: dict[tuple[object, ...], list[str]] = {}
    for one in ordered:
        if one.code not in tied:
            sort = (one.cost, one.capacity, one.value, one.is_exploration, one.is_must_fund, one.group)
            sorts.setdefault(sort, []).append(one.code)
    found = set(chosen)
    for codes in sorts.values():
        taken = sum(code in chosen for code in codes)
        found -= set(codes)
        found |= set(codes[:taken])
    return frozenset(found)


def _selection(
    ordered: Sequence[Candidate], chosen: frozenset[str], status: Status, bound: float | None
) -> Selection:
    taken = [one for one in ordered if one.code in chosen]
    value = sum(one.value for one in taken)
    gap = None
    if bound is not None and np.isfinite(bound):
        seen = sum(abs(one.value) for one in ordered) * _RESOLUTION
        gap = int(bound - value) if bound - value > max(seen, 1.0) else 0
    return Selection(
        status=Status.STOPPED if gap else status,
        chosen=tuple(one.code for one in taken),
        value=value,
        cost=sum(one.cost for one in taken),
        capacity=sum(one.capacity for one in taken),
        gap=gap,
    )


def _minimal(ordered: Sequence[Candidate], constraints: Sequence[Constraint]) -> tuple[Constraint, ...]:
    """Return a conflict of which nothing can be left out; of several, that of the constraints that come first.

    Limits come before must-fund, needs and groups, so that what is named is as little and as general as can be.
    QuickXplain (Junker, AAAI 2004): halves are looked at together, so that few in conflict among many are found with a
    number of searches that grows with the logarithm of how many there are.
    """
    # Whether something can be kept to does not depend on what is worth most, which takes longer to find.
    free = [replace(one, value=0) for one in ordered]

    def is_conflict(kept: Sequence[Constraint]) -> bool:
        return search(free, kept, None).status is Status.INFEASIBLE

    def needed(known: list[Constraint], is_new: bool, rest: list[Constraint]) -> list[Constraint]:
        """Return what of `rest` makes a conflict with what is known; `is_new`: `known` may already be one."""
        if is_new and is_conflict(known):
            return []
        if len(rest) == 1:
            return rest
        first, second = rest[: len(rest) // 2], rest[len(rest) // 2 :]
        late = needed([*known, *first], True, second)
        return [*needed([*known, *late], bool(late), first), *late]

    return tuple(needed([], False, list(constraints)))
