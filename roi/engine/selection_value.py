"""What going on with investments is worth: the NPV of the flows to come that could be avoided, less a part of its risk.

The paths are those of the forecast, drawn again from its seed; what was spent already is in none of them.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from portfolio.terms import MICRO, Basis
from roi.engine import forecast, forecast_paths, forecast_standing
from roi.engine.crossings import Standing
from roi.engine.discounting import factors
from roi.engine.forecast import CHUNK, PATHS, Method
from roi.engine.forecast_history import History
from roi.engine.forecast_standing import Terms
from roi.engine.result import Codes, Floats, Ints
from roi.engine.series import Series

YEAR = 12
_P10 = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class Prospects:
    """The future of n investments, in whole micro-units; 0 where `reason` says why nothing can be said."""

    method: NDArray[np.object_]  # (n,) of Method
    reason: Codes  # (n,)
    month: Ints  # (n,) number of the last observed month: the future begins after it
    mean: Ints  # (n,) mean NPV
    p10: Ints  # (n,) the NPV that nine of ten paths exceed
    value: Ints  # (n,) risk-adjusted NPV
    cost: Ints  # (n,) mean avoidable cost of the next twelve months


def risk_adjusted(draws: Floats, *, aversion: float) -> tuple[Floats, Floats, Floats]:
    """Return mean, P10 and mean - aversion x (mean - P10) of each row of NPVs, in the unit of the draws."""
    mean = draws.mean(axis=1)
    p10 = np.sort(draws, axis=1)[:, round(_P10 * (draws.shape[1] - 1))]
    return mean, p10, mean - aversion * (mean - p10)


def prospects(series: Series, terms: Terms, *, aversion: float, basis: Basis = Basis.SUPPORTED) -> Prospects:
    """Return what going on is worth at the discount rate, as of the end of each investment's last observed month."""
    # One path tells how each is forecast; the paths themselves are not kept there.
    made = forecast.compute(series, terms, basis=basis, paths=1)
    history = forecast_standing.history(series, basis=basis, volume=[None] * len(made.reason))
    plan = forecast_standing.scaled_plan(series, terms, made.standing, basis=basis)
    figures = np.zeros((4, len(made.reason)))
    for method in Method:
        rows = np.flatnonzero(made.method == method)
        for start in range(0, len(rows), CHUNK):
            some = rows[start : start + CHUNK]
            horizon = int(made.standing.ahead[some].max())
            if method is Method.DAMPED_TREND:
                own = History(history.values[:, some], history.observed[:, some])
                benefit, run, _ = forecast_paths.ahead(
                    own, seed=terms.seed[some], horizon=horizon, paths=PATHS
                )
            else:
                benefit, run = (part[some, :horizon, None] for part in (plan.benefit, plan.run))
            figures[:, some] = _figures(made.standing, series, some, benefit, run, aversion)
    mean, p10, value, cost = np.rint(figures * MICRO).astype(np.int64)
    return Prospects(made.method, made.reason, made.standing.month, mean, p10, value, cost)


def _figures(
    standing: Standing, series: Series, rows: Ints, benefit: Floats, run: Floats, aversion: float
) -> Floats:
    """Return mean, P10, value and next year's cost of some rows, (4, n); benefit and run are (n, H, P)."""
    horizon = benefit.shape[1]
    is_ahead = np.arange(horizon)[None, :] < standing.ahead[rows, None]
    avoidable = run * standing.avoidable_share[rows, None, None] * is_ahead[:, :, None]
    once = standing.one_time[rows, :horizon] * is_ahead
    factor = factors(series.discount_rate[rows], months=horizon)
    gained = (benefit * is_ahead[:, :, None] - avoidable) * factor[:, 1:, None]
    draws = gained.sum(axis=1) - (once * factor[:, :-1]).sum(axis=1)[:, None]
    cost = avoidable[:, :YEAR].mean(axis=2).sum(axis=1) + once[:, :YEAR].sum(axis=1)
    return np.stack([*risk_adjusted(draws, aversion=aversion), np.maximum(cost, 0.0)])
