"""Portfolios, people, investments and facts for tests, made through the product's own verbs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import count
from typing import Any

from django.db import connection

from portfolio import assumptions, investments, ledger, months
from portfolio.facts import Fact, Writing
from portfolio.ledger import Recorded
from portfolio.models import Account, Investment, Membership, Portfolio, User
from portfolio.terms import EntryKind, add_months, months_from
from tests import waiting

START = date(2024, 1, 1)
# The customer-support case of source B, per month: cost 13,500, benefit 26,250, after 150,000 of development.
SUPPORT = {
    "infrastructure": 4500,
    "model_api": 6000,
    "maintenance": 3000,
    "labor_savings": 19250,
    "speed": 3000,
    "quality": 2500,
    "revenue": 1500,
}
_numbers = count(1)


def now() -> datetime:
    """Return the time of the clock; facts lie in the past of it."""
    return datetime.now(UTC)


def month(number: int) -> date:
    """Return month `number` of an investment that starts at START; 1 is START itself."""
    return add_months(START, number - 1)


def make_user(name: str = "", *, email: str | None = None, **changes: Any) -> User:
    """Create a person who can be written to."""
    name = name or f"user{next(_numbers)}"
    address = f"{name}@example.com" if email is None else email
    return User.objects.create(username=name, email=address, **changes)


def join(user: User, portfolio: Portfolio, role: str) -> User:
    """Give a person a role in a portfolio."""
    Membership.objects.create(user=user, portfolio=portfolio, role=role)
    return user


def make_portfolio(code: str = "", *, rate: str = "0.10", share: str = "1", **changes: Any) -> Portfolio:
    """Create a portfolio with one rate for hurdle and discount."""
    code = code or f"P{next(_numbers)}"
    made = Portfolio.objects.create(code=code, name=f"Portfolio {code}", **changes)
    assumptions.set_rates(
        made,
        now=now(),
        hurdle_rate=Decimal(rate),
        discount_rate=Decimal(rate),
        asserted_share=Decimal(share),
    )
    return made


def make_investment(portfolio: Portfolio, code: str = "", **changes: Any) -> Investment:
    """Register an investment that starts, and is live, in START; it has an owner."""
    code = code or f"I{next(_numbers)}"
    terms: dict[str, Any] = {
        "name": f"Investment {code}",
        "start_month": START,
        "live_month": START,
    } | changes
    if "owner" not in terms:
        terms["owner"] = make_user()
    return investments.put(Investment(portfolio=portfolio, code=code, **terms), now=now())


def accounts() -> dict[str, int]:
    """Return the key of each account by its code."""
    return dict(Account.objects.values_list("code", "pk"))


def fact(
    investment: Investment, at: date, account: str, value: Decimal | int | str | None, **changes: Any
) -> Fact:
    """Return a fact: money in USD for money accounts, a quantity for others; None is a nil."""
    row = Account.objects.get(code=account)
    is_money = row.kind in ("cost", "benefit")
    terms: dict[str, Any] = {"currency": "USD" if is_money else ""}
    if value is None:
        terms["kind"] = EntryKind.NIL
    else:
        terms["amount" if is_money else "quantity"] = Decimal(value)
    return Fact(investment.pk, at, row.pk, **(terms | changes))


def withdrawn(investment: Investment, at: date, account: str, **changes: Any) -> Fact:
    """Return a fact that takes an earlier statement back."""
    return fact(investment, at, account, None, kind=EntryKind.WITHDRAWN, **changes)


def record(portfolio: Portfolio, *facts: Fact, source: str = "actuals", **changes: Any) -> Recorded:
    """Record facts of a portfolio; `changes` are those of the writing."""
    terms: dict[str, Any] = {"now": now()} | changes
    return ledger.record(portfolio, facts, writing=Writing(source=source, **terms))


def running(
    investment: Investment, lines: Mapping[str, Decimal | int], *, first: int = 1, last: int = 12
) -> list[Fact]:
    """Return the same lines for the months first..last of an investment that starts at START."""
    keys = accounts()
    return [
        Fact(investment.pk, month(number), keys[code], "USD", Decimal(value))
        for number in range(first, last + 1)
        for code, value in lines.items()
    ]


def record_support(investment: Investment, *, last: int = 12) -> None:
    """Record the customer-support case of source B for months 1..last."""
    once = fact(investment, START, "development", 150_000)
    record(investment.portfolio, once, *running(investment, SUPPORT, last=last))


def close(portfolio: Portfolio, *, last: int, first: int = 1, actor: User | None = None) -> list[date]:
    """Close the months first..last, counted from START."""
    return months.close(portfolio, months_from(month(first), month(last)), now=now(), actor=actor)


def refusals(rejected: Any) -> Sequence[tuple[int, str]]:
    """Return position and code of each refusal of a FactsRejected."""
    return [(error.position, error.code) for error in rejected.value.errors]


def until_locked(waiting_sessions: int = 1) -> None:
    """Return once so many sessions of this database wait for a knowledge lock."""
    waiting.until(lambda: _waiting_sessions() >= waiting_sessions)


def _waiting_sessions() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database "
            "WHERE d.datname = current_database() AND l.locktype = 'advisory' AND NOT l.granted"
        )
        return int(cursor.fetchone()[0])
