"""Computes every figure of a Series in one vectorized pass, by the formulas of the definitions.

Choices where a month is not what it should be (m = the month a figure is shown for):
- A closed month that is not complete is a gap. From the gap on every cumulative figure (ROI, breakeven,
  payback, NPV, IRR ...) is undefined, `missing_actuals`, until it is filled; sums stay as recorded.
- The window takes the last w closed, complete months at or before m and skips gaps. Fewer than w:
  `window_incomplete`. In the gap itself, window figures are `missing_actuals`.
- An open month is provisional: cumulative figures use all that is recorded, the window only closed, complete
  months.
- A month with an amount that has no FX rate makes cumulative figures from it on `missing_fx_rate`, and window
  figures while it is in the window.
- A row whose absolute amounts add up to 2^62 micro-units or more is `overflow` throughout.
"""

from dataclasses import replace

import numpy as np

from portfolio.terms import Basis
from roi.engine import breakeven, discounting, rates, unit_cost, windows
from roi.engine.figures import BasisFigures, Figures, UnitCosts
from roi.engine.result import (
    Bools,
    Codes,
    Column,
    Floats,
    Ints,
    Reason,
    amount_column,
    first_reason,
    ratio_column,
)
from roi.engine.series import Series

_LIMIT = float(2**62)


def compute(series: Series, *, all_months_irr: bool = False) -> Figures:
    """Return the figures of every investment and month; raises SeriesError only through `Series` itself.

    IRR is computed for each investment's last closed month, and for all months when asked.
    """
    within = series.within()
    run, one_time = _recorded(series.run, within), _recorded(series.one_time, within)
    avoidable, usage = _recorded(series.avoidable_run, within), _recorded(series.usage, within)
    window = windows.window_over(series.complete, size=series.window)
    base = _base_reason(series, within)
    months = np.arange(1, run.shape[1] + 1, dtype=np.int64)[None, :]
    figures = Figures(
        run=run,
        one_time=one_time,
        cost=run + one_time,
        tco=np.cumsum(run + one_time, axis=1),
        cumulative_run=np.cumsum(run, axis=1),
        cumulative_one_time=np.cumsum(one_time, axis=1),
        window_run=window.sums(run),
        window_avoidable_run=window.sums(avoidable),
        window_usage=window.sums(usage),
        cumulative_reason=_cumulative_reason(series, base),
        window_reason=_window_reason(series, base, window),
        last_closed=np.where(series.closed & within, months, 0).max(axis=1),
        by_basis={},
        unit_costs={},
    )
    with np.errstate(
        over="ignore", invalid="ignore"
    ):  # what is not finite leaves as `overflow`, by its column
        return _filled(figures, series, window, within=within, all_months_irr=all_months_irr)


def _filled(
    figures: Figures, series: Series, window: windows.Window, *, within: Bools, all_months_irr: bool
) -> Figures:
    """Return the figures with the parts that build on the sums."""
    wanted = within if all_months_irr else _last_closed_mask(figures, within)
    discounts = discounting.discounts(series)
    by_basis: dict[Basis, BasisFigures] = {}
    seen: list[tuple[Ints, BasisFigures]] = []
    for basis, recorded in series.benefit.items():
        known = next((part for amounts, part in seen if _same(amounts, recorded)), None)
        if known is None:
            benefit = _recorded(recorded, within)
            known = _of_basis(figures, benefit, window, within=within, wanted=wanted, discounts=discounts)
            seen.append((recorded, known))
        by_basis[basis] = known
    costs: dict[str, UnitCosts] = unit_cost.over_window(figures, series, window)
    return replace(figures, by_basis=by_basis, unit_costs=costs)


def _same(left: Ints, right: Ints) -> bool:
    return left is right or bool(np.array_equal(left, right))


def _recorded(amounts: Ints, within: Bools) -> Ints:
    """Return the amounts with everything beyond a row's history cleared."""
    return np.where(within, amounts, np.int64(0))


def _last_closed_mask(figures: Figures, within: Bools) -> Bools:
    column = np.arange(1, within.shape[1] + 1)[None, :]
    return np.asarray(column == figures.last_closed[:, None], dtype=np.bool_)


def _base_reason(series: Series, within: Bools) -> Codes:
    """Return no_history beyond a row's length and overflow for rows whose sums may leave int64."""
    size = _largest(within, series.run, series.avoidable_run, series.usage)
    size += _largest(within, series.one_time) + _largest(within, *series.benefit.values())
    too_large = np.broadcast_to((size >= _LIMIT)[:, None], within.shape)
    none = np.zeros(within.shape, dtype=np.uint8)
    return first_reason(none, (~within, Reason.NO_HISTORY), (too_large, Reason.OVERFLOW))


def _largest(within: Bools, *matrices: Ints) -> Floats:
    """Return per row the largest of the matrices' sums of absolute amounts, as floats that cannot wrap."""
    sums = [np.abs(np.where(within, amounts, 0).astype(np.float64)).sum(axis=1) for amounts in matrices]
    return np.asarray(np.max(sums, axis=0, initial=0.0), dtype=np.float64)


def _cumulative_reason(series: Series, base: Codes) -> Codes:
    gap = np.logical_or.accumulate(series.closed & ~series.complete, axis=1)
    no_rate = np.logical_or.accumulate(series.missing_fx, axis=1)
    return first_reason(base, (gap, Reason.MISSING_ACTUALS), (no_rate, Reason.MISSING_FX_RATE))


def _window_reason(series: Series, base: Codes, window: windows.Window) -> Codes:
    no_rate = window.sums(series.missing_fx.astype(np.int64)) > 0
    return first_reason(
        base,
        (series.closed & ~series.complete, Reason.MISSING_ACTUALS),
        (~window.is_full(), Reason.WINDOW_INCOMPLETE),
        (no_rate, Reason.MISSING_FX_RATE),
    )


def _of_basis(
    figures: Figures,
    benefit: Ints,
    window: windows.Window,
    *,
    within: Bools,
    wanted: Bools,
    discounts: discounting.Discounts,
) -> BasisFigures:
    cumulative = np.cumsum(benefit, axis=1)
    crossing = breakeven.crossings(cumulative, figures.tco)
    earned = window.sums(benefit)
    worth = discounting.present_values(figures, benefit, discounts)
    return BasisFigures(
        benefit=benefit,
        net=benefit - figures.cost,
        cumulative_benefit=cumulative,
        cumulative_net=cumulative - figures.tco,
        window_benefit=earned,
        roi=_roi(figures, cumulative),
        incremental_roi=_incremental_roi(figures, earned),
        operating_margin=amount_column(earned - figures.window_avoidable_run, figures.window_reason),
        breakeven_index=_index_column(figures, crossing.first),
        breakeven_last=_index_column(figures, crossing.last),
        payback=_payback(figures, benefit, cumulative, crossing),
        npv=worth.npv,
        npv_hurdle=worth.npv_hurdle,
        discounted_payback=worth.discounted_payback,
        irr=rates.irr_column(figures, benefit, wanted=wanted),
        mirr=rates.mirr_column(figures, benefit, discounts),
    )


def _roi(figures: Figures, cumulative_benefit: Ints) -> Column:
    cost = figures.tco
    reason = first_reason(
        figures.cumulative_reason, (cost == 0, Reason.NO_COST_YET), (cost < 0, Reason.NON_POSITIVE_BASE)
    )
    return ratio_column((cumulative_benefit - cost) / np.where(cost > 0, cost, 1), reason)


def _incremental_roi(figures: Figures, earned: Ints) -> Column:
    run = figures.window_avoidable_run
    reason = first_reason(figures.window_reason, (run <= 0, Reason.NON_POSITIVE_BASE))
    return ratio_column((earned - run) / np.where(run > 0, run, 1), reason)


def _index_column(figures: Figures, index: Ints) -> Column:
    reason = first_reason(figures.cumulative_reason, (index == 0, Reason.NOT_REACHED))
    return Column(np.where(reason == 0, index, 0), reason)


def _payback(figures: Figures, benefit: Ints, cumulative: Ints, crossing: breakeven.Crossings) -> Column:
    """Return (m*-1) + x / (B - R) of month m*, x = cost not covered before it, plus its one-time cost."""
    reached_in = crossing.first.max(axis=1)
    rows, at = np.arange(len(reached_in)), np.maximum(reached_in - 1, 0)
    net_before = (cumulative - figures.tco)[rows, at] - (benefit - figures.cost)[rows, at]
    shortfall = figures.one_time[rows, at] - net_before
    months = breakeven.interpolated(
        reached_in, shortfall=shortfall, net=benefit[rows, at] - figures.run[rows, at]
    )
    reason = first_reason(figures.cumulative_reason, (crossing.first == 0, Reason.NOT_REACHED))
    return ratio_column(np.broadcast_to(months[:, None], reason.shape), reason)
