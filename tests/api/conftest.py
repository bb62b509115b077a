"""The cast and two portfolios: CX with its people, and OPS, which only Mallory belongs to."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.core.cache import cache
from rest_framework.test import APIClient

from alerts.models import Episode, EvaluationPoint, Event, Notification
from portfolio import assumptions, investments, ledger, months
from portfolio.facts import Fact, Writing
from portfolio.models import Account, ImportRun, Investment, Membership, Portfolio, User
from roi import cases, snapshots, studies
from roi.models import BusinessCase
from roi.usecases.base import HiddenCosts
from roi.usecases.drivers import drivers_of

START = date(2026, 1, 1)
# The published support case, with its hidden costs answered and one uncertain driver.
CASE: dict[str, Any] = {
    "template": "generic_llm",
    "title": "Support",
    "hidden_costs": {one.name: {"none": "Not in this case."} for one in drivers_of(HiddenCosts)},
    "distributions": {"dev_cost": {"kind": "uniform", "low": 120_000, "high": 180_000}},
}
ROLES = {"vera": "viewer", "olivia": "owner", "finn": "finance", "ada": "admin"}


@dataclass(frozen=True, slots=True)
class World:
    """Everything the tests ask about."""

    cx: Portfolio
    ops: Portfolio
    chatbot: Investment
    robot: Investment
    episodes: dict[str, Episode]
    notifications: dict[str, Notification]
    imports: dict[str, ImportRun]
    cases: dict[str, BusinessCase]
    users: dict[str, User]

    def client(self, name: str) -> APIClient:
        """Return a client signed in as a member of the cast, or as nobody."""
        client = APIClient(raise_request_exception=True)
        if name != "anonymous":
            client.force_login(self.users[name])
        return client


@pytest.fixture(autouse=True)
def _no_throttling_between_tests() -> None:
    cache.clear()


def now() -> datetime:
    return datetime.now(UTC)


def account(code: str) -> int:
    return Account.objects.get(code=code).pk


def make_portfolio(code: str) -> Portfolio:
    portfolio = Portfolio.objects.create(code=code, name=f"{code} portfolio")
    assumptions.set_rates(
        portfolio,
        now=now(),
        hurdle_rate=Decimal("0.10"),
        discount_rate=Decimal("0.10"),
        asserted_share=Decimal(1),
    )
    return portfolio


def make_investment(portfolio: Portfolio, code: str, *, owner: User, benefit: int = 500) -> Investment:
    """Put an investment with two months of actuals, the first of them closed."""
    investment = Investment(
        portfolio=portfolio, code=code, name=f"{code} name", owner=owner, start_month=START, live_month=START
    )
    investments.put(investment, now=now())
    facts = [
        Fact(investment.pk, month, account(code_), "USD", Decimal(value))
        for month in (START, date(2026, 2, 1))
        for code_, value in (("infrastructure", 400), ("labor_savings", benefit))
    ]
    ledger.record(portfolio, facts, writing=Writing(source="actuals", now=now(), actor=owner))
    return investment


def make_episode(investment: Investment) -> tuple[Episode, Notification]:
    point = EvaluationPoint.objects.create(investment=investment, revision=1, knowledge=1, recorded_at=now())
    episode = Episode.objects.create(
        investment=investment,
        rule="negative_roi",
        number=1,
        severity="critical",
        first_breach_month=START,
        fired_month=START,
        opened_at=now(),
    )
    event = Event.objects.create(
        id=uuid4(),
        episode=episode,
        kind="fired",
        month=START,
        point=point,
        evidence={"value": "-0.1"},
        recorded_at=now(),
    )
    notification = Notification.objects.create(
        id=uuid4(),
        event=event,
        portfolio=investment.portfolio,
        channel="log",
        thread_key="t",
        message={"kind": "fired", "investment": {"code": investment.code}},
        next_at=now(),
        created_at=now(),
    )
    return episode, notification


def make_case(investment: Investment, owner: User) -> BusinessCase:
    """Write the support case for an investment, with a scenario and a study that nobody computed yet."""
    case = cases.create(investment.portfolio, CASE, now=now(), actor=owner, investment=investment)
    cases.put_scenario(case, "Cheaper", kind="optimistic", drivers={"dev_cost": 1000}, now=now(), actor=owner)
    studies.ask(case, "sobol", stated={}, now=now(), actor=owner)
    return case


def make_world() -> World:
    """Make both portfolios, their people, figures, an episode and an import in each."""
    users = {
        name: User.objects.create(username=name, email=f"{name}@example.com") for name in (*ROLES, "mallory")
    }
    cx, ops = make_portfolio("CX"), make_portfolio("OPS")
    for name, role in ROLES.items():
        Membership.objects.create(user=users[name], portfolio=cx, role=role)
    Membership.objects.create(user=users["mallory"], portfolio=ops, role="admin")
    chatbot = make_investment(cx, "CX-1", owner=users["olivia"])
    robot = make_investment(ops, "OPS-SECRET", owner=users["mallory"])
    for portfolio in (cx, ops):
        months.close(portfolio, [START], now=now())
    snapshots.recompute(now=now())
    made = {"cx": make_episode(chatbot), "ops": make_episode(robot)}
    return World(
        cx=cx,
        ops=ops,
        chatbot=chatbot,
        robot=robot,
        episodes={name: episode for name, (episode, _) in made.items()},
        notifications={name: notification for name, (_, notification) in made.items()},
        imports={
            name: ImportRun.objects.create(
                file_name="a.csv", source="actuals", created_by=user, created_at=now()
            )
            for name, user in users.items()
        },
        cases={
            "cx": make_case(chatbot, users["olivia"]),
            "ops": make_case(robot, users["mallory"]),
        },
        users=users,
    )


@pytest.fixture
def world(db: None) -> World:
    return make_world()


def row(**changes: Any) -> dict[str, Any]:
    """Return a bulk row that can be recorded."""
    return {
        "investment": "CX-1",
        "month": "2026-03",
        "account": "infrastructure",
        "amount": "410.50",
        "currency": "USD",
    } | changes
