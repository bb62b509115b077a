"""The ledger's lines one by one, or summed by account: what bridges and roll-ups are made of.

They come from the same table expression as the sums of the snapshots, so parts and totals are rounded alike.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection

from portfolio import assumptions
from portfolio.models import Account, AccountVersion, Investment
from portfolio.terms import MICRO, Basis, Book
from roi import sums

# What of a benefit counts, by basis: the same expressions as in the sums.
_SHARE = {Basis.CLAIMED: "1", Basis.SUPPORTED: "share", Basis.CASHABLE: "share * realized"}


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """One current line of a month. `fx` is None where the month has no rate; `share` is that of the basis."""

    month: date
    account_id: int
    currency: str
    source: str
    source_ref: str
    kind: str
    amount: Decimal | None
    quantity: Decimal | None
    fx: Decimal | None
    share: Decimal

    @property
    def key(self) -> tuple[int, str, str, str]:
        """Return what names the same line in another month."""
        return (self.account_id, self.currency, self.source, self.source_ref)


@dataclass(frozen=True, slots=True)
class AccountSum:
    """What one account of an investment adds up to, in micro-units of the reporting currency."""

    investment_id: int
    account_id: int
    run: int
    one_time: int
    benefit: int


@dataclass(frozen=True, slots=True)
class Claim:
    """What an investment claims in a month on one benefit account, in micro-units."""

    investment_id: int
    account_id: int
    month: date
    benefit: int


@dataclass(frozen=True, slots=True)
class Attributes:
    """The attributes of an account that group its amounts."""

    code: str
    name: str
    nature: str
    treatment: str
    is_avoidable: bool
    is_usage_driven: bool
    regulatory_tag: str
    volume_key: str
    is_higher_better: bool | None


def cells(
    investment: Investment, *, basis: Basis, through: date, knowledge: int | None, book: Book = Book.ACTUAL
) -> list[LedgerLine]:
    """Return an investment's lines of all months up to one, as known then (None: now)."""
    rates = assumptions.rates_of([investment], knowledge_time=knowledge)
    head, parameters = sums.lines([investment], rates, book=book, knowledge=knowledge)
    rows = _rows(
        f"""{head} SELECT month, account_id, currency, source, source_ref, kind, amount, quantity, fx,
            CASE WHEN kind = 'benefit' THEN {_SHARE[basis]} ELSE 1 END
            FROM line WHERE month <= %(through)s AND (amount IS NOT NULL OR quantity IS NOT NULL)
            ORDER BY month, position, currency, source, source_ref""",
        parameters | {"through": through},
    )
    return [LedgerLine(*row) for row in rows]


def by_account(
    investments: Sequence[Investment], *, basis: Basis, through: date, knowledge: int | None
) -> list[AccountSum]:
    """Return cost and benefit by investment and account over all months up to one. One query."""
    rates = assumptions.rates_of(investments, knowledge_time=knowledge)
    head, parameters = sums.lines(investments, rates, book=Book.ACTUAL, knowledge=knowledge)
    rows = _rows(
        f"""{head} SELECT investment_id, account_id,
            {_total("money", "kind = 'cost' AND nature = 'run'")},
            {_total("money", "kind = 'cost' AND nature = 'one_time'")},
            {_total(_counted(basis), "kind = 'benefit'")}
            FROM line WHERE month <= %(through)s AND kind IN ('cost', 'benefit')
            GROUP BY investment_id, account_id ORDER BY investment_id, account_id""",
        parameters | {"through": through},
    )
    return [
        AccountSum(pk, account, _micros(run), _micros(one_time), _micros(benefit))
        for pk, account, run, one_time, benefit in rows
    ]


def claims(
    investments: Sequence[Investment], *, basis: Basis, through: date, knowledge: int | None
) -> list[Claim]:
    """Return benefit by investment, account and month up to one. One query."""
    rates = assumptions.rates_of(investments, knowledge_time=knowledge)
    head, parameters = sums.lines(investments, rates, book=Book.ACTUAL, knowledge=knowledge)
    rows = _rows(
        f"""{head} SELECT investment_id, account_id, month, {_total(_counted(basis), "kind = 'benefit'")}
            FROM line WHERE month <= %(through)s AND kind = 'benefit'
            GROUP BY investment_id, account_id, month ORDER BY month, investment_id, account_id""",
        parameters | {"through": through},
    )
    return [Claim(pk, account, month, _micros(amount)) for pk, account, month, amount in rows]


def quantities(
    investments: Sequence[Investment], *, knowledge: int | None, book: Book = Book.ACTUAL
) -> Mapping[tuple[int, int, date], float]:
    """Return what was counted or measured, by investment, account and month.

    Counts are added over the sources, qualities averaged: the ledger keeps no weights. Of the plan, the approved one
    counts.
    """
    rates = assumptions.rates_of(investments, knowledge_time=knowledge)
    head, parameters = sums.lines(investments, rates, book=book, knowledge=knowledge)
    rows = _rows(
        f"""{head} SELECT investment_id, account_id, month,
            (CASE WHEN kind = 'quality' THEN avg(quantity) ELSE sum(quantity) END)::float8
            FROM line WHERE kind IN ('volume', 'quality') AND quantity IS NOT NULL
            GROUP BY investment_id, account_id, month, kind""",
        parameters,
    )
    return {(row[0], row[1], row[2]): row[3] for row in rows}


def attributes(*, knowledge: int | None) -> Mapping[int, Attributes]:
    """Return the attributes of every account in force at a knowledge time (None: now), by its key."""
    found = {account.pk: _attributes(account, account) for account in Account.objects.all()}
    if knowledge is None:
        return found
    versions = (
        AccountVersion.objects.filter(batch_id__lte=knowledge)
        .select_related("account")
        .order_by("account_id", "-batch_id")
        .distinct("account_id")
    )
    return found | {one.account_id: _attributes(one.account, one) for one in versions}


def _attributes(account: Account, version: Account | AccountVersion) -> Attributes:
    return Attributes(
        code=account.code,
        name=account.name,
        nature=version.nature,
        treatment=version.treatment,
        is_avoidable=version.is_avoidable,
        is_usage_driven=version.is_usage_driven,
        regulatory_tag=version.regulatory_tag,
        volume_key=account.volume_key,
        is_higher_better=account.is_higher_better,
    )


def _counted(basis: Basis) -> str:
    factor = _SHARE[basis]
    return f"CASE WHEN {factor} = 1 THEN money ELSE hurdle_half_even(exact * {factor}) END"


def _total(expression: str, condition: str) -> str:
    return f"COALESCE(sum({expression}) FILTER (WHERE {condition}), 0)"


def _micros(amount: Decimal) -> int:
    return int(amount * MICRO)


def _rows(query: str, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        return list(cursor.fetchall())
