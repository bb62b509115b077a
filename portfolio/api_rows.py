"""Reads the rows of a bulk request: JSON in, facts out, and for each thing that is wrong its JSON pointer."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from portfolio import ingest
from portfolio.access import Action, scope
from portfolio.api_base import CODE_PATTERN, exact_decimal
from portfolio.facts import Fact
from portfolio.importers.base import COLUMNS
from portfolio.models import Account, Investment, Portfolio
from portfolio.terms import AccountKind, Book, EntryKind, parse_month

FIELDS = (*COLUMNS, "nil")
_CODE = re.compile(CODE_PATTERN + r"\Z", re.ASCII)
_LENGTHS = {"investment": 48, "account": 48, "currency": 3, "source_ref": 200, "note": 500}
_MONEY = (AccountKind.COST.value, AccountKind.BENEFIT.value)

Error = dict[str, str]


@dataclass(frozen=True, slots=True)
class Row:
    """One row as it was stated, codes not looked up yet."""

    position: int
    investment: str
    month: date
    account: str
    currency: str
    amount: Decimal | None
    quantity: Decimal | None
    book: Book
    source_ref: str
    note: str
    kind: EntryKind


@dataclass(frozen=True, slots=True)
class Group:
    """The facts that one call of the ledger takes, with the positions of their rows."""

    portfolio: Portfolio
    book: Book
    version: int
    facts: list[Fact]
    positions: list[int]


class RowError(Exception):
    """One field of one row that cannot be read."""

    def __init__(self, field: str, message: str, code: str = "invalid") -> None:
        super().__init__(message)
        self.field = field
        self.message = message
        self.code = code


def error_at(prefix: str, position: int, field: str, message: str, code: str) -> Error:
    """Return an error with its pointer, as `#/rows/3/amount`."""
    escaped = field[:100].replace("~", "~0").replace("/", "~1")
    return {
        "pointer": f"{prefix}/{position}" + (f"/{escaped}" if field else ""),
        "detail": message,
        "code": code,
    }


def read(rows: Sequence[object], *, prefix: str) -> tuple[list[Row], list[Error]]:
    """Return the rows that can be read, and an error for each that cannot."""
    good, errors = [], []
    for position, row in enumerate(rows):
        try:
            good.append(_read_row(position, row))
        except RowError as error:
            errors.append(error_at(prefix, position, error.field, error.message, error.code))
    return good, errors


def _read_row(position: int, row: object) -> Row:
    if not isinstance(row, dict):
        raise RowError("", "A row is an object with named fields.")
    for name in row:
        if name not in FIELDS:
            raise RowError(
                str(name), f"There is no such field; the fields are {', '.join(FIELDS)}.", "unknown"
            )
    nil = row.get("nil", False)
    if not isinstance(nil, bool):
        raise RowError("nil", "nil is true or false.")
    return Row(
        position=position,
        investment=_text(row, "investment", required=True),
        month=_month(row),
        account=_text(row, "account", required=True),
        currency=_text(row, "currency"),
        amount=_number(row, "amount"),
        quantity=_number(row, "quantity"),
        book=_book(row),
        source_ref=_text(row, "source_ref"),
        note=_text(row, "note"),
        kind=EntryKind.NIL if nil else EntryKind.VALUE,
    )


def _text(row: dict[str, Any], name: str, *, required: bool = False) -> str:
    value = row.get(name)
    if value is None:
        value = ""
    if not isinstance(value, str):
        raise RowError(name, f"{name} is text.")
    if required and not value:
        raise RowError(name, f"{name} is missing.", "required")
    if len(value) > _LENGTHS[name]:
        raise RowError(name, f"{name} has more than {_LENGTHS[name]} characters.")
    # Control characters would break lines in files and mails; half of a surrogate pair cannot be stored.
    if not all(character.isprintable() or character == "\u00a0" for character in value):
        raise RowError(name, f"{name} holds a character that cannot be printed.")
    return value


def _month(row: dict[str, Any]) -> date:
    value = row.get("month")
    if not isinstance(value, str):
        raise RowError(
            "month", "A month is written as text, YYYY-MM.", "invalid" if "month" in row else "required"
        )
    try:
        return parse_month(value)
    except ValueError as error:
        raise RowError("month", str(error)) from error


def _number(row: dict[str, Any], name: str) -> Decimal | None:
    value = row.get(name)
    if value is None:
        return None
    try:
        return exact_decimal(value)
    except ValueError as error:
        raise RowError(name, str(error)) from error


def _book(row: dict[str, Any]) -> Book:
    value = row.get("book", Book.ACTUAL.value)
    if not isinstance(value, str) or value not in set(Book):
        raise RowError("book", f"The book is one of {', '.join(Book)}.")
    return Book(value)


def resolve(rows: Sequence[Row], *, user: Any, prefix: str) -> tuple[list[Group], list[Error]]:
    """Return the rows as facts, grouped for the ledger in the order of its locks: two look-ups for all rows.

    An investment the user may not record for is unknown, in the same words as one that does not exist.
    """
    codes = {row.investment for row in rows if _CODE.match(row.investment)}
    found = Investment.objects.filter(scope(user, Action.RECORD), code__in=codes).select_related("portfolio")
    investments = {i.code: i for i in found}
    accounts = {a.code: a for a in Account.objects.filter(is_active=True)}
    versions = ingest.draft_versions([i.pk for i in investments.values()])
    errors: list[Error] = []
    groups: dict[tuple[int, str, int], Group] = {}
    for row in rows:
        investment, account = investments.get(row.investment), accounts.get(row.account)
        if investment is None:
            sentence = f"There is no investment '{row.investment}' that you may record for."
            errors.append(error_at(prefix, row.position, "investment", sentence, "unknown"))
        if account is None:
            sentence = f"There is no account '{row.account}'."
            errors.append(error_at(prefix, row.position, "account", sentence, "unknown"))
        if investment is None or account is None:
            continue
        version = versions.get(investment.pk, 1) if row.book is Book.PLAN else 0
        key = (investment.portfolio_id, row.book.value, version)
        group = groups.setdefault(key, Group(investment.portfolio, row.book, version, [], []))
        group.facts.append(_fact(row, investment, account))
        group.positions.append(row.position)
    return [groups[key] for key in sorted(groups)], errors


def _fact(row: Row, investment: Investment, account: Account) -> Fact:
    currency = row.currency
    if not currency and account.kind in _MONEY:
        currency = investment.portfolio.reporting_currency
    return Fact(
        investment_id=investment.pk,
        month=row.month,
        account_id=account.pk,
        currency=currency,
        amount=row.amount,
        quantity=row.quantity,
        kind=row.kind,
        source_ref=row.source_ref,
        note=row.note,
    )
