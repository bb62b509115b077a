"""The cost of a unit done by AI beside one done by people, on every basis: which one is quoted changes the story."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import inf, isfinite

from roi.engine.result import Figure, Reason, undefined


class CostBasis(StrEnum):
    """What is counted, and over which units it is spread."""

    MARGINAL = "marginal"  # usage-driven cost / units
    RUN = "run"  # run cost / units
    LOADED = "loaded"  # run cost and the share of one-time cost / units
    PER_DEFLECTED = "per_deflected"  # run cost / units that needed no person
    PER_DEFLECTED_LOADED = "per_deflected_loaded"
    BLENDED = "blended"  # run cost and the people who do the rest / units: what a unit now costs on average
    BLENDED_LOADED = "blended_loaded"


@dataclass(frozen=True, slots=True)
class Period:
    """What a period cost in currency units, and what it did. Run cost includes the usage-driven part.

    `one_time_share` is what the period bears of one-time cost (a first year may bear all of it, a straight line bears
    one-time cost x months / horizon). `deflected` units needed no person. None: nobody counted, or priced, it.
    """

    usage_cost: float | None
    run_cost: float | None
    one_time_share: float
    units: float | None
    deflected: float | None

    def __post_init__(self) -> None:
        stated = (self.usage_cost, self.run_cost, self.one_time_share, self.units, self.deflected)
        if not all(isfinite(amount) for amount in stated if amount is not None):
            raise ValueError("Costs and counts of a period must be finite numbers.")
        if (self.deflected or 0) < 0 or (self.units is not None and (self.deflected or 0) > self.units):
            raise ValueError("Units that needed no person lie between none and all units.")


@dataclass(frozen=True, slots=True)
class Comparison:
    """One basis: the AI's unit cost, how many times dearer a person's is, and the change from it (-0.4: 40 % less)."""

    unit_cost: Figure
    ratio: Figure  # human / AI
    change: Figure  # AI / human - 1


def compare_with_people(human_unit_cost: float, *, period: Period) -> Mapping[CostBasis, Comparison]:
    """Return every basis beside the cost of a unit done by people, in currency units.

    Undefined: `no_volume` without units (or deflected ones), `unpriced_usage` where usage or run cost has no price,
    `non_positive_base` where a cost to divide by is not positive. Raises ValueError for a human cost that is negative.
    """
    if not 0 <= human_unit_cost < inf:
        raise ValueError("The cost of a unit done by people must be a finite number, not negative.")
    costs = _unit_costs(period, human_unit_cost)
    return {
        basis: Comparison(cost, _ratio(human_unit_cost, cost), _change(cost, human_unit_cost))
        for basis, cost in costs.items()
    }


def breakeven_deflection(human_unit_cost: float, *, run_unit_cost: float) -> Figure:
    """Return the share of units that must need no person for the blended cost to equal people's: AI / human.

    Above 1 it cannot. `non_positive_base` where people cost nothing.
    """
    if human_unit_cost <= 0:
        return undefined(Reason.NON_POSITIVE_BASE)
    return Figure(run_unit_cost / human_unit_cost)


def _unit_costs(period: Period, human_unit_cost: float) -> dict[CostBasis, Figure]:
    run, share = period.run_cost, period.one_time_share
    loaded = None if run is None else run + share
    kept = None if period.units is None or period.deflected is None else period.units - period.deflected
    by_people = None if kept is None else kept * human_unit_cost
    return {
        CostBasis.MARGINAL: _per(period.usage_cost, period.units),
        CostBasis.RUN: _per(run, period.units),
        CostBasis.LOADED: _per(loaded, period.units),
        CostBasis.PER_DEFLECTED: _per(run, period.deflected),
        CostBasis.PER_DEFLECTED_LOADED: _per(loaded, period.deflected),
        CostBasis.BLENDED: _blended(run, by_people, period.units),
        CostBasis.BLENDED_LOADED: _blended(loaded, by_people, period.units),
    }


def _blended(cost: float | None, by_people: float | None, units: float | None) -> Figure:
    if by_people is None:
        return undefined(Reason.NO_VOLUME)
    return _per(None if cost is None else cost + by_people, units)


def _per(cost: float | None, units: float | None) -> Figure:
    if units is None or units <= 0:
        return undefined(Reason.NO_VOLUME)
    return undefined(Reason.UNPRICED_USAGE) if cost is None else _quotient(cost, units)


def _ratio(human: float, cost: Figure) -> Figure:
    if cost.value is None:
        return cost
    return _quotient(human, cost.value) if cost.value > 0 else undefined(Reason.NON_POSITIVE_BASE)


def _change(cost: Figure, human: float) -> Figure:
    if cost.value is None:
        return cost
    if human <= 0:
        return undefined(Reason.NON_POSITIVE_BASE)
    quotient = _quotient(cost.value, human)
    return quotient if quotient.value is None else Figure(quotient.value - 1)


def _quotient(amount: float, divisor: float) -> Figure:
    quotient = amount / divisor
    return Figure(quotient) if isfinite(quotient) else undefined(Reason.OVERFLOW)
