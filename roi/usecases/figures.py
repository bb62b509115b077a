"""The figures of a business case, computed by the engine that computes the actuals' figures, from the same amounts."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from portfolio.chart import BY_CODE
from portfolio.terms import AccountKind, Basis, from_micros
from roi.engine import breakeven, metrics
from roi.engine.figures import Figures
from roi.engine.result import Column, Figure, Ints, Reason, undefined
from roi.engine.series import VOLUME_KEYS, Series
from roi.usecases import base
from roi.usecases.base import Case, PlannedLine

# One-time cost of at least this share of the first year's cost makes a single year misleading.
SIGNIFICANT_SHARE = 0.10
MULTI_YEAR = (12, 24, 36, 60)


@dataclass(frozen=True, slots=True)
class View:
    """A case seen at the end of a month: totals in currency units, ratios as fractions, time in months."""

    months: int
    total_cost: Decimal
    total_value: Decimal
    net_benefit: Decimal
    roi: Figure
    npv: Figure
    npv_at_hurdle: Figure


@dataclass(frozen=True, slots=True, eq=False)
class CaseFigures:
    """What a case amounts to over its horizon; `monthly` are int64 micro-units by month of the horizon, (T,)."""

    view: View
    one_time_cost: Decimal
    payback_months: Figure
    discounted_payback_months: Figure
    breakeven_month: Figure
    last_breakeven_month: Figure  # the last crossing within 120 months: another one when it falls below again
    irr: Figure
    mirr: Figure
    is_one_time_significant: bool
    multi_year: tuple[View, ...]
    unit_cost: Figure  # fully loaded over the horizon, per unit of the template's volume
    run_unit_cost: Figure
    monthly: dict[str, Ints]
    plan: tuple[PlannedLine, ...]


def figures_of(case: Case) -> CaseFigures:
    """Return the figures of a case. Where one-time cost is significant, several years are shown.

    Payback looks beyond the horizon, as far as `base.outlook`; a plan whose months are all alike is answered by
    one-time cost / monthly net at any length.
    """
    plan = base.outlook(case)
    series = _series(plan, case)
    figures = metrics.compute(series)
    at, reach = (0, case.months - 1), figures.run.shape[1]
    supported = figures.by_basis[Basis.SUPPORTED]
    share = _first_year_share(figures)
    is_significant = share is not None and share >= SIGNIFICANT_SHARE
    years = {*MULTI_YEAR, case.months} if is_significant or case.months > 12 else {case.months}
    return CaseFigures(
        view=_view(figures, case.months),
        one_time_cost=from_micros(int(figures.cumulative_one_time[at])),
        payback_months=_payback(figures),
        discounted_payback_months=_beyond(supported.discounted_payback.at((0, -1)), figures),
        breakeven_month=_crossing(supported.breakeven_index, figures),
        last_breakeven_month=_crossing(supported.breakeven_last, figures),
        irr=supported.irr.at(at),
        mirr=supported.mirr.at(at),
        is_one_time_significant=is_significant,
        multi_year=tuple(_view(figures, month) for month in sorted(years) if month <= reach),
        unit_cost=_unit_cost(case, plan, figures, is_loaded=True),
        run_unit_cost=_unit_cost(case, plan, figures, is_loaded=False),
        monthly={
            "benefit": supported.benefit[0, : case.months],
            "run_cost": figures.run[0, : case.months],
            "one_time_cost": figures.one_time[0, : case.months],
            "cumulative_net": supported.cumulative_net[0, : case.months],
        },
        plan=tuple(PlannedLine(p.account, p.ref, p.label, p.amounts[: case.months]) for p in plan),
    )


def _series(plan: Sequence[PlannedLine], case: Case) -> Series:
    """Return the plan as one investment; months beyond the horizon stay open, so that rates end at the horizon."""
    shape = (1, len(plan[0].amounts))
    money = {
        name: np.zeros(shape, dtype=np.int64) for name in ("benefit", "run", "avoidable", "one_time", "usage")
    }
    volume = {key: np.full(shape, np.nan) for key in VOLUME_KEYS}
    for line in plan:
        account = BY_CODE[line.account]
        if account.kind == AccountKind.BENEFIT:
            money["benefit"] += line.amounts.astype(np.int64)
        elif account.kind == AccountKind.COST:
            for name in _cost_columns(account):
                money[name] += line.amounts.astype(np.int64)
        elif account.volume_key:
            volume[account.volume_key] = line.amounts[None, :].astype(np.float64)
    closed = (np.arange(shape[1]) < case.months)[None, :]
    return Series(
        benefit=dict.fromkeys(Basis, money["benefit"]),
        run=money["run"],
        avoidable_run=money["avoidable"],
        one_time=money["one_time"],
        usage=money["usage"],
        volume=volume,
        length=np.array([shape[1]]),
        closed=closed,
        complete=closed,
        missing_fx=np.zeros(shape, dtype=np.bool_),
        horizon_months=np.array([case.months]),
        hurdle_rate=np.array([case.hurdle_rate]),
        discount_rate=np.array([case.discount_rate]),
    )


def _cost_columns(account: Any) -> list[str]:
    if account.nature == "one_time":
        return ["one_time"]
    extra = (("avoidable", account.is_avoidable), ("usage", account.is_usage_driven))
    return ["run", *(name for name, holds in extra if holds)]


def _view(figures: Figures, month: int) -> View:
    at = (0, month - 1)
    supported = figures.by_basis[Basis.SUPPORTED]
    cost, value = int(figures.tco[at]), int(supported.cumulative_benefit[at])
    return View(
        months=month,
        total_cost=from_micros(cost),
        total_value=from_micros(value),
        net_benefit=from_micros(value - cost),
        roi=supported.roi.at(at),
        npv=_money(supported.npv.at(at)),
        npv_at_hurdle=_money(supported.npv_hurdle.at(at)),
    )


def _money(figure: Figure) -> Figure:
    return figure if figure.value is None else Figure(float(from_micros(int(figure.value))))


def _first_year_share(figures: Figures) -> float | None:
    at = (0, min(12, figures.run.shape[1]) - 1)
    cost = int(figures.tco[at])
    return int(figures.cumulative_one_time[at]) / cost if cost > 0 else None


def _is_flat(figures: Figures) -> bool:
    net = figures.by_basis[Basis.SUPPORTED].benefit - figures.run
    return bool((net == net[0, 0]).all() and (figures.one_time[0, 1:] == 0).all())


def _payback(figures: Figures) -> Figure:
    supported = figures.by_basis[Basis.SUPPORTED]
    if _is_flat(figures) and figures.one_time[0, 0] > 0:
        net = int(supported.benefit[0, 0] - figures.run[0, 0])
        return breakeven.plan_payback(from_micros(int(figures.one_time[0, 0])), monthly_net=from_micros(net))
    return _beyond(supported.payback.at((0, -1)), figures)


def _beyond(figure: Figure, figures: Figures) -> Figure:
    """Return the figure; a crossing that is not reached in 120 months of a plan that loses money never comes."""
    loses = figures.by_basis[Basis.SUPPORTED].net[0, -1] <= 0
    return undefined(Reason.NEVER_PAYS_BACK) if figure.reason is Reason.NOT_REACHED and loses else figure


def _crossing(months: Column, figures: Figures) -> Figure:
    month = int(months.value[0, -1])
    return Figure(month) if month else _beyond(undefined(Reason.NOT_REACHED), figures)


def _unit_cost(case: Case, plan: Sequence[PlannedLine], figures: Figures, *, is_loaded: bool) -> Figure:
    """Return cost of the horizon / volume of the horizon, in currency units per unit; loaded includes one-time cost."""
    wanted = [line.amounts for line in plan if line.account == case.template.unit_of_use]
    units = float(sum(amounts[: case.months].sum() for amounts in wanted))
    if not units > 0:
        return undefined(Reason.NO_VOLUME)
    column = figures.tco if is_loaded else figures.cumulative_run
    return Figure(float(from_micros(int(column[0, case.months - 1]))) / units)
