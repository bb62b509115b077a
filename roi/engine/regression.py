"""A straight line through points by ordinary least squares, with the Student t interval of its slope."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np

from roi.engine import student
from roi.engine.result import Floats, Reason

MIN_POINTS = 6
_NO_SPREAD = 1e-12
_FLAT = 1e-14


@dataclass(frozen=True, slots=True)
class Slope:
    """The change of y per unit of x, with its interval."""

    value: float
    low: float
    high: float
    confidence: float
    points: int


def slope(x: Sequence[float], *, y: Sequence[float], confidence: float = 0.95) -> Slope | Reason:
    """Return the slope of y on x, or why there is none: `too_few_months` below six points, `no_spread` of x."""
    if len(x) < MIN_POINTS:
        return Reason.TOO_FEW_MONTHS
    across = np.asarray(x, dtype=np.float64) - float(np.mean(x))
    along = _around_mean(np.asarray(y, dtype=np.float64))
    spread = float(across @ across)
    if spread < _NO_SPREAD * len(x):
        return Reason.NO_SPREAD
    value = float(across @ along) / spread
    residual = along - value * across
    freedom = len(x) - 2
    error = sqrt(max(float(residual @ residual), 0.0) / freedom / spread)
    reach = student.quantile((1 + confidence) / 2, freedom=freedom) * error
    return Slope(value, value - reach, value + reach, confidence, len(x))


def _around_mean(y: Floats) -> Floats:
    """Return y less its mean; what differs by rounding alone does not differ, or a flat line would have a direction."""
    around = y - y.mean()
    is_flat = np.abs(around).max() <= _FLAT * np.abs(y).max()
    return np.zeros_like(y) if is_flat else around
