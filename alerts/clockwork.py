"""What the batches of the clock's work share: what they read at once, how they tell, and what they write in bulk."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import connection
from django.db.models import Max

from alerts import dispatch, notices, policies, record, reviewing, routing, timers
from alerts.models import Episode, EvaluationPoint, Event, Notification, Snooze, Timer
from alerts.routing import Recipient
from alerts.scenes import Happening, Scene, Surroundings
from portfolio.models import Investment


@dataclass(frozen=True, slots=True, eq=False)
class _Known:
    """Everything a batch reads, by investment or episode."""

    around: Surroundings
    hurdles: Mapping[int, Decimal]
    points: Mapping[int, EvaluationPoint]
    openings: Mapping[int, Event]
    asked_at: Mapping[int, datetime]  # when the data owner is, or was, told of missing actuals
    escalated_at: dict[tuple[int, int], datetime]  # by episode and level
    decided: frozenset[UUID]  # episodes whose review was decided


@dataclass(slots=True, eq=False)
class Batch:
    """One batch at one moment: what is known of its episodes, and what working on them amounts to."""

    now: datetime
    known: _Known
    events: list[Event] = field(default_factory=list)
    notifications: list[Notification] = field(default_factory=list)
    timers: list[Timer] = field(default_factory=list)
    started: list[Timer] = field(default_factory=list)
    snoozed: list[int] = field(default_factory=list)  # episodes whose snoozes are over

    def scene(self, investment: Investment) -> Scene:
        """Return what the stages look at."""
        return Scene(investment, self.known.hurdles.get(investment.pk, Decimal(0)), self.known.around)

    def tell(
        self,
        episode: Episode,
        kind: str,
        *,
        told: Sequence[Recipient] | None = None,
        extra: Mapping[str, object] | None = None,
    ) -> None:
        """Make the episode's next event of a kind, for those its rule is routed to where nobody else is named.

        What tells that a quiet time is over starts the alert's timers again: it is announced anew.
        """
        scene = self.scene(episode.investment)
        counts = scene.recorded.ordinals[episode.rule, episode.number]
        counts[kind] += 1
        event = notices.timed_event(
            episode,
            kind,
            ordinal=counts[kind],
            opening=self.known.openings[episode.pk],
            point=self.known.points[episode.investment_id],
            figures=scene.figures,
            now=self.now,
        )
        event.evidence |= dict(extra or {})
        happening = Happening(episode.rule, kind, event, announce=True)
        if told is None:
            told = routing.recipients(
                episode.investment, episode.rule, scene.directory, severity=episode.severity
            )
        kept = dispatch.kept_back_by(scene, episode, kind)
        self.events.append(event)
        self.notifications += dispatch.addressed(scene, happening, told, kept)
        if kept is None and kind == timers.SILENCE_ENDED and episode.public_id not in self.known.decided:
            self.started += timers.of_announced(episode, scene)

    def unaware(self, episode: Episode, *, kept: Collection[str]) -> list[Recipient]:
        """Return whom to tell that an episode is open, of those it is routed to; `kept`: from whom it was kept back."""
        scene = self.scene(episode.investment)
        everybody = routing.recipients(
            episode.investment, episode.rule, scene.directory, severity=episode.severity
        )
        return scene.recorded.unaware(episode, everybody, kept=kept)

    def has_told(self, episode: Episode) -> bool:
        """Whether something was told of an episode in this batch."""
        return any(event.episode_id == episode.pk for event in self.events)

    def write(self) -> None:
        """Write everything in bulk, and wake the relays once."""
        Event.objects.bulk_create(self.events, ignore_conflicts=True)
        Notification.objects.bulk_create(self.notifications, ignore_conflicts=True)
        Timer.objects.bulk_update(self.timers, ["due_at", "state", "reason", "done_at"], batch_size=500)
        timers.start(self.started)
        if self.snoozed:
            over = Snooze.objects.filter(episode__in=self.snoozed, ended_at=None, until__lte=self.now)
            over.update(ended_at=self.now)
        if self.notifications:
            with connection.cursor() as cursor:
                cursor.execute("NOTIFY hurdle_outbox")


def batch_of(episodes: Sequence[Episode], *, now: datetime) -> Batch:
    """Read everything that work on some episodes asks for; their investments and its people come with them."""
    investments = list({e.investment_id: e.investment for e in episodes}.values())
    ids = [i.pk for i in investments]
    points = EvaluationPoint.objects.filter(investment__in=ids).order_by("investment_id", "-id")
    openings = Event.objects.filter(episode__in=episodes, kind__in=notices.OPENING)
    known = _Known(
        around=Surroundings(investments, record.recorded_of(ids), now=now),
        hurdles=policies.hurdles_of(investments),
        points={p.investment_id: p for p in points.distinct("investment_id")},
        openings={
            e.episode_id: e for e in openings.order_by("episode_id", "-point_id").distinct("episode_id")
        },
        asked_at=_asked_at(episodes),
        escalated_at=_escalated_at(episodes),
        decided=frozenset(reviewing.decided(episodes)),
    )
    return Batch(now, known)


def _asked_at(episodes: Sequence[Episode]) -> dict[int, datetime]:
    asked = [e.pk for e in episodes if e.rule == routing.MISSING_ACTUALS]
    if not asked:
        return {}
    rows = Notification.objects.filter(
        event__episode__in=asked, event__kind__in=notices.OPENING, digest_at__isnull=False
    )
    return dict(rows.values_list("event__episode_id").annotate(last=Max("digest_at")))


def _escalated_at(episodes: Sequence[Episode]) -> dict[tuple[int, int], datetime]:
    done = Timer.objects.filter(
        episode__in=episodes, kind=timers.ESCALATION, state="done", done_at__isnull=False
    )
    return {(t.episode_id, t.ordinal): t.done_at for t in done if t.done_at}
