"""Who leaves while something is on its way to them: nothing is lost by it, and nobody is asked for it twice.

Taken out once, and a test here failed: each part of the condition at sending, the same in digests, the mark of a
digest, the order of stand-ins, and ends for whom the routes name no longer.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from alerts import channels, delivery, due, outbox, unsubscriptions
from alerts.breaker import Breaker
from alerts.channels.base import Accepted, Outcome, Permanent
from alerts.models import Notification, Route, Target
from portfolio.models import Investment, Portfolio, User
from tests import factories
from tests.alerts.delivery.cases import FakeChannel
from tests.alerts.histories import EARNING, LOSING, live
from tests.factories import now

RULE = "negative_roi"


@pytest.fixture
def portfolio(db: None) -> Portfolio:
    return factories.make_portfolio("CX")


@pytest.fixture
def olivia(portfolio: Portfolio) -> User:
    return factories.make_user("olivia")


@pytest.fixture
def ada(portfolio: Portfolio) -> User:
    return factories.join(factories.make_user("ada"), portfolio, "admin")


@pytest.fixture
def support(portfolio: Portfolio, olivia: User) -> Investment:
    return factories.make_investment(portfolio, "SUP-1", owner=olivia)


def _fake(monkeypatch: pytest.MonkeyPatch, name: str, *outcomes: Outcome) -> FakeChannel:
    made = FakeChannel(*outcomes)
    made.name = name
    kind = replace(channels.CHANNELS[name], make=lambda options: made)
    monkeypatch.setattr(delivery, "breaker", Breaker())
    monkeypatch.setitem(channels.CHANNELS, name, kind)
    return made


def _drain() -> None:
    Notification.objects.filter(state="pending").update(next_at=now() - timedelta(seconds=1))
    while delivery.drain(limit=50):
        pass


def _left(support: Investment) -> Notification:
    """Return the mail of a loss that waits while its only reader leaves."""
    live(support, LOSING, first=1, last=4)
    row = Notification.objects.get(event__episode__rule=RULE, channel="email")
    assert row.user is not None
    unsubscriptions.unsubscribe(row.user, support.portfolio, now=now() + timedelta(seconds=1))
    return row


@pytest.mark.parametrize("others", [False, True])
def test_who_leaves_hears_of_what_nobody_else_hears_of(
    support: Investment, monkeypatch: pytest.MonkeyPatch, others: bool
) -> None:
    _fake(monkeypatch, "email")
    if others:
        _fake(monkeypatch, "slack")
        Target.objects.create(portfolio=support.portfolio, channel="slack", address="#ai", label="AI")
    row = _left(support)
    _drain()
    row.refresh_from_db()
    assert (row.state, row.suppressed_by) == (("suppressed", "unsubscribed") if others else ("sent", ""))


@pytest.mark.parametrize("others", [False, True])
@pytest.mark.parametrize("count", [1, 2])
def test_a_digest_tells_who_left_of_what_nobody_else_hears_of(
    portfolio: Portfolio, olivia: User, monkeypatch: pytest.MonkeyPatch, others: bool, count: int
) -> None:
    _fake(monkeypatch, "email")
    told = [{"role": "owner"}, {"role": "sponsor"}] if others else [{"role": "owner"}]
    Route.objects.create(
        portfolio=portfolio, position=1, name="D", recipients=told, mode="daily", rules=[RULE]
    )
    sam = factories.make_user("sam")
    for number in range(count):
        one = factories.make_investment(portfolio, f"D-{number}", owner=olivia, sponsor=sam)
        live(one, LOSING, first=1, last=4)
    unsubscriptions.unsubscribe(olivia, portfolio, now=now() + timedelta(seconds=1))
    Notification.objects.exclude(event__episode__rule=RULE).update(state="dead")
    due.run_due(now=now() + timedelta(days=1.5))
    _drain()
    rows = Notification.objects.filter(user=olivia, event__episode__rule=RULE)
    codes = {(row.state, row.suppressed_by) for row in rows}
    heard = Notification.objects.filter(user=olivia, state="sent").count()
    if others:
        assert (codes, heard) == ({("suppressed", "unsubscribed")}, 0)
    else:
        assert heard == 1, codes


def test_a_dead_channel_is_told_to_who_left_last(
    support: Investment, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody else is left: the administrator hears of it although they unsubscribed."""
    _fake(monkeypatch, "email", Permanent("550 no such user"), Accepted("250"))
    unsubscriptions.unsubscribe(ada, support.portfolio, now=now())
    live(support, LOSING, first=1, last=4)
    Notification.objects.exclude(event__episode__rule=RULE).update(state="logged")
    _drain()
    told = Notification.objects.get(instead_of__isnull=False, event__episode__rule=RULE)
    assert (told.user, told.state, told.message["recipient"]["must_hear"]) == (ada, "sent", True)


@pytest.mark.parametrize(("kind", "state"), [("review", "sent"), ("test", "sent"), ("report", "suppressed")])
def test_what_asks_a_person_to_act_comes_all_the_same(
    portfolio: Portfolio, ada: User, monkeypatch: pytest.MonkeyPatch, kind: str, state: str
) -> None:
    _fake(monkeypatch, "email")
    unsubscriptions.unsubscribe(ada, portfolio, now=now())
    row = delivery.send_test(portfolio=portfolio, channel="email", address=ada.email, user=ada, now=now())
    Notification.objects.filter(pk=row.pk).update(
        user=ada, message=row.message | {"kind": kind}, next_at=now() - timedelta(seconds=1)
    )
    claimed = outbox.claim(lease=120)
    assert claimed is not None
    barred = outbox.suppression(claimed)
    assert (barred.code if barred else "sent") == ("unsubscribed" if state == "suppressed" else "sent")


def test_who_hears_in_the_place_of_another_hears_of_the_end_too(support: Investment, olivia: User) -> None:
    sam = factories.make_user("sam")
    support.sponsor = sam
    support.save()
    unsubscriptions.unsubscribe(olivia, support.portfolio, now=now())
    live(support, LOSING, first=1, last=4)
    unsubscriptions.subscribe(olivia, support.portfolio, now=now())
    live(support, EARNING, first=5, last=9)
    ends = Notification.objects.filter(event__kind="resolved", event__episode__rule=RULE, channel="email")
    assert [row.user for row in ends] == [sam]


def test_a_digest_that_was_made_reaches_who_leaves_then(
    portfolio: Portfolio, olivia: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it tells of counts as told; nobody would look at it again."""
    _fake(monkeypatch, "email")
    Route.objects.create(
        portfolio=portfolio, position=1, name="D", recipients=[{"role": "owner"}], mode="daily", rules=[RULE]
    )
    for number in range(2):
        live(factories.make_investment(portfolio, f"D-{number}", owner=olivia), LOSING, first=1, last=4)
    due.run_due(now=now() + timedelta(days=1.5))
    digest = Notification.objects.get(message__kind="digest", user=olivia)
    unsubscriptions.unsubscribe(olivia, portfolio, now=digest.created_at + timedelta(hours=1))
    _drain()
    digest.refresh_from_db()
    assert digest.state == "sent"
