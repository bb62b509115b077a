"""The forecast of many investments in one pass: a damped trend on their closed months, or the plan scaled to them.

The statistics are in `forecast_fit` and `forecast_paths`, what they come to in `crossings`; here is the whole of it.
"""

from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from portfolio.terms import Basis
from roi.engine import crossings, forecast_paths, forecast_standing
from roi.engine.crossings import QUANTILES, RULES, Outcomes, Standing
from roi.engine.forecast_history import BENEFIT, FEWEST_MONTHS, History
from roi.engine.forecast_standing import ScaledPlan, Terms
from roi.engine.result import REASON_CODES, Bools, Codes, Floats, Ints, Reason, first_reason
from roi.engine.series import Series

PATHS = 400
STREAMS = 2
CHUNK = 32  # investments simulated at once: what they need stays in the processor's cache
MEASURES = ("benefit", "run_cost", "net", "cumulative_net", "volume")


class Method(StrEnum):
    """How a forecast was made. The values are stored; never rename one."""

    DAMPED_TREND = "damped_trend"
    PLAN_SCALED = "plan_scaled"


SENTENCES: dict[Method, str] = {
    Method.DAMPED_TREND: (
        "Extrapolated from the closed, complete months by damped trends; "
        "eight of ten months to come are expected inside the interval."
    ),
    Method.PLAN_SCALED: (
        f"There are fewer than {FEWEST_MONTHS} closed, complete months in use, so this is the approved plan, "
        "scaled by actual over plan to date. It has no interval and no probabilities."
    ),
}


@dataclass(frozen=True, slots=True, eq=False)
class Forecasts:
    """The forecasts of n investments, H months ahead at most; money in currency units.

    Row i says something of the months 1..`standing.ahead[i]` after `standing.month[i]`. Floats are NaN where a reason
    is given, and beyond those months.
    """

    method: NDArray[np.object_]  # (n,) of Method; None where `reason` says why there is no forecast
    reason: Codes  # (n,)
    months: Ints  # (n,) closed, complete months in use
    standing: Standing
    interval: Mapping[str, Floats]  # of MEASURES -> (n, H, 3) by QUANTILES
    interval_reason: Mapping[str, Codes]  # of MEASURES -> (n, 3)
    outcomes: Outcomes
    outcome_reason: Codes  # (n,) why there are no probabilities
    cumulative_reason: Codes  # (n,) why there are no probabilities of cumulative figures


def compute(series: Series, terms: Terms, *, basis: Basis = Basis.SUPPORTED, paths: int = PATHS) -> Forecasts:
    """Return the forecasts of all investments of a series; each depends on its own row and seed alone."""
    history = forecast_standing.history(series, basis=basis, volume=terms.volume)
    standing = forecast_standing.standing(series, terms, basis=basis)
    plan = forecast_standing.scaled_plan(series, terms, standing, basis=basis)
    is_trended = (history.count >= FEWEST_MONTHS) & ~_is_before_use(history, plan)
    reason = _reason(
        standing, terms, plan, is_trended=is_trended, overflow=forecast_standing.overflow(series)
    )
    follows = (reason == 0) & ~is_trended
    standing = replace(standing, ahead=np.where(follows, plan.ahead, standing.ahead))
    sheet = _Sheet(len(reason), horizon=standing.one_time.shape[1])
    groups = list(_chunks(np.flatnonzero((reason == 0) & is_trended), standing.ahead))

    def simulate(rows: Ints) -> None:
        sheet.write(rows, *_simulated(history, standing, terms, rows=rows, paths=paths), standing)

    # NumPy works outside the interpreter's lock; every group writes rows of its own.
    with ThreadPoolExecutor(max_workers=STREAMS, thread_name_prefix="forecast") as pool:
        deque(pool.map(simulate, groups), maxlen=0)
    for rows in _chunks(np.flatnonzero(follows), standing.ahead):
        sheet.write(rows, *_planned(plan, standing, rows=rows), standing)
    method = np.full(len(reason), None, dtype=object)
    method[(reason == 0) & is_trended], method[follows] = Method.DAMPED_TREND, Method.PLAN_SCALED
    return sheet.forecasts(method, reason, history, standing)


def _is_before_use(history: History, plan: ScaledPlan) -> Bools:
    """Return where no benefit came yet but one is planned: what was spent so far is no sign of it."""
    never = ~(history.values[BENEFIT] != 0).any(axis=1)
    ahead = np.arange(plan.benefit.shape[1])[None, :] < plan.ahead[:, None]
    return np.asarray(never & ((plan.benefit != 0) & ahead).any(axis=1), dtype=np.bool_)


def _reason(
    standing: Standing, terms: Terms, plan: ScaledPlan, *, is_trended: Bools, overflow: Bools
) -> Codes:
    return first_reason(
        np.zeros(len(overflow), dtype=np.uint8),
        (overflow, Reason.OVERFLOW),
        (standing.month == 0, Reason.NO_HISTORY),
        (~is_trended & ~terms.has_plan, Reason.TOO_FEW_MONTHS),
        (~is_trended & (plan.ahead == 0), Reason.NO_PLAN),
    )


def _chunks(rows: Ints, ahead: Ints) -> Iterator[Ints]:
    """Yield the rows in groups that look about equally far ahead."""
    ordered = rows[np.argsort(ahead[rows], kind="stable")]
    for start in range(0, len(ordered), CHUNK):
        yield ordered[start : start + CHUNK]


def _simulated(
    history: History, standing: Standing, terms: Terms, *, rows: Ints, paths: int
) -> tuple[Floats, Floats, Floats]:
    horizon = int(standing.ahead[rows].max())
    return forecast_paths.ahead(
        History(history.values[:, rows], history.observed[:, rows]),
        seed=terms.seed[rows],
        horizon=horizon,
        paths=paths,
    )


def _planned(plan: ScaledPlan, standing: Standing, *, rows: Ints) -> tuple[Floats, Floats, Floats]:
    """Return the scaled plan as the one path there is; nothing is said of volume."""
    horizon = int(standing.ahead[rows].max())
    benefit, run = plan.benefit[rows, :horizon, None], plan.run[rows, :horizon, None]
    return benefit, run, np.full(benefit.shape, np.nan)


class _Sheet:
    """Collects what the paths of groups of rows come to."""

    def __init__(self, rows: int, *, horizon: int) -> None:
        self.interval = {measure: np.full((rows, horizon, len(QUANTILES)), np.nan) for measure in MEASURES}
        single = {name: np.full(rows, np.nan) for name in ("roi", "npv_hurdle")}
        by_month = {name: np.full((rows, horizon), np.nan) for name in ("hurdle", "breakeven")}
        self.share = single | by_month
        self.hurdle_reason = np.zeros((rows, horizon), dtype=np.uint8)
        self.crossed = {rule: np.full((rows, horizon), np.nan) for rule in RULES}
        self.month = {rule: np.zeros((rows, len(QUANTILES)), dtype=np.int64) for rule in RULES}
        self.month_reason = {rule: np.zeros((rows, len(QUANTILES)), dtype=np.uint8) for rule in RULES}

    def write(self, rows: Ints, benefit: Floats, run: Floats, volume: Floats, standing: Standing) -> None:
        """Summarize the paths (m, h, P) of some rows."""
        horizon = benefit.shape[1]
        at = _rows_of(standing, rows)
        net = benefit - run
        change = net - at.one_time[:, :horizon, None]
        so_far = np.cumsum(change, axis=1) + (at.benefit - at.cost)[:, None, None]
        beyond = np.arange(horizon)[None, :] >= at.ahead[:, None]
        for measure, values in zip(MEASURES, (benefit, run, net, so_far, volume), strict=True):
            self.interval[measure][rows, :horizon] = np.where(
                beyond[:, :, None], np.nan, forecast_paths.quantiles(values)
            )
        found = crossings.outcomes(benefit, run, at)
        for name, target in self.share.items():
            value = getattr(found, name)
            if value.ndim == 1:
                target[rows] = value
            else:
                target[rows, :horizon] = np.where(beyond, np.nan, value)
        self.hurdle_reason[rows, :horizon] = found.hurdle_reason
        for rule in RULES:
            self.crossed[rule][rows, :horizon] = np.where(beyond, np.nan, found.crossed[rule])
            self.month[rule][rows] = found.month[rule]
            self.month_reason[rule][rows] = found.month_reason[rule]

    def forecasts(
        self, method: NDArray[np.object_], reason: Codes, history: History, standing: Standing
    ) -> Forecasts:
        """Return what was written, with the reasons for what is missing."""
        few = REASON_CODES[Reason.TOO_FEW_MONTHS]
        follows = method == Method.PLAN_SCALED
        outcome = np.where(follows, few, reason).astype(np.uint8)
        ends = np.stack(
            [outcome, reason, outcome], axis=1
        )  # a scaled plan has a middle and nothing around it
        cumulative = np.where(ends == 0, standing.reason[:, None], ends).astype(np.uint8)
        volume = np.where(history.has_volume & ~follows, 0, REASON_CODES[Reason.NO_VOLUME]).astype(np.uint8)[
            :, None
        ]
        reasons = dict.fromkeys(MEASURES, ends) | {
            "cumulative_net": cumulative,
            "volume": np.where(ends == 0, volume, ends).astype(np.uint8),
        }
        for measure, codes in reasons.items():
            self.interval[measure][np.broadcast_to(codes[:, None, :], self.interval[measure].shape) != 0] = (
                np.nan
            )
        return Forecasts(
            method=method,
            reason=reason,
            months=history.count,
            standing=standing,
            interval=self.interval,
            interval_reason=reasons,
            outcomes=self._outcomes(ends, outcome, cumulative[:, 0]),
            outcome_reason=outcome,
            cumulative_reason=cumulative[:, 0],
        )

    def _outcomes(self, ends: Codes, outcome: Codes, cumulative: Codes) -> Outcomes:
        for name, target in self.share.items():
            target[(outcome if name == "hurdle" else cumulative) != 0] = np.nan
        month_reason = {
            rule: np.where(ends != 0, ends, codes).astype(np.uint8)
            for rule, codes in self.month_reason.items()
        }
        for rule in RULES:
            self.crossed[rule][outcome != 0] = np.nan
            self.month[rule][month_reason[rule] != 0] = 0
        return Outcomes(
            **self.share,
            hurdle_reason=np.where(outcome[:, None] != 0, outcome[:, None], self.hurdle_reason).astype(
                np.uint8
            ),
            crossed=self.crossed,
            month=self.month,
            month_reason=month_reason,
        )


def _rows_of(standing: Standing, rows: Ints) -> Standing:
    parts: dict[str, Any] = {part.name: getattr(standing, part.name)[rows] for part in fields(standing)}
    return Standing(**parts)
