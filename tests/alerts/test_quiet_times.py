"""What is kept back while an alert is quiet is neither lost nor told in one breath with the end of the quiet time.

Taken out once, and a test here failed: putting levels off while silenced or inhibited, ends before timers, timers that
start again, one thing at a time, who is aware, inhibition and snooze at sending and in digests, the second look under
the lock, holding silences, and who heard in the place of a dead digest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Thread
from typing import Any

import pytest
from django.db import connection, transaction

from alerts import (
    acknowledgments,
    channels,
    delivery,
    digests,
    dispatch,
    due,
    outbox,
    overlays,
    routing,
    silences,
)
from alerts.breaker import Breaker
from alerts.channels.base import Permanent
from alerts.models import Episode, EvaluationHead, Event, Notification, Route, Silence, Target, Timer
from alerts.silences import Matcher
from portfolio.models import Investment, Portfolio, User
from tests import factories
from tests.alerts.delivery.cases import FakeChannel
from tests.alerts.histories import EARNING, LOSING, THIN, live, restate
from tests.factories import START, month, now
from tests.servers import TestDatabase

NEGATIVE, HURDLE = "negative_roi", "hurdle_rate"


@pytest.fixture
def portfolio(db: None) -> Portfolio:
    return factories.make_portfolio(rate="0.10")


@pytest.fixture
def olivia(portfolio: Portfolio) -> User:
    return factories.join(factories.make_user("olivia"), portfolio, "owner")


@pytest.fixture
def support(portfolio: Portfolio, olivia: User) -> Investment:
    sam = factories.join(factories.make_user("sam"), portfolio, "viewer")
    factories.join(factories.make_user("bea"), portfolio, "board")
    return factories.make_investment(portfolio, "SUP-1", owner=olivia, sponsor=sam)


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Callable[..., FakeChannel]:
    """Return a function that makes a channel answer as told."""
    monkeypatch.setattr(delivery, "breaker", Breaker())

    def put(name: str, *outcomes: Any) -> FakeChannel:
        made = FakeChannel(*outcomes)
        made.name = name
        kind = replace(channels.CHANNELS[name], make=lambda options: made)
        monkeypatch.setitem(channels.CHANNELS, name, kind)
        return made

    return put


def later(days: float) -> datetime:
    return now() + timedelta(days=days)


def silence(support: Investment, *, days: float, rule: str = NEGATIVE) -> Silence:
    author = support.owner
    assert author is not None
    return silences.create(
        Matcher(portfolio=support.portfolio, investment=support, rule=rule),
        starts_at=now() - timedelta(seconds=1),
        ends_at=later(days),
        comment="Migration.",
        author=author,
        now=now(),
    )


def over(made: Silence) -> None:
    """Let a silence end now."""
    Silence.objects.filter(pk=made.pk).update(ends_at=now())
    due.run_due(now=later(0.001))


def day_by_day(first: int, last: int, *, rule: str = NEGATIVE) -> list[tuple[int, str, str]]:
    """Let the clock work once a day; return what was told of a rule: day, kind and person."""
    found: list[tuple[int, str, str]] = []
    seen = set(Event.objects.values_list("pk", flat=True))
    for day in range(first, last + 1):
        due.run_due(now=later(day))
        rows = Notification.objects.filter(event__episode__rule=rule, channel="email", state="pending")
        for row in rows.exclude(event__in=seen).select_related("event", "user").order_by("seq"):
            assert row.event is not None
            found.append((day, row.event.kind, str(row.user and row.user.username)))
        seen |= set(Event.objects.values_list("pk", flat=True))
    return found


def heard(rule: str, *, channel: str = "email") -> list[tuple[str, str]]:
    rows = Notification.objects.filter(event__episode__rule=rule, channel=channel).order_by("seq")
    return [(row.event.kind, row.suppressed_by or row.state) for row in rows if row.event]


# The ladder


def test_a_silence_uses_no_level_up(support: Investment) -> None:
    silence(support, days=25)
    live(support, LOSING, first=1, last=4)
    told = day_by_day(1, 60)
    assert [(kind, who) for _, kind, who in told] == [
        ("silence_ended", "olivia"),
        ("escalated", "olivia"),
        ("escalated", "sam"),
        ("escalated", "bea"),
        ("reminder", "olivia"),
    ]
    days = [day for day, _, _ in told]
    assert days[0] == 25
    assert days == sorted(set(days)), "two things in one breath"


def test_a_silence_in_the_middle_puts_the_rest_off(support: Investment) -> None:
    live(support, LOSING, first=1, last=4)
    made = silence(support, days=20)
    assert day_by_day(1, 19) == []
    timers = Timer.objects.filter(episode__rule=NEGATIVE, kind="escalation", state="waiting")
    assert [timer.reason.startswith("Silenced by olivia") for timer in timers] == [True] * 3
    delivery.drain(limit=50)
    Notification.objects.filter(silence=made).update(state="logged", suppressed_by="", silence=None)
    # Everybody knows of it, so that its end says nothing and the ladder goes on.
    assert [(kind, who) for _, kind, who in day_by_day(20, 40)] == [
        ("escalated", "olivia"),
        ("escalated", "sam"),
        ("reminder", "olivia"),
        ("escalated", "bea"),
    ]


def test_an_inhibited_alert_uses_no_level_up(support: Investment) -> None:
    live(support, LOSING, first=1, last=4)
    assert day_by_day(1, 29, rule=HURDLE) == []
    live(support, THIN, first=5, last=9)
    assert heard(HURDLE) == [("fired", "pending")]
    told = day_by_day(1, 25, rule=HURDLE)
    assert [(kind, who) for _, kind, who in told] == [
        ("escalated", "olivia"),
        ("escalated", "sam"),
        ("escalated", "bea"),
    ]
    assert told[0][0] >= 3, "the ladder starts where people are told"


@pytest.mark.parametrize("by_hand", [False, True])
def test_the_end_of_a_snooze_starts_the_ladder_again(
    support: Investment, olivia: User, by_hand: bool
) -> None:
    live(support, LOSING, first=1, last=4)
    episode = Episode.objects.get(rule=NEGATIVE)
    acknowledgments.snooze(episode, user=olivia, until=later(12), reason="Release on Friday.", now=now())
    if by_hand:
        assert acknowledgments.end_snooze(episode, now=now(), reason="Ended by olivia.")
    told = day_by_day(0, 11 if by_hand else 23)
    assert told[0] == (0 if by_hand else 12, "silence_ended", "olivia")
    assert told[1][1:] == ("escalated", "olivia")
    assert told[1][0] - told[0][0] >= 3


def test_a_reminder_and_a_level_do_not_come_in_one_breath(support: Investment, olivia: User) -> None:
    live(support, LOSING, first=1, last=4)
    episode = Episode.objects.get(rule=NEGATIVE)
    acknowledgments.acknowledge(episode, user=olivia, via="console", now=now())
    told = [(day, kind) for day, kind, _ in day_by_day(1, 40)]
    assert len({day for day, _ in told}) == len(told) >= 2
    assert {kind for _, kind in told} == {"reminder", "escalated"}


# Who knows that it is open


def test_an_alert_that_reopens_in_a_silence_is_told_at_its_end(support: Investment) -> None:
    live(support, LOSING, first=1, last=4)
    live(support, EARNING, first=5, last=9)
    made = silence(support, days=10)
    restate(support, LOSING, first=5, last=9)
    assert heard(NEGATIVE) == [("fired", "pending"), ("resolved", "pending"), ("reopened", "silenced")]
    over(made)
    assert heard(NEGATIVE)[3:] == [("silence_ended", "pending")]


def test_who_heard_of_an_end_hears_of_no_second_one(support: Investment) -> None:
    live(support, LOSING, first=1, last=4)
    live(support, EARNING, first=5, last=9)
    made = silence(support, days=10)
    restate(support, LOSING, first=5, last=9)
    Silence.objects.filter(pk=made.pk).update(ends_at=now())
    live(support, EARNING, first=10, last=16)
    due.run_due(now=later(1))
    assert [kind for kind, state in heard(NEGATIVE) if state == "pending"] == ["fired", "resolved"]


def test_only_whom_the_silence_kept_uninformed_is_told_of_its_end(
    support: Investment, install: Callable[..., FakeChannel]
) -> None:
    install("email")
    slack = install("slack")
    Target.objects.create(portfolio=support.portfolio, channel="slack", address="#ai", label="AI")
    live(support, LOSING, first=1, last=4)
    delivery.drain(limit=50, only=["slack"])
    made = silence(support, days=10)
    delivery.drain(limit=50)
    assert heard(NEGATIVE) == [("fired", "silenced")]
    over(made)
    assert heard(NEGATIVE)[1:] == [("silence_ended", "pending")]
    assert heard(NEGATIVE, channel="slack") == [("fired", "sent")]
    assert [m.kind for m in slack.handed if m.data.get("rule") == NEGATIVE] == ["fired"]


def test_a_channel_added_in_a_silence_is_not_told_that_it_is_over(
    support: Investment, install: Callable[..., FakeChannel]
) -> None:
    install("email")
    people = [{"role": "owner"}, {"role": "sponsor"}]
    route = Route.objects.create(portfolio=support.portfolio, position=1, name="Both", recipients=people)
    live(support, LOSING, first=1, last=4)
    sams = Notification.objects.filter(event__episode__rule=NEGATIVE, user__username="sam")
    sams.update(next_at=later(1))
    delivery.drain(limit=50)
    made = silence(support, days=10)
    sams.update(next_at=now() - timedelta(seconds=1))
    delivery.drain(limit=50)
    added = Target.objects.create(portfolio=support.portfolio, channel="slack", address="#ai", label="AI")
    route.recipients = [*people, {"target": added.pk}]
    route.save()
    over(made)
    told = Notification.objects.filter(event__kind="silence_ended", event__episode__rule=NEGATIVE)
    assert [str(row.user and row.user.username) for row in told] == ["sam"]


def test_whoever_the_ladder_reached_hears_of_the_end(
    support: Investment, install: Callable[..., FakeChannel]
) -> None:
    install("email")
    live(support, LOSING, first=1, last=4)
    assert ("escalated", "bea") in {(kind, who) for _, kind, who in day_by_day(1, 25)}
    Notification.objects.filter(state="pending").update(next_at=now() - timedelta(seconds=1))
    while delivery.drain(limit=50):
        pass
    live(support, EARNING, first=5, last=9)
    ends = Notification.objects.filter(event__kind="resolved", event__episode__rule=NEGATIVE, channel="email")
    assert sorted(str(row.user and row.user.username) for row in ends) == ["bea", "olivia", "sam"]


def test_who_heard_in_the_place_of_a_dead_digest_hears_of_the_end(
    support: Investment, install: Callable[..., FakeChannel]
) -> None:
    install("email", *[Permanent("550 no such user")] * 3)
    slack = install("slack")
    Route.objects.create(
        portfolio=support.portfolio, position=1, name="Digest", recipients=[{"role": "owner"}], mode="daily"
    )
    other = factories.make_investment(support.portfolio, "SUP-2", owner=support.owner)
    for investment in (support, other):
        live(investment, LOSING, first=1, last=4)
    Target.objects.create(portfolio=support.portfolio, channel="slack", address="#ai", label="AI")
    due.run_due(now=later(1.5))
    Notification.objects.filter(state="pending").update(next_at=now())
    delivery.drain(limit=50)
    assert [m.kind for m in slack.handed] == ["digest"]
    live(support, EARNING, first=5, last=9)
    assert ("resolved", "pending") in heard(NEGATIVE, channel="slack")


# At sending


def waiting(rule: str, **changes: Any) -> Notification:
    """Let the mail of an opening wait until a day from now; return it."""
    row = Notification.objects.get(event__episode__rule=rule, event__kind="fired", channel="email")
    Notification.objects.filter(pk=row.pk).update(next_at=later(1))
    row.refresh_from_db()
    return row


def arrives(row: Notification) -> tuple[str, str]:
    """Let a waiting notice fall due; return what became of it."""
    Notification.objects.filter(pk=row.pk).update(next_at=now() - timedelta(seconds=1))
    delivery.drain(limit=50)
    row.refresh_from_db()
    return row.state, row.suppressed_by


def test_a_waiting_hurdle_notice_is_kept_back_once_the_negative_is_open(
    support: Investment, install: Callable[..., FakeChannel]
) -> None:
    install("email")
    live(support, THIN, first=1, last=4)
    row = waiting(HURDLE)
    live(support, LOSING, first=5, last=8)
    assert arrives(row) == ("suppressed", "inhibited")
    assert "says more" in row.state_reason
    # Above zero again: whoever did not hear of it does now.
    live(support, THIN, first=9, last=13)
    assert not Episode.objects.filter(rule=NEGATIVE, closed_at=None).exists()
    assert Episode.objects.filter(rule=HURDLE, closed_at=None).exists()
    delivery.drain(limit=50)
    row.refresh_from_db()
    assert row.state == "sent"
    assert heard(HURDLE) == [("fired", "sent")]


def test_under_a_hurdle_below_zero_a_waiting_notice_leaves(
    support: Investment, install: Callable[..., FakeChannel]
) -> None:
    install("email")
    factories.change_policy(
        support, HURDLE, effective_month=START, now=now(), actor=None, reason="Loss allowed.",
        terms={"hurdle": "-0.05"},
    )  # fmt: skip
    live(support, LOSING, first=1, last=4)
    row = waiting(HURDLE)
    assert arrives(row) == ("sent", "")


def test_the_end_of_an_inhibited_alert_leaves(
    support: Investment, install: Callable[..., FakeChannel]
) -> None:
    install("email")
    live(support, THIN, first=1, last=4)
    delivery.drain(limit=50)
    live(support, LOSING, first=5, last=8)
    factories.change_policy(
        support, HURDLE, effective_month=month(9), now=now(), actor=None, reason="Not judged.",
        terms={"is_enabled": False},
    )  # fmt: skip
    live(support, LOSING, first=9, last=9)
    delivery.drain(limit=50)
    assert Episode.objects.filter(rule=NEGATIVE, closed_at=None).exists()
    assert heard(HURDLE) == [("fired", "sent"), ("closed", "sent")]


def test_a_release_leaves_alone_what_is_on_its_way(support: Investment) -> None:
    live(support, LOSING, first=1, last=4)
    kept = Notification.objects.get(event__episode__rule=HURDLE, channel="email")
    Notification.objects.filter(pk=kept.pk).update(state="sent", sent_at=now(), suppressed_by="")
    live(support, THIN, first=5, last=9)
    kept.refresh_from_db()
    assert kept.state == "sent"
    event = kept.event
    assert event is not None
    known = routing.directory([support], on=now().date())
    told = tuple(routing.recipients(support, HURDLE, known))
    release = dispatch.Release(event.pk, event.episode, support, told, known)
    assert dispatch.write_releases([release], now=now()) == 0
    kept.refresh_from_db()
    assert kept.state == "sent"


def test_a_silence_that_was_ended_keeps_nothing_back(support: Investment) -> None:
    """Whose clock ran ahead has told of its end already."""
    live(support, LOSING, first=1, last=4)
    made = silence(support, days=5)
    Silence.objects.filter(pk=made.pk).update(handled_at=now())
    claimed = outbox.claim(lease=120)
    assert claimed is not None
    assert outbox.suppression(claimed) is None


def test_a_digest_tells_nothing_that_another_alert_keeps_back(support: Investment) -> None:
    Route.objects.create(
        portfolio=support.portfolio, position=1, name="Digest", recipients=[{"role": "owner"}], mode="daily"
    )
    live(support, THIN, first=1, last=4)
    assert heard(HURDLE) == [("fired", "daily")]
    live(support, LOSING, first=5, last=8)
    due.run_due(now=later(1.5))
    assert heard(HURDLE) == [("fired", "inhibited")]
    live(support, THIN, first=9, last=13)
    assert heard(HURDLE) == [("fired", "daily")]


@pytest.mark.parametrize("in_digest", [False, True])
def test_a_snooze_keeps_back_what_waits(
    support: Investment, olivia: User, install: Callable[..., FakeChannel], in_digest: bool
) -> None:
    install("email")
    if in_digest:
        Route.objects.create(
            portfolio=support.portfolio, position=1, name="D", recipients=[{"role": "owner"}], mode="daily"
        )
    live(support, LOSING, first=1, last=4)
    row = waiting(NEGATIVE)
    episode = Episode.objects.get(rule=NEGATIVE)
    acknowledgments.snooze(episode, user=olivia, until=later(5), reason="Release on Friday.", now=now())
    due.run_due(now=later(1.5))
    if in_digest:
        assert heard(NEGATIVE) == [("fired", "snoozed")]
    assert arrives(row) == ("suppressed", "snoozed")
    assert "Release on Friday." in row.state_reason
    due.run_due(now=later(5.1))
    assert heard(NEGATIVE)[1:] == [("silence_ended", "daily" if in_digest else "pending")]


def test_a_silence_that_ends_while_a_sender_looks_keeps_nothing_back(
    support: Investment, install: Callable[..., FakeChannel]
) -> None:
    """Whoever ended it saw a message on its way, and told nobody else."""
    install("email")
    live(support, LOSING, first=1, last=4)
    made = silence(support, days=5)
    row = Notification.objects.get(event__episode__rule=NEGATIVE, channel="email")
    Notification.objects.exclude(pk=row.pk).update(next_at=later(1))
    claimed = outbox.claim(lease=120)
    assert claimed is not None
    barred = delivery._barred(claimed)
    assert barred is not None
    assert barred.suppressed_by == "silenced"
    over(made)
    with pytest.raises(outbox.LiftedError):
        outbox.mark(claimed, barred)
    assert outbox.suppression(claimed) is None
    assert heard(NEGATIVE) == [("fired", "sending")]


# Two at once


@pytest.fixture
def committed(fresh_database: TestDatabase) -> Investment:
    """An investment whose rows other connections see."""
    portfolio = factories.make_portfolio(rate="0.10")
    owner = factories.join(factories.make_user("olivia"), portfolio, "owner")
    return factories.make_investment(portfolio, "SUP-1", owner=owner)


def elsewhere(work: Callable[[], int]) -> int:
    """Work as another process would, over a connection of its own; return how much was done."""
    done: list[int] = []

    def run() -> None:
        try:
            done.append(work())
        finally:
            connection.close()

    thread = Thread(target=run)
    thread.start()
    thread.join(30)
    return done[0]


def ended_elsewhere() -> int:
    return elsewhere(lambda: due._end_silences(now=later(2)))


def test_a_silence_does_not_end_under_who_goes_by_it(committed: Investment) -> None:
    """What they keep back is not written yet, and nobody would tell of it."""
    made = silence(committed, days=1)
    with transaction.atomic():
        assert overlays.silences_in_force([committed.portfolio_id], now=now(), hold=True) == [made]
        assert ended_elsewhere() == 0
    assert ended_elsewhere() == 1
    assert overlays.silences_in_force([committed.portfolio_id], now=now()) == []


def test_a_digest_leaves_what_is_being_judged(committed: Investment) -> None:
    """An evaluation that ends the inhibition would not see what a digest keeps back at the same moment."""
    Route.objects.create(
        portfolio=committed.portfolio, position=1, name="D", recipients=[{"role": "owner"}], mode="daily"
    )
    live(committed, THIN, first=1, last=4)
    live(committed, LOSING, first=5, last=8)
    with transaction.atomic():
        EvaluationHead.objects.select_for_update().get(pk=committed.pk)
        elsewhere(lambda: digests.run_due(now=later(1.5)))
    assert heard(HURDLE) == [("fired", "daily")]
    digests.run_due(now=later(1.5))
    assert heard(HURDLE) == [("fired", "inhibited")]


def test_an_end_waits_for_whoever_works_on_the_investment(committed: Investment) -> None:
    """Told at one moment and written down at another, the auditor would find nothing behind it."""
    made = silence(committed, days=1)
    live(committed, LOSING, first=1, last=4)
    with transaction.atomic():
        EvaluationHead.objects.select_for_update().get(pk=committed.pk)
        assert ended_elsewhere() == 0
    made.refresh_from_db()
    assert made.handled_at is None
    assert heard(NEGATIVE) == [("fired", "silenced")]
    assert ended_elsewhere() == 1
    assert heard(NEGATIVE)[1:] == [("silence_ended", "pending")]
