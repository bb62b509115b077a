"""From an event to the outbox: who is told of it, and which stage keeps a notice back, stored with its reason."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from alerts import holding, notices, overlays, record, routing
from alerts.models import Event, Notification, Silence
from alerts.record import INHIBITED
from alerts.routing import Directory, Recipient
from alerts.rules import RULES, inhibit
from alerts.scenes import Happening, Scene
from portfolio.models import Investment

SILENCED, SNOOZED = "silenced", "snoozed"


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
    if happening.kind in record.ANNOUNCING and kept.code == INHIBITED:
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
