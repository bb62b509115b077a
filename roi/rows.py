"""Lays the engine's matrices out as the columns of the snapshot table."""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from portfolio.terms import Basis
from roi.binary_copy import Column
from roi.engine import metrics
from roi.engine import result as engine
from roi.engine.figures import Figures
from roi.engine.result import ENGINE_VERSION
from roi.engine.series import VOLUME_KEYS
from roi.inputs import Inputs, month_of
from roi.models import FIGURES

_RATIOS = ("roi", "payback", "incremental_roi", "irr", "mirr", "discounted_payback")
_AMOUNTS = ("npv", "npv_hurdle")
_MICRO = 1e6


def columns(
    loaded: Inputs,
    figures: Figures,
    prints: NDArray[np.uint8],
    *,
    knowledge: NDArray[np.int64],
    members: NDArray[np.int64],
) -> list[Column]:
    """Return every column of the snapshot table for the months of some investments (`members`: their rows)."""
    series = loaded.series
    chosen = np.zeros(len(series.length), dtype=np.bool_)
    chosen[members] = True
    row, month = np.nonzero(series.within() & chosen[:, None])
    at = (row, month)
    size = len(row)
    ids = np.array([i.pk for i in loaded.investments], dtype=np.int64)
    reason = _Reasons(size)
    parts = [
        Column("investment_id", "int8", ids[row]),
        Column("month", "date", _ordinals(loaded)[at]),
        Column("month_number", "int2", month + 1),
        Column("knowledge", "int8", knowledge[row]),
        Column("engine_version", "int2", np.full(size, ENGINE_VERSION)),
        Column("fingerprint", "bytes", prints[at]),
        Column("is_closed", "bool", series.closed[at]),
        Column("is_complete", "bool", series.complete[at]),
        Column("is_missing_fx", "bool", series.missing_fx[at]),
        Column("run_cost", "micros", figures.run[at]),
        Column("avoidable_run_cost", "micros", series.avoidable_run[at]),
        Column("one_time_cost", "micros", figures.one_time[at]),
        Column("tco", "micros", figures.tco[at]),
        Column("window_avoidable_run_cost", "micros", figures.window_avoidable_run[at]),
    ]
    for basis in Basis:
        parts += _of_basis(basis, figures, at, reason)
    for key in VOLUME_KEYS:
        costs = figures.unit_costs[key]
        parts.append(reason.ratio(f"loaded_cost_per_{key}", costs.loaded, at, scale=_MICRO))
        parts.append(reason.ratio(f"marginal_cost_per_{key}", costs.marginal, at, scale=_MICRO))
    parts.append(Column("reasons", "bytes", reason.codes))
    return parts


class _Reasons:
    """Collects the reason bytes of the figures in their stored order."""

    def __init__(self, size: int) -> None:
        self.codes = np.zeros((size, len(FIGURES)), dtype=np.uint8)

    def ratio(
        self, name: str, column: engine.Column, at: tuple[NDArray[np.int64], ...], scale: float = 1
    ) -> Column:
        codes = column.reason[at]
        self.codes[:, FIGURES.index(name)] = codes
        return Column(name, "float8", np.where(codes == 0, column.value[at], 0) / scale, codes != 0)

    def amount(self, name: str, column: engine.Column, at: tuple[NDArray[np.int64], ...]) -> Column:
        codes = column.reason[at]
        self.codes[:, FIGURES.index(name)] = codes
        return Column(name, "micros", np.where(codes == 0, column.value[at], 0), codes != 0)


def _of_basis(
    basis: Basis, figures: Figures, at: tuple[NDArray[np.int64], ...], reason: _Reasons
) -> list[Column]:
    part = figures.by_basis[basis]
    margin = part.operating_margin.reason[at]
    reason.codes[:, FIGURES.index(f"operating_margin_{basis.value}")] = margin
    first, last = part.breakeven_index.value[at], part.breakeven_last.value[at]
    return [
        Column(f"benefit_{basis.value}", "micros", part.benefit[at]),
        Column(f"cumulative_benefit_{basis.value}", "micros", part.cumulative_benefit[at]),
        Column(f"window_benefit_{basis.value}", "micros", part.window_benefit[at]),
        Column(f"breakeven_month_{basis.value}", "int2", first, first == 0),
        Column(f"last_breakeven_month_{basis.value}", "int2", last, last == 0),
        *(reason.ratio(f"{name}_{basis.value}", getattr(part, name), at) for name in _RATIOS),
        *(reason.amount(f"{name}_{basis.value}", getattr(part, name), at) for name in _AMOUNTS),
    ]


def _ordinals(loaded: Inputs) -> NDArray[np.int64]:
    """Return (n, T): the first day of each month as a proleptic ordinal."""
    months = loaded.first_month[:, None] + np.arange(loaded.series.run.shape[1])[None, :]
    days = (months - 1970 * 12).astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    return np.asarray(days + date(1970, 1, 1).toordinal(), dtype=np.int64)


def last_months(loaded: Inputs, row: int) -> tuple[date, date | None]:
    """Return an investment's newest month and its newest closed, complete one."""
    first, complete = int(loaded.first_month[row]), np.flatnonzero(loaded.series.complete[row])
    newest = month_of(first, int(loaded.series.length[row]) - 1)
    return newest, month_of(first, int(complete[-1])) if len(complete) else None


class Planned(NamedTuple):
    """What an approved plan promises: the months it breaks even in, pays back discounted, and first has a benefit."""

    breakeven: date | None = None
    payback: date | None = None
    live: date | None = None


def planned_months(loaded: Inputs) -> Sequence[Planned]:
    """Return for each investment what its approved plan promises; nothing where it has none."""
    if loaded.plan is None:
        return [Planned()] * len(loaded.investments)
    figures = metrics.compute(loaded.plan).by_basis[Basis.SUPPORTED]
    planned: list[Planned] = []
    for row, first in enumerate(loaded.first_month.tolist()):
        if not loaded.has_plan[row]:
            planned.append(Planned())
            continue
        end = int(loaded.plan.length[row]) - 1
        reached = int(figures.breakeven_index.value[row, end])
        months = figures.discounted_payback.value[row, end]
        paid_back = int(np.ceil(months)) if figures.discounted_payback.reason[row, end] == 0 else 0
        live = np.flatnonzero(loaded.plan.benefit[Basis.CLAIMED][row, : end + 1])
        planned.append(
            Planned(
                month_of(first, reached - 1) if reached else None,
                month_of(first, paid_back - 1) if paid_back else None,
                month_of(first, int(live[0])) if live.size else None,
            )
        )
    return planned
