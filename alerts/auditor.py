"""The auditor: every few minutes, what should have happened against what did. It mends nothing but what nobody judged.

A round looks at evaluations nobody has audited (the newest first, and a part of the oldest), at what senders and the
clock did since the last round, at what is late, at the timers of every open alert, and again at every open finding.
What was right once may be changed later: messages and alerts are gone through again and again, a part each round. At
a round every five minutes, 10,000 investments take 3 hours 20 minutes, and a million messages a day and 18 hours.
"""

import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction

from alerts import checks, delivery, evaluate, findings, heartbeats, lateness, soundness
from alerts.checks import Finding
from alerts.findings import Open
from alerts.models import (
    Attempt,
    AuditHead,
    AuditRun,
    EvaluationPoint,
    Heartbeat,
    Notification,
)

logger = logging.getLogger(__name__)

PERIOD_SECONDS = 300.0
# A round that ended without saying so is given up after this.
ABANDONED_SECONDS = 600.0
PATIENCE_SECONDS, SLO_SECONDS, BEHIND_SECONDS = 300.0, 900.0, 3600.0
SHORTEST_SECONDS = 5.0
# Investments a round: the newest, and so many of those that wait longest.
NEWEST, OLDEST, CHUNK = 1000, 250, 100
ROUND_SECONDS = 120.0
ATTEMPTS, OVERLAP = 20_000, 500
KEEP_RUNS = timedelta(days=90)
NAME = "audit"
_LOCK = 7105
# What is looked at part by part.
SWEPT = ("message", "investment")

# One probe of an index for each investment. `is_kept`: the newest point is the one the head speaks of.
_STANDING = """
    SELECT e.investment_id, latest.id, latest.recorded_at, COALESCE(a.point, 0),
           latest.id IS NOT NULL AND (latest.context ->> 'engine' IS NULL
               OR (latest.revision, latest.policy_knowledge) = (e.revision, e.policy_knowledge)) AS is_kept
    FROM alerts_evaluationhead e LEFT JOIN alerts_audithead a ON a.investment_id = e.investment_id
    LEFT JOIN LATERAL (SELECT * FROM alerts_evaluationpoint p WHERE p.investment_id = e.investment_id
                       ORDER BY p.id DESC LIMIT 1) latest ON TRUE
    WHERE e.revision >= 0
"""
# What is new, and all from the first open finding on: so that what follows from it is not found as well.
_POINTS = """
    SELECT p.*, p.id > COALESCE(a.point, 0) AS is_new
    FROM alerts_evaluationpoint p LEFT JOIN alerts_audithead a ON a.investment_id = p.investment_id
    LEFT JOIN (SELECT investment_id, min(id) AS first FROM alerts_evaluationpoint
               WHERE id = ANY(%s) GROUP BY investment_id) found ON found.investment_id = p.investment_id
    WHERE p.investment_id = ANY(%s) AND (p.id > COALESCE(a.point, 0) OR p.id >= found.first)
    ORDER BY p.investment_id, p.id
"""


@dataclass(slots=True)
class _Round:
    """What one round looked at and found."""

    now: datetime
    began: float = field(default_factory=time.monotonic)
    findings: dict[str, Finding] = field(default_factory=dict)
    points: int = 0
    events: int = 0
    notifications: int = 0
    heads: dict[int, int] = field(default_factory=dict)

    def add(self, found: Iterable[Finding]) -> None:
        """Keep findings, each once."""
        self.findings.update({finding.key: finding for finding in found})


def audit(*, now: datetime, is_forced: bool = False) -> AuditRun | None:
    """Run a round and return it; None when one is running or ran just now. Two beats are harmless."""
    run = _claim(now, is_forced=is_forced)
    if run is None:
        return None
    before, work = findings.still_open(), _Round(now)
    last = Heartbeat.objects.filter(name=NAME).first()
    known = last.detail if last else {}
    waiting = _audit_points(work, before)
    attempt = _audit_deliveries(work, before, after=int(known.get("attempt", 0)))
    since = (last.beat_at if last else now) - 2 * _scaled(PERIOD_SECONDS)
    work.add(lateness.clock(since=since, timer_ids=before.timers, event_ids=before.events))
    work.add(lateness.stuck(now=now, slo=_scaled(SLO_SECONDS)))
    work.add(lateness.astray(now=now, waits=_waits()))
    swept = _sweep(work, before, known.get("swept", {}))
    overdue = lateness.overdue(now=now, patience=_scaled(PATIENCE_SECONDS))
    work.add(overdue)
    _write(run, work, before)
    detail = {"attempt": attempt, "waiting": waiting, "swept": swept, "is_clean": run.is_clean}
    heartbeats.beat(NAME, now=now, detail=detail)
    if overdue:
        logger.error("%s investments were not judged in time; the auditor has it done.", len(overdue))
        evaluate.advance(now=now, ids=[f.investment_id for f in overdue if f.investment_id is not None])
    return run


def _scaled(seconds: float) -> timedelta:
    return timedelta(seconds=max(SHORTEST_SECONDS, seconds * settings.TIME_SCALE))


@transaction.atomic
def _claim(now: datetime, *, is_forced: bool) -> AuditRun | None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, 0)", [_LOCK])
    last = AuditRun.objects.order_by("-id").first()
    if last is not None:
        if last.finished_at is None and last.started_at > now - _scaled(ABANDONED_SECONDS):
            return None
        if not is_forced and last.started_at > now - timedelta(
            seconds=PERIOD_SECONDS * min(1.0, settings.TIME_SCALE) / 2
        ):
            return None
    AuditRun.objects.filter(started_at__lt=now - KEEP_RUNS).delete()
    return AuditRun.objects.create(started_at=now)


def _audit_points(work: _Round, before: Open) -> int:
    """Replay what nobody has replayed and what was found wrong; returns how many investments still wait."""
    with connection.cursor() as cursor:
        cursor.execute(_STANDING)
        rows = cursor.fetchall()
    for investment, _, _, _, is_kept in rows:
        if not is_kept:
            detail = "It was judged, and the record of its last evaluation is missing."
            key = f"missing:head:{investment}"
            work.add([Finding(key=key, kind=checks.MISSING, detail=detail, investment_id=investment)])
    unread = sorted(
        ((point, pk, at) for pk, point, at, seen, _ in rows if point and point > seen), reverse=True
    )
    chosen = [pk for _, pk, _ in [*unread[:NEWEST], *unread[NEWEST:][-OLDEST:]]]
    again = EvaluationPoint.objects.filter(pk__in=before.points).values_list("investment_id", flat=True)
    done = _replay_all(work, [*dict.fromkeys([*again, *chosen])], before)
    left = [recorded_at for _, pk, recorded_at in unread if pk not in done]
    if left and min(left) < work.now - _scaled(BEHIND_SECONDS):
        since = f"{min(left):%Y-%m-%d %H:%M} UTC"
        detail = f"The auditor is behind: {len(left)} investments wait, one since {since}."
        work.add([Finding(key="stuck:audit", kind=checks.STUCK, detail=detail)])
    return len(left)


def _replay_all(work: _Round, investments: Sequence[int], before: Open) -> set[int]:
    """Replay investments chunk by chunk, as many as the round has time for; returns which."""
    ends = time.monotonic() + ROUND_SECONDS
    done: set[int] = set()
    for at in range(0, len(investments), CHUNK):
        if time.monotonic() > ends:
            break
        chunk = investments[at : at + CHUNK]
        _replay(work, list(EvaluationPoint.objects.raw(_POINTS, [list(before.points), list(chunk)])))
        done.update(chunk)
    return done


def _replay(work: _Round, points: Sequence[EvaluationPoint]) -> None:
    """Replay points; where that fails, each investment for itself, so that one does not keep the others unaudited."""
    try:
        found, answers = checks.judged(points)
        notices, seen = checks.told([point.pk for point in points])
    except (ValueError, ArithmeticError, LookupError, TypeError) as error:
        investments = sorted({point.investment_id for point in points})
        if len(investments) > 1:
            for investment in investments:
                _replay(work, [p for p in points if p.investment_id == investment])
            return
        logger.exception("Investment %s cannot be audited.", investments[0])
        detail = f"Its evaluations cannot be replayed: {error!r}"[:500]
        key = f"stuck:replay:{investments[0]}"
        work.add([Finding(key=key, kind=checks.STUCK, detail=detail, investment_id=investments[0])])
        return
    work.add([*found, *notices])
    new = [answer for answer in answers if answer.point.is_new]  # type: ignore[attr-defined]
    work.points += len(new)
    work.events += sum(answer.events for answer in new)
    work.notifications += seen
    work.heads |= {point.investment_id: point.pk for point in points}


def _audit_deliveries(work: _Round, before: Open, *, after: int) -> int:
    """Look at what was accepted since the last round; returns the number of the newest attempt.

    Attempts commit out of their order, so that some of the last round's are looked at again.
    """
    newest = Attempt.objects.order_by("-id").values_list("id", flat=True).first() or 0
    recent = Attempt.objects.filter(id__gt=max(after - OVERLAP, newest - ATTEMPTS), outcome="accepted")
    ids = set(recent.values_list("notification_id", flat=True))
    told = Notification.objects.filter(pk__in=ids, event__isnull=False)
    doubled, _ = checks.told(set(told.values_list("event__point_id", flat=True)))
    work.add(doubled)
    work.add(checks.strays({*ids, *before.notices}))
    return newest


def _waits() -> dict[str, timedelta]:
    """Return how long senders leave a message in each state at most."""
    retry = max(*delivery.STEPS, delivery.LONGEST_WAIT) * (1 + delivery.JITTER)
    seconds = {"pending": retry, "uncertain": delivery.AFTER_UNCERTAIN, "sending": delivery.LEASE}
    return {state: timedelta(seconds=wait * max(1.0, settings.TIME_SCALE)) for state, wait in seconds.items()}


def sweep_anew() -> None:
    """Let the next round look at messages and alerts from the first on."""
    last = Heartbeat.objects.filter(name=NAME).first()
    if last is not None:
        last.detail = {**last.detail, "swept": {}}
        last.save(update_fields=["detail"])


def swept_to_the_end() -> set[str]:
    """Return of what the last round has looked at the end, and the next begins anew."""
    last = Heartbeat.objects.filter(name=NAME).first()
    swept = last.detail.get("swept", {}) if last else {}
    return {name for name in SWEPT if not swept.get(name)}


def _sweep(work: _Round, before: Open, at: Mapping[str, int]) -> dict[str, int]:
    """Look again at a part of all messages and alerts, and at the timers of every open one; returns where to go on."""
    settled, message = checks.settled(after=int(at.get("message", 0)), again=before.told)
    work.add(settled)
    some, investment = soundness.next_investments(after=int(at.get("investment", 0)))
    again = soundness.of_episodes(before.episodes) | set(before.investments)
    work.add(soundness.episodes([*work.heads, *some, *again], found=list(work.findings)))
    unheard = findings.named(work.findings, "lost:timer:")
    differing = findings.named(work.findings, "lost:episode:", "phantom:episode:")
    work.add(soundness.unarmed(now=work.now, known=map(int, unheard), apart=map(int, differing)))
    return {"message": message, "investment": investment}


@transaction.atomic
def _write(run: AuditRun, work: _Round, before: Open) -> None:
    """Write findings, note how far each investment is audited, and close the round."""
    findings.write(work.findings, before, now=work.now)
    AuditHead.objects.bulk_create(
        [AuditHead(investment_id=pk, point=point) for pk, point in sorted(work.heads.items())],
        update_conflicts=True,
        unique_fields=["investment"],
        update_fields=["point"],
    )
    counts = findings.counts()
    run.points, run.events, run.notifications = work.points, work.events, work.notifications
    run.lost, run.phantom, run.doubled = counts[checks.LOST], counts[checks.PHANTOM], counts[checks.DOUBLED]
    run.missing_points, run.stuck = counts[checks.MISSING], counts[checks.STUCK]
    run.is_clean = not any(counts.values())
    run.finished_at = work.now + timedelta(seconds=time.monotonic() - work.began)
    run.save()
