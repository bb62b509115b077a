"""The cast of the console tests: a portfolio with two investments, its people, and a stranger."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal

from django.test import Client

from portfolio import accounts, investments, ledger, months
from portfolio.facts import Fact, Writing
from portfolio.models import Account, Investment, Membership, Portfolio, User
from portfolio.terms import EntryKind, Role

START = date(2026, 1, 1)


@dataclass(frozen=True, slots=True)
class Cast:
    """Everybody and everything the console tests need."""

    portfolio: Portfolio
    other: Portfolio
    support: Investment
    coding: Investment
    foreign: Investment
    people: dict[str, User]

    def client(self, name: str) -> Client:
        """Return a client signed in as one of the cast."""
        client = Client()
        client.force_login(self.people[name])
        return client

    def record(self, *facts: Fact, source: str = "actuals", reason: str = "") -> None:
        """Record facts of the cast's own portfolio."""
        writing = Writing(source=source, now=datetime.now(UTC), actor=self.people["finn"], reason=reason)
        ledger.record(self.portfolio, facts, writing=writing)

    def close(self, *closed: date) -> None:
        """Close months as Finn."""
        months.close(self.portfolio, list(closed), now=datetime.now(UTC), actor=self.people["finn"])


def assemble() -> Cast:
    """Create the cast in the test's database."""
    now = datetime.now(UTC)
    accounts.ship(now=now)
    portfolio = Portfolio.objects.create(code="CX", name="Customer operations")
    other = Portfolio.objects.create(code="OT", name="Somebody else's")
    people = {
        name: User.objects.create_user(name, f"{name}@example.com", is_staff=True)
        for name in ("olivia", "finn", "fiona", "adam", "vera", "mallory")
    }
    roles = {
        "olivia": Role.OWNER,
        "finn": Role.FINANCE,
        "fiona": Role.FINANCE,
        "adam": Role.ADMIN,
        "vera": Role.VIEWER,
    }
    for name, role in roles.items():
        Membership.objects.create(user=people[name], portfolio=portfolio, role=role.value)
    Membership.objects.create(user=people["mallory"], portfolio=other, role=Role.ADMIN.value)
    made = [
        investments.put(
            Investment(portfolio=p, code=code, name=name, owner=people["olivia"], start_month=START), now=now
        )
        for p, code, name in (
            (portfolio, "AI-001", "Support assistant"),
            (portfolio, "AI-002", "Coding assistant"),
            (other, "XX-001", "Secret project"),
        )
    ]
    return Cast(portfolio, other, *made, people)


def money(
    investment: Investment, month: date, account: str, amount: str | None, currency: str = "USD"
) -> Fact:
    """Return a fact of a money account; None states that there is none."""
    key = Account.objects.get(code=account).pk
    if amount is None:
        return Fact(investment.pk, month, key, currency, kind=EntryKind.NIL)
    return Fact(investment.pk, month, key, currency, Decimal(amount))
