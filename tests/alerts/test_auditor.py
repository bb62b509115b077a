"""The auditor: nothing to find in lives of every kind; each thing that is corrupted is found, and only that.

What the application's role cannot do to the record is done by the owner, triggers off, as a vandal would.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.db import connection

from alerts import acknowledgments, auditor, due, evaluate, findings, heartbeats, silences
from alerts.models import (
    Attempt,
    AuditFinding,
    AuditHead,
    AuditRun,
    Episode,
    EvaluationPoint,
    Event,
    Heartbeat,
    Notification,
    Timer,
)
from alerts.silences import Matcher
from portfolio import investments
from portfolio.models import Investment, Portfolio, User
from roi import snapshots
from tests import factories
from tests.alerts.histories import EARNING, LOSING, THIN, live, restate
from tests.factories import close, month, now, record, running
from tests.servers import TestDatabase

Vandal = Callable[..., None]


@pytest.fixture
def portfolio(db: None) -> Portfolio:
    return factories.make_portfolio(rate="0.10")


@pytest.fixture
def olivia(portfolio: Portfolio) -> User:
    return factories.join(factories.make_user("olivia"), portfolio, "owner")


@pytest.fixture
def support(portfolio: Portfolio, olivia: User) -> Investment:
    return factories.make_investment(portfolio, "SUP-1", owner=olivia)


def audited(**changes: Any) -> AuditRun:
    """Run a round now, whenever the last one was."""
    run = auditor.audit(now=now() + timedelta(**changes), is_forced=True)
    assert run is not None
    return run


def counts(run: AuditRun) -> dict[str, int]:
    """Return the counts of a round that are not 0."""
    names = ("lost", "phantom", "doubled", "missing_points", "stuck")
    return {name: value for name in names if (value := getattr(run, name))}


def open_findings() -> list[str]:
    return list(AuditFinding.objects.filter(settled_at=None).order_by("id").values_list("detail", flat=True))


# Nothing to find


def test_a_full_life_has_nothing_to_find(support: Investment, olivia: User) -> None:
    live(support, EARNING, first=1, last=4)
    live(support, LOSING, first=5, last=8)
    restate(support, EARNING, first=6, last=7)
    restate(support, LOSING, first=6, last=7)
    episode = Episode.objects.get(rule="negative_roi", closed_at=None)
    acknowledgments.acknowledge(episode, user=olivia, via="console", now=now())
    acknowledgments.snooze(episode, user=olivia, until=now() + timedelta(days=3), reason="Wait.", now=now())
    due.run_due(now=now() + timedelta(days=4))
    factories.change_policy(
        support,
        "negative_roi",
        effective_month=month(9),
        now=now(),
        actor=None,
        reason="Slower.",
        terms={"for_months": 3},
    )
    live(support, THIN, first=9, last=12)
    other = factories.make_portfolio(rate="0.20")
    support.portfolio = other
    investments.put(support, now=now())
    evaluate.advance(now=now())
    run = audited()
    assert counts(run) == {}, open_findings()
    assert run.is_clean
    assert (run.points, run.events) == (EvaluationPoint.objects.count(), _changes())
    assert run.notifications > 0
    again = audited()
    assert (again.points, again.is_clean) == (0, True)


def _changes() -> int:
    return Event.objects.exclude(kind__in=["reminder", "escalated", "silence_ended"]).count()


def test_reminders_escalations_and_ends_of_silences_have_their_reason(
    support: Investment, olivia: User
) -> None:
    matcher = Matcher(portfolio=support.portfolio, investment=support, rule="negative_roi")
    silences.create(
        matcher,
        author=olivia,
        starts_at=now(),
        ends_at=now() + timedelta(days=2),
        comment="Migration.",
        now=now(),
    )
    live(support, LOSING, first=1, last=4)
    heartbeats.beat("audit", now=now())
    for days in (2.1, 8, 20, 33, 34):
        due.run_due(now=now() + timedelta(days=days))
    kinds = set(Event.objects.values_list("kind", flat=True))
    assert kinds >= {"reminder", "escalated", "silence_ended"}
    run = audited(days=34)
    assert set(counts(run)) <= {"stuck"}, open_findings()
    assert all("message (pending)" in detail for detail in open_findings())


def test_two_beats_are_harmless(support: Investment) -> None:
    live(support, LOSING, first=1, last=4)
    moment = now()
    assert auditor.audit(now=moment) is not None
    assert auditor.audit(now=moment + timedelta(seconds=1)) is None
    assert auditor.audit(now=moment + timedelta(seconds=auditor.PERIOD_SECONDS)) is not None
    AuditRun.objects.update(finished_at=None)
    assert auditor.audit(now=moment + timedelta(minutes=9), is_forced=True) is None
    assert auditor.audit(now=moment + timedelta(minutes=30)) is not None


# Corrupted, one thing each


@pytest.fixture
def ground(fresh_database: TestDatabase) -> Iterator[Vandal]:
    """Return a hand that changes what nobody may change: the owner's, with triggers off."""
    with psycopg.connect(fresh_database.owner_url, autocommit=True) as owner:

        def change(statement: str, *values: object) -> None:
            table = statement.removeprefix("DELETE FROM ").removeprefix("UPDATE ").split()[0]
            connection.close()
            owner.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER".encode())
            assert owner.execute(statement.encode(), values).rowcount > 0
            owner.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER".encode())

        yield change
    connection.close()


@pytest.fixture
def told(ground: Vandal) -> Investment:
    """Return an investment in trouble, judged, told of and audited: clean."""
    portfolio = factories.make_portfolio(rate="0.10")
    made = factories.make_investment(portfolio, "SUP-1", owner=factories.make_user("olivia"))
    live(made, EARNING, first=1, last=4)
    live(made, LOSING, first=5, last=8)
    live(made, LOSING, first=9, last=9)
    run = audited()
    assert run.is_clean, open_findings()
    AuditHead.objects.update(point=0)
    return made


def accepted(notice: uuid.UUID) -> None:
    """Note that a provider took a message."""
    Attempt.objects.create(
        notification_id=notice, number=1, outcome="accepted", started_at=now(), finished_at=now()
    )


def event(kind: str = "fired") -> Event:
    return Event.objects.get(episode__rule="negative_roi", kind=kind)


def test_a_deleted_event_is_lost(told: Investment, ground: Vandal) -> None:
    gone = event()
    ground("DELETE FROM alerts_notification WHERE event_id = %s", gone.pk)
    ground("DELETE FROM alerts_event WHERE id = %s", gone.pk)
    run = audited()
    assert counts(run) == {"lost": 1}, open_findings()
    (found,) = AuditFinding.objects.all()
    assert (found.investment_id, found.point_id) == (told.pk, gone.point_id)
    assert "“fired” (1) of negative_roi #1 in" in found.detail
    assert not run.is_clean
    # Asked again, it is the same row; put back, it is settled.
    assert counts(audited()) == {"lost": 1}
    assert AuditFinding.objects.count() == 1
    evidence = {name: value for name, value in gone.evidence.items() if name != "notices"} | {"notices": []}
    gone.evidence = evidence
    gone.save(force_insert=True)
    assert audited().is_clean
    assert AuditFinding.objects.get().settled_at is not None


def test_an_invented_event_is_a_phantom(told: Investment) -> None:
    true = event()
    Event.objects.create(
        id=uuid.uuid4(),
        episode=true.episode,
        kind="resolved",
        ordinal=1,
        month=true.month,
        point=true.point,
        evidence=true.evidence | {"notices": [], "notice": "none"},
        recorded_at=now(),
    )
    run = audited()
    assert counts(run) == {"phantom": 1}, open_findings()
    assert "“resolved” (1)" in open_findings()[0]


def test_an_invented_reminder_is_a_phantom(told: Investment) -> None:
    true = event()
    Event.objects.create(
        id=uuid.uuid4(),
        episode=true.episode,
        kind="reminder",
        ordinal=1,
        month=true.month,
        point=true.point,
        evidence=true.evidence | {"notices": []},
        recorded_at=now(),
    )
    assert counts(audited()) == {"phantom": 1}, open_findings()
    assert counts(audited(days=3)).get("phantom") == 1


def test_a_timer_that_left_no_event_is_lost(told: Investment) -> None:
    Timer.objects.filter(kind="reminder", episode__rule="negative_roi").update(state="done", done_at=now())
    assert counts(audited()) == {"lost": 1}, open_findings()
    assert "The reminder (1) was worked off and left no event." in open_findings()


def test_a_deleted_notice_is_lost(told: Investment, ground: Vandal) -> None:
    ground("DELETE FROM alerts_notification WHERE event_id = %s AND channel = 'email'", event().pk)
    run = audited()
    assert counts(run) == {"lost": 1}, open_findings()
    assert "decided on is not in the outbox" in open_findings()[0]


def test_two_deliveries_of_one_event_to_one_address_are_doubled(told: Investment) -> None:
    notice = Notification.objects.get(event=event(), channel="email")
    for pk in (notice.pk, uuid.uuid4()):
        Notification.objects.update_or_create(
            pk=pk,
            defaults={
                name: getattr(notice, name)
                for name in ("event", "portfolio", "user", "channel", "address", "thread_key", "message")
            }
            | {"state": "sent", "next_at": now(), "created_at": now(), "sent_at": now()},
        )
        accepted(pk)
    AuditHead.objects.all().delete()
    assert counts(audited()) == {"doubled": 1}, open_findings()


def test_a_late_second_delivery_is_found_by_its_attempt(told: Investment) -> None:
    """The evaluation was audited long ago; what senders do since is looked at by their attempts."""
    audited()
    first = Notification.objects.get(event=event(), channel="email")
    Notification.objects.filter(pk=first.pk).update(state="sent", sent_at=now())
    accepted(first.pk)
    second = Notification.objects.get(pk=first.pk)
    second.pk, second.seq = uuid.uuid4(), None  # type: ignore[assignment]
    second = Notification.objects.create(
        **{
            name: getattr(second, name)
            for name in ("pk", "event", "portfolio", "user", "channel", "address", "thread_key", "message")
        },
        state="sent",
        next_at=now(),
        created_at=now(),
        sent_at=now(),
    )
    accepted(second.pk)
    assert counts(audited()) == {"doubled": 1}, open_findings()


def test_an_accepted_message_without_an_event_is_a_phantom(told: Investment) -> None:
    stray = Notification.objects.create(
        id=uuid.uuid4(),
        portfolio=told.portfolio,
        channel="email",
        thread_key="t",
        message={"kind": "fired"},
        state="sent",
        next_at=now(),
        created_at=now(),
        sent_at=now(),
    )
    accepted(stray.pk)
    assert counts(audited()) == {"phantom": 1}, open_findings()
    Notification.objects.filter(pk=stray.pk).update(message={"kind": "test"})
    assert audited().is_clean


def test_a_dropped_point_is_missing(told: Investment, ground: Vandal) -> None:
    middle = EvaluationPoint.objects.exclude(pk__in=Event.objects.values("point")).order_by("-pk").first()
    assert middle is not None
    last = EvaluationPoint.objects.order_by("-pk").first()
    ground("DELETE FROM alerts_evaluationpoint WHERE id = %s", middle.pk)
    run = audited()
    assert counts(run) == {"missing_points": 1}, open_findings()
    if middle == last:
        assert open_findings() == ["It was judged, and the record of its last evaluation is missing."]
        live(told, LOSING, first=10, last=10)
        assert "missing:head" in AuditFinding.objects.get(settled_at=None).key
        assert counts(audited()) == {"missing_points": 1}
    assert "left no record" in open_findings()[0]


def test_a_changed_fact_is_found_by_the_figures(told: Investment, ground: Vandal) -> None:
    ground("UPDATE portfolio_entry SET amount = amount + 1 WHERE amount = 9000 AND month = %s", month(2))
    run = audited()
    assert set(counts(run)) == {"missing_points"}, open_findings()
    assert all("does not yield the figures" in detail for detail in open_findings())


def test_case_31_a_crash_between_fact_and_evaluation_is_made_good(told: Investment) -> None:
    record(told.portfolio, *running(told, EARNING, first=10, last=13))
    close(told.portfolio, first=10, last=13)
    assert audited().is_clean, "younger than five minutes"
    run = audited(minutes=6)
    assert counts(run) == {"missing_points": 1}, open_findings()
    assert Event.objects.filter(episode__rule="negative_roi", kind="resolved").exists()
    assert audited(minutes=7).is_clean, open_findings()


def test_figures_that_nobody_judged_are_overdue(told: Investment) -> None:
    record(told.portfolio, *running(told, EARNING, first=10, last=13))
    snapshots.recompute(now=now())
    assert counts(audited(minutes=6)) == {"missing_points": 1}, open_findings()
    assert EvaluationPoint.objects.count() == 4


def test_what_waits_too_long_is_stuck(told: Investment) -> None:
    waiting = Notification.objects.filter(state="pending").count()
    assert waiting
    assert counts(audited(minutes=16)) == {"stuck": waiting}, open_findings()
    for notice in Notification.objects.exclude(state="suppressed"):
        accepted(notice.pk)
    Notification.objects.exclude(state="suppressed").update(state="sent", sent_at=now())
    assert audited(minutes=16).is_clean, open_findings()


# The auditor itself


def test_a_finding_that_a_person_settled_stays_so(told: Investment, ground: Vandal) -> None:
    ground("DELETE FROM alerts_notification WHERE event_id = %s AND channel = 'email'", event().pk)
    audited()
    found = AuditFinding.objects.get()
    with pytest.raises(ValueError, match="Say why"):
        findings.settle(found, by="ada", reason=" ", now=now())
    findings.settle(found, by="ada", reason="A drill.", now=now())
    AuditHead.objects.update(point=0)
    assert audited().is_clean
    found.refresh_from_db()
    assert found.detail.endswith("Settled by ada: A drill.")


def test_one_that_cannot_be_replayed_does_not_keep_the_others(
    told: Investment, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = factories.make_investment(told.portfolio, owner=told.owner)
    live(other, LOSING, first=1, last=9)
    judge = auditor.checks.replay.contexts.read
    bad = [p.context for p in EvaluationPoint.objects.filter(investment=told)]
    assert bad

    def read(stored: Any) -> Any:
        if stored in bad:
            raise LookupError("unreadable")
        return judge(stored)

    monkeypatch.setattr(auditor.checks.replay.contexts, "read", read)
    run = audited()
    assert counts(run) == {"stuck": 1}, open_findings()
    assert "cannot be replayed" in open_findings()[0]
    assert AuditHead.objects.get(investment=other).point > 0
    assert AuditHead.objects.get(investment=told).point == 0


def test_a_backlog_is_worked_off_from_both_ends(told: Investment, monkeypatch: pytest.MonkeyPatch) -> None:
    made = [factories.make_investment(told.portfolio, owner=told.owner) for _ in range(5)]
    record(told.portfolio, *(fact for i in made for fact in running(i, LOSING, last=9)))
    evaluate.advance(now=now())
    AuditHead.objects.update(point=0)
    monkeypatch.setattr(auditor, "NEWEST", 2)
    monkeypatch.setattr(auditor, "OLDEST", 1)
    audited()
    seen = set(AuditHead.objects.filter(point__gt=0).values_list("investment", flat=True))
    assert seen == {told.pk, made[-1].pk, made[-2].pk}
    assert Heartbeat.objects.get(name="audit").detail["waiting"] == 3
    run = audited(hours=2)
    assert "The auditor is behind" not in " ".join(open_findings()), "the rest was done in this round"
    assert run.points == 3


def test_points_of_another_engine_are_taken_as_they_are(told: Investment, ground: Vandal) -> None:
    ground("UPDATE portfolio_entry SET amount = amount + 1 WHERE amount = 9000 AND month = %s", month(2))
    ground("UPDATE alerts_evaluationpoint SET context = jsonb_set(context, '{engine}', '0')")
    run = audited()
    assert (run.points, counts(run)) == (3, {}), open_findings()
    # What an alert's row says of its events is asked without a replay.
    ground("DELETE FROM alerts_notification WHERE event_id = %s", event().pk)
    ground("DELETE FROM alerts_event WHERE id = %s", event().pk)
    assert counts(audited()) == {"phantom": 1}, open_findings()


def test_what_follows_from_a_phantom_is_not_found_as_well(told: Investment) -> None:
    true = event()
    Event.objects.create(
        id=uuid.uuid4(),
        episode=true.episode,
        kind="resolved",
        ordinal=1,
        month=true.month,
        point=true.point,
        evidence=true.evidence
        | {"notices": [], "notice": "none", "closed_reason": "resolved", "resolved_month": "2024-06"},
        recorded_at=now(),
    )
    assert counts(audited()) == {"phantom": 1}, open_findings()
    live(told, LOSING, first=10, last=10)
    assert counts(audited()) == {"phantom": 1}, open_findings()
    assert AuditRun.objects.first().points == 1  # type: ignore[union-attr]
