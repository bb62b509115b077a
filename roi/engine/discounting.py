"""Present values over matrices: NPV at two rates and discounted payback.

One-time cost falls at the start of its month (exponent m-1), run cost and benefit at its end (exponent m).
Sums of discounted flows are floats; NPV is rounded half-even to micro-units once.
"""

from dataclasses import dataclass

import numpy as np

from roi.engine import breakeven
from roi.engine.figures import Figures
from roi.engine.result import Column, Floats, Ints, Reason, amount_column, first_reason, ratio_column
from roi.engine.series import Series


@dataclass(frozen=True, slots=True, eq=False)
class Discounts:
    """Discount factors (1+i)^-k, k = 0..T, as (n, T+1) arrays, i the effective monthly rate."""

    at_discount_rate: Floats
    at_hurdle_rate: Floats


@dataclass(frozen=True, slots=True, eq=False)
class PresentValues:
    """NPV of months 1..m and the time it first turns non-negative."""

    npv: Column
    npv_hurdle: Column
    discounted_payback: Column


def discounts(series: Series) -> Discounts:
    """Return the factors of both annual rates of every investment."""
    months = series.run.shape[1]
    first = factors(series.discount_rate, months=months)
    if np.array_equal(series.discount_rate, series.hurdle_rate):
        return Discounts(first, first)
    return Discounts(first, factors(series.hurdle_rate, months=months))


def factors(annual_rate: Floats, *, months: int) -> Floats:
    """Return (1+r)^(-k/12) for k = 0..months, (n, months+1)."""
    exponent = np.arange(months + 1, dtype=np.float64) / -12
    return np.asarray(np.exp(np.log1p(annual_rate)[:, None] * exponent[None, :]), dtype=np.float64)


def present_values(figures: Figures, benefit: Ints, factor: Discounts) -> PresentValues:
    """Return NPV at the discount and at the hurdle rate, and discounted payback at the discount rate."""
    worth = _cumulative(figures, benefit, factor.at_discount_rate)
    same = factor.at_hurdle_rate is factor.at_discount_rate
    at_hurdle = worth if same else _cumulative(figures, benefit, factor.at_hurdle_rate)
    return PresentValues(
        npv=_amounts(worth, figures),
        npv_hurdle=_amounts(at_hurdle, figures),
        discounted_payback=_payback(figures, benefit, worth, factor.at_discount_rate),
    )


def _cumulative(figures: Figures, benefit: Ints, factor: Floats) -> Floats:
    present = (benefit - figures.run) * factor[:, 1:] - figures.one_time * factor[:, :-1]
    return np.asarray(np.cumsum(present, axis=1), dtype=np.float64)


def _amounts(worth: Floats, figures: Figures) -> Column:
    too_large = ~(np.abs(worth) < 2.0**62)  # a negative rate can grow a flow beyond its recorded size
    reason = first_reason(figures.cumulative_reason, (too_large, Reason.OVERFLOW))
    return amount_column(np.rint(np.where(reason == 0, worth, 0.0)).astype(np.int64), reason)


def _payback(figures: Figures, benefit: Ints, worth: Floats, factor: Floats) -> Column:
    """Return the first interpolated month at which the discounted cumulative net is not negative."""
    month = np.arange(1, worth.shape[1] + 1, dtype=np.int64)[None, :]
    reached = (worth >= 0) & (figures.tco > 0)
    reached_in = np.where(reached, month, worth.shape[1] + 1).min(axis=1)
    rows, at = np.arange(len(reached_in)), np.minimum(reached_in, worth.shape[1]) - 1
    net = (benefit - figures.run)[rows, at] * factor[rows, at + 1]
    months = breakeven.interpolated(reached_in, shortfall=net - worth[rows, at], net=net)
    reason = first_reason(figures.cumulative_reason, (reached_in[:, None] > month, Reason.NOT_REACHED))
    return ratio_column(np.broadcast_to(months[:, None], reason.shape), reason)
