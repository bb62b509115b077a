"""The exact figures of planned flows: what-ifs are judged by the engine that judges the actuals, on rounded amounts."""

import numpy as np

from portfolio.terms import MICRO, Basis
from roi.engine import metrics
from roi.engine.figures import Figures
from roi.engine.flows import Flows
from roi.engine.result import Column, Figure, Floats, Ints, Reason, undefined
from roi.engine.series import Series

_LIMIT = 2.0**62


def figures(
    flows: Flows, *, discount_rate: float, hurdle_rate: float | None = None, window: int = 3
) -> Figures:
    """Return every figure of every row and month; all months count as closed and complete, all run cost as avoidable.

    Money is rounded half-even to micro-units once per month. A plan has one benefit, so the three bases are equal. IRR
    is that of all months. The hurdle rate is the discount rate unless it is given. Raises ValueError for amounts that
    are not numbers.
    """
    shape = (flows.draws, flows.months)
    benefit, run = _micros(flows.benefit, shape), _micros(flows.run, shape)
    every = np.ones(shape, dtype=np.bool_)
    series = Series(
        benefit=dict.fromkeys(Basis, benefit),
        run=run,
        avoidable_run=run,
        one_time=_micros(flows.one_time, shape),
        usage=np.zeros(shape, dtype=np.int64),
        volume={},
        length=np.full(shape[0], shape[1]),
        closed=every,
        complete=every,
        missing_fx=~every,
        horizon_months=np.full(shape[0], shape[1]),
        hurdle_rate=np.full(shape[0], discount_rate if hurdle_rate is None else hurdle_rate),
        discount_rate=np.full(shape[0], discount_rate),
        window=window,
    )
    return metrics.compute(series)


def last(column: Column, *, row: int = 0) -> Figure:
    """Return a ratio, month or time of one row at the end of its horizon."""
    return column.at((row, column.reason.shape[1] - 1))


def last_money(column: Column, *, row: int = 0) -> Figure:
    """Return an amount of one row at the end of its horizon, in currency units."""
    figure = last(column, row=row)
    return figure if figure.value is None else Figure(figure.value / MICRO)


def first_loss(computed: Figures, *, row: int = 0) -> Figure:
    """Return the first month whose window brings in less than it costs to run, compared in exact amounts.

    A window of one month asks of the month itself, one of three of the trailing three.
    """
    margin = computed.by_basis[Basis.SUPPORTED].operating_margin
    losing = np.nonzero((margin.reason[row] == 0) & (margin.value[row] < 0))[0]
    return Figure(float(losing[0] + 1)) if len(losing) else undefined(Reason.NOT_REACHED)


def _micros(amounts: Floats, shape: tuple[int, int]) -> Ints:
    """Return currency units as micro-units; what leaves int64 is clipped to where the engine says `overflow`."""
    if not np.isfinite(amounts).all():
        raise ValueError("Every planned amount must be a finite number.")
    rounded = np.rint(np.clip(amounts * MICRO, -_LIMIT, _LIMIT)).astype(np.int64)
    return np.array(np.broadcast_to(rounded, shape))
