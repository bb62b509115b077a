"""Portfolios, people, investments and facts for tests, made through the product's own verbs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import count
from typing import Any

from django.db import connection, transaction

from alerts import policies, policy_changes
from alerts.models import Policy
from portfolio import (
    approvals,
    assumptions,
    hurdles,
    investments,
    knowledge,
    ledger,
    months,
    plan_approvals,
)
from portfolio.facts import Fact, Writing
from portfolio.ledger import Recorded
from portfolio.models import (
    Account,
    Approval,
    Assumptions,
    Investment,
    Membership,
    PlanApproval,
    Portfolio,
    StageChange,
    User,
)
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
    stage = terms.pop("stage", "proposed")
    made = investments.put(Investment(portfolio=portfolio, code=code, **terms), now=now())
    return enter(made, stage)


_PATHS: dict[str, tuple[str, ...]] = {
    "proposed": (),
    "approved": ("approved",),
    "pilot": ("approved", "pilot"),
    "scaled": ("approved", "scaled"),
    "maintained": ("approved", "scaled", "maintained"),
    "killed": ("killed",),
}


def enter(investment: Investment, stage: str) -> Investment:
    """Let a proposed investment enter a stage, whatever the gates say; two people let it be approved."""
    for each in _PATHS[stage]:
        _enter(investment, each, _allowed(investment) if each == "approved" else None)
    return investment


def _allowed(investment: Investment) -> Approval:
    said = {"from_stage": investment.stage, "to_stage": "approved"}
    first, second = eyes()
    asked = approvals.ask(
        investment.portfolio,
        "stage",
        subject=investment.public_id,
        content=said,
        summary="x",
        author=first,
        now=now(),
    )
    return approvals.decide(asked, content=said, approver=second, is_allowed=True, now=now())


@transaction.atomic
def _enter(investment: Investment, stage: str, approval: Approval | None) -> None:
    knowledge.lock_portfolio(investment.portfolio_id)
    batch = knowledge.open_batch(
        portfolio=investment.portfolio, kind="governance", now=now(), content=[stage], reason="Entered."
    )
    StageChange.objects.create(
        investment=investment,
        from_stage=investment.stage,
        to_stage=stage,
        reason="Entered.",
        approval=approval,
        batch=batch,
        recorded_at=batch.recorded_at,
    )
    Investment.objects.filter(pk=investment.pk).update(stage=stage)
    investment.stage = stage
    knowledge.advance_heads("investment", [investment.pk], batch.pk)


def eyes() -> tuple[User, User]:
    """Return two people who may ask and allow everywhere, and are members nowhere."""
    names = ("first_person", "second_person")
    found = {user.username: user for user in User.objects.filter(username__in=names)}
    first, second = (found.get(name) or make_user(name, email="", is_superuser=True) for name in names)
    return first, second


def allow(approval: Approval) -> Approval:
    """Allow a request as the second person; what was asked for is carried out."""
    return approvals.settle(approval, approver=eyes()[1], is_allowed=True, now=now())


def allow_last() -> Approval:
    """Allow the newest request, which a page or the API made."""
    return allow(Approval.objects.latest("pk"))


def set_rates(portfolio: Portfolio, **terms: Any) -> Assumptions:
    """Put rates in force, by two people where the hurdle is changed."""
    investment = terms.get("investment")
    if not assumptions.moves_hurdle(portfolio, investment, terms.get("hurdle_rate")):
        return assumptions.set_rates(portfolio, **({"now": now()} | terms))
    terms = {"now": now(), "reason": "Board."} | terms
    terms.pop("actor", None)
    allow(hurdles.propose(portfolio, author=eyes()[0], **terms))
    row = assumptions.latest(portfolio, investment)
    assert row is not None
    return row


def change_policy(investment: Investment, rule: str, **terms: Any) -> Policy:
    """Put a new version of a policy in force, asked for by one person and allowed by another."""
    terms = {"now": now(), "reason": "Board.", "terms": {}} | terms
    author = terms.pop("actor", None) or eyes()[0]
    allow(policy_changes.propose(investment, rule, author=author, **terms))
    changed = policies.latest_of(investment, rule)
    assert changed is not None
    return changed


def approve_plan(investment: Investment, version: int = 1, *, reason: str = "Board.") -> PlanApproval:
    """Approve a version of the plan as somebody else than its author, by two people where it replaces another."""
    first, _ = eyes()
    if not plan_approvals.needs_request(investment):
        return plan_approvals.approve(investment, version, now=now(), actor=first, reason=reason)
    allow(plan_approvals.propose(investment, version, now=now(), author=first, reason=reason))
    investment.refresh_from_db()
    return PlanApproval.objects.filter(investment=investment).latest("batch_id")


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
