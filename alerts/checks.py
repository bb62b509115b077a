"""The auditor's questions about what was recorded: evaluations against their events, events against their notices.

Each answers with findings for exactly what it was asked about; none writes. Asked again, it finds the same keys.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import connection

from alerts import replay, timers
from alerts.models import EvaluationPoint, Event, Notification
from alerts.replay import Replayed
from alerts.rules.replay import CHANGES, Sign

LOST, PHANTOM, DOUBLED, MISSING, STUCK = "lost", "phantom", "doubled", "missing_point", "stuck"
KINDS = (LOST, PHANTOM, DOUBLED, MISSING, STUCK)
# A question about everything there is stops here; by then the number alone says enough.
LIMIT = 1000
# The clocks of two processes differ by less.
SLACK = timedelta(minutes=15)
# So many of the newest messages, and of those after a number, are looked at each round.
MESSAGES = 2000
_TIMED = (timers.REMINDED, timers.ESCALATED, timers.SILENCE_ENDED)
_SETTLED = """
    WITH looked AS (
        (SELECT id FROM alerts_notification WHERE seq > %(after)s ORDER BY seq LIMIT %(rows)s)
        UNION (SELECT id FROM alerts_notification ORDER BY seq DESC LIMIT %(rows)s)
        UNION SELECT id FROM alerts_notification WHERE id = ANY(%(again)s))
    SELECT n.id, n.state, p.investment_id
    FROM alerts_notification n JOIN looked ON looked.id = n.id
    LEFT JOIN alerts_event e ON e.id = n.event_id LEFT JOIN alerts_episode p ON p.id = e.episode_id
    WHERE (n.state IN ('sent', 'logged', 'dead') AND NOT EXISTS (
            SELECT 1 FROM alerts_attempt a WHERE a.notification_id = n.id
            AND a.outcome = CASE n.state WHEN 'sent' THEN 'accepted' WHEN 'logged' THEN 'logged' ELSE a.outcome END))
       OR (n.state = 'merged' AND NOT EXISTS (
            SELECT 1 FROM alerts_notification t LEFT JOIN alerts_event te ON te.id = t.event_id
            WHERE t.id = n.told_in_id AND t.channel = n.channel AND t.user_id IS NOT DISTINCT FROM n.user_id
              AND (n.user_id IS NOT NULL OR t.address = n.address)
              AND (te.episode_id = e.episode_id OR (t.event_id IS NULL AND t.message ->> 'kind' = 'digest'))))
    ORDER BY n.seq LIMIT %(most)s
"""
_WORDS = {
    "sent": "counts as sent, and no attempt was accepted",
    "logged": "counts as logged, and no attempt says so",
    "dead": "counts as undeliverable, and nobody tried",
    "merged": "counts as told with another, which tells its recipient nothing of it",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One difference between what should be and what is; found again, its key is the same."""

    key: str
    kind: str
    detail: str
    investment_id: int | None = None
    point_id: int | None = None


def judged(points: Sequence[EvaluationPoint]) -> tuple[list[Finding], list[Replayed]]:
    """Replay evaluations: events that are lost or phantom, facts that differ, predecessors that are missing."""
    found: list[Finding] = []
    answers = replay.replay(points)
    for answer in answers:
        point = answer.point
        where = {"investment_id": point.investment_id, "point_id": point.pk}
        if answer.facts_differ:
            detail = f"The ledger as known at {point.knowledge} does not yield the figures that were judged."
            found.append(Finding(key=f"missing:{point.pk}:facts", kind=MISSING, detail=detail, **where))
        if answer.is_after_a_gap:
            detail = "The evaluation that came before this one has left no record."
            found.append(Finding(key=f"missing:{point.pk}:before", kind=MISSING, detail=detail, **where))
        for rule, differences in (answer.differences or {}).items():
            for kind, signs in ((LOST, differences.lost), (PHANTOM, differences.phantom)):
                found += [_event_finding(kind, rule, sign, point) for sign in signs]
    return found, answers


def _event_finding(kind: str, rule: str, sign: Sign, point: EvaluationPoint) -> Finding:
    what = f"“{sign.kind}” ({sign.ordinal}) of {rule} #{sign.number} in {sign.month:%Y-%m}"
    says = "should have been written and was not" if kind == LOST else "was written and does not follow"
    return Finding(
        # Named by the event, not by the point: where it is missed again later, it is the same finding.
        key=f"{kind}:{point.investment_id}:{rule}:{sign.number}:{sign.kind}:{sign.ordinal}",
        kind=kind,
        detail=f"The event {what} {says}.",
        investment_id=point.investment_id,
        point_id=point.pk,
    )


def told(point_ids: Iterable[int]) -> tuple[list[Finding], int]:
    """Ask whether every notice that events were written with is there, and none was accepted under two ids.

    Returns the findings and how many notices were looked at.
    """
    events = {
        event.pk: event for event in Event.objects.filter(point__in=list(point_ids)).select_related("episode")
    }
    rows: dict[UUID, list[Notification]] = defaultdict(list)
    for notice in Notification.objects.filter(event__in=events).defer("message", "rendered"):
        if notice.event_id is not None:
            rows[notice.event_id].append(notice)
    found = []
    for pk, event in events.items():
        found += [*_unsent(event, rows[pk]), *_doubled(event, rows[pk])]
    return found, sum(len(each) for each in rows.values())


def _unsent(event: Event, notices: Sequence[Notification]) -> list[Finding]:
    promised, there = event.evidence.get("notices"), {str(notice.pk) for notice in notices}
    if promised is None and event.evidence.get("notice") == "now":
        detail = f"The event “{event.kind}” was to be told at once, and nobody decided whom."
        return [_of_event(event, f"lost:notices:{event.pk}", LOST, detail)]
    return [
        _of_event(
            event,
            f"lost:notice:{lost}",
            LOST,
            f"A notice of “{event.kind}” that was decided on is not in the outbox: {lost}.",
        )
        for lost in promised or ()
        if lost not in there
    ]


def _doubled(event: Event, notices: Sequence[Notification]) -> list[Finding]:
    accepted = Counter(f"{n.channel}:{n.user_id or n.address}" for n in notices if n.state == "sent")
    return [
        _of_event(
            event,
            f"doubled:{event.pk}:{target}"[:200],
            DOUBLED,
            f"“{event.kind}” was accepted {count} times at one address, under different ids.",
        )
        for target, count in sorted(accepted.items())
        if count > 1
    ]


def _of_event(event: Event, key: str, kind: str, detail: str) -> Finding:
    return Finding(
        key=key,
        kind=kind,
        detail=detail,
        investment_id=event.episode.investment_id,
        point_id=event.point_id,
    )


def strays(notification_ids: Iterable[UUID]) -> list[Finding]:
    """Ask whether accepted messages that speak of an event have one."""
    rows = Notification.objects.filter(
        pk__in=list(notification_ids),
        event__isnull=True,
        state="sent",
        message__kind__in=[*CHANGES, *_TIMED],
    )
    return [
        Finding(
            key=f"phantom:notice:{n.pk}",
            kind=PHANTOM,
            detail=f"A message that says “{n.message['kind']}” was accepted, and no event is behind it.",
        )
        for n in rows
    ]


def settled(*, after: int, again: Collection[UUID]) -> tuple[list[Finding], int]:
    """Ask of the newest messages, those after a number, and those given, whether their state has its cause.

    Returns the findings, and after which number to go on: 0 at the end.
    """
    given: dict[str, Any] = {"after": after, "rows": MESSAGES, "again": list(again), "most": LIMIT}
    with connection.cursor() as cursor:
        cursor.execute(_SETTLED, given)
        rows = cursor.fetchall()
    window = Notification.objects.filter(seq__gt=after).order_by("seq").values_list("seq", flat=True)
    found = [
        Finding(
            key=f"lost:told:{pk}",
            kind=LOST,
            detail=f"The message {pk} {_WORDS[state]}.",
            investment_id=investment,
        )
        for pk, state, investment in rows
    ]
    return found, next(iter(window[MESSAGES - 1 : MESSAGES]), 0)
