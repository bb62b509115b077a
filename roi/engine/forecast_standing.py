"""Where investments stand when a forecast begins, taken from their exact series; from here on in currency units.

Also the plan, scaled: what stands in for a forecast as long as there are too few months.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from portfolio.terms import MICRO, Basis
from roi.engine import forecast_history, windows
from roi.engine.crossings import Standing
from roi.engine.discounting import factors
from roi.engine.forecast_draws import Seeds
from roi.engine.forecast_history import History
from roi.engine.result import Bools, Codes, Floats, Ints, Reason, first_reason
from roi.engine.series import Series

_LIMIT = float(2**62)


@dataclass(frozen=True, slots=True, eq=False)
class Terms:
    """What a forecast of n investments needs beside their series. Months are numbers, 1 being the start month.

    `plan` has the same n rows; those without an approved plan have no months of it (`has_plan`).
    """

    ahead: Ints  # (n,) months to forecast, at least 1
    live: Ints  # (n,) month it is in use from, 0: the first month with a benefit
    due: Ints  # (n,) month breakeven is owed in
    volume: Sequence[str | None]  # (n) the volume that is forecast, a key of the series
    seed: Seeds  # (n,)
    plan: Series | None
    has_plan: Bools  # (n,)


@dataclass(frozen=True, slots=True, eq=False)
class ScaledPlan:
    """The approved plan after the last observed month, scaled by actual over plan to date, (n, H) each."""

    benefit: Floats
    run: Floats
    ahead: Ints  # (n,) months to the end of the plan, 0 where it has none left


def observed_months(series: Series) -> Bools:
    """Return (n, T): closed, complete, and all amounts converted. Everything else is a gap."""
    return np.asarray(series.complete & ~series.missing_fx & series.within(), dtype=np.bool_)


def history(series: Series, *, basis: Basis, volume: Sequence[str | None]) -> History:
    """Return what is extrapolated of each investment, with the volume named for it."""
    counted = np.full(series.run.shape, np.nan)
    names = np.array([name or "" for name in volume])
    for key, values in series.volume.items():
        counted[names == key] = values[names == key]
    return forecast_history.aligned(
        series.benefit[basis] / MICRO, series.run / MICRO, counted, observed=observed_months(series)
    )


def standing(series: Series, terms: Terms, *, basis: Basis) -> Standing:
    """Return where each investment stands at the end of its last observed month (month 0: there is none)."""
    observed = observed_months(series)
    month = forecast_history.origin(observed)
    number = np.arange(1, observed.shape[1] + 1)[None, :]
    to_date = np.asarray(number <= month[:, None], dtype=np.bool_)
    benefit = np.where(to_date, series.benefit[basis] / MICRO, 0.0)
    run, one_time = (
        np.where(to_date, series.run / MICRO, 0.0),
        np.where(to_date, series.one_time / MICRO, 0.0),
    )
    gained, spent = benefit.cumsum(axis=1), (run + one_time).cumsum(axis=1)
    factor = factors(series.hurdle_rate, months=observed.shape[1])
    tail = windows.window_over(observed, size=series.window)
    first_benefit = forecast_history.first(observed & (series.benefit[basis] != 0))
    return Standing(
        month=month,
        benefit=gained[:, -1],
        cost=spent[:, -1],
        worth=((benefit - run) * factor[:, 1:] - one_time * factor[:, :-1]).sum(axis=1),
        was_reached=np.any((gained >= spent) & (spent > 0) & observed, axis=1),
        reason=_cumulative_reason(series, to_date),
        tail_benefit=_tail(series.benefit[basis], tail) / MICRO,
        tail_run=_tail(series.avoidable_run, tail) / MICRO,
        tail_count=np.minimum(observed.sum(axis=1), series.window),
        avoidable_share=_share(
            _tail(series.avoidable_run, tail).sum(axis=1), _tail(series.run, tail).sum(axis=1)
        ),
        one_time=_planned_once(terms, month),
        hurdle_rate=series.hurdle_rate,
        live=np.where(terms.live > 0, terms.live, first_benefit),
        due=terms.due,
        ahead=terms.ahead,
    )


def overflow(series: Series) -> Bools:
    """Return the investments whose amounts leave the range of exact sums, (n,)."""
    parts = (series.run, series.one_time, *series.benefit.values())
    sizes = [np.abs(part.astype(np.float64)).sum(axis=1) for part in parts]
    return np.asarray(np.sum(sizes, axis=0) >= _LIMIT, dtype=np.bool_)


def scaled_plan(series: Series, terms: Terms, at: Standing, *, basis: Basis) -> ScaledPlan:
    """Return the plan of the months ahead, benefit and run cost each times its actual over plan of the observed months.

    A series whose plan to date is not positive has nothing to be compared with and stands as it was planned.
    """
    horizon = int(terms.ahead.max(initial=1))
    if terms.plan is None:
        nothing = np.zeros((len(at.month), horizon))
        return ScaledPlan(nothing, nothing, np.zeros(len(at.month), dtype=np.int64))
    plan = terms.plan
    observed = observed_months(series)[:, : plan.run.shape[1]]
    parts = []
    for actual, planned in ((series.benefit[basis], plan.benefit[basis]), (series.run, plan.run)):
        both = actual[:, : observed.shape[1]] / MICRO, planned[:, : observed.shape[1]] / MICRO
        done, expected = ((part * observed).sum(axis=1) for part in both)
        parts.append(_share(done, expected)[:, None] * _ahead(planned / MICRO, at.month, horizon))
    left = np.where(terms.has_plan, np.clip(plan.length - at.month, 0, terms.ahead), 0)
    return ScaledPlan(parts[0], parts[1], left)


def _share(part: Floats | Ints, whole: Floats | Ints) -> Floats:
    """Return part over whole, 1 where the whole is not positive."""
    return np.asarray(np.where(whole > 0, part / np.where(whole > 0, whole, 1), 1.0), dtype=np.float64)


def _tail(amounts: Ints, window: windows.Window) -> Floats:
    """Return the amounts of the last observed months of each row, oldest first, zeros in front, (n, w)."""
    last = window.rank.max(axis=1, initial=0)
    kept = np.zeros((len(amounts), window.size))
    row, column = np.nonzero(window.eligible)
    place = window.size - 1 - (last[row] - window.rank[row, column])
    inside = place >= 0
    kept[row[inside], place[inside]] = amounts[row[inside], column[inside]]
    return kept


def _cumulative_reason(series: Series, to_date: Bools) -> Codes:
    gap = np.asarray((series.closed & ~series.complete & to_date).any(axis=1), dtype=np.bool_)
    no_rate = np.asarray((series.missing_fx & to_date).any(axis=1), dtype=np.bool_)
    none = np.zeros(len(gap), dtype=np.uint8)
    return first_reason(none, (gap, Reason.MISSING_ACTUALS), (no_rate, Reason.MISSING_FX_RATE))


def _planned_once(terms: Terms, month: Ints) -> Floats:
    horizon = int(terms.ahead.max(initial=1))
    if terms.plan is None:
        return np.zeros((len(month), horizon))
    return _ahead(np.where(terms.has_plan[:, None], terms.plan.one_time / MICRO, 0.0), month, horizon)


def _ahead(planned: Floats, month: Ints, horizon: int) -> Floats:
    """Return the columns after each row's month, (n, horizon), 0 beyond the matrix."""
    column = month[:, None] + np.arange(horizon)[None, :]
    inside = column < planned.shape[1]
    return np.where(inside, np.take_along_axis(planned, np.where(inside, column, 0), axis=1), 0.0)
