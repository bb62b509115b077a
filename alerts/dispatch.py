"""From an event to the outbox: who is told of it, and which stage keeps a notice back, stored with its reason."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from alerts import holding, inhibitions, notices, overlays, record, routing
from alerts.models import Episode, Event, Notification, Silence
from alerts.record import INHIBITED
from alerts.routing import Directory, Recipient
from alerts.rules import inhibit
from alerts.rules.reconcile import ChangeKind
from alerts.scenes import Happening, Scene
from portfolio.models import Investment

SILENCED, SNOOZED = "silenced", "snoozed"


@dataclass(frozen=True, slots=True)
class KeptBack:
    """Why a stage keeps a notice back: a code for machines, a sentence for people, the silence where it is one.

    `until` is None where nobody knows when it ends.
    """

    code: str
    reason: str
    silence: Silence | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Release:
    """The notice of an open episode that was kept back and is due now, by the event it is of."""

    event_id: UUID
    episode: Episode
    investment: Investment
    recipients: tuple[Recipient, ...]
    directory: Directory


Stage = Callable[[Scene, Episode, str], KeptBack | None]


def _inhibition(scene: Scene, episode: Episode, kind: str) -> KeptBack | None:
    """Keep a notice back while another rule of the investment says more than it does."""
    if not inhibit.is_inhibited(kind, episode.rule, open_rules=scene.open_rules(), hurdle=scene.hurdle):
        return None
    return KeptBack(INHIBITED, inhibitions.reason_for(episode.rule))


def _silence(scene: Scene, episode: Episode, kind: str) -> KeptBack | None:
    """Keep everything back that a silence matches."""
    silence = overlays.silence_for(scene.silences, scene.investment, episode.rule)
    return KeptBack(SILENCED, overlays.reason_of(silence), silence, silence.ends_at) if silence else None


def _snooze(scene: Scene, episode: Episode, kind: str) -> KeptBack | None:
    """Keep a snoozed episode quiet, but for its end."""
    snooze = scene.over(episode).snooze
    if snooze is None or kind in inhibit.ABOUT_AN_END:
        return None
    return KeptBack(SNOOZED, overlays.reason_of_snooze(snooze), until=snooze.until)


# A retraction is about all that was told; these are about what was open.
_ENDING = frozenset({ChangeKind.RESOLVED.value, ChangeKind.CLOSED.value})
STAGES: tuple[Stage, ...] = (_inhibition, _silence, _snooze)


def notifications_of(scene: Scene, happenings: Sequence[Happening]) -> list[Notification]:
    """Return the notices of an investment's changes, in their order: obligations, and what was kept back."""
    rows: list[Notification] = []
    for happening in happenings:
        if happening.announce or happening.is_history:
            rows += _rows(scene, happening)
    return rows


def releases_of(scene: Scene) -> list[Release]:
    """Return the notices that were inhibited and are no longer: of each open episode, for those who do not know."""
    open_rules, recorded, found = scene.open_rules(), scene.recorded, []
    for (rule, number), event_id in recorded.inhibited.items():
        episode = recorded.episodes[rule, number]
        if episode.closed_at is not None:
            continue
        if inhibit.inhibitor_of(rule, open_rules=open_rules, hurdle=scene.hurdle) is not None:
            continue
        everybody = routing.recipients(scene.investment, rule, scene.directory, severity=episode.severity)
        told = recorded.unaware(episode, everybody, kept=recorded.inhibited_keys[rule, number])
        if told:
            recorded.remember(episode, ChangeKind.FIRED.value, [recipient.key for recipient in told])
            found.append(Release(event_id, episode, scene.investment, tuple(told), scene.directory))
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
    kept = Notification.objects.filter(pk__in=[row.pk for row in rows]).exclude(state="suppressed")
    on_their_way = set(kept.values_list("pk", flat=True))
    rows = [row for row in rows if row.pk not in on_their_way]
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


def kept_back_by(scene: Scene, episode: Episode, kind: str) -> KeptBack | None:
    """Return the first stage's reason to keep a notice of a kind back, None where it leaves."""
    return next((why for stage in STAGES if (why := stage(scene, episode, kind))), None)


def addressed(
    scene: Scene, happening: Happening, told: Sequence[Recipient], kept: KeptBack | None
) -> list[Notification]:
    """Return one notice a recipient: an obligation, or the record of what kept it back."""
    event, recorded = happening.event, scene.recorded
    rows = [notices.notification_of(event, scene.investment, one, now=scene.now) for one in told]
    # Written with the event, so that a notice that is gone later is missed.
    event.evidence["notices"] = [str(row.id) for row in rows]
    keys = [recipient.key for recipient in told]
    if kept is None:
        for row, recipient in zip(rows, told, strict=True):
            holding.apply(row, recipient, scene.directory, is_history=happening.is_history)
        recorded.remember(event.episode, happening.kind, keys)
        return rows
    for row in rows:
        row.state, row.state_reason, row.suppressed_by = "suppressed", kept.reason, kept.code
        row.silence = kept.silence
    if kept.code == INHIBITED:
        recorded.remember_inhibited(event.episode, happening.kind, event.id, keys)
    return rows


def _rows(scene: Scene, happening: Happening) -> list[Notification]:
    investment, rule, event = scene.investment, happening.rule, happening.event
    severity, kept = event.episode.severity, kept_back_by(scene, event.episode, happening.kind)
    told = routing.recipients(investment, rule, scene.directory, severity=severity)
    if happening.kind not in notices.OPENING:
        # The end of an episode is only told to those who were told of its beginning.
        known = scene.recorded.told(event.episode)
        if happening.kind in _ENDING:
            # Nor is who heard of an end before, and nothing since.
            known = known & scene.recorded.aware(event.episode)
        if happening.is_history and not known:
            # An episode that was over before anybody could be told of it.
            return addressed(scene, happening, told, kept)
        back = routing.without_delegates(investment, rule, scene.directory, severity=severity)
        everybody = {recipient.key: recipient for recipient in (*back, *told)}
        told = [recipient for key, recipient in everybody.items() if key in known]
        # A rung of the ladder, or whom the routes name no longer: they hear of the end as well.
        others = known - everybody.keys()
        if event.episode.pk and (others or (rule, event.episode.number) in scene.recorded.stood_in):
            told += [one for one in record.others_told_of(event.episode, others) if one.key not in everybody]
    return addressed(scene, happening, told, kept)
