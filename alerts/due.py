"""Works off what is due by the clock: reminders, escalations, the ends of snoozes and silences.

The rows are in PostgreSQL and are worked off by whoever comes first, in one transaction with what they make.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from django.db import connection, transaction
from django.db.models import Max

from alerts import digests, dispatch, notices, overlays, policies, record, routing, timers
from alerts.dispatch import Happening, Scene
from alerts.models import (
    Episode,
    EvaluationHead,
    EvaluationPoint,
    Event,
    Notification,
    Silence,
    Snooze,
    Timer,
)
from alerts.overlays import Overlay
from alerts.record import Recorded
from alerts.routing import Directory, Recipient
from alerts.rules import RULES, attention
from alerts.rules.attention import LEVEL_OF, LOOK_AGAIN
from portfolio import calendars
from portfolio.business_days import Calendar
from portfolio.models import Investment, Portfolio

BATCH = 200


def run_due(*, now: datetime) -> int:
    """Work off what is due, batch by batch; returns how many timers, silences and held notices were handled."""
    handled = 0
    while taken := _run_batch(now=now):
        handled += taken
        if taken < BATCH:
            break
    return handled + _end_silences(now=now) + digests.run_due(now=now)


@dataclass(slots=True)
class _Work:
    """What a batch writes."""

    events: list[Event] = field(default_factory=list)
    notifications: list[Notification] = field(default_factory=list)
    timers: list[Timer] = field(default_factory=list)
    started: list[Timer] = field(default_factory=list)

    def write(self) -> None:
        """Write everything in bulk, and wake the relays once."""
        Event.objects.bulk_create(self.events, ignore_conflicts=True)
        Notification.objects.bulk_create(self.notifications, ignore_conflicts=True)
        Timer.objects.bulk_update(self.timers, ["due_at", "state", "reason", "done_at"], batch_size=500)
        timers.start(self.started)
        if self.notifications:
            with connection.cursor() as cursor:
                cursor.execute("NOTIFY hurdle_outbox")


@dataclass(frozen=True, slots=True, eq=False)
class _Known:
    """Everything a batch reads, by investment or episode."""

    recorded: Mapping[int, Recorded]
    directory: Directory
    calendars: Mapping[int, Calendar]
    overlays: Mapping[int, Overlay]
    silences: Sequence[Silence]
    hurdles: Mapping[int, Decimal]
    figures: Mapping[int, notices.Figures]
    points: Mapping[int, EvaluationPoint]
    openings: Mapping[int, Event]
    escalated_at: dict[tuple[int, int], datetime]  # by episode and level

    def scene(self, investment: Investment, *, now: datetime) -> Scene:
        """Return what the stages look at."""
        return Scene(
            investment,
            self.recorded[investment.pk],
            self.directory,
            self.hurdles.get(investment.pk, Decimal(0)),
            self.overlays,
            self.silences,
            now,
        )


def _known_of(episodes: Sequence[Episode], *, now: datetime) -> _Known:
    investments = list({e.investment_id: e.investment for e in episodes}.values())
    ids = [i.pk for i in investments]
    recorded = record.recorded_of(ids)
    points = EvaluationPoint.objects.filter(investment__in=ids).order_by("investment_id", "-id")
    openings = Event.objects.filter(episode__in=episodes, kind__in=notices.OPENING)
    portfolios = {i.portfolio_id: i.portfolio for i in investments}
    escalated = Timer.objects.filter(
        episode__in=episodes, kind=timers.ESCALATION, state="done", done_at__isnull=False
    )
    return _Known(
        recorded=recorded,
        directory=routing.directory(investments, on=now.date()),
        calendars=calendars.calendars_of(portfolios.values()),
        overlays=overlays.overlays_of([e.pk for e in episodes], now=now),
        silences=overlays.silences_in_force(portfolios, now=now),
        hurdles=policies.hurdles_of(investments),
        figures=notices.figures_of(ids),
        escalated_at={(t.episode_id, t.ordinal): t.done_at for t in escalated if t.done_at},
        points={p.investment_id: p for p in points.distinct("investment_id")},
        openings={
            e.episode_id: e for e in openings.order_by("episode_id", "-point_id").distinct("episode_id")
        },
    )


@transaction.atomic
def _run_batch(*, now: datetime) -> int:
    """Work off one batch of timers. Evaluations and acts of people on the same investments wait meanwhile."""
    due = Timer.objects.filter(state="waiting", due_at__lte=now).order_by("due_at", "id")
    found = list(due.values_list("pk", "episode__investment_id")[:BATCH])
    if not found:
        return 0
    heads = EvaluationHead.objects.select_for_update(skip_locked=True).order_by("pk")
    free = {head.pk for head in heads.filter(pk__in={investment for _, investment in found})}
    taken = list(
        Timer.objects.select_for_update(of=("self",))
        .filter(
            pk__in=[pk for pk, investment in found if investment in free], state="waiting", due_at__lte=now
        )
        .select_related(
            "episode__investment__portfolio", "episode__investment__owner", "episode__investment__sponsor"
        )
        .order_by("due_at", "id")
    )
    if not taken:
        return 0
    known, work = _known_of([timer.episode for timer in taken], now=now), _Work()
    for timer in taken:
        _HANDLERS[timer.kind](timer, known, work, now)
        work.timers.append(timer)
    work.write()
    return len(taken)


def _put_off(timer: Timer, known: _Known, now: datetime) -> bool:
    """Drop a timer whose alert is over, or look again tomorrow while somebody has seen it or it is snoozed."""
    if timer.episode.closed_at is not None:
        _end(timer, "dropped", now, "The alert is over.")
        return True
    over = known.overlays.get(timer.episode_id, overlays.NOTHING)
    until = over.seen.until if over.seen else over.snooze.until if over.snooze else None
    if until is None:
        return False
    timer.due_at = min(until, now + LOOK_AGAIN)
    timer.reason = "Acknowledged." if over.seen else "Snoozed."
    return True


def _end(timer: Timer, state: str, now: datetime, reason: str = "") -> None:
    timer.state, timer.reason, timer.done_at = state, reason, now


def _remind(timer: Timer, known: _Known, work: _Work, now: datetime) -> None:
    if _put_off(timer, known, now):
        return
    every = attention.reminded_every(RULES[timer.episode.rule].lifecycle)
    first = _asked_at(timer.episode) if timer.episode.rule == routing.MISSING_ACTUALS else None
    if first is not None and every is not None and first + every > now:
        timer.due_at, timer.reason = first + every, "Counted from when the data is asked for."
        return
    scene = known.scene(timer.episode.investment, now=now)
    told = _told_of(timer.episode, scene)
    _tell(timer, timers.REMINDED, timer.ordinal, told, scene, known, work)
    _end(timer, "done", now)
    if every is not None:
        again = Timer(
            episode=timer.episode,
            kind=timers.REMINDER,
            ordinal=timer.ordinal + 1,
            started_at=now,
            due_at=now + every,
        )
        work.started.append(again)


def _asked_at(episode: Episode) -> datetime | None:
    """Return when the data owner is, or was, told of missing actuals."""
    rows = Notification.objects.filter(event__episode=episode, event__kind__in=notices.OPENING)
    found: datetime | None = rows.aggregate(last=Max("digest_at"))["last"]
    return found


def _escalate(timer: Timer, known: _Known, work: _Work, now: datetime) -> None:
    if _put_off(timer, known, now):
        return
    investment, level = timer.episode.investment, LEVEL_OF[timer.ordinal]
    calendar, zone = known.calendars[investment.portfolio_id], investment.portfolio.time_zone
    if level.number > 1:
        # After an outage the levels keep their order and their distance: nobody is told twice in one breath.
        before = known.escalated_at.get((timer.episode_id, level.number - 1))
        gap = attention.gap_before(level.number)
        earliest = calendar.due_at(before, count=gap, zone=zone) if before else now + LOOK_AGAIN
        if earliest > now:
            timer.due_at, timer.reason = earliest, "The level before it came late."
            return
    scene = known.scene(investment, now=now)
    told, is_empty = routing.escalation(investment, level.rung, scene.directory)
    extra = {"level": level.number, "rung": level.rung.value, "rung_is_empty": is_empty}
    # Counted on, not the level's number: an alert that reopened escalates again, as other events.
    ordinal = scene.recorded.ordinals[timer.episode.rule, timer.episode.number][timers.ESCALATED] + 1
    _tell(timer, timers.ESCALATED, ordinal, told, scene, known, work, extra)
    known.escalated_at[timer.episode_id, level.number] = now
    _end(timer, "done", now, "Nobody is on this rung; the administrators were told." if is_empty else "")


def _snooze_ends(timer: Timer, known: _Known, work: _Work, now: datetime) -> None:
    Snooze.objects.filter(episode=timer.episode, ended_at=None, until__lte=now).update(ended_at=now)
    if timer.episode.closed_at is not None:
        _end(timer, "dropped", now, "The alert was over before its snooze was.")
        return
    scene = known.scene(timer.episode.investment, now=now)
    ordinal = scene.recorded.ordinals[timer.episode.rule, timer.episode.number][timers.SILENCE_ENDED] + 1
    told = _told_of(timer.episode, scene)
    _tell(timer, timers.SILENCE_ENDED, ordinal, told, scene, known, work, {"silence": "snooze"})
    _end(timer, "done", now)


def _told_of(episode: Episode, scene: Scene) -> list[Recipient]:
    return routing.recipients(episode.investment, episode.rule, scene.directory, severity=episode.severity)


def _tell(
    timer: Timer,
    kind: str,
    ordinal: int,
    told: Sequence[Recipient],
    scene: Scene,
    known: _Known,
    work: _Work,
    extra: Mapping[str, object] | None = None,
) -> None:
    _tell_of(timer.episode, kind, ordinal, told, scene, known, work, extra)


def _tell_of(
    episode: Episode,
    kind: str,
    ordinal: int,
    told: Sequence[Recipient],
    scene: Scene,
    known: _Known,
    work: _Work,
    extra: Mapping[str, object] | None = None,
) -> None:
    opening = known.openings[episode.pk]
    event = notices.timed_event(
        episode,
        kind,
        ordinal=ordinal,
        opening=opening,
        point=known.points[episode.investment_id],
        figures=known.figures[episode.investment_id],
        now=scene.now,
    )
    event.evidence |= dict(extra or {})
    scene.recorded.ordinals[episode.rule, episode.number][kind] = ordinal
    happening = Happening(episode.rule, kind, event, announce=True)
    work.events.append(event)
    work.notifications += dispatch.addressed(scene, happening, told, dispatch.kept_back_by(scene, happening))


_Handler = Callable[[Timer, _Known, _Work, datetime], None]
_HANDLERS: dict[str, _Handler] = {
    timers.REMINDER: _remind,
    timers.ESCALATION: _escalate,
    timers.SNOOZE_END: _snooze_ends,
}


@transaction.atomic
def _end_silences(*, now: datetime) -> int:
    """Tell once of every alert that is still open and whose opening an ended silence kept back from everybody."""
    ended = list(
        Silence.objects.select_for_update(skip_locked=True, of=("self",)).filter(
            handled_at=None, ends_at__lte=now
        )[:BATCH]
    )
    if not ended:
        return 0
    kept = Episode.objects.filter(
        pk__in=Notification.objects.filter(silence__in=ended, event__kind__in=notices.OPENING).values(
            "event__episode"
        ),
        closed_at=None,
    ).select_related("investment__portfolio", "investment__owner", "investment__sponsor")
    episodes = list(kept.order_by("id"))
    if episodes:
        known, work = _known_of(episodes, now=now), _Work()
        for episode in episodes:
            scene = known.scene(episode.investment, now=now)
            if not scene.recorded.told(episode):
                ordinal = scene.recorded.ordinals[episode.rule, episode.number][timers.SILENCE_ENDED] + 1
                told = _told_of(episode, scene)
                _tell_of(
                    episode, timers.SILENCE_ENDED, ordinal, told, scene, known, work, {"silence": "silence"}
                )
        work.write()
    Silence.objects.filter(pk__in=[silence.pk for silence in ended]).update(handled_at=now)
    return len(ended)


@transaction.atomic
def reschedule(portfolio: Portfolio, *, now: datetime) -> int:
    """Set anew when the escalations of a portfolio are due, after its calendar changed; never earlier than now."""
    calendar = calendars.calendars_of([portfolio])[portfolio.pk]
    waiting = Timer.objects.select_for_update().filter(
        kind=timers.ESCALATION, state="waiting", episode__investment__portfolio=portfolio
    )
    moved = []
    for timer in waiting:
        days = LEVEL_OF[timer.ordinal].business_days
        due_at = max(now, calendar.due_at(timer.started_at, count=days, zone=portfolio.time_zone))
        if due_at != timer.due_at:
            timer.due_at = due_at
            moved.append(timer)
    Timer.objects.bulk_update(moved, ["due_at"], batch_size=500)
    return len(moved)
