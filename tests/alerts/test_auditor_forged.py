"""Rows that a statement changed by itself: what the database refuses, and what the auditor finds of the rest.

Each question was taken away once, and its tests seen to fail: the attempts behind a state, whom a merged message is
told in, each bound of waiting, a missing or late reminder, level or end of a snooze, a level told without its event,
what excuses a timer that is late, each compared part of an alert, an alert without an opening, what keeps one cause
from being found twice, the sweep, and asking again about what is open.
"""

from __future__ import annotations

import io
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.models import Model
from django.test.utils import CaptureQueriesContext

from alerts import acknowledgments, auditor, checks, due, soundness
from alerts.models import (
    Attempt,
    AuditFinding,
    AuditHead,
    Episode,
    EvaluationHead,
    Event,
    Heartbeat,
    Notification,
    Snooze,
    Timer,
)
from alerts.rules.attention import LEVELS
from portfolio.models import Investment, Review
from tests import factories
from tests.alerts.histories import EARNING, LOSING, live
from tests.alerts.test_auditor import audited, counts, event, ground, open_findings, told  # noqa: F401
from tests.factories import month, now

FAR = datetime(2999, 1, 1, tzinfo=UTC)
RULE = "negative_roi"


@pytest.fixture
def loss(db: None) -> Investment:
    """Return an investment in trouble, judged, told of and audited: clean."""
    portfolio = factories.make_portfolio(rate="0.10")
    owner = factories.join(factories.make_user("olivia"), portfolio, "owner")
    made = factories.make_investment(portfolio, "SUP-1", owner=owner)
    live(made, EARNING, first=1, last=4)
    live(made, LOSING, first=5, last=8)
    live(made, EARNING, first=9, last=16)
    live(made, LOSING, first=17, last=23)
    assert audited().is_clean, open_findings()
    return made


def put(row: Model, **changes: Any) -> None:
    """Change a row by a statement of its own, as the application's role may."""
    columns = ", ".join(f"{row._meta.get_field(name).column} = %s" for name in changes)  # type: ignore[union-attr]
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {row._meta.db_table} SET {columns} WHERE {row._meta.pk.column} = %s",  # type: ignore[union-attr]
            [*changes.values(), row.pk],
        )
        assert cursor.rowcount == 1


def finds_one(kind: str, row: Model, words: str = "", **changes: Any) -> None:
    """Change a row, see one finding of a kind, round after round; put the row back, and see it settled."""
    fields = {name: row._meta.get_field(name).attname for name in changes}  # type: ignore[union-attr]
    before = {name: getattr(row, attname) for name, attname in fields.items()}
    put(row, **changes)
    for _ in range(2):
        assert counts(audited()) == {kind: 1}, open_findings()
    assert words in open_findings()[0]
    put(row, **before)
    assert audited().is_clean, open_findings()
    assert AuditFinding.objects.get().settled_at is not None


def alert(**named: Any) -> Episode:
    return Episode.objects.get(**({"rule": RULE, "closed_at": None} | named))


def notice() -> Notification:
    """Return the message that tells of the open alert."""
    return Notification.objects.get(event__episode=alert(), event__kind="fired", channel="email")


def timer(kind: str, ordinal: int = 1) -> Timer:
    return Timer.objects.get(episode=alert(), kind=kind, ordinal=ordinal)


# What the database refuses


@pytest.mark.parametrize(
    ("changes", "constraint"),
    [
        ({"state": "sent"}, "notification_sent"),
        ({"state": "suppressed"}, "notification_kept_back"),
        ({"state": "held", "digest_at": FAR}, "notification_kept_back"),
        ({"state": "held", "suppressed_by": "daily"}, "notification_held_until"),
        ({"state": "merged"}, "notification_merged_into"),
        ({"state": "sending", "token": uuid.uuid4()}, "notification_leased"),
        ({"state": "sending", "locked_until": FAR}, "notification_leased"),
    ],
)
def test_a_state_says_what_made_it_so(loss: Investment, changes: dict[str, Any], constraint: str) -> None:
    row = notice()
    assert (row.state, row.suppressed_by, row.digest_at) == ("pending", "", None)
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        put(row, **changes)


def test_nothing_is_told_with_itself(loss: Investment) -> None:
    row = notice()
    with pytest.raises(IntegrityError, match="notification_merged_into"), transaction.atomic():
        put(row, state="merged", told_in=row.pk)


@pytest.mark.parametrize(
    "name", ["alertstate", "episode", "notification", "snooze", "timer", "unsubscription"]
)
def test_what_was_owed_cannot_be_deleted(loss: Investment, name: str) -> None:
    with (
        pytest.raises(DatabaseError, match="permission denied"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(f"DELETE FROM alerts_{name}")


@pytest.mark.parametrize(
    "changes",
    [
        {"severity": "info"},
        {"rule": "early_warning"},
        {"number": 7},
        {"public_id": uuid.uuid4()},
    ],
)
def test_what_an_alert_is_does_not_change(loss: Investment, changes: dict[str, Any]) -> None:
    with pytest.raises(DatabaseError, match="do not change"), transaction.atomic():
        put(alert(), **changes)


# Messages


@pytest.mark.parametrize(
    "changes", [{"state": "sent", "sent_at": now()}, {"state": "logged"}, {"state": "dead"}]
)
def test_a_state_that_nobody_tried_for_is_a_lost_message(loss: Investment, changes: dict[str, Any]) -> None:
    finds_one("lost", notice(), **changes)


def test_a_state_needs_an_attempt_that_ended_so(loss: Investment) -> None:
    row = notice()
    for outcome in ("retry", "accepted"):
        Attempt.objects.create(
            notification=row, number=1, outcome=outcome, started_at=now(), finished_at=now()
        )
        put(row, state="sent", sent_at=now())
        assert counts(audited()) == ({"lost": 1} if outcome == "retry" else {}), open_findings()


def _digest(like: Notification, **changes: Any) -> Notification:
    values: dict[str, Any] = {
        "id": uuid.uuid4(),
        "portfolio": like.portfolio,
        "user": like.user,
        "channel": like.channel,
        "address": like.address,
        "thread_key": "digest",
        "message": {"kind": "digest"},
        "next_at": now(),
        "created_at": now(),
    }
    return Notification.objects.create(**(values | changes))


def test_a_digest_that_nobody_accepted_is_lost(loss: Investment) -> None:
    finds_one("lost", _digest(notice()), "no attempt", state="sent", sent_at=now())


def test_a_message_is_told_with_a_digest_of_its_recipient_or_an_end_of_its_alert(loss: Investment) -> None:
    row = notice()
    put(row, state="merged", told_in=_digest(row).pk)
    row.refresh_from_db()
    assert audited().is_clean, open_findings()
    same = Notification.objects.filter(user=row.user, channel=row.channel, event__isnull=False)
    others = same.exclude(event__episode=alert()).order_by("seq")
    finds_one("lost", row, "tells its recipient nothing of it", told_in=others[0].pk)


@pytest.mark.parametrize("changes", [{"channel": "slack"}, {"user": None}, {"message": {"kind": "review"}}])
def test_a_digest_of_somebody_else_tells_nothing(loss: Investment, changes: dict[str, Any]) -> None:
    row = notice()
    put(row, state="merged", told_in=_digest(row).pk)
    row.refresh_from_db()
    finds_one("lost", row, "tells its recipient nothing of it", told_in=_digest(row, **changes).pk)


HONEST: tuple[tuple[dict[str, Any], timedelta], ...] = (
    ({"state": "pending"}, timedelta(hours=28)),
    ({"state": "uncertain"}, timedelta(minutes=15)),
    ({"state": "sending", "token": uuid.uuid4(), "locked_until": now()}, timedelta()),
)
HELD = (
    ("daily", timedelta(hours=25)),
    ("weekly", timedelta(days=7)),
    ("no_data", timedelta(days=8)),
    ("grouped", timedelta(minutes=2)),
    ("restated", timedelta(minutes=2)),
)


@pytest.mark.parametrize(("changes", "wait"), HONEST)
def test_a_message_that_is_put_off_beyond_reason_is_stuck(
    loss: Investment, changes: dict[str, Any], wait: timedelta
) -> None:
    row = notice()
    put(row, **changes, next_at=now() + wait)
    assert audited().is_clean, open_findings()
    row.refresh_from_db()
    finds_one("stuck", row, "put off until", next_at=now() + wait + timedelta(hours=5))
    AuditFinding.objects.all().delete()
    finds_one("stuck", row, "put off until", next_at=FAR)


def test_a_lease_that_does_not_end_is_stuck(loss: Investment) -> None:
    row = notice()
    put(row, state="sending", token=uuid.uuid4(), locked_until=now() + timedelta(minutes=2))
    row.refresh_from_db()
    finds_one("stuck", row, "put off until 2999", locked_until=FAR)


@pytest.mark.parametrize(("lane", "wait"), HELD)
def test_a_digest_that_is_put_off_beyond_reason_is_stuck(
    loss: Investment, lane: str, wait: timedelta
) -> None:
    row = notice()
    put(row, state="held", suppressed_by=lane, digest_at=now() + timedelta(seconds=5))
    assert audited().is_clean, open_findings()
    put(row, digest_at=now() + wait - (timedelta(days=2) if lane == "no_data" else timedelta()))
    assert audited().is_clean, open_findings()
    row.refresh_from_db()
    finds_one("stuck", row, "put off until", digest_at=now() + wait + timedelta(days=5))
    AuditFinding.objects.all().delete()
    finds_one("stuck", row, "put off until 2999", digest_at=FAR)


# Timers


def test_a_dropped_reminder_is_lost(loss: Investment) -> None:
    finds_one("lost", timer("reminder"), "reminder", state="dropped", done_at=now())


@pytest.mark.parametrize("level", [1, 2, 3])
def test_a_dropped_level_is_lost(loss: Investment, level: int) -> None:
    finds_one("lost", timer("escalation", level), f"escalation ({level})", state="dropped", done_at=now())


@pytest.mark.parametrize(("kind", "ordinal"), [("reminder", 1), ("escalation", 1), ("escalation", 3)])
def test_a_timer_far_ahead_is_lost_and_one_too_far_ahead_stuck(
    loss: Investment, kind: str, ordinal: int
) -> None:
    row = timer(kind, ordinal)
    finds_one("lost", row, "put off until 2999", due_at=FAR)
    AuditFinding.objects.all().delete()
    finds_one("lost", row, "put off until 2999", due_at=FAR, started_at=FAR)
    AuditFinding.objects.all().delete()
    finds_one("stuck", row, "put off until", due_at=row.due_at + timedelta(days=10))


def test_a_level_that_was_told_of_no_event_is_lost(loss: Investment) -> None:
    """Whenever it says it was done."""
    finds_one("lost", timer("escalation", 2), state="done", done_at=now() - timedelta(days=400))
    AuditFinding.objects.all().delete()
    finds_one("lost", timer("escalation", 2), state="done", done_at=now())


def test_a_level_is_not_told_by_the_event_of_another(loss: Investment) -> None:
    told_at = timer("escalation", 1).due_at
    due.run_due(now=told_at)
    first = timer("escalation", 1)
    assert (first.state, first.done_at) == ("done", told_at)
    Notification.objects.filter(state="pending").update(next_at=told_at)
    later = told_at - now()
    assert auditor.audit(now=told_at, is_forced=True).is_clean, open_findings()  # type: ignore[union-attr]
    put(timer("escalation", 2), state="done", done_at=told_at)
    assert counts(audited(days=later.days, seconds=later.seconds)) == {"lost": 1}, open_findings()
    assert "escalation (2)" in open_findings()[0]


def _finds_no_timer_late(after: timedelta) -> None:
    run = audited(days=after.days, seconds=after.seconds)
    assert set(counts(run)) <= {"stuck"}
    assert not AuditFinding.objects.filter(key__contains=":due:").exists(), open_findings()


def test_what_is_put_off_for_a_day_is_right(loss: Investment) -> None:
    acknowledgments.acknowledge(alert(), user=loss.owner, via="console", now=now())  # type: ignore[arg-type]
    last = now() + timedelta(days=28)
    due.run_due(now=last)
    waiting = timer("escalation", 3)
    assert (waiting.state, waiting.due_at) == ("waiting", last + timedelta(days=1))
    _finds_no_timer_late(last - now())


def test_a_level_that_waits_for_the_one_before_is_right(loss: Investment) -> None:
    """After an outage the levels keep their distance."""
    for days in (20, 21, 23):
        due.run_due(now=now() + timedelta(days=days))
    waiting = timer("escalation", 2)
    assert (waiting.state, waiting.reason) == ("waiting", "The level before it came late.")
    assert waiting.due_at > now() + timedelta(days=23)
    _finds_no_timer_late(timedelta(days=22))


def test_a_decided_alert_needs_no_timers(loss: Investment) -> None:
    Timer.objects.filter(episode=alert()).update(state="dropped", done_at=now())
    assert counts(audited()) == {"lost": 1 + len(LEVELS)}, open_findings()
    with transaction.atomic():
        Review.objects.filter(origin_ref=alert().public_id).update(state="decided", closed_at=now())
        assert audited().is_clean, open_findings()
        transaction.set_rollback(True)


def test_the_end_of_a_snooze_that_does_not_come_is_lost(loss: Investment) -> None:
    until = now() + timedelta(days=3)
    acknowledgments.snooze(alert(), user=loss.owner, until=until, reason="Wait.", now=now())  # type: ignore[arg-type]
    assert audited().is_clean, open_findings()
    row = timer("snooze_end")
    for changes in (
        {"state": "dropped", "done_at": now()},
        {"due_at": FAR},
        {"due_at": until + timedelta(days=1)},
    ):
        finds_one("lost", row, "A snooze is running", **changes)
        AuditFinding.objects.all().delete()
    finds_one("lost", Snooze.objects.get(), "A snooze is running", until=FAR)
    AuditFinding.objects.all().delete()
    finds_one("lost", row, "left no event", state="done", done_at=now())


def test_an_invented_reminder_of_the_past_is_a_phantom(loss: Investment) -> None:
    """The next reminder, which starts later, does not excuse it."""
    true = Event.objects.get(episode=alert(), kind="fired")
    Event.objects.create(
        id=uuid.uuid4(),
        episode=true.episode,
        kind="reminder",
        month=true.month,
        point=true.point,
        evidence=true.evidence | {"notices": []},
        recorded_at=true.recorded_at - timedelta(seconds=1),
    )
    assert counts(audited()) == {"phantom": 1}, open_findings()


def test_a_level_that_was_told_before_it_was_set_anew_is_no_phantom(loss: Investment) -> None:
    """Nor once the new one is dropped."""
    level = timer("escalation", 1)
    true = Event.objects.get(episode=alert(), kind="fired")
    Event.objects.create(
        id=uuid.uuid4(),
        episode=true.episode,
        kind="escalated",
        month=true.month,
        point=true.point,
        evidence=true.evidence | {"notices": [], "level": 1},
        recorded_at=level.started_at - timedelta(seconds=1),
    )
    Timer.objects.filter(episode=alert(), kind="escalation").update(state="dropped", done_at=now())
    assert counts(audited()) == {"lost": len(LEVELS)}, open_findings()
    assert "escalation (1)" in open_findings()[0]


# Alerts and their events


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        ("lost", {"is_announced": False}),
        ("lost", {"fired_month": month(19)}),
        ("lost", {"first_breach_month": month(2)}),
        ("phantom", {"closed_at": now(), "closed_reason": "resolved", "resolved_month": month(22)}),
        ("phantom", {"closed_at": now()}),
        ("phantom", {"closed_reason": "resolved"}),
        ("phantom", {"resolved_month": month(22)}),
    ],
)
def test_an_open_alert_is_what_its_events_say(loss: Investment, kind: str, changes: dict[str, Any]) -> None:
    finds_one(kind, alert(), "negative_roi", **changes)


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        ("lost", {"closed_reason": ""}),
        ("lost", {"closed_reason": "retracted"}),
        ("lost", {"resolved_month": None}),
        ("lost", {"resolved_month": month(3)}),
        ("lost", {"is_announced": False}),
    ],
)
def test_an_alert_that_is_over_is_what_its_events_say(
    loss: Investment, kind: str, changes: dict[str, Any]
) -> None:
    finds_one(kind, Episode.objects.get(rule=RULE, number=1), **changes)


def test_an_alert_that_is_over_is_not_opened_by_its_row(loss: Investment) -> None:
    """One finding: its timers, which are over with it, are not missed as well."""
    live(loss, EARNING, first=24, last=34)
    assert audited().is_clean, open_findings()
    finds_one("lost", Episode.objects.get(rule=RULE, number=2), closed_at=None, closed_reason="")


def test_an_alert_that_no_event_opened_is_a_phantom(told: Investment, ground: Callable[..., None]) -> None:  # noqa: F811
    """One finding: nor has it timers."""
    assert audited().is_clean, open_findings()
    made = Episode.objects.create(
        investment=told,
        rule="breakeven_overdue",
        number=1,
        severity="critical",
        first_breach_month=month(5),
        fired_month=month(6),
        is_announced=True,
        opened_at=now(),
    )
    assert counts(audited()) == {"phantom": 1}, open_findings()
    assert "no event opened it" in open_findings()[0]
    ground("DELETE FROM alerts_episode WHERE id = %s", made.pk)
    assert audited().is_clean, open_findings()


def test_timers_that_are_gone_are_lost(told: Investment, ground: Callable[..., None]) -> None:  # noqa: F811
    """Whoever may delete them."""
    assert audited().is_clean, open_findings()
    ground("DELETE FROM alerts_timer WHERE episode_id = %s", alert().pk)
    assert counts(audited()) == {"lost": 1 + len(LEVELS)}, open_findings()


def test_an_old_event_that_is_gone_is_found_without_a_replay(
    told: Investment,  # noqa: F811
    ground: Callable[..., None],  # noqa: F811
) -> None:
    assert audited().is_clean, open_findings()
    gone = event()
    ground("DELETE FROM alerts_notification WHERE event_id = %s", gone.pk)
    ground("DELETE FROM alerts_event WHERE id = %s", gone.pk)
    assert counts(audited()) == {"phantom": 1}, open_findings()
    # Once its evaluation is replayed, the event itself is what is missing.
    AuditHead.objects.update(point=0)
    assert counts(audited()) == {"lost": 1}, open_findings()


def test_events_that_cannot_be_read_do_not_keep_the_others(
    loss: Investment, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = factories.make_investment(loss.portfolio, owner=loss.owner)
    live(other, LOSING, first=1, last=23)
    assert audited().is_clean, open_findings()
    read = soundness.replay.events_of

    def unreadable(ids: list[int]) -> Any:
        if loss.pk in ids:
            raise ValueError("No month.")
        return read(ids)

    put(alert(investment=other), is_announced=False)
    with monkeypatch.context() as patched:
        patched.setattr(soundness.replay, "events_of", unreadable)
        assert counts(audited()) == {"stuck": 1, "lost": 1}, open_findings()
    put(alert(investment=other), is_announced=True)
    assert audited().is_clean, open_findings()


# The sweep


def test_messages_are_gone_through_part_by_part(loss: Investment, monkeypatch: pytest.MonkeyPatch) -> None:
    total = Notification.objects.count()
    assert total >= 4
    monkeypatch.setattr(checks, "MESSAGES", 1)
    second = Notification.objects.order_by("seq")[1]
    put(second, state="dead", suppressed_by="")
    audited()  # begins anew
    seen = [counts(audited()) for _ in range(total + 2)]
    assert {} in seen[:2] or seen[0] == {"lost": 1}
    # Found once, it is asked about again wherever the sweep is.
    first = seen.index({"lost": 1})
    assert set(map(str, seen[first:])) == {"{'lost': 1}"}
    put(second, state="pending")
    assert audited().is_clean, open_findings()


def test_alerts_are_gone_through_part_by_part(loss: Investment, monkeypatch: pytest.MonkeyPatch) -> None:
    others = [factories.make_investment(loss.portfolio, owner=loss.owner) for _ in range(3)]
    for one in others:
        live(one, LOSING, first=1, last=23)
    monkeypatch.setattr(soundness, "INVESTMENTS", 1)
    while audited() and auditor.Heartbeat.objects.get(name="audit").detail["swept"]["investment"]:
        pass
    row = alert(investment=others[1])
    put(row, is_announced=False)
    seen = [counts(audited()) for _ in range(EvaluationHead.objects.count() + 2)]
    first = seen.index({"lost": 1})
    assert first == 2
    assert all(found == {"lost": 1} for found in seen[first:])
    put(row, is_announced=True)
    assert audited().is_clean, open_findings()


def test_open_alerts_cost_no_question_each(loss: Investment) -> None:
    """However many are open, the timers of all are asked about at once."""
    with CaptureQueriesContext(connection) as before:
        audited()
    for _ in range(3):
        live(factories.make_investment(loss.portfolio, owner=loss.owner), LOSING, first=1, last=23)
    audited()
    with CaptureQueriesContext(connection) as after:
        assert audited().is_clean, open_findings()
    assert len(after) <= len(before)


def test_the_command_looks_at_all_of_it(loss: Investment, monkeypatch: pytest.MonkeyPatch) -> None:
    """One part a round: the command goes on until the end of each, wherever the last round stopped."""
    audited()
    monkeypatch.setattr(checks, "MESSAGES", 1)
    monkeypatch.setattr(soundness, "INVESTMENTS", 1)
    middle = Notification.objects.order_by("seq")[2]
    Notification.objects.filter(pk=middle.pk).update(state="sent", sent_at=now())
    last = Heartbeat.objects.get(name=auditor.NAME)
    last.detail = {**last.detail, "swept": {"message": Notification.objects.latest("seq").seq - 1}}
    last.save()
    with pytest.raises(SystemExit) as ended:
        call_command("audit", "--all", stdout=io.StringIO())
    assert ended.value.code == 1
    assert f"lost:told:{middle.pk}" in set(AuditFinding.objects.values_list("key", flat=True))
