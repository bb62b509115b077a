"""Works off what is due by the clock: reminders, escalations, the ends of snoozes and silences.

The rows are in PostgreSQL and are worked off by whoever comes first, in one transaction with what they make.
"""

from collections.abc import Callable
from datetime import datetime

from django.db import transaction

from alerts import clockwork, digests, record, routing, timers
from alerts.clockwork import Batch
from alerts.models import Episode, EvaluationHead, Notification, Silence, Timer
from alerts.rules import RULES, attention
from alerts.rules.attention import LEVEL_OF, LOOK_AGAIN
from portfolio import calendars
from portfolio.models import Portfolio

BATCH = 200
_PEOPLE = ("investment__portfolio", "investment__owner", "investment__sponsor")


def run_due(*, now: datetime) -> int:
    """Work off what is due, batch by batch; returns how many timers, silences and held notices were handled."""
    handled = 0
    while taken := _run_batch(now=now):
        handled += taken
        if taken < BATCH:
            break
    return handled + _end_silences(now=now) + digests.run_due(now=now)


@transaction.atomic
def _run_batch(*, now: datetime) -> int:
    """Work off one batch of timers. Evaluations and acts of people on the same investments wait meanwhile."""
    taken = _take(now)
    if not taken:
        return 0
    batch = clockwork.batch_of([timer.episode for timer in taken], now=now)
    for timer in taken:
        _HANDLERS[timer.kind](timer, batch)
        batch.timers.append(timer)
    batch.write()
    return len(taken)


def _take(now: datetime) -> list[Timer]:
    """Return the timers that are due for longest, locked with the heads of their investments."""
    due = Timer.objects.filter(state="waiting", due_at__lte=now).order_by("due_at", "id")
    found = list(due.values_list("pk", "episode__investment_id")[:BATCH])
    if not found:
        return []
    heads = EvaluationHead.objects.select_for_update(skip_locked=True).order_by("pk")
    free = {head.pk for head in heads.filter(pk__in={investment for _, investment in found})}
    mine = [pk for pk, investment in found if investment in free]
    # Asked again under the lock: somebody else may have worked them off since.
    waiting = due.select_for_update(of=("self",)).filter(pk__in=mine)
    return list(waiting.select_related(*(f"episode__{name}" for name in _PEOPLE)))


def _put_off(timer: Timer, batch: Batch) -> bool:
    """Drop a timer whose alert is over or decided, or look again tomorrow while it is seen or snoozed."""
    if timer.episode.closed_at is not None:
        _end(timer, "dropped", batch.now, "The alert is over.")
        return True
    if timer.episode.public_id in batch.known.decided:
        _end(timer, "dropped", batch.now, "A decision is recorded in its review.")
        return True
    over = batch.scene(timer.episode.investment).over(timer.episode)
    until = over.seen.until if over.seen else over.snooze.until if over.snooze else None
    if until is None:
        return False
    timer.due_at = min(until, batch.now + LOOK_AGAIN)
    timer.reason = "Acknowledged." if over.seen else "Snoozed."
    return True


def _end(timer: Timer, state: str, now: datetime, reason: str = "") -> None:
    timer.state, timer.reason, timer.done_at = state, reason, now


def _remind(timer: Timer, batch: Batch) -> None:
    if _put_off(timer, batch):
        return
    now, every = batch.now, attention.reminded_every(RULES[timer.episode.rule].lifecycle)
    first = batch.known.asked_at.get(timer.episode_id)
    if first is not None and every is not None and first + every > now:
        timer.due_at, timer.reason = first + every, "Counted from when the data is asked for."
        return
    batch.tell(timer.episode, timers.REMINDED)
    _end(timer, "done", now)
    if every is not None:
        again = Timer(
            episode=timer.episode,
            kind=timers.REMINDER,
            ordinal=timer.ordinal + 1,
            started_at=now,
            due_at=now + every,
        )
        batch.started.append(again)


def _escalate(timer: Timer, batch: Batch) -> None:
    if _put_off(timer, batch):
        return
    investment, level, known = timer.episode.investment, LEVEL_OF[timer.ordinal], batch.known
    scene = batch.scene(investment)
    if level.number > 1:
        # After an outage the levels keep their order and their distance: nobody is told twice in one breath.
        before = known.escalated_at.get((timer.episode_id, level.number - 1))
        gap, zone = attention.gap_before(level.number), investment.portfolio.time_zone
        earliest = scene.calendar.due_at(before, count=gap, zone=zone) if before else batch.now + LOOK_AGAIN
        if earliest > batch.now:
            timer.due_at, timer.reason = earliest, "The level before it came late."
            return
    told, is_empty = routing.escalation(investment, level.rung, scene.directory)
    extra = {"level": level.number, "rung": level.rung.value, "rung_is_empty": is_empty}
    # The event is counted on, and not by its level: an alert that reopened escalates again, as other events.
    batch.tell(timer.episode, timers.ESCALATED, told=told, extra=extra)
    known.escalated_at[timer.episode_id, level.number] = batch.now
    reason = "Nobody is on this rung; the administrators were told." if is_empty else ""
    _end(timer, "done", batch.now, reason)


def _snooze_ends(timer: Timer, batch: Batch) -> None:
    batch.snoozed.append(timer.episode_id)
    if timer.episode.closed_at is not None:
        _end(timer, "dropped", batch.now, "The alert was over before its snooze was.")
        return
    batch.tell(timer.episode, timers.SILENCE_ENDED, extra={"silence": "snooze"})
    _end(timer, "done", batch.now)


_HANDLERS: dict[str, Callable[[Timer, Batch], None]] = {
    timers.REMINDER: _remind,
    timers.ESCALATION: _escalate,
    timers.SNOOZE_END: _snooze_ends,
}


@transaction.atomic
def _end_silences(*, now: datetime) -> int:
    """Tell once of every alert that is still open and that an ended silence kept back from everybody.

    Kept back is its opening, or the notice that another silence was over: one silence may end inside another.
    """
    over = Silence.objects.filter(handled_at=None, ends_at__lte=now)
    ended = list(over.select_for_update(skip_locked=True, of=("self",))[:BATCH])
    if not ended:
        return 0
    kept = Notification.objects.filter(silence__in=ended, event__kind__in=record.ANNOUNCING)
    still_open = Episode.objects.filter(pk__in=kept.values("event__episode"), closed_at=None)
    episodes = list(still_open.select_related(*_PEOPLE).order_by("id"))
    if episodes:
        batch = clockwork.batch_of(episodes, now=now)
        for episode in episodes:
            if not batch.scene(episode.investment).recorded.told(episode):
                batch.tell(episode, timers.SILENCE_ENDED, extra={"silence": "silence"})
        batch.write()
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
