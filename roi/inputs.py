"""Reads what the ledger holds for a range of investments, in one aggregating query, straight into matrices.

The same road serves one investment and ten thousand, the ledger as known now and as known at an earlier time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import psycopg
from django.db import connection
from numpy.typing import NDArray

from portfolio import assumptions
from portfolio.assumptions import Rates
from portfolio.models import Account, Investment, InvestmentVersion, MonthState, PlanApproval
from portfolio.terms import Basis, Book, MonthStatus, month_at, month_index
from roi.binary_copy import decode_array
from roi.engine.completeness import complete_months
from roi.engine.series import VOLUME_KEYS, Series

# Clamped one step above the engine's limit, so that too large a sum arrives as `overflow` and not as an error.
_CLAMP = 2**62 + 1
_COLUMNS = (
    ("investment", "int8"),
    ("month", "int4"),
    ("claimed", "int8"),
    ("supported", "int8"),
    ("cashable", "int8"),
    ("run", "int8"),
    ("avoidable_run", "int8"),
    ("one_time", "int8"),
    ("usage", "int8"),
    ("stated_low", "int8"),
    ("stated_high", "int8"),
    ("recurring_low", "int8"),
    ("recurring_high", "int8"),
    ("missing_fx", "bool"),
    *((f"volume_{key}", "float8") for key in VOLUME_KEYS),
)


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
    actual = _aggregate(known, rates, book=Book.ACTUAL, knowledge=knowledge)
    plan_rows = _aggregate(known, rates, book=Book.PLAN, knowledge=knowledge)
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


def _aggregate(
    investments: Sequence[Investment], rates: dict[int, Rates], *, book: Book, knowledge: int | None
) -> NDArray[Any]:
    query, parameters = aggregation(investments, rates, book=book, knowledge=knowledge)
    if book is Book.PLAN and not any(i.approved_plan_version for i in investments):
        return np.empty(
            0, dtype=[(name, "i8" if kind.startswith("int") else "f8") for name, kind in _COLUMNS]
        )
    names = ", ".join(f'array_agg("{name}")' for name, _ in _COLUMNS)
    connection.ensure_connection()
    # Django's own cursors bind on the client and cannot ask for binary results.
    with psycopg.Cursor(connection.connection) as cursor:
        cursor.execute(f"SELECT {names} FROM ({query}) AS sums".encode(), parameters, binary=True)
        result = cursor.pgresult
        if result is None:
            raise AssertionError("unreachable: a query that did not raise has a result")
        arrays = [decode_array(result.get_value(0, i) or b"", kind) for i, (_, kind) in enumerate(_COLUMNS)]
    rows = np.empty(
        len(arrays[0]), dtype=[(name, array.dtype) for (name, _), array in zip(_COLUMNS, arrays, strict=True)]
    )
    for (name, _), array in zip(_COLUMNS, arrays, strict=True):
        rows[name] = array
    return rows


def aggregation(
    investments: Sequence[Investment], rates: dict[int, Rates], *, book: Book, knowledge: int | None = None
) -> tuple[str, dict[str, Any]]:
    """Return the query (and its parameters) that sums a book per investment and month into the columns of a series.

    Converted and shared amounts are rounded half-even to micro-units once per cell and basis, before any sum.
    """
    accounts = {a.code: a.pk for a in Account.objects.all()}
    realization = [
        (i.pk, accounts[code], rate)
        for i in investments
        for code, rate in rates[i.pk].realization_rates.items()
        if code in accounts
    ]
    fx = assumptions.fx_rates(knowledge_time=knowledge)
    parameters = {
        "id": [i.pk for i in investments],
        "currency": [i.portfolio.reporting_currency for i in investments],
        "share": [rates[i.pk].asserted_share for i in investments],
        # No version is -1: what stands in a plan that nobody approved counts for nothing.
        "version": [i.approved_plan_version or -1 if book is Book.PLAN else 0 for i in investments],
        "realized_id": [row[0] for row in realization],
        "realized_account": [row[1] for row in realization],
        "realized_rate": [row[2] for row in realization],
        "fx_currency": [r.currency for r in fx],
        "fx_reporting": [r.reporting_currency for r in fx],
        "fx_month": [r.month for r in fx],
        "fx_rate": [r.rate for r in fx],
        "book": book.value,
        "knowledge": knowledge,
    }
    query = _QUERY.format(
        cells=_CELLS_NOW if knowledge is None else _CELLS_THEN,
        accounts=_ACCOUNTS_NOW if knowledge is None else _ACCOUNTS_THEN,
        volumes=", ".join(
            f"COALESCE(sum(quantity) FILTER (WHERE volume_key = '{key}')::float8, 'NaN'::float8) AS volume_{key}"
            for key in VOLUME_KEYS
        ),
    )
    return query, parameters


def month_of(first_month: int, column: int) -> date:
    """Return the calendar month of a column of the matrices."""
    return month_at(int(first_month) + column)


def _micros(expression: str, condition: str) -> str:
    total = f"COALESCE(sum({expression}) FILTER (WHERE {condition}), 0) * 1000000"
    return f"LEAST(GREATEST({total}, -{_CLAMP}), {_CLAMP})::bigint"


def _shared(factor: str) -> str:
    # A factor of one changes nothing, and skipping it spares the rounding of nearly every cell.
    return f"CASE WHEN {factor} = 1 THEN money ELSE hurdle_half_even(exact * {factor}) END"


def _bits(condition: str, low: int) -> str:
    shift = f"1::bigint << (position - {low})"
    return f"COALESCE(bit_or({shift}) FILTER (WHERE {condition} AND position BETWEEN {low} AND {low + 62}), 0)::bigint"


_CELLS_NOW = "portfolio_cell"
_CELLS_THEN = """(
    SELECT DISTINCT ON (investment_id, book, book_version, month, account_id, currency, source, source_ref) *
    FROM portfolio_entry WHERE investment_id = ANY(%(id)s) AND book = %(book)s AND batch_id <= %(knowledge)s
    ORDER BY investment_id, book, book_version, month, account_id, currency, source, source_ref, batch_id DESC)"""
_ACCOUNTS_NOW = "portfolio_account"
_ACCOUNTS_THEN = """(
    SELECT DISTINCT ON (a.id) a.id, a.position, a.kind, a.volume_key, v.nature, v.is_avoidable, v.is_usage_driven
    FROM portfolio_account a JOIN portfolio_accountversion v ON v.account_id = a.id AND v.batch_id <= %(knowledge)s
    ORDER BY a.id, v.batch_id DESC)"""

_COST, _BENEFIT = "kind = 'cost'", "kind = 'benefit'"
_QUERY = f"""
WITH line AS (
    SELECT c.investment_id, c.month, a.kind, a.nature, a.position, a.is_avoidable, a.is_usage_driven, a.volume_key,
           c.kind = 'value' AS has_value, c.quantity, c.amount, s.share, COALESCE(r.rate, 1) AS realized,
           CASE WHEN c.currency = s.currency OR c.amount IS NULL THEN c.amount
                ELSE hurdle_half_even(c.amount * x.rate) END AS money,
           CASE WHEN c.currency = s.currency THEN c.amount ELSE c.amount * x.rate END AS exact
    FROM {{cells}} c
    JOIN unnest(%(id)s::bigint[], %(currency)s::text[], %(share)s::numeric[], %(version)s::int[])
         AS s(id, currency, share, version) ON s.id = c.investment_id AND s.version = c.book_version
    JOIN {{accounts}} a ON a.id = c.account_id
    LEFT JOIN unnest(%(realized_id)s::bigint[], %(realized_account)s::bigint[], %(realized_rate)s::numeric[])
         AS r(id, account_id, rate) ON r.id = c.investment_id AND r.account_id = c.account_id
    LEFT JOIN unnest(%(fx_currency)s::text[], %(fx_reporting)s::text[], %(fx_month)s::date[], %(fx_rate)s::numeric[])
         AS x(currency, reporting, month, rate)
         ON x.currency = c.currency AND x.reporting = s.currency AND x.month = c.month
    WHERE c.investment_id = ANY(%(id)s) AND c.book = %(book)s AND c.kind <> 'withdrawn'
)
SELECT investment_id AS investment, (extract(year FROM month) * 12 + extract(month FROM month) - 1)::int AS month,
       {_micros("money", _BENEFIT)} AS claimed,
       {_micros(_shared("share"), _BENEFIT)} AS supported,
       {_micros(_shared("share * realized"), _BENEFIT)} AS cashable,
       {_micros("money", f"{_COST} AND nature = 'run'")} AS run,
       {_micros("money", f"{_COST} AND nature = 'run' AND is_avoidable")} AS avoidable_run,
       {_micros("money", f"{_COST} AND nature = 'one_time'")} AS one_time,
       {_micros("money", f"{_COST} AND nature = 'run' AND is_usage_driven")} AS usage,
       {_bits("true", 0)} AS stated_low, {_bits("true", 63)} AS stated_high,
       {_bits("has_value AND nature <> 'one_time'", 0)} AS recurring_low,
       {_bits("has_value AND nature <> 'one_time'", 63)} AS recurring_high,
       bool_or(amount IS NOT NULL AND money IS NULL) AS missing_fx, {{volumes}}
FROM line GROUP BY investment_id, month
"""
