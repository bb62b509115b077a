"""The auditor's questions about alerts as they stand: against their events, and against the timers they need.

An alert's row is what is looked at; changed by itself, by a defect or by hand, it no longer agrees with the others.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Max

from alerts import replay
from alerts.checks import LIMIT, LOST, PHANTOM, SLACK, STUCK, Finding
from alerts.models import Episode, EvaluationHead, Event
from alerts.rules import RULES, attention
from alerts.rules import replay as rules
from alerts.rules.attention import LEVEL_OF, LEVELS, LONGEST_SILENCE, LONGEST_SNOOZE, LOOK_AGAIN
from alerts.rules.base import Lifecycle, Severity
from alerts.rules.leaving import ASKED_AFTER
from alerts.rules.matching import RecordedEpisode
from portfolio import calendars, knowledge
from portfolio.business_days import Calendar

# The alerts of so many investments are looked at again each round.
INVESTMENTS = 250
# What each open, announced alert must have: a waiting reminder, and each level of escalation, waiting or told.
# `known`: timers whose loss is found already; `apart`: alerts of which something else is.
_UNARMED = """
    WITH wanted AS (
        SELECT p.id, p.public_id, 'reminder' AS kind, NULL::int AS level, make_interval(days => r.days) AS span
        FROM alerts_episode p JOIN unnest(%(reminded)s::text[], %(every)s::int[]) AS r(rule, days) ON r.rule = p.rule
        WHERE p.closed_at IS NULL AND p.is_announced AND p.id <> ALL(%(apart)s)
        UNION ALL
        SELECT p.id, p.public_id, 'escalation', l.number, make_interval(days => l.days)
        FROM alerts_episode p CROSS JOIN unnest(%(levels)s::int[], %(days)s::int[]) AS l(number, days)
        WHERE p.closed_at IS NULL AND p.is_announced AND p.id <> ALL(%(apart)s)
          AND (p.rule, p.severity) IN (SELECT * FROM unnest(%(escalated)s::text[], %(loud)s::text[])))
    SELECT w.id, w.kind, w.level, t.due_at, t.started_at
    FROM wanted w LEFT JOIN LATERAL (
        SELECT t.* FROM alerts_timer t
        WHERE t.episode_id = w.id AND t.kind = w.kind AND (w.level IS NULL OR t.ordinal = w.level)
          AND (t.state = 'waiting' OR t.id = ANY(%(known)s) OR (t.state = 'done' AND w.level IS NOT NULL AND EXISTS (
                SELECT 1 FROM alerts_event e WHERE e.episode_id = w.id AND e.kind = 'escalated'
                AND e.recorded_at = t.done_at AND e.evidence ->> 'level' = w.level::text)))
        ORDER BY t.state = 'waiting' DESC, t.due_at LIMIT 1) t ON TRUE
    WHERE (t.id IS NULL OR (t.state = 'waiting'
           AND t.due_at > GREATEST(LEAST(t.started_at, %(now)s) + w.span, %(now)s + %(again)s) + %(slack)s))
      AND NOT EXISTS (SELECT 1 FROM portfolio_review r WHERE r.origin_ref = w.public_id AND r.state = 'decided')
    ORDER BY w.id, w.kind, w.level LIMIT %(most)s
"""
_UNENDING = """
    SELECT s.id, p.investment_id FROM alerts_snooze s JOIN alerts_episode p ON p.id = s.episode_id
    WHERE s.ended_at IS NULL AND (s.until > s.created_at + %(longest)s + %(slack)s OR NOT EXISTS (
        SELECT 1 FROM alerts_timer t WHERE t.episode_id = s.episode_id AND t.kind = 'snooze_end'
        AND (t.id = ANY(%(known)s) OR (t.state = 'waiting' AND t.due_at <= s.until + %(slack)s))))
    ORDER BY s.id LIMIT %(most)s
"""


def next_investments(*, after: int) -> tuple[list[int], int]:
    """Return the investments to look at after a number, and after which to go on: 0 at the end."""
    heads = EvaluationHead.objects.filter(pk__gt=after).order_by("pk").values_list("pk", flat=True)
    found = list(heads[:INVESTMENTS])
    return found, found[-1] if len(found) == INVESTMENTS else 0


def of_episodes(episode_ids: Collection[int]) -> set[int]:
    """Return the investments of some alerts."""
    return set(Episode.objects.filter(pk__in=episode_ids).values_list("investment_id", flat=True))


def episodes(investment_ids: Iterable[int], *, found: Iterable[str]) -> list[Finding]:
    """Ask whether the alerts of investments are as their events left them.

    `found` are the keys of this round's findings: of an alert with a lost or phantom event, that says enough.
    """
    ids, apart = sorted(set(investment_ids)), _named(found)
    try:
        return _episodes(ids, apart)
    except (ValueError, ArithmeticError, LookupError, TypeError) as error:
        if len(ids) > 1:
            return [one for pk in ids for one in episodes([pk], found=found)]
        detail = f"The events of its alerts cannot be read: {error!r}"[:500]
        return [Finding(key=f"stuck:events:{ids[0]}", kind=STUCK, detail=detail, investment_id=ids[0])]


def _named(keys: Iterable[str]) -> set[tuple[int, str, int]]:
    """Return the alerts (investment, rule, number) whose events are found lost or phantom."""
    parts = [key.split(":") for key in keys]
    return {(int(p[1]), p[2], int(p[3])) for p in parts if len(p) == 6 and p[0] in (LOST, PHANTOM)}


def _episodes(ids: Sequence[int], apart: Collection[tuple[int, str, int]]) -> list[Finding]:
    def read() -> tuple[dict[int, replay.Events], list[Episode]]:
        return replay.events_of(ids), list(Episode.objects.filter(investment__in=ids).order_by("pk"))

    # One view of both: an evaluation that commits between two questions would look like a difference.
    events, rows = knowledge.with_one_view(read)
    said = {
        (pk, rule, one.number): one
        for pk, by_rule in events.items()
        for rule, of_rule in by_rule.items()
        for one in rules.episodes_of(event for _, event in of_rule)
    }
    answers = []
    for row in rows:
        name = (row.investment_id, row.rule, row.number)
        if name not in apart and (how := _difference(row, said.get(name))):
            answers.append(_of_episode(row, *how))
    return answers


def _of_episode(row: Episode, kind: str, what: str) -> Finding:
    return Finding(
        key=f"{kind}:episode:{row.pk}",
        kind=kind,
        detail=f"The alert {row.rule} #{row.number} {what}.",
        investment_id=row.investment_id,
    )


def _difference(row: Episode, said: RecordedEpisode | None) -> tuple[str, str] | None:
    """Return what an alert says that no event does (phantom), or what an event says and it does not (lost)."""
    if said is None or "fired" not in said.ordinals:
        return PHANTOM, "is there, and no event opened it"
    ends: dict[str, tuple[object, object]] = {
        "announced": (row.is_announced, said.announced),
        "closed": (row.closed_at is not None, said.closed_reason is not None),
        "closed_reason": (row.closed_reason, said.closed_reason.value if said.closed_reason else ""),
        "resolved_month": (row.resolved_month, said.resolved_month),
    }
    invented = [name for name, (has, should) in ends.items() if has and not should]
    if invented:
        return PHANTOM, f"says more than its events: {', '.join(invented)}"
    pairs = ends | {
        "fired_month": (row.fired_month, said.fired_month),
        "first_breach_month": (row.first_breach_month, said.first_breach_month),
    }
    missing = [name for name, (has, should) in pairs.items() if has != should]
    return (LOST, f"does not say what its events say: {', '.join(missing)}") if missing else None


def unarmed(*, now: datetime, known: Iterable[int], apart: Iterable[int]) -> list[Finding]:
    """Ask whether every open, announced alert will be heard of again, and every snooze will end.

    `known` are timers found already, `apart` alerts that are not as their events left them.
    """
    lives = {name: rule.lifecycle for name, rule in RULES.items() if not rule.is_quiet}
    # Weekends lie between, and perhaps a holiday; what is later is looked at by its calendar.
    levels = {level.number: _days(level.business_days) for level in LEVELS}
    asked = {Lifecycle.STANDING: _days(ASKED_AFTER)}  # counted from when the data is asked for
    every = {
        name: span.days + asked.get(of, 0)
        for name, of in lives.items()
        if (span := attention.reminded_every(of))
    }
    ladders = [
        (name, s.value) for name, of in lives.items() for s in Severity if attention.escalates(of, s.value)
    ]
    given: dict[str, Any] = {
        "reminded": list(every),
        "every": list(every.values()),
        "levels": list(levels),
        "days": list(levels.values()),
        "escalated": [name for name, _ in ladders],
        "loud": [severity for _, severity in ladders],
        "known": list(known),
        "apart": list(apart),
        "now": now,
        "again": LOOK_AGAIN,
        "longest": LONGEST_SNOOZE,
        "slack": SLACK,
        "most": 10 * LIMIT,
    }
    with connection.cursor() as cursor:
        cursor.execute(_UNARMED, given)
        rows = cursor.fetchall()
        cursor.execute(_UNENDING, given)
        snoozes = cursor.fetchall()
    unending = [
        Finding(
            key=f"lost:snooze:{pk}",
            kind=LOST,
            detail="A snooze is running, and nothing ends it in time.",
            investment_id=investment,
        )
        for pk, investment in snoozes
    ]
    return _unheard(rows, now)[:LIMIT] + unending[:LIMIT]


def _days(business_days: int) -> int:
    return business_days * 7 // 5 + 3


def _unheard(rows: Sequence[Any], now: datetime) -> list[Finding]:
    """Return which timers are missing, or further off than anything puts them."""
    alerts = Episode.objects.select_related("investment__portfolio").in_bulk({row[0] for row in rows})
    last = dict(
        Event.objects.filter(episode__in=alerts).values_list("episode_id").annotate(Max("recorded_at"))
    )
    known = calendars.calendars_of({one.investment.portfolio for one in alerts.values()})
    found = []
    for pk, kind, level, due_at, started_at in rows:
        alert = alerts[pk]
        moment, what = max(now, last.get(pk, now)), f"The {kind}" + (f" ({level})" if level else "")
        severity, detail = LOST, f"{what} of {alert.rule} #{alert.number} is neither told nor due."
        if due_at is not None:
            started, days = min(started_at, moment), known[alert.investment.portfolio_id]
            if due_at <= _latest(alert, level, started, moment, days) + SLACK:
                continue
            # Beyond everything that may keep it back, nobody will hear of it.
            severity = LOST if due_at > moment + LONGEST_SILENCE else STUCK
            detail = (
                f"{what} of {alert.rule} #{alert.number} is put off until {due_at:%Y-%m-%d}, for no reason."
            )
        key = f"{severity}:due:{pk}:{kind}:{level or 0}"
        found.append(Finding(key=key, kind=severity, detail=detail, investment_id=alert.investment_id))
    return found


def _latest(alert: Episode, level: int | None, started: datetime, now: datetime, days: Calendar) -> datetime:
    """Return when a timer is due at the latest, by when it started, or was put off until now."""
    zone = alert.investment.portfolio.time_zone
    if level is not None:
        first = days.due_at(started, count=LEVEL_OF[level].business_days, zone=zone)
        late = days.due_at(now, count=attention.gap_before(level), zone=zone)
        return max(first, late, now + LOOK_AGAIN)
    lifecycle = RULES[alert.rule].lifecycle
    every = attention.reminded_every(lifecycle) or LOOK_AGAIN
    if lifecycle is Lifecycle.STANDING:
        # Counted from when the data is asked for, with a digest of that day.
        started = days.due_at(now, count=ASKED_AFTER, zone=zone) + timedelta(days=1)
    return max(started + every, now + LOOK_AGAIN)
