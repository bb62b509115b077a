"""The auditor's questions about what was recorded: evaluations against their events, events against their notices.

Each answers with findings for exactly what it was asked about; none writes. Asked again, it finds the same keys.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from alerts import replay, timers
from alerts.models import EvaluationPoint, Event, Notification
from alerts.replay import Replayed
from alerts.rules.replay import CHANGES, Sign

LOST, PHANTOM, DOUBLED, MISSING, STUCK = "lost", "phantom", "doubled", "missing_point", "stuck"
KINDS = (LOST, PHANTOM, DOUBLED, MISSING, STUCK)
_TIMED = (timers.REMINDED, timers.ESCALATED, timers.SILENCE_ENDED)


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
    gone = [
        _of_event(
            event,
            f"lost:notice:{lost}",
            LOST,
            f"A notice of “{event.kind}” that was decided on is not in the outbox: {lost}.",
        )
        for lost in promised or ()
        if lost not in there
    ]
    return gone + [
        _of_event(
            event,
            f"lost:notice:{notice.pk}",
            LOST,
            f"A notice of “{event.kind}” counts as told with another, and no other tells of it: {notice.pk}.",
        )
        for notice in notices
        if notice.state == "merged" and notice.told_in_id is None
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
