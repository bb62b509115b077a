"""Scenarios side by side: sets of driver values, and their figures by the engine that computes the actuals'.

Amounts are rounded to micro-units once per month and stream, as a ledger would hold them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from portfolio.terms import MICRO, Basis
from roi.engine import metrics
from roi.engine.changes import UNBOUNDED, Bounds, Points, Relative
from roi.engine.figures import Figures
from roi.engine.flows import Flows, Model
from roi.engine.result import Column, Figure, Floats, Ints, Reason, undefined
from roi.engine.sensitivity import Bar, Tornado
from roi.engine.series import Series

_TOO_LARGE = float(2**62)  # a row that holds this much is `overflow` to the engine

DriverValue = float | Relative | Points


class ScenarioError(ValueError):
    """Scenarios that cannot be compared; the message says which."""


class ScenarioKind(StrEnum):
    """What a scenario is meant to show."""

    PESSIMISTIC = "pessimistic"
    BASE = "base"
    OPTIMISTIC = "optimistic"
    OWN = "own"


@dataclass(frozen=True, slots=True)
class Scenario:
    """What some drivers may be: values, or signed changes of the base; the drivers not named stay at the base."""

    name: str
    kind: ScenarioKind
    values: Mapping[str, DriverValue]

    def applied_to(self, base: Mapping[str, float], *, bounds: Bounds | None = None) -> dict[str, float]:
        """Return the base with this scenario's values; raises ScenarioError for one unknown or out of bounds."""
        unknown = [name for name in self.values if name not in base]
        if unknown:
            raise ScenarioError(f"Scenario {self.name}: there is no base value for {', '.join(unknown)}.")
        changed = {name: _resolved(value, float(base[name])) for name, value in self.values.items()}
        for name, value in changed.items():
            low, high = (bounds or {}).get(name, UNBOUNDED)
            if not low <= value <= high:
                raise ScenarioError(
                    f"Scenario {self.name}: {name} must lie between {low:g} and {high:g}; {value:g} does not."
                )
        return {name: float(value) for name, value in base.items()} | changed


@dataclass(frozen=True, slots=True)
class Terms:
    """At which effective annual rates scenarios are compared, and over how many months of the model (None: all)."""

    discount_rate: float
    hurdle_rate: float
    months: int | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """The figures of one scenario at the horizon: money in currency units, ROI and rates as fractions, time in months.

    Payback and breakeven month look through all months of the model, also beyond the horizon.
    """

    scenario: Scenario
    values: Mapping[str, float]
    total_cost: Figure
    total_value: Figure
    net_benefit: Figure
    roi: Figure
    npv: Figure
    npv_at_hurdle: Figure
    irr: Figure
    payback_months: Figure
    discounted_payback_months: Figure
    breakeven_month: Figure


def compare(
    model: Model,
    base: Mapping[str, float],
    scenarios: Sequence[Scenario],
    *,
    terms: Terms,
    bounds: Bounds | None = None,
) -> tuple[Outcome, ...]:
    """Return the figures of every scenario, in their order; all of them are one call of the model.

    Raises ScenarioError for names that are not unique, unknown drivers and a horizon the model does not reach.
    """
    names = [scenario.name for scenario in scenarios]
    if len(set(names)) < len(names):
        raise ScenarioError("Each scenario needs a name of its own.")
    if not scenarios:
        return ()
    values = [scenario.applied_to(base, bounds=bounds) for scenario in scenarios]
    with np.errstate(all="ignore"):  # what is not finite is `overflow`
        flows = model({name: np.array([[each[name]] for each in values]) for name in base})
    horizon = flows.months if terms.months is None else terms.months
    if not 1 <= horizon <= flows.months:
        raise ScenarioError(
            f"The horizon of {horizon} months must lie within the model's {flows.months} months."
        )
    figures = metrics.compute(_series(flows, len(scenarios), terms=terms, horizon=horizon))
    return tuple(
        _outcome(figures, row, horizon, scenario=scenario, values=each)
        for row, (scenario, each) in enumerate(zip(scenarios, values, strict=True))
    )


def three(found: Tornado) -> tuple[Scenario, Scenario, Scenario]:
    """Return pessimistic, base and optimistic: every driver at the end of its bar that hurts, or that helps.

    Where no end does, the driver stays at its base. All drivers at once are more extreme than their ranges are: how
    likely that is, Monte Carlo says.
    """
    return (
        Scenario("Pessimistic", ScenarioKind.PESSIMISTIC, _extremes(found, sign=-1)),
        Scenario("Base", ScenarioKind.BASE, {}),
        Scenario("Optimistic", ScenarioKind.OPTIMISTIC, _extremes(found, sign=1)),
    )


def _extremes(found: Tornado, *, sign: int) -> dict[str, DriverValue]:
    best = {bar.driver: _better_end(bar, sign) for bar in found.bars}
    return {name: value for name, (value, net) in best.items() if round(sign * (net - found.base_net), 6) > 0}


def _better_end(bar: Bar, sign: int) -> tuple[float, float]:
    end = max((bar.low, bar.high), key=lambda one: sign * one.net)
    return end.value, end.net


def _resolved(value: DriverValue, base: float) -> float:
    return value.applied_to(base) if isinstance(value, Relative | Points) else float(value)


def _outcome(
    figures: Figures, row: int, horizon: int, *, scenario: Scenario, values: Mapping[str, float]
) -> Outcome:
    at, last = (row, horizon - 1), (row, figures.run.shape[1] - 1)
    basis = figures.by_basis[Basis.SUPPORTED]

    def total(amounts: Ints) -> Figure:
        return _money(Column(amounts, figures.cumulative_reason).at(at))

    def beyond(column: Column) -> Figure:
        return _beyond(column.at(last), figures, row)

    return Outcome(
        scenario=scenario,
        values=values,
        total_cost=total(figures.tco),
        total_value=total(basis.cumulative_benefit),
        net_benefit=total(basis.cumulative_net),
        roi=basis.roi.at(at),
        npv=_money(basis.npv.at(at)),
        npv_at_hurdle=_money(basis.npv_hurdle.at(at)),
        irr=basis.irr.at(at),
        payback_months=beyond(basis.payback),
        discounted_payback_months=beyond(basis.discounted_payback),
        breakeven_month=beyond(basis.breakeven_index),
    )


def _money(figure: Figure) -> Figure:
    return figure if figure.value is None else Figure(figure.value / MICRO)


def _beyond(figure: Figure, figures: Figures, row: int) -> Figure:
    """Return the figure; what is not reached by a plan whose last month earns nothing never comes."""
    earns = figures.by_basis[Basis.SUPPORTED].net[row, -1] > 0
    return undefined(Reason.NEVER_PAYS_BACK) if figure.reason is Reason.NOT_REACHED and not earns else figure


def _series(flows: Flows, rows: int, *, terms: Terms, horizon: int) -> Series:
    """Return the flows as investments whose months are closed up to the horizon, so that rates end there."""
    shape = (rows, flows.months)
    benefit, run, one_time = (
        _micros(amounts, shape) for amounts in (flows.benefit, flows.run, flows.one_time)
    )
    closed = np.broadcast_to(np.arange(flows.months) < horizon, shape)
    return Series(
        benefit={Basis.SUPPORTED: benefit},
        run=run,
        avoidable_run=run,
        one_time=one_time,
        usage=np.zeros(shape, dtype=np.int64),
        volume={},
        length=np.full(rows, flows.months),
        closed=closed,
        complete=closed,
        missing_fx=np.zeros(shape, dtype=np.bool_),
        horizon_months=np.full(rows, horizon),
        hurdle_rate=np.full(rows, float(terms.hurdle_rate)),
        discount_rate=np.full(rows, float(terms.discount_rate)),
    )


def _micros(amounts: Floats, shape: tuple[int, int]) -> Ints:
    """Return amounts as micro-units, rounded half-even; what has no finite amount becomes too large to add up."""
    rounded = np.rint(np.nan_to_num(amounts, nan=np.inf, posinf=np.inf, neginf=-np.inf) * MICRO)
    return np.broadcast_to(np.clip(rounded, -_TOO_LARGE, _TOO_LARGE).astype(np.int64), shape)
