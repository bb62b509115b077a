"""The ledger tab of an investment: accounts by month, a year at a time, and every statement behind a cell."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Count, QuerySet
from django.utils.http import urlencode
from django.utils.safestring import SafeString

from portfolio import knowledge
from portfolio.models import Account, Cell, Entry
from portfolio.terms import AccountKind, Book, EntryKind, format_month, months_from, parse_month
from reports.console import figures, plans
from reports.console.standing import Standing

Context = dict[str, Any]
Key = tuple[int, str, date]
_HISTORY = 200


@dataclass(frozen=True, slots=True)
class Shown:
    """One cell of the table: the sum over sources, and whether an earlier statement stands behind it."""

    value: SafeString | str
    is_restated: bool
    link: str


def context(stands: Standing, query: Mapping[str, str]) -> Context:
    """Return the year's cells of the chosen book, and the history of one cell where it is asked for."""
    investment = stands.investment
    book = Book.PLAN if query.get("book") == "plan" else Book.ACTUAL
    approved = plans.approved_version(stands)
    values: Any = Cell.objects.filter(investment=investment)
    if stands.knowledge is not None:
        values = knowledge.values_known(investment, stands.knowledge)
    cells = values.filter(book=book.value)
    if book is Book.PLAN:
        cells = cells.filter(book_version=approved or 0)
    years = sorted({d.year for d in cells.values_list("month", flat=True).distinct()})
    year = _chosen_year(query.get("year", ""), years)
    months = months_from(date(year, 1, 1), date(year, 12, 1)) if year else []
    return {
        "book": book.value,
        "has_plan": approved is not None,
        "years": years,
        "year": year,
        "months": months,
        "groups": _groups(stands, cells.filter(month__in=months), months, book) if year else [],
        "history": _history(stands, query, book),
    }


def _chosen_year(text: str, years: Sequence[int]) -> int | None:
    if text.isdecimal() and int(text) in years:
        return int(text)
    return years[-1] if years else None


def _groups(stands: Standing, cells: Any, months: list[date], book: Book) -> list[Context]:
    values: dict[Key, list[tuple[str, Decimal | None, Decimal | None]]] = defaultdict(list)
    for account, currency, month, kind, amount, quantity in cells.values_list(
        "account_id", "currency", "month", "kind", "amount", "quantity"
    ):
        values[account, currency, month].append((kind, amount, quantity))
    restated = _restated(stands, months, book)
    accounts = Account.objects.in_bulk({key[0] for key in values})
    groups = []
    for kind in AccountKind:
        rows = sorted(
            {
                (accounts[a].position, a, currency)
                for a, currency, _ in values
                if accounts[a].kind == kind.value
            }
        )
        if rows:
            shown = [_row(accounts[a], currency, months, values, restated, book) for _, a, currency in rows]
            groups.append({"title": kind.value.capitalize(), "rows": shown})
    return groups


def _restated(stands: Standing, months: list[date], book: Book) -> set[Key]:
    """Return the cells with more than one statement for the same key."""
    entries = _entries(stands).filter(book=book.value, month__in=months)
    key = ("account_id", "currency", "month", "source", "source_ref", "book_version")
    counted = entries.values(*key).annotate(count=Count("id")).filter(count__gt=1)
    return {(r["account_id"], r["currency"], r["month"]) for r in counted.order_by()}


def _row(
    account: Account,
    currency: str,
    months: list[date],
    values: Mapping[Key, list[tuple[str, Decimal | None, Decimal | None]]],
    restated: set[Key],
    book: Book,
) -> Context:
    cells = []
    for month in months:
        statements = values.get((account.pk, currency, month), [])
        query = {"tab": "ledger", "book": book.value, "year": month.year}
        query |= {"account": account.pk, "month": format_month(month)}
        cells.append(
            Shown(
                _sum(account, statements),
                (account.pk, currency, month) in restated,
                f"?{urlencode(query)}" if statements else "",
            )
        )
    return {"account": account, "unit": currency or account.unit, "cells": cells}


def _sum(
    account: Account, statements: Sequence[tuple[str, Decimal | None, Decimal | None]]
) -> SafeString | str:
    """Return the sum over sources; `nil` where somebody stated that there is nothing."""
    is_money = account.kind in (AccountKind.COST.value, AccountKind.BENEFIT.value)
    stated = [(amount if is_money else quantity) for kind, amount, quantity in statements if kind == "value"]
    known = [value for value in stated if value is not None]
    if known:
        total = sum(known, Decimal(0))
        return figures.amount(total) if is_money else figures.quantity(total)
    return "nil" if any(kind == EntryKind.NIL.value for kind, _, _ in statements) else ""


def _history(stands: Standing, query: Mapping[str, str], book: Book) -> Context | None:
    """Return every statement of one account and month, newest first: who, when, why."""
    account_id = query.get("account", "")
    try:
        month = parse_month(query.get("month", ""))
    except ValueError:
        return None
    account = Account.objects.filter(pk=int(account_id)).first() if account_id.isdecimal() else None
    if account is None:
        return None
    entries = _entries(stands).filter(account=account, month=month, book=book.value)
    rows = list(entries.select_related("batch", "batch__actor", "batch__approver").order_by("-id")[:_HISTORY])
    return {"account": account, "month": month, "rows": [_statement(e, account, rows) for e in rows]}


def _entries(stands: Standing) -> QuerySet[Entry]:
    """Return every line of the investment that was stated up to the standing's knowledge time."""
    rows = Entry.objects.filter(investment=stands.investment)
    return rows if stands.knowledge is None else rows.filter(batch_id__lte=stands.knowledge)


def _statement(entry: Entry, account: Account, rows: Sequence[Entry]) -> Context:
    same_key = [
        e
        for e in rows
        if (e.source, e.source_ref, e.currency) == (entry.source, entry.source_ref, entry.currency)
    ]
    value: SafeString | str = entry.kind
    if entry.amount is not None:
        value = figures.exact(entry.amount)
    elif entry.quantity is not None:
        value = figures.quantity(entry.quantity)
    return {
        "entry": entry,
        "value": value,
        "unit": entry.currency or account.unit,
        "is_current": entry is same_key[0],
        "batch": entry.batch,
    }
