"""One query sums a book of the ledger per investment and month, straight into arrays.

Converted and shared amounts are rounded half-even to micro-units once per cell and basis, before any sum.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import psycopg
from django.db import connection
from numpy.typing import NDArray

from portfolio import assumptions
from portfolio.assumptions import Rates
from portfolio.models import Account, Investment
from portfolio.terms import Book
from roi.binary_copy import decode_array
from roi.engine.series import VOLUME_KEYS

# Clamped one step above the engine's limit, so that too large a sum arrives as `overflow` and not as an error.
_CLAMP = 2**62 + 1
COLUMNS = (
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


def totals(
    investments: Sequence[Investment], rates: dict[int, Rates], *, book: Book, knowledge: int | None
) -> NDArray[Any]:
    """Return a book's sums, a row per investment and month that states anything, money in micro-units."""
    if book is Book.PLAN and not any(i.approved_plan_version for i in investments):
        return np.empty(0, dtype=[(name, "i8" if kind.startswith("int") else "f8") for name, kind in COLUMNS])
    query, parameters = aggregation(investments, rates, book=book, knowledge=knowledge)
    names = ", ".join(f'array_agg("{name}")' for name, _ in COLUMNS)
    connection.ensure_connection()
    # Django's own cursors bind on the client and cannot ask for binary results.
    with psycopg.Cursor(connection.connection) as cursor:
        cursor.execute(f"SELECT {names} FROM ({query}) AS sums".encode(), parameters, binary=True)
        result = cursor.pgresult
        if result is None:
            raise AssertionError("unreachable: a query that did not raise has a result")
        arrays = [decode_array(result.get_value(0, i) or b"", kind) for i, (_, kind) in enumerate(COLUMNS)]
    rows = np.empty(
        len(arrays[0]), dtype=[(name, array.dtype) for (name, _), array in zip(COLUMNS, arrays, strict=True)]
    )
    for (name, _), array in zip(COLUMNS, arrays, strict=True):
        rows[name] = array
    return rows


def aggregation(
    investments: Sequence[Investment], rates: dict[int, Rates], *, book: Book, knowledge: int | None = None
) -> tuple[str, dict[str, Any]]:
    """Return the query (and its parameters) that sums a book per investment and month into the columns of a series."""
    query, parameters = lines(investments, rates, book=book, knowledge=knowledge)
    volumes = ", ".join(
        f"COALESCE(sum(quantity) FILTER (WHERE volume_key = '{key}')::float8, 'NaN'::float8) AS volume_{key}"
        for key in VOLUME_KEYS
    )
    return query + _TOTALS.format(volumes=volumes), parameters


def lines(
    investments: Sequence[Investment], rates: dict[int, Rates], *, book: Book, knowledge: int | None = None
) -> tuple[str, dict[str, Any]]:
    """Return the table expression `line` of a book's current cells (and its parameters), for a query to follow.

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
    query = _LINES.format(
        cells=_CELLS_NOW if knowledge is None else _CELLS_THEN,
        accounts=_ACCOUNTS_NOW if knowledge is None else _ACCOUNTS_THEN,
    )
    return query, parameters


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
# One row a cell: `money` is rounded in the reporting currency, `exact` is not; `fx`, `share` and `realized` made them.
_LINES = """
WITH line AS (
    SELECT c.investment_id, c.month, a.kind, a.nature, a.position, a.is_avoidable, a.is_usage_driven, a.volume_key,
           c.account_id, c.currency, c.source, c.source_ref,
           CASE WHEN c.currency = s.currency THEN 1 ELSE x.rate END AS fx,
           c.kind = 'value' AS has_value, c.quantity, c.amount, s.share, COALESCE(r.rate, 1) AS realized,
           CASE WHEN c.currency = s.currency OR c.amount IS NULL THEN c.amount
                ELSE hurdle_half_even(c.amount * x.rate) END AS money,
           CASE WHEN c.currency = s.currency THEN c.amount ELSE c.amount * x.rate END AS exact
    FROM {cells} c
    JOIN unnest(%(id)s::bigint[], %(currency)s::text[], %(share)s::numeric[], %(version)s::int[])
         AS s(id, currency, share, version) ON s.id = c.investment_id AND s.version = c.book_version
    JOIN {accounts} a ON a.id = c.account_id
    LEFT JOIN unnest(%(realized_id)s::bigint[], %(realized_account)s::bigint[], %(realized_rate)s::numeric[])
         AS r(id, account_id, rate) ON r.id = c.investment_id AND r.account_id = c.account_id
    LEFT JOIN unnest(%(fx_currency)s::text[], %(fx_reporting)s::text[], %(fx_month)s::date[], %(fx_rate)s::numeric[])
         AS x(currency, reporting, month, rate)
         ON x.currency = c.currency AND x.reporting = s.currency AND x.month = c.month
    WHERE c.investment_id = ANY(%(id)s) AND c.book = %(book)s AND c.kind <> 'withdrawn'
)
"""
_TOTALS = f"""
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
