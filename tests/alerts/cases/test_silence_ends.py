"""A silence that ends about the time a message leaves: case 46."""

from __future__ import annotations

from datetime import timedelta

import pytest

from alerts import delivery, due, silences
from alerts.models import Episode, Notification, Silence
from alerts.silences import Matcher
from portfolio.models import Portfolio, User
from tests import factories
from tests.alerts.histories import LOSING, live
from tests.factories import now

RULE = "negative_roi"


@pytest.fixture
def portfolio(db: None) -> Portfolio:
    return factories.make_portfolio(rate="0.10")


@pytest.fixture
def olivia(portfolio: Portfolio) -> User:
    return factories.join(factories.make_user("olivia"), portfolio, "owner")


@pytest.fixture
def episode(portfolio: Portfolio, olivia: User) -> Episode:
    live(factories.make_investment(portfolio, "SUP-1", owner=olivia), LOSING, first=1, last=4)
    return Episode.objects.get(rule=RULE)


@pytest.mark.parametrize("ends_before_sending", [False, True])
def test_case_46_a_silence_that_ends_about_sending_is_one_notice(
    episode: Episode, olivia: User, ends_before_sending: bool
) -> None:
    matcher = Matcher(portfolio=episode.investment.portfolio, investment=episode.investment, rule=RULE)
    ends = now() + timedelta(days=1)
    made = silences.create(
        matcher,
        starts_at=now() - timedelta(seconds=5),
        ends_at=ends,
        comment="Known.",
        author=olivia,
        now=now(),
    )
    if ends_before_sending:
        Silence.objects.filter(pk=made.pk).update(ends_at=now() - timedelta(seconds=1))
        ends = now()
    delivery.drain(limit=50)
    for _ in range(3):
        due.run_due(now=ends + timedelta(minutes=1))
    rows = Notification.objects.filter(event__episode=episode, channel="email")
    heard = rows.exclude(state="suppressed").values_list("event__kind", flat=True)
    assert list(heard) == ["fired" if ends_before_sending else "silence_ended"]
