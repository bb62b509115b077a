"""When cumulative benefit covers cumulative cost: payback of a list of flows, and breakeven over matrices.

The comparison itself is made in integers; only the interpolated display time is a float.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from roi.engine.result import Figure, Floats, Ints, Reason, undefined


def payback(flows: Sequence[float]) -> Figure:
    """Return the interpolated periods until cumulative flow reaches 0; flow t falls at the end of t."""
    return discounted_payback(flows, rate=0.0)


def discounted_payback(flows: Sequence[float], *, rate: float) -> Figure:
    """Return the payback of the flows discounted at `rate` per period (flow 0 is not discounted)."""
    if rate <= -1:
        return undefined(Reason.INVALID_RATE)
    before = flows[0] if flows else 0.0
    for period, flow in enumerate(flows[1:], start=1):
        present = flow * (1 + rate) ** -period
        if before < 0 <= before + present:
            return Figure(period - 1 + -before / present)
        before += present
    has_outlay = any(flow < 0 for flow in flows)
    return undefined(Reason.NOT_REACHED if has_outlay else Reason.NO_COST_YET)


def plan_payback(one_time: Decimal, *, monthly_net: Decimal) -> Figure:
    """Return one-time cost / monthly net benefit, in months (source B's planning formula)."""
    if monthly_net <= 0:
        return undefined(Reason.NEVER_PAYS_BACK)
    return Figure(float(one_time / monthly_net))


@dataclass(frozen=True, slots=True, eq=False)
class Crossings:
    """Breakeven of every row: 1-based months, 0 = not reached by month m. All arrays (n, T)."""

    first: Ints
    last: Ints  # the last month that went from not reached to reached


def crossings(cumulative_benefit: Ints, cumulative_cost: Ints) -> Crossings:
    """Return the first and last month in which cumulative benefit came to cover a positive total cost."""
    reached = (cumulative_benefit >= cumulative_cost) & (cumulative_cost > 0)
    month = np.arange(1, reached.shape[1] + 1, dtype=np.int64)[None, :]
    was_reached = np.zeros_like(reached)
    was_reached[:, 1:] = reached[:, :-1]
    last = np.maximum.accumulate(np.where(reached & ~was_reached, month, 0), axis=1)
    never = reached.shape[1] + 1
    first = np.where(reached, month, never).min(axis=1, keepdims=True)
    return Crossings(np.where(first <= month, first, 0), last)


def interpolated(reached_in: Ints, *, shortfall: Ints | Floats, net: Ints | Floats) -> Floats:
    """Return the time inside month `reached_in` (n,) at which net operating flow covers the shortfall.

    The result lies in (m*-1, m*], so its ceiling is the breakeven month. Where interpolation has no meaning
    (benefit came before any cost, or a credit on cost did it) the month's end is returned.
    """
    means_something = (shortfall > 0) & (net >= shortfall)
    share = np.where(means_something, shortfall / np.where(means_something, net, 1), 1.0)
    months = reached_in.astype(np.float64)
    return np.asarray(np.maximum(months - 1 + share, np.nextafter(months - 1, np.inf)), dtype=np.float64)
