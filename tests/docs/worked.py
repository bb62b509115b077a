"""Builds one investment from plain numbers for the worked examples of docs/methodology, and reads figures off it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from portfolio.terms import Basis, from_micros, to_micros
from roi.engine import metrics
from roi.engine.figures import Figures
from roi.engine.result import Column
from roi.engine.series import Series

Money = int | str | Sequence[int | str]


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """The figures of one investment; a figure is read as a number, or as the reason why there is none."""

    figures: Figures

    def ratio(self, name: str, month: int, *, basis: Basis = Basis.SUPPORTED) -> float | str:
        """Return a float figure at the end of a month, rounded to six decimals."""
        return _read(getattr(self.figures.by_basis[basis], name), month)

    def money(self, name: str, month: int, *, basis: Basis = Basis.SUPPORTED, places: int = 2) -> str:
        """Return a money figure as text: a column of the basis, or a sum that no basis changes."""
        owner: Any = self.figures if hasattr(self.figures, name) else self.figures.by_basis[basis]
        found = getattr(owner, name)
        if isinstance(found, Column):
            figure = found.at((0, month - 1))
            if figure.reason is not None:
                return figure.reason.value
            found = found.value
        return f"{from_micros(int(found[0, month - 1])):,.{places}f}"

    def month(self, name: str, month: int) -> int | str:
        """Return a month number (breakeven), as known at the end of a month."""
        found = _read(getattr(self.figures.by_basis[Basis.SUPPORTED], name), month)
        return found if isinstance(found, str) else int(found)

    def unit_cost(self, key: str, kind: str, month: int) -> float | str:
        """Return a unit cost (`run`, `loaded` or `marginal`) in currency units."""
        found = _read(getattr(self.figures.unit_costs[key], kind), month)
        return found if isinstance(found, str) else round(found / 1e6, 6)


def _read(column: Column, month: int) -> float | str:
    figure = column.at((0, month - 1))
    return figure.reason.value if figure.value is None and figure.reason else round(figure.value or 0.0, 6)


def case(
    *,
    months: int,
    one_time: Money = 0,
    run: Money = 0,
    benefit: Money = 0,
    claimed: Money | None = None,
    cashable: Money | None = None,
    avoidable: Money | None = None,
    usage: Money = 0,
    volume: Mapping[str, float] | None = None,
    discount: float = 0.10,
    hurdle: float = 0.12,
    horizon: int = 36,
    window: int = 3,
    gaps: Collection[int] = (),
    still_open: Collection[int] = (),
    no_rate: Collection[int] = (),
) -> Case:
    """Compute an investment of `months` months.

    A single one-time cost falls in month 1; a single run cost or benefit repeats every month; a list names the first
    months, the others are 0. `gaps` are closed months that lack an expected account, `still_open` are not closed,
    `no_rate` hold an amount without an FX rate.
    """
    closed = np.array([[m not in still_open for m in range(1, months + 1)]])
    complete = closed & np.array([[m not in gaps for m in range(1, months + 1)]])
    supported = _every(benefit, months)
    volumes = {key: np.full((1, months), each, dtype=np.float64) for key, each in (volume or {}).items()}
    series = Series(
        benefit={
            Basis.CLAIMED: supported if claimed is None else _every(claimed, months),
            Basis.SUPPORTED: supported,
            Basis.CASHABLE: supported if cashable is None else _every(cashable, months),
        },
        run=_every(run, months),
        avoidable_run=_every(run if avoidable is None else avoidable, months),
        one_time=_once(one_time, months),
        usage=_every(usage, months),
        volume=volumes,
        length=np.array([months]),
        closed=closed,
        complete=complete,
        missing_fx=np.array([[m in no_rate for m in range(1, months + 1)]]),
        horizon_months=np.array([horizon]),
        hurdle_rate=np.array([hurdle]),
        discount_rate=np.array([discount]),
        window=window,
    )
    return Case(metrics.compute(series))


def _every(amount: Money, months: int) -> NDArray[np.int64]:
    stated = [amount] * months if isinstance(amount, int | str) else list(amount)
    return _row(stated, months)


def _once(amount: Money, months: int) -> NDArray[np.int64]:
    return _row([amount] if isinstance(amount, int | str) else list(amount), months)


def _row(stated: Sequence[int | str], months: int) -> NDArray[np.int64]:
    micros = [to_micros(Decimal(each)) for each in stated]
    return np.array([micros + [0] * (months - len(micros))], dtype=np.int64)
