"""Works off what is due by the clock: reminders, escalations, the ends of snoozes and silences.

The rows are in PostgreSQL and are worked off by whoever comes first, in one transaction with what they make.
"""

from collections import defaultdict
from collections.abc import Callable, Collection
from datetime import datetime

from django.db import transaction
from django.db.models import Case, When

from alerts import clockwork, digests, dispatch, record, routing, timers
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
    handled = _end_silences(now=now)
    while taken := _run_batch(now=now):
        handled += taken
        if taken < BATCH:
            break
    return handled + digests.run_due(now=now)


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
    """Return the timers that are due for longest, locked with the heads of their investments.

    Ends of snoozes come first: they are told of, and start the other timers of their alert again.
    """
    due = Timer.objects.filter(state="waiting", due_at__lte=now)
    due = due.order_by(Case(When(kind=timers.SNOOZE_END, then=0), default=1), "due_at", "id")
    found = list(due.values_list("pk", "episode__investment_id")[:BATCH])
    if not found:
        return []
    free = _locked({investment for _, investment in found})
    mine = [pk for pk, investment in found if investment in free]
    # Asked again under the lock: somebody else may have worked them off since.
    waiting = due.select_for_update(of=("self",)).filter(pk__in=mine)
    return list(waiting.select_related(*(f"episode__{name}" for name in _PEOPLE)))


def _locked(investments: Collection[int]) -> set[int]:
    """Return the investments that nobody else evaluates or works on, locked until this transaction is over."""
    heads = EvaluationHead.objects.select_for_update(skip_locked=True).order_by("pk")
    return set(heads.filter(pk__in=investments).values_list("pk", flat=True))


def _put_off(timer: Timer, batch: Batch, kind: str) -> bool:
    """Drop a timer whose alert is over or decided; look again later while it is seen, or quiet for any reason.

    A level or a reminder that nobody would hear of is not used up: it comes when it is heard.
    """
    if timer.episode.closed_at is not None:
        _end(timer, "dropped", batch.now, "The alert is over.")
        return True
    if timer.episode.public_id in batch.known.decided:
        _end(timer, "dropped", batch.now, "A decision is recorded in its review.")
        return True
    scene = batch.scene(timer.episode.investment)
    seen = scene.over(timer.episode).seen
    kept = dispatch.kept_back_by(scene, timer.episode, kind)
    later = batch.now + LOOK_AGAIN
    if seen is not None:
        until, timer.reason = seen.until, "Acknowledged."
    elif kept is not None:
        until, timer.reason = kept.until or later, kept.reason
    elif batch.has_told(timer.episode):
        until, timer.reason = later, "Something else was told of this alert just now."
    else:
        return False
    timer.due_at = min(until, later)
    return True


def _end(timer: Timer, state: str, now: datetime, reason: str = "") -> None:
    timer.state, timer.reason, timer.done_at = state, reason, now


def _remind(timer: Timer, batch: Batch) -> None:
    if _put_off(timer, batch, timers.REMINDED):
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
    if _put_off(timer, batch, timers.ESCALATED):
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
    """Tell once of every alert that is still open, those from whom an ended silence kept it back.

    Kept back is its opening, or the notice that another silence was over: one silence may end inside another. A
    silence over an investment that is being worked on ends the next time.
    """
    over = Silence.objects.filter(handled_at=None, ends_at__lte=now).order_by("id")
    ended = {
        silence.pk: silence for silence in over.select_for_update(skip_locked=True, of=("self",))[:BATCH]
    }
    if not ended:
        return 0
    rows = Notification.objects.filter(
        silence__in=ended, event__kind__in=record.ANNOUNCING, event__episode__closed_at=None
    )
    found = list(
        rows.values_list(
            "silence",
            "event__episode__investment",
            "event__episode",
            "channel",
            "address",
            "user__public_id",
        )
    )
    free = _locked({investment for _, investment, *_ in found})
    busy = {silence for silence, investment, *_ in found if investment not in free}
    kept: dict[int, set[str]] = defaultdict(set)
    for silence, _, episode_id, channel, address, user in found:
        if silence not in busy:
            kept[episode_id].add(f"{channel}:{user or address}")
    # Asked again under the lock: an evaluation may have ended one since.
    open_now = Episode.objects.filter(pk__in=kept, closed_at=None).select_related(*_PEOPLE)
    if episodes := list(open_now.order_by("id")):
        batch = clockwork.batch_of(episodes, now=now)
        for episode in episodes:
            if told := batch.unaware(episode, kept=kept[episode.pk]):
                batch.tell(episode, timers.SILENCE_ENDED, told=told, extra={"silence": "silence"})
        batch.write()
    return Silence.objects.filter(pk__in=ended.keys() - busy).update(handled_at=now)


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
