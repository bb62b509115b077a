"""Timers of an episode: started when it is announced, again whenever it is announced anew, dropped when it is over."""

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


def armed_by(happenings: Iterable[Happening], released: Iterable[Episode], scene: Scene) -> list[Timer]:
    """Return the timers that announced openings start, and those of episodes that nothing keeps back any more."""
    opened = [h.event.episode for h in happenings if h.announce and h.kind in notices.OPENING]
    episodes = {id(e): e for e in (*opened, *released) if e.closed_at is None}
    return [timer for episode in episodes.values() for timer in of_announced(episode, scene)]


def of_announced(episode: Episode, scene: Scene) -> list[Timer]:
    """Return what starts when an alert is announced, also again: the next reminder, and every level of escalation."""
    if RULES[episode.rule].is_quiet:
        return []
    reminders = scene.recorded.ordinals[episode.rule, episode.number][REMINDED]
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
    """Write timers; those of an episode that is announced anew start again."""
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
