"""Channels that come, go and fail while an alert is open: who hears of its end, and of its reminders."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from alerts import answers, auditor, channels, collapsing, delivery, due, evaluate, outbox, targets
from alerts.breaker import Breaker
from alerts.channels.base import Accepted, Message, Permanent, Uncertain
from alerts.models import Episode, Event, Notification, Target
from portfolio.models import Investment, Portfolio
from tests import factories
from tests.alerts.delivery.cases import FakeChannel
from tests.alerts.histories import restate
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
    for days in (31, 32):
        due.run_due(now=now() + timedelta(days=days))
    Notification.objects.filter(state="pending").update(next_at=now())
    drain()
    assert kinds(webhook.handed) == ["reminder"]


def test_case_53_without_a_reminder_in_between_the_end_stays_untold(
    support: Investment, install: Callable[..., FakeChannel]
) -> None:
    email, webhook = install("email"), install("webhook")
    live(support, LOSING, first=1, last=4)
    drain()
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


# A beginning that is still unsent when the end comes


def _of(channel: str, **wanted: object) -> list[Notification]:
    rows = Notification.objects.filter(event__episode__rule=RULE, channel=channel, **wanted)
    return list(rows.order_by("seq"))


def _is_clean() -> bool:
    run = auditor.audit(now=now(), is_forced=True)
    assert run is not None
    return run.is_clean


def test_a_relay_that_stood_still_tells_of_beginning_and_end_in_one_notice_a_target(
    support: Investment, install: Callable[..., FakeChannel]
) -> None:
    email, webhook = install("email"), install("webhook")
    shared(support.portfolio)
    live(support, LOSING, first=1, last=4)
    due.run_due(now=now() + timedelta(days=31))
    live(support, EARNING, first=5, last=9)
    Notification.objects.filter(state="pending").update(next_at=now())
    drain()
    assert kinds(email.handed) == kinds(webhook.handed) == ["resolved"]
    (told,) = (message for message in email.handed if message.data.get("rule") == RULE)
    assert told.headline == "SUP-1 fired and resolved: Negative ROI"
    assert "fired in Mar 2024 and could not be told before it was over" in told.lead
    assert "has recovered as of" in told.lead
    for channel in ("email", "webhook"):
        *earlier, end = _of(channel, user=support.owner if channel == "email" else None)
        assert earlier
        assert {(n.state, n.told_in_id) for n in earlier} == {("merged", end.pk)}
        assert end.state == "sent"
    assert _is_clean()


def test_a_beginning_that_was_sent_is_followed_by_its_end(
    support: Investment, install: Callable[..., FakeChannel]
) -> None:
    email = install("email")
    live(support, LOSING, first=1, last=4)
    drain()
    live(support, EARNING, first=5, last=9)
    drain()
    assert kinds(email.handed) == ["fired", "resolved"]
    assert email.handed[-1].headline == "SUP-1 resolved: Negative ROI"
    assert _is_clean()


def test_a_beginning_that_may_have_arrived_is_sent_again_before_its_end(
    support: Investment, install: Callable[..., FakeChannel]
) -> None:
    email = install("email", Uncertain("No answer."), Accepted("ref"))
    live(support, LOSING, first=1, last=4)
    drain()
    live(support, EARNING, first=5, last=9)
    Notification.objects.filter(state="uncertain").update(next_at=now())
    drain()
    assert kinds(email.handed) == ["fired", "fired", "resolved"]


def test_a_life_that_begins_and_ends_twice_unheard_is_one_notice(
    support: Investment, install: Callable[..., FakeChannel]
) -> None:
    """What the first end was to tell of goes on to the second, also where the relay ran in between."""
    email = install("email")
    live(support, LOSING, first=1, last=4)
    live(support, EARNING, first=5, last=9)
    restate(support, LOSING, first=5, last=9)
    restate(support, EARNING, first=5, last=9)
    drain()
    assert kinds(email.handed) == ["resolved"]
    assert email.handed[-1].data["opened"]["kind"] == "fired"
    assert [n.state for n in _of("email")] == ["merged", "merged", "merged", "sent"]
    assert _is_clean()


def test_an_end_that_is_on_its_way_takes_nothing_along(
    support: Investment, install: Callable[..., FakeChannel]
) -> None:
    install("email")
    live(support, LOSING, first=1, last=4)
    live(support, EARNING, first=5, last=9)
    opening, end = _of("email")
    claimed = outbox.claim(lease=60, only=["email"])
    assert claimed is not None
    assert claimed.id == opening.pk
    found = collapsing.end_of(claimed)
    assert found is not None
    assert found.id == end.pk
    leased = {"token": uuid4(), "locked_until": now() + timedelta(minutes=1)}
    Notification.objects.filter(pk=end.pk).update(state="sending", **leased)
    assert not collapsing.hand_on(claimed, found)
    Notification.objects.filter(pk=end.pk).update(state="pending")
    assert not collapsing.hand_on(replace(claimed, token=uuid4()), found)
    assert [n.message.get("opened") for n in _of("email")] == [None, None]
    assert collapsing.hand_on(claimed, found)


def test_readers_who_unsubscribe_are_not_told_another_way(
    support: Investment, install: Callable[..., FakeChannel]
) -> None:
    """A host that is gone is a loss; a wish is none."""
    email = install("email")
    target = Target.objects.create(
        portfolio=support.portfolio, channel="email", address="all@example.com", label="All"
    )
    live(support, LOSING, first=1, last=4)
    answers.unsubscribe(target, now=now())
    drain()
    row = Notification.objects.get(event__episode__rule=RULE, address="all@example.com")
    assert (row.state, row.suppressed_by) == ("suppressed", "switched_off")
    assert row.state_reason == "Switched off: Unsubscribed by the link in a mail."
    assert not Notification.objects.filter(instead_of__isnull=False).exists()
    assert "all@example.com" not in email.addresses


def test_a_dead_message_says_what_became_of_it_in_sentences(
    support: Investment, install: Callable[..., FakeChannel]
) -> None:
    """Whose stand-in would hear of the event anyway need not be told twice, and it says so."""
    install("email", Permanent("550: no such user"))
    install("slack")
    install("webhook", Permanent("404"))
    shared(support.portfolio)
    Target.objects.create(portfolio=support.portfolio, channel="slack", address="#ai", label="AI")
    live(support, LOSING, first=1, last=4)
    drain()
    rows = Notification.objects.filter(event__episode__rule=RULE, state="dead", instead_of=None)
    reasons = {row.channel: row.state_reason for row in rows}
    assert reasons["email"].startswith("550: no such user. ")
    assert set(reasons.values()) == {
        "550: no such user. Told instead: olivia (Slack).",
        "404. Others are told of the same.",
    }
