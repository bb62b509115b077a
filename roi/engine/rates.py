"""Internal rates of return over matrices: monthly IRR and MIRR of the dated flows, stated as annual rates."""

import numpy as np

from roi.engine import roots
from roi.engine.discounting import Discounts
from roi.engine.figures import Figures
from roi.engine.result import (
    Bools,
    Column,
    Floats,
    Ints,
    Reason,
    first_reason,
    ratio_column,
)


def as_flows(benefit: Ints, *, run: Ints, one_time: Ints) -> list[float]:
    """Return one investment's flows at the ends of months 0..m; one-time cost at the start of its month."""
    flows = np.zeros(len(run) + 1, dtype=np.int64)
    flows[1:] += benefit - run
    flows[:-1] -= one_time
    return [float(flow) for flow in flows]


def flow_matrix(figures: Figures, benefit: Ints, *, rows: Ints, last: Ints) -> Floats:
    """Return the flows of the chosen rows over months 1..last (each row its own), (k, T+1), then zeros."""
    months = figures.run.shape[1]
    kept = np.arange(1, months + 1)[None, :] <= last[:, None]
    flows = np.zeros((len(rows), months + 1), dtype=np.int64)
    flows[:, 1:] += np.where(kept, benefit[rows] - figures.run[rows], 0)
    flows[:, :-1] -= np.where(kept, figures.one_time[rows], 0)
    return flows.astype(np.float64)


def irr_column(figures: Figures, benefit: Ints, *, wanted: Bools) -> Column:
    """Return the annualized IRR in the wanted cells; the others are `not_computed`."""
    reason = first_reason(figures.cumulative_reason, (~wanted, Reason.NOT_COMPUTED))
    value = np.full(reason.shape, np.nan)
    rows, columns = np.nonzero(reason == 0)
    if len(rows):
        flows = flow_matrix(figures, benefit, rows=rows, last=columns + 1)
        root, why = roots.solve(roots.periodic_rows(flows))
        value[rows, columns] = np.expm1(12 * root)
        reason[rows, columns] = why
    return ratio_column(value, reason)


def mirr_column(figures: Figures, benefit: Ints, factor: Discounts) -> Column:
    """Return the annualized MIRR of months 1..m at the discount rate, for every m.

    The flow at the end of month m leaves out the one-time cost of month m+1, which is not in months 1..m.
    """
    discount = factor.at_discount_rate
    net = (benefit - figures.run).astype(np.float64)
    earlier = np.concatenate([np.zeros((len(net), 1)), net], axis=1)[:, :-1] - figures.one_time
    inflow = (
        np.cumsum(np.maximum(earlier, 0) * discount[:, :-1], axis=1) + np.maximum(net, 0) * discount[:, 1:]
    )
    outflow = (
        np.cumsum(np.maximum(-earlier, 0) * discount[:, :-1], axis=1) + np.maximum(-net, 0) * discount[:, 1:]
    )
    nothing = (inflow == 0) | (outflow == 0)
    reason = first_reason(figures.cumulative_reason, (nothing, Reason.IRR_NO_SIGN_CHANGE))
    periods = np.arange(1, net.shape[1] + 1, dtype=np.float64)[None, :]
    ratio = np.where(nothing, 1.0, inflow) / np.where(nothing, 1.0, outflow)
    annual = np.expm1(12 * (np.log(ratio) / periods - np.log(discount[:, 1:2])))
    return ratio_column(annual, reason)
