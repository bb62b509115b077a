"""The time value of money for one list of flows; flow t falls at the end of period t.

Outflows are negative. Where a figure is not defined, it says why. Flows are finite numbers.
"""

from collections.abc import Sequence
from datetime import date
from math import isfinite

import numpy as np

from roi.engine import roots
from roi.engine.result import REASON_OF_CODE, Figure, Floats, Reason, undefined

_DAYS_PER_YEAR = 365.0


def monthly_rate(annual: float) -> float:
    """Return the effective monthly rate of an effective annual one: (1+r)^(1/12) - 1, never r/12."""
    return float(np.expm1(np.log1p(annual) / 12))


def annualize(monthly: float) -> float:
    """Return the effective annual rate of a monthly one: (1+i)^12 - 1."""
    return float(np.expm1(12 * np.log1p(monthly)))


def npv(rate: float, flows: Sequence[float]) -> Figure:
    """Return the sum of CF_t / (1+rate)^t, t from 0: the first flow is not discounted."""
    return _present_value(rate, flows, [float(period) for period in range(len(flows))])


def npv_excel(rate: float, flows: Sequence[float]) -> Figure:
    """Return a spreadsheet's NPV(), which discounts the first flow by one period too."""
    return _present_value(rate, flows, [float(period + 1) for period in range(len(flows))])


def irr(flows: Sequence[float]) -> Figure:
    """Return the rate per period at which NPV is 0, above -1.

    A first flow that is positive makes it the cost of a financing: do not compare that with a hurdle.
    """
    if not len(flows):
        return undefined(Reason.IRR_NO_SIGN_CHANGE)
    amounts = np.asarray(flows, dtype=np.float64)
    return _rate_of(roots.periodic_rows(amounts[None, :]), amounts, np.arange(len(amounts), dtype=np.float64))


def mirr(flows: Sequence[float], *, finance_rate: float, reinvest_rate: float) -> Figure:
    """Return [FV of inflows at reinvest_rate / PV of outflows at finance_rate]^(1/n) - 1, n = flows - 1."""
    inflows = [max(flow, 0.0) for flow in flows]
    outflows = [max(-flow, 0.0) for flow in flows]
    if not any(inflows) or not any(outflows):
        return undefined(Reason.IRR_NO_SIGN_CHANGE)
    if finance_rate == -1:
        return undefined(Reason.INVALID_RATE)
    periods = len(flows) - 1
    try:
        spent = sum(flow * (1 + finance_rate) ** -period for period, flow in enumerate(outflows))
        gained = sum(flow * (1 + reinvest_rate) ** (periods - period) for period, flow in enumerate(inflows))
    except OverflowError:
        return undefined(Reason.OVERFLOW)
    if spent <= 0 or gained < 0:
        return undefined(Reason.INVALID_RATE)
    return Figure(float((gained / spent) ** (1 / periods) - 1))


def xnpv(rate: float, flows: Sequence[float], *, dates: Sequence[date]) -> Figure:
    """Return the sum of CF_i / (1+rate)^(days since the earliest date / 365)."""
    return _present_value(rate, flows, _years(dates, flows))


def xirr(flows: Sequence[float], *, dates: Sequence[date]) -> Figure:
    """Return the annual rate at which `xnpv` is 0; flows of one day are added up first."""
    if not len(flows):
        return undefined(Reason.IRR_NO_SIGN_CHANGE)
    years = np.asarray(_years(dates, flows), dtype=np.float64)
    times, owner = np.unique(years, return_inverse=True)
    amounts = np.zeros(len(times))
    np.add.at(amounts, owner, np.asarray(flows, dtype=np.float64))
    return _rate_of(roots.dated_row(amounts, times), amounts, times)


def _years(dates: Sequence[date], flows: Sequence[float]) -> list[float]:
    if len(dates) != len(flows):
        raise ValueError(f"{len(flows)} flows need as many dates, not {len(dates)}.")
    first = min(dates, default=date.min)
    return [(day - first).days / _DAYS_PER_YEAR for day in dates]


def _present_value(rate: float, flows: Sequence[float], times: Sequence[float]) -> Figure:
    if rate <= -1:
        return undefined(Reason.INVALID_RATE)
    try:
        worth = float(sum(flow * (1 + rate) ** -time for flow, time in zip(flows, times, strict=True)))
    except OverflowError:
        return undefined(Reason.OVERFLOW)
    return Figure(worth) if isfinite(worth) else undefined(Reason.OVERFLOW)


def _rate_of(rows: roots.Rows, flows: Floats, times: Floats) -> Figure:
    root, reason = roots.solve(rows)
    if reason[0]:
        return undefined(REASON_OF_CODE[int(reason[0])])
    return Figure(_polish(float(np.expm1(root[0])), flows / np.abs(flows).max(), times))


def _polish(rate: float, flows: Floats, times: Floats) -> float:
    """Return the rate after one Newton step in the rate itself: ln(1+r) is coarse for large rates."""
    if rate < 1:
        return rate
    discounted = flows * (1 + rate) ** -times
    slope = float((-times * discounted).sum()) / (1 + rate)
    step = float(discounted.sum()) / slope if slope else 0.0
    return rate - step if abs(step) < 1e-9 * rate else rate
