"""From an event to the outbox: who is told of it, and which stage keeps a notice back, stored with its reason."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from alerts import holding, notices, overlays, record, routing
from alerts.models import Episode, Event, Notification, Silence
from alerts.overlays import NOTHING, Overlay
from alerts.record import Recorded
from alerts.routing import Directory, Recipient
from alerts.rules import RULES, inhibit
from alerts.rules.reconcile import Change, ChangeKind, Notice
from portfolio.models import Investment

INHIBITED, SILENCED, SNOOZED = "inhibited", "silenced", "snoozed"


@dataclass(frozen=True, slots=True)
class Happening:
    """One event of a rule's episode; `announce` says whether people hear of it at once."""

    rule: str
    kind: str
    event: Event
    announce: bool

    @property
    def is_history(self) -> bool:
        """Whether it only changes what is past: told with the other corrections of its import."""
        return not self.announce and self.event.evidence.get("notice") == Notice.DIGEST.value


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """One investment after all its rules were folded and all their changes applied: what the stages look at."""

    investment: Investment
    recorded: Recorded
    directory: Directory
    hurdle: Decimal  # of the hurdle rule's policy in force, 0 where there is none
    overlays: Mapping[int, Overlay]  # by episode
    silences: Sequence[Silence]  # in force, of the investment's portfolio or others
    now: datetime

    def open_rules(self) -> set[str]:
        """Return the rules with an open episode, whether anybody was told of it or not."""
        return {e.rule for e in self.recorded.episodes.values() if e.closed_at is None}

    def over(self, episode: Episode) -> Overlay:
        """Return what lies over an episode."""
        return self.overlays.get(episode.pk, NOTHING) if episode.pk else NOTHING

    def happening(self, rule: str, change: Change, event: Event) -> Happening:
        """Return a change as an event to tell; a material restatement of what somebody has seen is told at once."""
        voids = change.kind is ChangeKind.RESTATED and change.is_material and self.over(event.episode).seen
        return Happening(rule, change.kind.value, event, change.announce or bool(voids))


@dataclass(frozen=True, slots=True)
class KeptBack:
    """Why a stage keeps a notice back: a code for machines, a sentence for people, the silence where it is one."""

    code: str
    reason: str
    silence: Silence | None = None


@dataclass(frozen=True, slots=True)
class Release:
    """The notice of an open episode that was kept back and is due now, by the event it is of."""

    event_id: UUID
    investment: Investment
    recipients: tuple[Recipient, ...]
    directory: Directory


Stage = Callable[[Scene, Happening], KeptBack | None]


def _inhibition(scene: Scene, happening: Happening) -> KeptBack | None:
    """Keep a notice back while another rule of the investment says more than it does."""
    rule, open_rules = happening.rule, scene.open_rules()
    if not inhibit.is_inhibited(happening.kind, rule, open_rules=open_rules, hurdle=scene.hurdle):
        return None
    inhibitor = RULES[inhibit.INHIBITORS[rule]]
    return KeptBack(INHIBITED, f"The alert “{inhibitor.title}” of this investment is open and says more.")


def _silence(scene: Scene, happening: Happening) -> KeptBack | None:
    """Keep everything back that a silence matches."""
    silence = overlays.silence_for(scene.silences, scene.investment, happening.rule)
    return KeptBack(SILENCED, overlays.reason_of(silence), silence) if silence else None


def _snooze(scene: Scene, happening: Happening) -> KeptBack | None:
    """Keep a snoozed episode quiet, but for its end."""
    snooze = scene.over(happening.event.episode).snooze
    if snooze is None or happening.kind in inhibit.ABOUT_AN_END:
        return None
    return KeptBack(SNOOZED, f"Snoozed by {snooze.user} until {snooze.until:%Y-%m-%d}: {snooze.reason}"[:300])


STAGES: tuple[Stage, ...] = (_inhibition, _silence, _snooze)


def notifications_of(scene: Scene, happenings: Sequence[Happening]) -> list[Notification]:
    """Return the notices of an investment's changes, in their order: obligations, and what was kept back."""
    rows: list[Notification] = []
    for happening in happenings:
        if happening.announce or happening.is_history:
            rows += _rows(scene, happening)
    return rows


def releases_of(scene: Scene) -> list[Release]:
    """Return the notices that were inhibited and are no longer: one for each open episode nobody was told of."""
    open_rules, found = scene.open_rules(), []
    for (rule, number), event_id in scene.recorded.inhibited.items():
        episode = scene.recorded.episodes[rule, number]
        if episode.closed_at is not None or scene.recorded.told(episode):
            continue
        if inhibit.inhibitor_of(rule, open_rules=open_rules, hurdle=scene.hurdle) is None:
            told = tuple(
                routing.recipients(scene.investment, rule, scene.directory, severity=episode.severity)
            )
            scene.recorded.remember(episode, [recipient.key for recipient in told])
            found.append(Release(event_id, scene.investment, told, scene.directory))
    return found


def write_releases(releases: Sequence[Release], *, now: datetime) -> int:
    """Turn what was kept back into obligations; returns how many notices are due by it."""
    events = Event.objects.select_related("episode").in_bulk([release.event_id for release in releases])
    rows = []
    for release in releases:
        for recipient in release.recipients:
            row = notices.notification_of(events[release.event_id], release.investment, recipient, now=now)
            holding.apply(row, recipient, release.directory)
            rows.append(row)
    Notification.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["id"],
        update_fields=[
            "state",
            "state_reason",
            "suppressed_by",
            "address",
            "message",
            "next_at",
            "digest_at",
        ],
    )
    return len(rows)


def kept_back_by(scene: Scene, happening: Happening) -> KeptBack | None:
    """Return the first stage's reason to keep a notice back, None where it leaves."""
    return next((why for stage in STAGES if (why := stage(scene, happening))), None)


def addressed(
    scene: Scene, happening: Happening, told: Sequence[Recipient], kept: KeptBack | None
) -> list[Notification]:
    """Return one notice a recipient: an obligation, or the record of what kept it back."""
    event, recorded = happening.event, scene.recorded
    rows = [notices.notification_of(event, scene.investment, one, now=scene.now) for one in told]
    # Written with the event, so that a notice that is gone later is missed.
    event.evidence["notices"] = [str(row.id) for row in rows]
    if kept is None:
        for row, recipient in zip(rows, told, strict=True):
            holding.apply(row, recipient, scene.directory, is_history=happening.is_history)
        recorded.remember(event.episode, [recipient.key for recipient in told])
        return rows
    for row in rows:
        row.state, row.state_reason, row.suppressed_by = "suppressed", kept.reason, kept.code
        row.silence = kept.silence
    if happening.kind in notices.OPENING and kept.code == INHIBITED:
        recorded.inhibited[happening.rule, event.episode.number] = event.id
    return rows


def _rows(scene: Scene, happening: Happening) -> list[Notification]:
    investment, rule, event = scene.investment, happening.rule, happening.event
    severity = event.episode.severity
    told = routing.recipients(investment, rule, scene.directory, severity=severity)
    if happening.kind not in notices.OPENING:
        # The end of an episode is only told to those who were told of its beginning.
        known = scene.recorded.told(event.episode)
        if happening.is_history and not known:
            # An episode that was over before anybody could be told of it.
            return addressed(scene, happening, told, kept_back_by(scene, happening))
        back = routing.without_delegates(investment, rule, scene.directory, severity=severity)
        everybody = {recipient.key: recipient for recipient in (*back, *told)}
        told = [recipient for key, recipient in everybody.items() if key in known]
        if known - everybody.keys() and event.episode.pk:
            told += [one for one in record.stand_ins_of(event.episode) if one.key not in everybody]
    return addressed(scene, happening, told, kept_back_by(scene, happening))
