"""Channels that come, go and fail while an alert is open: who hears of its end, and of its reminders."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from alerts import channels, delivery, due, evaluate, targets
from alerts.breaker import Breaker
from alerts.channels.base import Message, Permanent
from alerts.models import Episode, Event, Notification, Target
from portfolio.models import Investment, Portfolio
from tests import factories
from tests.alerts.delivery.cases import FakeChannel
from tests.factories import close, now, record, running

LOSING = {"model_api": 9000, "labor_savings": 2000}
EARNING = {"model_api": 2000, "labor_savings": 9000}
RULE = "negative_roi"


@pytest.fixture
def portfolio(db: None) -> Portfolio:
    return factories.make_portfolio(rate="0.10")


@pytest.fixture
def support(portfolio: Portfolio) -> Investment:
    olivia = factories.join(factories.make_user("olivia", slack_id="U9"), portfolio, "owner")
    return factories.make_investment(portfolio, "SUP-1", owner=olivia)


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Callable[..., FakeChannel]:
    """Return a function that makes a channel answer as told."""
    monkeypatch.setattr(delivery, "breaker", Breaker())

    def put(name: str, *outcomes: Any) -> FakeChannel:
        made = FakeChannel(*outcomes)
        made.name = name
        monkeypatch.setitem(
            channels.CHANNELS, name, replace(channels.CHANNELS[name], make=lambda options: made)
        )
        return made

    return put


def live(investment: Investment, lines: dict[str, int], *, first: int, last: int) -> None:
    record(investment.portfolio, *running(investment, lines, first=first, last=last))
    close(investment.portfolio, first=first, last=last)
    evaluate.advance(now=now())


def shared(portfolio: Portfolio) -> Target:
    target = Target(portfolio=portfolio, channel="webhook", label="Ops")
    targets.save(target, {"url": "https://hooks.example.com/x"})
    return target


def drain() -> None:
    """Deliver everything that is due, and what becomes due by it."""
    while delivery.drain(limit=50):
        pass


def kinds(handed: list[Message]) -> list[str]:
    return [message.kind for message in handed if message.data.get("rule") == RULE]


def test_case_53_a_channel_added_later_hears_of_no_end_but_of_the_next_reminder(
    support: Investment, install: Callable[..., FakeChannel]
) -> None:
    install("email")
    webhook = install("webhook")
    live(support, LOSING, first=1, last=4)
    shared(support.portfolio)
    drain()
    assert kinds(webhook.handed) == []
    due.run_due(now=now() + timedelta(days=31))
    Notification.objects.filter(state="pending").update(next_at=now())
    drain()
    assert kinds(webhook.handed) == ["reminder"]


def test_case_53_without_a_reminder_in_between_the_end_stays_untold(
    support: Investment, install: Callable[..., FakeChannel]
) -> None:
    email, webhook = install("email"), install("webhook")
    live(support, LOSING, first=1, last=4)
    shared(support.portfolio)
    live(support, EARNING, first=5, last=9)
    drain()
    assert Event.objects.filter(episode__rule=RULE, kind="resolved").count() == 1
    assert kinds(email.handed) == ["fired", "resolved"]
    assert kinds(webhook.handed) == []


def test_case_55_a_beginning_that_died_is_followed_by_no_end(
    support: Investment, install: Callable[..., FakeChannel]
) -> None:
    email, webhook = install("email"), install("webhook", Permanent("404"))
    shared(support.portfolio)
    live(support, LOSING, first=1, last=4)
    drain()
    live(support, EARNING, first=5, last=9)
    drain()
    assert kinds(email.handed) == ["fired", "resolved"]
    assert kinds(webhook.handed) == ["fired"]


def test_whoever_was_told_in_anothers_place_hears_of_the_end_too(
    support: Investment, install: Callable[..., FakeChannel]
) -> None:
    install("email", Permanent("550 no such user"))
    slack = install("slack")
    live(support, LOSING, first=1, last=4)
    drain()
    assert Notification.objects.get(instead_of__isnull=False, event__episode__rule=RULE).state == "sent"
    live(support, EARNING, first=5, last=9)
    drain()
    assert Episode.objects.get(rule=RULE).closed_at is not None
    to_olivia = [m for m, a in zip(slack.handed, slack.addresses, strict=True) if a == "U9"]
    assert kinds(to_olivia) == ["fired", "resolved"]
