"""Plan against actual: to date by month, and by account in the months of a year; better positive, (worse) negative."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString

from portfolio.models import Account
from portfolio.terms import AccountKind, Book
from reports.console import figures, plans_book
from reports.console.investment_months import state_of
from reports.console.plans_book import Line, Months
from reports.console.standing import Standing
from roi.engine import variance
from roi.engine.result import Reason
from roi.models import Snapshot

Context = dict[str, Any]
Amounts = Mapping[tuple[int, date], Decimal | None]
Sums = tuple[Decimal, Decimal]  # cost and benefit to date
NOT_COVERED = "The approved plan does not cover this month."
_SIDES: tuple[tuple[AccountKind, Callable[[Sums], Decimal]], ...] = (
    (AccountKind.COST, lambda sums: sums[0]),
    (AccountKind.BENEFIT, lambda sums: sums[1]),
    (AccountKind.BENEFIT, lambda sums: sums[1] - sums[0]),
)


def context(stands: Standing, plan: Months, *, version: int, share: Decimal, year: str) -> Context:
    """Return the cumulative comparison, newest month first, and the accounts of a year."""
    snapshots = stands.history()
    planned = set(plan.known())
    compared = [s.month for s in snapshots if s.month in planned]
    years = sorted({month.year for month in compared})
    chosen = int(year) if year.isdecimal() and int(year) in years else (years[-1] if years else None)
    months = [month for month in compared if month.year == chosen]
    return {
        "to_date": _to_date(snapshots, plan)[::-1],
        "years": years,
        "year": chosen,
        "months": months,
        "groups": _groups(stands, months, version=version, share=share) if months else [],
    }


def _to_date(snapshots: Sequence[Snapshot], plan: Months) -> list[Context]:
    sums, planned = plan.to_date(), set(plan.known())
    rows, is_missing_fx = [], False
    for s in snapshots:
        is_missing_fx = is_missing_fx or s.is_missing_fx
        actual = None if is_missing_fx else (s.tco, s.cumulative_benefit_supported)
        reason = NOT_COVERED if actual and s.month not in planned else Reason.MISSING_FX_RATE
        rows.append(
            {
                "month": s.month,
                "is_final": s.is_closed and s.is_complete,
                "state": state_of(s),
                "cells": _sides(actual, sums.get(s.month), reason),
            }
        )
    return rows


def _sides(actual: Sums | None, plan: Sums | None, reason: Reason | str) -> list[SafeString]:
    """Return plan, actual, and how much better (worse) the actual is: for cost, for benefit, and for net."""
    cells = []
    for kind, pick in _SIDES:
        planned, stated = pick(plan) if plan else None, pick(actual) if actual else None
        cells += [
            figures.money(planned, reason=reason),
            figures.money(stated, reason=Reason.MISSING_FX_RATE),
            better(stated, planned, kind, reason=reason),
        ]
    return cells


def better(
    actual: Decimal | None, plan: Decimal | None, kind: AccountKind, *, reason: Reason | str
) -> SafeString:
    """Return the variance in the accountant's notation; what has no plan or no actual shows why."""
    if actual is None or plan is None:
        return figures.missing(reason)
    found = variance.better(actual, plan=plan, kind=kind)
    if isinstance(found, Reason):
        return figures.missing(found)
    return signed(found)


def signed(value: Decimal) -> SafeString:
    """Return a variance as money: marked as better where it is."""
    if value > 0:
        return format_html('<span class="h-num h-better">{}</span>', figures.money_text(value))
    return figures.money(value)


def _groups(stands: Standing, months: Sequence[date], *, version: int, share: Decimal) -> list[Context]:
    investment, known = stands.investment, stands.knowledge
    plan = _amounts(
        plans_book.read(investment, Book.PLAN, share=share, months=months, version=version, known=known)
    )
    actual = _amounts(plans_book.read(investment, Book.ACTUAL, share=share, months=months, known=known))
    accounts = Account.objects.in_bulk({account for account, _ in {*plan, *actual}})
    groups = []
    for kind in (AccountKind.COST, AccountKind.BENEFIT):
        members = sorted((a for a in accounts.values() if a.kind == kind.value), key=lambda a: a.position)
        if members:
            rows = [_account(account, months, plan, actual) for account in members]
            groups.append({"title": kind.value.capitalize(), "rows": rows})
    return groups


def _amounts(lines: Sequence[Line]) -> dict[tuple[int, date], Decimal | None]:
    """Return the sum over sources by account and month; None where a part has no exchange rate."""
    parts: dict[tuple[int, date], list[Decimal | None]] = defaultdict(list)
    for line in lines:
        parts[line.account_id, line.month].append(line.amount)
    return {
        key: None if None in amounts else sum((a for a in amounts if a is not None), Decimal(0))
        for key, amounts in parts.items()
    }


def _account(account: Account, months: Sequence[date], plan: Amounts, actual: Amounts) -> Context:
    found = [_variance(account, month, plan, actual) for month in months]
    known = [value for value in found if isinstance(value, Decimal)]
    reasons = [value for value in found if isinstance(value, Reason)]
    return {
        "account": account,
        "cells": [_cell(value) for value in found],
        "total": figures.missing(reasons[0]) if reasons else signed(sum(known, Decimal(0))),
    }


def _cell(value: Decimal | Reason | None) -> SafeString | str:
    if value is None:
        return ""
    return signed(value) if isinstance(value, Decimal) else figures.missing(value)


def _variance(account: Account, month: date, plan: Amounts, actual: Amounts) -> Decimal | Reason | None:
    """Return the variance of one month; None where there is neither plan nor actual.

    A missing actual is not zero. An account that an existing plan does not name was planned at nothing.
    """
    key = (account.pk, month)
    if key not in plan and key not in actual:
        return None
    if key not in actual:
        return Reason.MISSING_ACTUALS
    planned, stated = plan.get(key, Decimal(0)), actual[key]
    if planned is None or stated is None:
        return Reason.MISSING_FX_RATE
    return variance.better(stated, plan=planned, kind=AccountKind(account.kind))
