"""Lays the ledger's sums for a range of investments out as matrices, with what closed, complete and planned mean.

The same road serves one investment and ten thousand, the ledger as known now and as known at an earlier time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from portfolio import assumptions
from portfolio.assumptions import Rates
from portfolio.models import Investment, InvestmentVersion, MonthState, PlanApproval
from portfolio.terms import Basis, Book, MonthStatus, month_at, month_index
from roi import sums
from roi.engine.completeness import complete_months
from roi.engine.series import VOLUME_KEYS, Series


@dataclass(frozen=True, slots=True, eq=False)
class Inputs:
    """Everything the figures of some investments are computed from; row i of every matrix is `investments[i]`."""

    investments: Sequence[Investment]
    first_month: NDArray[np.int64]  # running month number of each investment's month 1
    series: Series
    plan: Series | None  # rows without an approved plan have zero months of it, see `has_plan`
    has_plan: NDArray[np.bool_]
    missing_accounts: NDArray[np.int64]  # (n, T, 2) bits of the accounts a closed month still lacks


def load(investments: Sequence[Investment], *, knowledge: int | None = None) -> Inputs:
    """Return the inputs of the investments as known now, or as known at a knowledge time. One aggregating query a book.

    The caller holds one consistent view of the database (a repeatable-read transaction, or the shared locks).
    """
    known = _as_known(investments, knowledge)
    rates = assumptions.rates_of(known, knowledge_time=knowledge)
    actual = sums.totals(known, rates, book=Book.ACTUAL, knowledge=knowledge)
    plan_rows = sums.totals(known, rates, book=Book.PLAN, knowledge=knowledge)
    states = _month_states(known, knowledge)
    first = np.array([month_index(i.start_month) for i in known], dtype=np.int64)
    length = _lengths(known, first, actual, states)
    shape = (len(known), int(length.max(initial=1)))
    months = first[:, None] + np.arange(shape[1])[None, :]
    closed = _closed(known, months, states) & (np.arange(shape[1])[None, :] < length[:, None])
    grid = _Grid(known, first, actual, shape)
    plan_grid = _Grid(known, first, plan_rows, shape)
    planned = plan_grid.words("stated")
    complete, missing = complete_months(
        stated=grid.words("stated"),
        recurring=grid.words("recurring"),
        planned=planned,
        has_plan=(planned != 0).any(axis=2),
        closed=closed,
        expected_to_report=_expected(known, months),
    )
    return Inputs(
        investments=known,
        first_month=first,
        series=_series(grid, known, rates, length=length, closed=closed, complete=complete),
        plan=_plan_series(known, rates, first, plan_rows),
        has_plan=np.isin(np.array([i.pk for i in known]), plan_rows["investment"]),
        missing_accounts=missing,
    )


def _as_known(investments: Sequence[Investment], knowledge: int | None) -> list[Investment]:
    """Return the investments with the terms in force at a knowledge time; without one, as they are."""
    if knowledge is None:
        return list(investments)
    ids = [i.pk for i in investments]
    versions = (
        InvestmentVersion.objects.filter(investment__in=ids, batch_id__lte=knowledge)
        .select_related("portfolio")
        .order_by("investment_id", "-batch_id")
        .distinct("investment_id")
    )
    plans = (
        PlanApproval.objects.filter(investment__in=ids, batch_id__lte=knowledge)
        .order_by("investment_id", "-batch_id")
        .distinct("investment_id")
    )
    version_of = {v.investment_id: v for v in versions}
    plan_of = {p.investment_id: p.version for p in plans}
    known = []
    for investment in investments:
        version = version_of.get(investment.pk)
        if version is None:
            continue
        then = Investment.objects.none().model(pk=investment.pk, code=investment.code, name=investment.name)
        then.start_month, then.live_month = version.start_month, version.live_month
        then.end_month, then.horizon_months = version.end_month, version.horizon_months
        then.approved_plan_version = plan_of.get(investment.pk)
        then.portfolio, then.stage = version.portfolio, investment.stage
        known.append(then)
    return known


def _month_states(investments: Sequence[Investment], knowledge: int | None) -> dict[int, set[int]]:
    """Return the closed (or locked) months of each portfolio, as running month numbers."""
    rows = MonthState.objects.filter(portfolio__in={i.portfolio_id for i in investments})
    if knowledge is not None:
        rows = rows.filter(batch_id__lte=knowledge)
    closed: dict[int, set[int]] = {i.portfolio_id: set() for i in investments}
    latest = rows.order_by("portfolio_id", "month", "-batch_id", "-id").distinct("portfolio_id", "month")
    for portfolio_id, month, status in latest.values_list("portfolio_id", "month", "status"):
        if status != MonthStatus.OPEN.value:
            closed[portfolio_id].add(month_index(month))
    return closed


def _lengths(
    investments: Sequence[Investment],
    first: NDArray[np.int64],
    rows: NDArray[Any],
    states: dict[int, set[int]],
) -> NDArray[np.int64]:
    """Return how many months each investment has: to its last stated or last closed month, at least one."""
    last = np.array([max(states[i.portfolio_id], default=0) for i in investments], dtype=np.int64)
    ids = np.array([i.pk for i in investments], dtype=np.int64)
    order = np.argsort(ids)
    np.maximum.at(
        last, order[np.searchsorted(ids[order], rows["investment"])], rows["month"].astype(np.int64)
    )
    return np.asarray(np.maximum(last - first + 1, 1), dtype=np.int64)


def _closed(
    investments: Sequence[Investment], months: NDArray[np.int64], states: dict[int, set[int]]
) -> NDArray[np.bool_]:
    closed = np.zeros(months.shape, dtype=np.bool_)
    portfolios = np.array([i.portfolio_id for i in investments])
    for portfolio_id, closed_months in states.items():
        members = portfolios == portfolio_id
        closed[members] = np.isin(months[members], np.array(sorted(closed_months), dtype=np.int64))
    return closed


def _expected(investments: Sequence[Investment], months: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return where an investment is still expected to report: up to its end month."""
    end = np.array([month_index(i.end_month) if i.end_month else 2**31 for i in investments], dtype=np.int64)
    return np.asarray(months <= end[:, None], dtype=np.bool_)


class _Grid:
    """Rows of the aggregating query laid out as matrices of investments x months."""

    def __init__(
        self,
        investments: Sequence[Investment],
        first: NDArray[np.int64],
        rows: NDArray[Any],
        shape: tuple[int, int],
    ) -> None:
        ids = np.array([i.pk for i in investments], dtype=np.int64)
        order = np.argsort(ids)
        row = order[np.searchsorted(ids[order], rows["investment"])]
        column = rows["month"] - first[row]
        inside = (column >= 0) & (column < shape[1])
        self.row, self.column, self.rows, self.shape = row[inside], column[inside], rows[inside], shape

    def matrix(self, name: str, fill: float = 0) -> NDArray[Any]:
        """Return one aggregated column as a matrix; `fill` where the query has no row."""
        values = np.full(self.shape, fill, dtype=self.rows[name].dtype)
        values[self.row, self.column] = self.rows[name]
        return values

    def words(self, name: str) -> NDArray[np.int64]:
        """Return an account set as its two words, (n, T, 2)."""
        return np.stack([self.matrix(f"{name}_low"), self.matrix(f"{name}_high")], axis=2)


def _series(
    grid: _Grid,
    investments: Sequence[Investment],
    rates: dict[int, Rates],
    *,
    length: NDArray[np.int64],
    closed: NDArray[np.bool_],
    complete: NDArray[np.bool_],
) -> Series:
    return Series(
        benefit={basis: grid.matrix(basis.value) for basis in Basis},
        run=grid.matrix("run"),
        avoidable_run=grid.matrix("avoidable_run"),
        one_time=grid.matrix("one_time"),
        usage=grid.matrix("usage"),
        volume={key: grid.matrix(f"volume_{key}", fill=np.nan) for key in VOLUME_KEYS},
        length=length,
        closed=closed,
        complete=complete,
        missing_fx=grid.matrix("missing_fx").astype(np.bool_),
        horizon_months=np.array([i.horizon_months for i in investments], dtype=np.int64),
        hurdle_rate=np.array([float(rates[i.pk].hurdle_rate) for i in investments]),
        discount_rate=np.array([float(rates[i.pk].discount_rate) for i in investments]),
    )


def _plan_series(
    investments: Sequence[Investment],
    rates: dict[int, Rates],
    first: NDArray[np.int64],
    rows: NDArray[Any],
) -> Series | None:
    """Return the approved plans as a series of closed, complete months; None where nobody has a plan."""
    if not len(rows):
        return None
    length = _lengths(investments, first, rows, {i.portfolio_id: set() for i in investments})
    shape = (len(investments), int(length.max()))
    within = np.arange(shape[1])[None, :] < length[:, None]
    grid = _Grid(investments, first, rows, shape)
    return _series(grid, investments, rates, length=length, closed=within, complete=within)


def month_of(first_month: int, column: int) -> date:
    """Return the calendar month of a column of the matrices."""
    return month_at(int(first_month) + column)
