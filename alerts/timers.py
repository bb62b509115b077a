"""Timers of an episode: started when it is announced, started again when it reopens, dropped when it is over."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import partial

from alerts import notices
from alerts.models import Episode, Snooze, Timer
from alerts.rules import RULES, attention
from alerts.rules.attention import LEVELS
from alerts.scenes import Happening, Scene

REMINDER, ESCALATION, SNOOZE_END = "reminder", "escalation", "snooze_end"
# The kinds of event that timers make.
REMINDED, ESCALATED, SILENCE_ENDED = "reminder", "escalated", "silence_ended"
_FIELDS = ["started_at", "due_at", "state", "reason", "done_at"]


def armed_by(happenings: Iterable[Happening], scene: Scene) -> list[Timer]:
    """Return the timers that an announced opening starts: the next reminder, and every level of escalation."""
    timers: list[Timer] = []
    for happening in happenings:
        episode = happening.event.episode
        if happening.announce and happening.kind in notices.OPENING and episode.closed_at is None:
            done = scene.recorded.ordinals[happening.rule, episode.number][REMINDED]
            timers += _timers_of(episode, scene, reminders=done)
    return timers


def _timers_of(episode: Episode, scene: Scene, *, reminders: int) -> list[Timer]:
    if RULES[episode.rule].is_quiet:
        return []
    lifecycle, now = RULES[episode.rule].lifecycle, scene.now
    make = partial(Timer, episode=episode, started_at=now)
    timers = []
    every = attention.reminded_every(lifecycle)
    if every is not None:
        timers.append(make(kind=REMINDER, ordinal=reminders + 1, due_at=now + every))
    if attention.escalates(lifecycle, episode.severity):
        zone = episode.investment.portfolio.time_zone
        timers += [
            make(
                kind=ESCALATION,
                ordinal=level.number,
                due_at=scene.calendar.due_at(now, count=level.business_days, zone=zone),
            )
            for level in LEVELS
        ]
    return timers


def start(timers: Sequence[Timer]) -> None:
    """Write timers; those of an episode that reopens start again."""
    Timer.objects.bulk_create(
        timers,
        update_conflicts=True,
        unique_fields=["episode", "kind", "ordinal"],
        update_fields=_FIELDS,
    )


def stop(episodes: Iterable[Episode], *, now: datetime) -> None:
    """Drop what waits for episodes that are over."""
    over = [episode.pk for episode in episodes if episode.closed_at is not None and episode.pk]
    if over:
        Timer.objects.filter(episode__in=over, state="waiting").update(
            state="dropped", reason="The alert is over.", done_at=now
        )
        Snooze.objects.filter(episode__in=over, ended_at=None).update(ended_at=now)
