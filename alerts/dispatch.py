"""From an event to the outbox: who is told of it, and which stage keeps a notice back, stored with its reason."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from alerts import notices, routing
from alerts.models import Event, Notification
from alerts.record import Recorded
from alerts.routing import Directory, Recipient
from alerts.rules import RULES, inhibit
from alerts.rules.hurdle_rate import HURDLE_RATE
from alerts.rules.reconcile import Change
from alerts.rules.trajectory import Trajectory
from portfolio.models import Investment

INHIBITED = "inhibited"


@dataclass(frozen=True, slots=True)
class Happening:
    """One change of one rule, and the event that was written of it."""

    rule: str
    change: Change
    event: Event


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """One investment after all its rules were folded and all their changes applied: what the stages look at."""

    investment: Investment
    trajectories: Mapping[str, Trajectory]
    recorded: Recorded
    directory: Directory
    now: datetime

    def open_rules(self) -> set[str]:
        """Return the rules with an open episode, whether anybody was told of it or not."""
        return {e.rule for e in self.recorded.episodes.values() if e.closed_at is None}

    def hurdle(self) -> Decimal:
        """Return the hurdle of the hurdle rule's policy in force, 0 where there is none."""
        trajectory = self.trajectories.get(HURDLE_RATE.name)
        last = trajectory.last if trajectory else None
        return last.policy.hurdle if last and last.policy else Decimal(0)


@dataclass(frozen=True, slots=True)
class KeptBack:
    """Why a stage keeps a notice back: a code for machines, a sentence for people."""

    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Release:
    """The notice of an open episode that was kept back and is due now, by the event it is of."""

    event_id: UUID
    investment: Investment
    recipients: tuple[Recipient, ...]


Stage = Callable[[Scene, Happening], KeptBack | None]


def _inhibition(scene: Scene, happening: Happening) -> KeptBack | None:
    """Keep a notice back while another rule of the investment says more than it does."""
    rule, open_rules, hurdle = happening.rule, scene.open_rules(), scene.hurdle()
    if not inhibit.is_inhibited(happening.change.kind, rule, open_rules=open_rules, hurdle=hurdle):
        return None
    inhibitor = RULES[inhibit.INHIBITORS[rule]]
    return KeptBack(INHIBITED, f"The alert “{inhibitor.title}” of this investment is open and says more.")


STAGES: tuple[Stage, ...] = (_inhibition,)


def notifications_of(scene: Scene, happenings: Sequence[Happening]) -> list[Notification]:
    """Return the notices of an investment's changes, in their order: obligations, and what was kept back."""
    rows: list[Notification] = []
    for happening in happenings:
        if happening.change.announce:
            kept = next((why for stage in STAGES if (why := stage(scene, happening))), None)
            rows += _rows(scene, happening, kept)
    return rows


def releases_of(scene: Scene) -> list[Release]:
    """Return the notices that were inhibited and are no longer: one for each open episode nobody was told of."""
    open_rules, found = scene.open_rules(), []
    for (rule, number), event_id in scene.recorded.inhibited.items():
        episode = scene.recorded.episodes[rule, number]
        if episode.closed_at is not None or scene.recorded.told(episode):
            continue
        if inhibit.inhibitor_of(rule, open_rules=open_rules, hurdle=scene.hurdle()) is None:
            told = tuple(routing.recipients(scene.investment, rule, scene.directory))
            scene.recorded.remember(episode, [recipient.key for recipient in told])
            found.append(Release(event_id, scene.investment, told))
    return found


def write_releases(releases: Sequence[Release], *, now: datetime) -> int:
    """Turn what was kept back into obligations; returns how many notices are due by it."""
    events = Event.objects.select_related("episode").in_bulk([release.event_id for release in releases])
    rows = [
        notices.notification_of(events[release.event_id], release.investment, recipient, now=now)
        for release in releases
        for recipient in release.recipients
    ]
    Notification.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["id"],
        update_fields=["state", "state_reason", "suppressed_by", "address", "message", "next_at"],
    )
    return len(rows)


def _rows(scene: Scene, happening: Happening, kept: KeptBack | None) -> list[Notification]:
    event, recorded = happening.event, scene.recorded
    told = routing.recipients(scene.investment, happening.rule, scene.directory)
    if happening.change.kind not in notices.OPENING:
        # The end of an episode is only told to those who were told of its beginning.
        known = recorded.told(event.episode)
        told = [recipient for recipient in told if recipient.key in known]
    rows = [notices.notification_of(event, scene.investment, recipient, now=scene.now) for recipient in told]
    if kept is None:
        recorded.remember(event.episode, [recipient.key for recipient in told])
        return rows
    for row in rows:
        row.state, row.state_reason, row.suppressed_by = "suppressed", kept.reason, kept.code
    if happening.change.kind in notices.OPENING and kept.code == INHIBITED:
        recorded.inhibited[happening.rule, event.episode.number] = event.id
    return rows
