"""Whoever works by himself goes by the database's clock: a wrong clock of a machine changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

import alerts.tasks
from alerts import delivery, evaluate
from alerts.models import Attempt, Event, Notification, Timer
from portfolio import clock
from portfolio.models import User
from tests import factories
from tests.alerts.histories import LOSING
from tests.factories import close, now, record, running


@pytest.fixture
def olivia(db: None) -> User:
    return factories.make_user("olivia")


@pytest.fixture(params=[3650, -3650, -1 / 24], ids=["ten years ahead", "ten years behind", "an hour behind"])
def wrong(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    right: Callable[[], object] = timezone.now
    monkeypatch.setattr(timezone, "now", lambda: right() + timedelta(days=request.param))


def _losing(olivia: User) -> None:
    portfolio = factories.make_portfolio()
    factories.join(olivia, portfolio, "owner")
    one = factories.make_investment(portfolio, f"{portfolio.code}-1", owner=olivia)
    record(portfolio, *running(one, LOSING, first=1, last=4))
    close(portfolio, first=1, last=4)


def test_the_clock_is_the_databases(db: None, wrong: None) -> None:
    assert abs(clock.now() - now()) < timedelta(minutes=1)


def test_nothing_is_due_early_by_a_wrong_clock(olivia: User, wrong: None) -> None:
    _losing(olivia)
    evaluate.advance(now=now())
    assert Timer.objects.filter(state="waiting").exists()
    told = Event.objects.count()
    alerts.tasks.sweep()
    assert Event.objects.count() == told
    assert not Timer.objects.exclude(state="waiting").exists()


def test_a_wrong_clock_keeps_nothing_back(olivia: User, wrong: None) -> None:
    _losing(olivia)
    alerts.tasks.sweep()
    waiting = Notification.objects.filter(state="pending").count()
    assert waiting
    assert delivery.drain(limit=50) == waiting
    assert Attempt.objects.count() == waiting
