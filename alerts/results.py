"""What the evaluation of a range amounts to, collected row by row and written in bulk."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import connection

from alerts import dispatch, holding, record, reviewing, timers
from alerts.dispatch import Release
from alerts.models import (
    AlertState,
    Episode,
    EvaluationHead,
    EvaluationPoint,
    Event,
    Notification,
    Timer,
)


@dataclass(slots=True)
class Results:
    """The rows of one range."""

    points: list[EvaluationPoint] = field(default_factory=list)
    states: list[AlertState] = field(default_factory=list)
    opened: list[Episode] = field(default_factory=list)
    changed: list[Episode] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    notifications: list[Notification] = field(default_factory=list)
    releases: list[Release] = field(default_factory=list)
    timers: list[Timer] = field(default_factory=list)
    heads: list[EvaluationHead] = field(default_factory=list)

    def write(self, *, now: datetime) -> None:
        """Write what was judged, then whom it is told to; the heads last, and one wake-up for the relays."""
        EvaluationPoint.objects.bulk_create(self.points)
        changed = _unique(self.changed)
        self._write_alerts(changed)
        reviewing.follow(self.events, now=now)
        holding.group(self.notifications, now=now)
        Notification.objects.bulk_create(self.notifications, ignore_conflicts=True)
        timers.start(self.timers)
        timers.stop(changed, now=now)
        if self.releases:
            dispatch.write_releases(self.releases, now=now)
        # Heads that had nothing new stay untouched, or workers on the same range would overtake each other for ever.
        EvaluationHead.objects.bulk_create(
            self.heads,
            update_conflicts=True,
            unique_fields=["investment"],
            update_fields=["revision", "policy_knowledge", "attempts", "failure"],
        )
        if self.notifications or self.releases:
            with connection.cursor() as cursor:
                # One wake-up a transaction; the relay polls all the same.
                cursor.execute("NOTIFY hurdle_outbox")

    def _write_alerts(self, changed: Sequence[Episode]) -> None:
        # What ends goes first: a rule has one open episode at every moment, also within this transaction.
        for is_open in (False, True):
            part = [episode for episode in changed if (episode.closed_at is None) is is_open]
            Episode.objects.bulk_update(part, record.EPISODE_FIELDS, batch_size=500)
        Episode.objects.bulk_create(_unique(self.opened))
        Event.objects.bulk_create(self.events, ignore_conflicts=True)
        AlertState.objects.bulk_create(
            self.states,
            update_conflicts=True,
            unique_fields=["investment", "rule"],
            update_fields=record.STATE_FIELDS,
        )


def _unique(episodes: Sequence[Episode]) -> list[Episode]:
    return list({id(episode): episode for episode in episodes}.values())
