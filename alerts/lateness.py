"""The auditor's questions about time: what the clock did or should have done, and facts that nobody has judged."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import F, Q, Value
from django.db.models.functions import Greatest

from alerts import holding, queries, timers
from alerts.attempts import MAX_ATTEMPTS
from alerts.checks import LIMIT, LOST, MISSING, PHANTOM, SLACK, STUCK, Finding
from alerts.models import Event, Notification, Policy, Silence, Timer
from alerts.rules import leaving
from alerts.rules.replay import CHANGES
from alerts.rules.routes import DAILY
from portfolio import calendars
from portfolio.business_days import Calendar
from roi import snapshots
from roi.models import SnapshotHead

_MADE_BY = {
    timers.REMINDER: timers.REMINDED,
    timers.ESCALATION: timers.ESCALATED,
    timers.SNOOZE_END: timers.SILENCE_ENDED,
}
# Until quiet hours end, or a daily digest leaves: an hour more where clocks change.
_DAY = timedelta(hours=25)
_MADE_OF = {made: kind for kind, made in _MADE_BY.items()}
_OVERDUE_FACTS = """
    SELECT i.id FROM portfolio_investment i
    LEFT JOIN roi_snapshothead h ON h.investment_id = i.id
    LEFT JOIN portfolio_head hi ON hi.scope = 'investment' AND hi.scope_id = i.id
    LEFT JOIN portfolio_head hp ON hp.scope = 'portfolio' AND hp.scope_id = i.portfolio_id
    LEFT JOIN portfolio_head hx ON hx.scope = 'installation' AND hx.scope_id = 0
    JOIN portfolio_batch b ON b.id = GREATEST(hi.knowledge, hp.knowledge, hx.knowledge)
    WHERE b.recorded_at < %(before)s AND (COALESCE(h.attempts, 0) < %(limit)s OR h.failed_knowledge <> b.id)
      AND (h.investment_id IS NULL OR h.investment_knowledge <> COALESCE(hi.knowledge, 0)
           OR h.portfolio_knowledge <> COALESCE(hp.knowledge, 0)
           OR h.installation_knowledge <> COALESCE(hx.knowledge, 0))
    ORDER BY i.id LIMIT %(rows)s
"""


def clock(*, since: datetime, timer_ids: Sequence[int] = (), event_ids: Sequence[UUID] = ()) -> list[Finding]:
    """Ask whether what timers did has its events, and the clock's events their timers.

    Asks about what was done since a moment, and about the timers and events given.
    """
    done = Timer.objects.filter(Q(pk__in=timer_ids) | Q(done_at__gte=since), state="done")
    # The clock speaks of open episodes only; without this, the search would go through all of history.
    recent = Q(recorded_at__gte=since) & (
        Q(episode__closed_at__isnull=True) | Q(episode__closed_at__gte=since)
    )
    events = Event.objects.filter(recent | Q(pk__in=event_ids)).exclude(kind__in=CHANGES)
    return _unheard(done.select_related("episode")) + _unrung(events.select_related("episode"))


def _unheard(done: Iterable[Timer]) -> list[Finding]:
    """Return the timers that were worked off without leaving an event."""
    worked = list(done)
    heard = set(
        Event.objects.filter(episode__in={t.episode_id for t in worked}).values_list(
            "episode_id", "kind", "recorded_at"
        )
    )
    return [
        Finding(
            key=f"lost:timer:{t.pk}",
            kind=LOST,
            detail=f"The {t.get_kind_display().lower()} ({t.ordinal}) was worked off and left no event.",
            investment_id=t.episode.investment_id,
        )
        for t in worked
        if (t.episode_id, _MADE_BY[t.kind], t.done_at) not in heard
    ]


def _unrung(written: Iterable[Event]) -> list[Finding]:
    """Return the clock's events behind which nothing was due."""
    events = list(written)
    rows = Timer.objects.filter(episode__in={e.episode_id for e in events})
    rung = set(rows.values_list("episode_id", "kind", "done_at"))
    # A level that was set anew, as the alert reopened or was heard of again, does not remember the first time.
    again = set(rows.filter(kind=timers.ESCALATION).values_list("episode_id", "kind", "started_at"))
    ends = Silence.objects.filter(handled_at__in={e.recorded_at for e in events})
    silences = set(ends.values_list("handled_at", flat=True))
    found = []
    for event in events:
        kind = _MADE_OF.get(event.kind, "")
        if (event.episode_id, kind, event.recorded_at) in rung:
            continue
        if any(
            event.recorded_at <= at for episode, of, at in again if (episode, of) == (event.episode_id, kind)
        ):
            continue
        if event.kind == timers.SILENCE_ENDED and event.recorded_at in silences:
            continue
        found.append(
            Finding(
                key=f"phantom:event:{event.pk}",
                kind=PHANTOM,
                detail=f"The event “{event.kind}” was written, and nothing was due.",
                investment_id=event.episode.investment_id,
                point_id=event.point_id,
            )
        )
    return found


def stuck(*, now: datetime, slo: timedelta) -> list[Finding]:
    """Ask what should have been done by now and still waits: messages, timers and ends of silences."""
    before, found = now - slo, []
    late = Q(state__in=Notification.OPEN, next_at__lt=before) | Q(state="held", digest_at__lt=before)
    rows = Notification.objects.filter(late).values_list("pk", "state", "next_at", "digest_at")[:LIMIT]
    for notice, state, at, digest_at in rows:
        due_at = digest_at if state == "held" and digest_at else at
        found.append(_late(f"notice:{notice}", f"A message ({state})", due_at))
    waiting = Timer.objects.filter(state="waiting", due_at__lt=before)
    for pk, kind, at in waiting.values_list("pk", "kind", "due_at")[:LIMIT]:
        found.append(_late(f"timer:{pk}", f"A timer ({kind.replace('_', ' ')})", at))
    for pk, at in Silence.objects.filter(handled_at=None, ends_at__lt=before).values_list("pk", "ends_at"):
        found.append(_late(f"silence:{pk}", "The end of a silence", at))
    return found


def astray(*, now: datetime, waits: Mapping[str, timedelta]) -> list[Finding]:
    """Ask which messages are put off for longer than anything of ours does; `waits`: how long senders do, by state."""
    moment = Greatest(Value(now), F("event__recorded_at"))  # a null is not looked at

    def beyond(name: str, wait: timedelta) -> Q:
        return Q(**{f"{name}__gt": moment + Value(wait + SLACK)})

    is_open = (
        Q(state="pending") & beyond("next_at", max(waits["pending"], _DAY))
        | Q(state="uncertain") & beyond("next_at", waits["uncertain"])
        | Q(state="sending") & (beyond("next_at", timedelta()) | beyond("locked_until", waits["sending"]))
    )
    imported = Q(suppressed_by__in=[holding.GROUPED, holding.RESTATED])
    is_held = (
        imported & beyond("digest_at", holding.longest())
        | Q(suppressed_by=DAILY) & beyond("digest_at", _DAY)
        | ~imported & beyond("digest_at", timedelta(days=7) + _DAY)
    )
    waiting = Q(state__in=Notification.OPEN, next_at__gt=now) | Q(state="held", digest_at__gt=now)
    # First by the clock alone, which the indexes over what waits can answer.
    rows = Notification.objects.filter(waiting | Q(state="sending", locked_until__gt=now))
    rows = rows.filter(is_open | Q(state="held") & is_held).annotate(moment=moment)
    late = list(rows.select_related("portfolio").defer("message", "rendered").order_by("seq")[: 10 * LIMIT])
    days = calendars.calendars_of({row.portfolio for row in late})
    found = []
    for row in late:
        is_leased = row.state == "sending" and row.locked_until
        at = row.digest_at if row.state == "held" else row.locked_until if is_leased else row.next_at
        if row.suppressed_by == holding.NO_DATA and at and at <= _asked_by(row, days[row.portfolio_id]):
            continue
        detail = f"A message ({row.state}) is put off until {at:%Y-%m-%d %H:%M} UTC, for no reason."
        found.append(Finding(key=f"stuck:notice:{row.pk}", kind=STUCK, detail=detail))
    return found[:LIMIT]


def _asked_by(row: Any, days: Calendar) -> datetime:
    """Return when data is asked for at the latest, of a month that was closed by the row's moment."""
    due_at = days.due_at(row.moment, count=leaving.ASKED_AFTER, zone=row.portfolio.time_zone)
    return due_at + _DAY + SLACK


def _late(what: str, words: str, at: datetime) -> Finding:
    return Finding(
        key=f"stuck:{what}", kind=STUCK, detail=f"{words} was due at {at:%Y-%m-%d %H:%M} UTC and still waits."
    )


def overdue(*, now: datetime, patience: timedelta) -> list[Finding]:
    """Ask which investments have facts, figures or policies that nobody has judged for too long."""
    before = now - patience
    with connection.cursor() as cursor:
        cursor.execute(_OVERDUE_FACTS, {"before": before, "limit": snapshots.MAX_ATTEMPTS, "rows": LIMIT})
        unread = {row[0] for row in cursor.fetchall()}
    pending = queries.find_pending(ids=None, after=0, limit=LIMIT, max_attempts=MAX_ATTEMPTS)
    old = SnapshotHead.objects.filter(pk__in=pending, computed_at__lt=before)
    fresh = Policy.objects.filter(investment__in=pending, batch__recorded_at__gte=before)
    unjudged = set(old.values_list("pk", flat=True)) - set(fresh.values_list("investment_id", flat=True))
    return [
        Finding(
            key=f"missing:due:{pk}",
            kind=MISSING,
            detail="Facts are known of it that nobody has judged in time.",
            investment_id=pk,
        )
        for pk in sorted(unread | unjudged)
    ]
