"""What is due by the clock is read and written in bulk: a batch of many takes as many queries as one of few."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from alerts import acknowledgments, due, evaluate
from alerts.models import Episode, Event, Snooze, Timer
from portfolio.models import Investment, Portfolio, User
from tests import factories
from tests.alerts.histories import EARNING, LOSING
from tests.factories import close, now, record, running

FEW, MANY = 2, 9


@pytest.fixture
def olivia(db: None) -> User:
    return factories.make_user("olivia")


def _portfolio(olivia: User) -> Portfolio:
    portfolio = factories.make_portfolio()
    factories.join(olivia, portfolio, "owner")
    return portfolio


def _counted(*, days: float) -> int:
    """Return the queries that working off what is due in so many days takes."""
    with CaptureQueriesContext(connection) as captured:
        due._run_batch(now=now() + timedelta(days=days))
    return len(captured)


def _asked(olivia: User, count: int) -> list[Investment]:
    portfolio = _portfolio(olivia)
    found = [
        factories.make_investment(portfolio, f"{portfolio.code}-{n}", data_owner=olivia) for n in range(count)
    ]
    record(portfolio, *[fact for one in found for fact in running(one, EARNING, first=1, last=2)])
    close(portfolio, first=1, last=3)
    evaluate.advance(now=now())
    return found


def _snoozed(olivia: User, count: int) -> list[Investment]:
    portfolio = _portfolio(olivia)
    found = [
        factories.make_investment(portfolio, f"{portfolio.code}-{n}", owner=olivia) for n in range(count)
    ]
    record(portfolio, *[fact for one in found for fact in running(one, LOSING, first=1, last=4)])
    close(portfolio, first=1, last=4)
    evaluate.advance(now=now())
    for episode in Episode.objects.filter(investment__in=found, rule="negative_roi"):
        until = now() + timedelta(days=2)
        acknowledgments.snooze(episode, user=olivia, until=until, reason="Release on Friday.", now=now())
    return found


@pytest.mark.parametrize(
    ("make", "days", "kind"), [(_asked, 9, "reminder"), (_snoozed, 2.5, "silence_ended")]
)
def test_many_take_as_many_queries_as_few(
    olivia: User, make: Callable[[User, int], list[Investment]], days: float, kind: str
) -> None:
    counted = {}
    for count in (FEW, MANY):
        found = make(olivia, count)
        counted[count] = _counted(days=days)
        assert Event.objects.filter(episode__investment__in=found, kind=kind).count() == count
    assert counted[FEW] == counted[MANY]


def test_snoozes_end_with_their_timers_and_no_other_does(olivia: User) -> None:
    over, going_on = _snoozed(olivia, 2)
    later = Snooze.objects.filter(episode__investment=going_on)
    later.update(until=now() + timedelta(days=80))
    Timer.objects.filter(episode__investment=going_on, kind="snooze_end").update(
        due_at=now() + timedelta(days=80)
    )
    due.run_due(now=now() + timedelta(days=3))
    assert not Snooze.objects.filter(episode__investment=over, ended_at=None).exists()
    assert later.filter(ended_at=None).exists()
