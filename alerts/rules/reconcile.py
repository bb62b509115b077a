"""The difference between what was recorded and what the facts say now, as changes to write and to announce.

Nothing is deleted; running again on the result yields nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum

from alerts.rules.base import Lifecycle
from alerts.rules.matching import RecordedEpisode, is_held, pair, recovered_month
from alerts.rules.trajectory import ClosedReason, Firing, Trajectory

MATERIAL_SHARE = Decimal("0.25")


class ChangeKind(StrEnum):
    """What happened to an episode; the kind of the event that is written."""

    FIRED = "fired"
    RESOLVED = "resolved"
    RETRACTED = "retracted"
    REOPENED = "reopened"
    RESTATED = "restated"
    CLOSED = "closed"


class Notice(StrEnum):
    """When people hear of a change: at once, in the digest of the import, or not at all."""

    NOW = "now"
    DIGEST = "digest"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One event to write. `ordinal` counts the kind within the episode; `firing` is the recomputed episode.

    After the change the episode holds `firing`'s months and value where there is one, `resolved_month` and
    `closed_reason` as given here (history is written closed at once; its ending follows as an event), and is
    announced when it was or when this FIRED or REOPENED is.
    """

    kind: ChangeKind
    number: int
    ordinal: int
    month: date
    notice: Notice
    firing: Firing | None = None
    resolved_month: date | None = None
    closed_reason: ClosedReason | None = None
    is_material: bool = False

    @property
    def announce(self) -> bool:
        """Whether a notice goes out at once."""
        return self.notice is Notice.NOW


def is_material(before: Decimal, *, after: Decimal, threshold: Decimal) -> bool:
    """Whether a restatement moved a figure by more than a quarter of its distance to the threshold."""
    return abs(after - before) > MATERIAL_SHARE * abs(before - threshold)


def reconcile(
    recorded: Sequence[RecordedEpisode], trajectory: Trajectory, *, judged_through: date | None
) -> list[Change]:
    """Return the changes that make the record equal the trajectory, in the order to write them.

    `judged_through` is the last month judged before, None for the first time. Months after it are new: what
    opened and closed within them is recorded without a notice. At most one change has the notice NOW.
    """
    pairs = pair(recorded, trajectory, judged_through=judged_through)
    kept = {episode.number for episode in pairs.values()}
    changes: list[Change] = []
    for episode in recorded:
        if episode.number not in kept and episode.closed_reason is not ClosedReason.RETRACTED:
            changes += _vanished(episode, trajectory)
    number = max((episode.number for episode in recorded), default=0)
    for firing in trajectory.firings:
        if firing.number in pairs:
            changes += _matched(pairs[firing.number], firing, trajectory)
        else:
            number += 1
            changes += _new(number, firing, judged_through=judged_through)
    return _one_notice(changes)


def _one_notice(changes: list[Change]) -> list[Change]:
    """Let the last notice stand for the final state; the ones before it go to the digest."""
    loud = [i for i, change in enumerate(changes) if change.announce]
    for i in loud[:-1]:
        changes[i] = replace(changes[i], notice=Notice.DIGEST)
    return changes


def _new(number: int, firing: Firing, *, judged_through: date | None) -> list[Change]:
    is_news = firing.is_open or firing.closed_reason is ClosedReason.ONE_SHOT
    fired = Change(
        kind=ChangeKind.FIRED,
        number=number,
        ordinal=1,
        month=firing.fired_month,
        notice=Notice.NOW if is_news else Notice.NONE,
        firing=firing,
        resolved_month=firing.resolved_month,
        closed_reason=firing.closed_reason,
    )
    if is_news:
        return [fired]
    ended = _ended(number, 1, firing, notice=Notice.NONE)
    if judged_through is None or firing.fired_month > judged_through:
        return [fired, ended]
    restated = replace(ended, kind=ChangeKind.RESTATED, notice=Notice.DIGEST)
    return [fired, ended, restated]


def _end_kind(firing: Firing) -> ChangeKind:
    return ChangeKind.RESOLVED if firing.closed_reason is ClosedReason.RESOLVED else ChangeKind.CLOSED


def _ended(number: int, ordinal: int, firing: Firing, *, notice: Notice) -> Change:
    return Change(
        kind=_end_kind(firing),
        number=number,
        ordinal=ordinal,
        month=firing.resolved_month or firing.fired_month,
        notice=notice,
        firing=firing,
        resolved_month=firing.resolved_month,
        closed_reason=firing.closed_reason,
    )


def _next(episode: RecordedEpisode, kind: ChangeKind) -> int:
    return episode.ordinals.get(kind, 0) + 1


def _matched(episode: RecordedEpisode, firing: Firing, trajectory: Trajectory) -> list[Change]:
    if episode.is_open and not firing.is_open:
        notice = Notice.NOW if episode.announced else Notice.NONE
        return [_ended(episode.number, _next(episode, _end_kind(firing)), firing, notice=notice)]
    if firing.is_open and not episode.is_open:
        return [_change(ChangeKind.REOPENED, episode, firing, notice=Notice.NOW)]
    if not _differs(episode, firing):
        return []
    is_standing = trajectory.lifecycle is Lifecycle.STANDING
    notice = Notice.NONE if is_standing else Notice.DIGEST
    return [_change(ChangeKind.RESTATED, episode, firing, notice=notice)]


def _change(kind: ChangeKind, episode: RecordedEpisode, firing: Firing, *, notice: Notice) -> Change:
    return Change(
        kind=kind,
        number=episode.number,
        ordinal=_next(episode, kind),
        month=firing.fired_month,
        notice=notice,
        firing=firing,
        resolved_month=firing.resolved_month,
        closed_reason=firing.closed_reason,
        is_material=_moved_much(episode, firing),
    )


def _differs(episode: RecordedEpisode, firing: Firing) -> bool:
    before = (episode.fired_month, episode.resolved_month, episode.closed_reason)
    if before != (firing.fired_month, firing.resolved_month, firing.closed_reason):
        return True
    return episode.value is not None and episode.value != firing.value


def _moved_much(episode: RecordedEpisode, firing: Firing) -> bool:
    threshold = firing.verdict.threshold
    if episode.value is None or firing.value is None or threshold is None:
        return False
    return is_material(episode.value, after=firing.value, threshold=threshold)


def _vanished(episode: RecordedEpisode, trajectory: Trajectory) -> list[Change]:
    """Return what becomes of an episode the facts no longer yield: ended, held, healed or retracted."""
    loud = Notice.NOW if episode.announced else Notice.NONE
    if trajectory.lifecycle is Lifecycle.STANDING:
        return _healed(episode, trajectory, loud) if episode.is_open else []
    if is_held(episode, trajectory):
        return _outlived(episode, trajectory, loud) if episode.is_open else []
    is_current = episode.is_open or episode.closed_reason is ClosedReason.ONE_SHOT
    notice = loud if is_current else Notice.DIGEST
    return [_gone(ChangeKind.RETRACTED, episode, episode.fired_month, ClosedReason.RETRACTED, notice)]


def _healed(episode: RecordedEpisode, trajectory: Trajectory, notice: Notice) -> list[Change]:
    """The cause of a standing episode went away: that is its resolution, not a mistake."""
    if trajectory.ending is not None:
        return [_gone(ChangeKind.CLOSED, episode, *trajectory.ending, notice)]
    month = trajectory.last.month if trajectory.last else episode.fired_month
    return [_gone(ChangeKind.RESOLVED, episode, month, ClosedReason.RESOLVED, notice)]


def _outlived(episode: RecordedEpisode, trajectory: Trajectory, notice: Notice) -> list[Change]:
    """A held episode still ends: with its investment or rule, or by months that are clear."""
    if trajectory.ending is not None:
        return [_gone(ChangeKind.CLOSED, episode, *trajectory.ending, notice)]
    month = recovered_month(episode, trajectory)
    if month is None:
        return []
    return [_gone(ChangeKind.RESOLVED, episode, month, ClosedReason.RESOLVED, notice)]


def _gone(
    kind: ChangeKind, episode: RecordedEpisode, month: date, reason: ClosedReason, notice: Notice
) -> Change:
    return Change(
        kind=kind,
        number=episode.number,
        ordinal=_next(episode, kind),
        month=month,
        notice=notice,
        resolved_month=month,
        closed_reason=reason,
    )
