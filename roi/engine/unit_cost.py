"""What one unit costs: per query, user-month, conversation, outcome or prediction; and how it scales."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import isfinite, log

import numpy as np

from roi.engine import regression, windows
from roi.engine.figures import Figures, UnitCosts
from roi.engine.result import (
    Bools,
    Codes,
    Column,
    Figure,
    Floats,
    Reason,
    first_reason,
    ratio_column,
    undefined,
)
from roi.engine.series import Series


def over_window(figures: Figures, series: Series, window: windows.Window) -> dict[str, UnitCosts]:
    """Return the unit costs of every volume: window cost / window volume, in micro-units per unit.

    A count of people is added up over the months, so the cost per user is a cost per user and month. A window
    in which only some months have a volume is `missing_actuals`: the others' cost would be spread over too
    few units.
    """
    share = _one_time_share(figures, series, window)
    has_no_horizon = (series.horizon_months <= 0)[:, None] & (figures.cumulative_one_time != 0)
    return {
        key: _of_volume(figures, volume, window, share=share, no_horizon=has_no_horizon)
        for key, volume in series.volume.items()
    }


def _one_time_share(figures: Figures, series: Series, window: windows.Window) -> Floats:
    """Return the window's straight-line share: one-time cost to date / horizon per window month in it."""
    months = np.arange(1, figures.run.shape[1] + 1)[None, :]
    bearing = window.sums((months <= series.horizon_months[:, None]).astype(np.int64))
    horizon = np.maximum(series.horizon_months, 1)[:, None]
    return np.asarray(figures.cumulative_one_time * (bearing / horizon), dtype=np.float64)


def _of_volume(
    figures: Figures, volume: Floats, window: windows.Window, *, share: Floats, no_horizon: Bools
) -> UnitCosts:
    is_known = ~np.isnan(volume)
    known = window.sums(is_known.astype(np.int64))
    units = window.float_sums(np.where(is_known, volume, 0.0))
    wanted = np.minimum(window.rank, window.size)
    reason = first_reason(
        figures.window_reason,
        (known == 0, Reason.NO_VOLUME),
        (known < wanted, Reason.MISSING_ACTUALS),
        (~(units > 0), Reason.NO_VOLUME),
    )
    loaded_reason = first_reason(reason, (no_horizon, Reason.NO_HORIZON))
    return UnitCosts(
        run=_per_unit(figures.window_run.astype(np.float64), units, reason),
        loaded=_per_unit(figures.window_run + share, units, loaded_reason),
        marginal=_per_unit(figures.window_usage.astype(np.float64), units, reason),
    )


def _per_unit(cost: Floats, units: Floats, reason: Codes) -> Column:
    return ratio_column(cost / np.where(units > 0, units, 1.0), reason)


def cost_per_prediction(gpu_hour_price: float, *, throughput_per_hour: float, utilization: float) -> Figure:
    """Return the cost of one prediction on own hardware: price / (throughput x utilization)."""
    predictions = throughput_per_hour * utilization
    if not predictions > 0:
        return undefined(Reason.NON_POSITIVE_THROUGHPUT)
    return Figure(gpu_hour_price / predictions)


@dataclass(frozen=True, slots=True)
class Elasticity:
    """The slope of log unit cost on log volume: -0.2: 10 % more volume makes a unit about 2 % cheaper."""

    slope: float
    low: float
    high: float
    confidence: float
    months: int

    @property
    def is_falling(self) -> bool:
        """Whether unit cost falls with volume and the interval leaves out 0."""
        return self.high < 0


def elasticity(
    volumes: Sequence[float], *, unit_costs: Sequence[float], confidence: float = 0.95
) -> Elasticity | Reason:
    """Return the ordinary-least-squares slope with its t interval, or why there is none.

    Months in which volume or unit cost is not a positive number are left out; fewer than six remain:
    `too_few_months`.
    """
    pairs = [
        (log(volume), log(cost))
        for volume, cost in zip(volumes, unit_costs, strict=True)
        if isfinite(volume) and isfinite(cost) and volume > 0 and cost > 0
    ]
    found = regression.slope(
        [pair[0] for pair in pairs], y=[pair[1] for pair in pairs], confidence=confidence
    )
    if isinstance(found, Reason):
        return found
    return Elasticity(found.value, found.low, found.high, found.confidence, found.points)


class Direction(StrEnum):
    """What a unit cost does over the months, as far as its interval allows to say."""

    IMPROVING = "improving"
    FLAT = "flat"
    WORSENING = "worsening"


@dataclass(frozen=True, slots=True)
class Trend:
    """The change of a unit cost per month, in its own unit; -0.01: each month a unit is a cent cheaper."""

    slope: float
    low: float
    high: float
    confidence: float
    months: int
    mean: float  # unit cost, averaged over the months used

    @property
    def direction(self) -> Direction:
        """Return improving or worsening where the interval leaves out 0, else flat."""
        if self.high < 0:
            return Direction.IMPROVING
        return Direction.WORSENING if self.low > 0 else Direction.FLAT


def trend(unit_costs: Sequence[float], *, confidence: float = 0.95) -> Trend | Reason:
    """Return the least-squares slope per month of consecutive months' unit costs, or why there is none.

    Months that are not finite numbers are left out but keep their place; fewer than six remain: `too_few_months`.
    """
    known = [(float(month), cost) for month, cost in enumerate(unit_costs, start=1) if isfinite(cost)]
    costs = [cost for _, cost in known]
    found = regression.slope([month for month, _ in known], y=costs, confidence=confidence)
    if isinstance(found, Reason):
        return found
    mean = sum(costs) / len(costs)
    return Trend(found.value, found.low, found.high, found.confidence, found.points, mean)
