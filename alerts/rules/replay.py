"""The record of an investment's rule rebuilt from its events alone, and expected changes against those written."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from alerts.rules.matching import RecordedEpisode
from alerts.rules.reconcile import Change, ChangeKind, Notice, reconcile
from alerts.rules.trajectory import ClosedReason, Trajectory

CHANGES = frozenset(kind.value for kind in ChangeKind)
_OPENING = frozenset({ChangeKind.FIRED.value, ChangeKind.REOPENED.value})


@dataclass(frozen=True, slots=True, kw_only=True)
class PastEvent:
    """One event of a rule as it was written: what happened, and how its episode stood after it."""

    number: int
    kind: str
    ordinal: int
    month: date
    notice: str
    fired_month: date
    first_breach_month: date
    resolved_month: date | None = None
    closed_reason: str = ""
    value: Decimal | None = None


@dataclass(frozen=True, slots=True, order=True)
class Sign:
    """What tells one change of a rule from another: equal signs are the same change."""

    number: int
    kind: str
    ordinal: int
    month: date


@dataclass(frozen=True, slots=True)
class Differences:
    """What should have been written and was not, and what was written and should not have been."""

    lost: tuple[Sign, ...] = ()
    phantom: tuple[Sign, ...] = ()


def episodes_of(events: Iterable[PastEvent]) -> list[RecordedEpisode]:
    """Return the episodes of a rule as its events, in the order of writing, left them.

    What the clock made (reminders, escalations) says nothing about an episode's months and is passed over.
    """
    held: dict[int, RecordedEpisode] = {}
    for event in events:
        if event.kind not in CHANGES:
            continue
        before = held.get(event.number)
        ordinals: Mapping[str, int] = before.ordinals if before else {}
        is_announced = event.kind in _OPENING and event.notice == Notice.NOW.value
        value = event.value if event.value is not None else before.value if before else None
        held[event.number] = RecordedEpisode(
            number=event.number,
            fired_month=event.fired_month,
            announced=is_announced or bool(before and before.announced),
            first_breach_month=event.first_breach_month,
            resolved_month=event.resolved_month,
            closed_reason=ClosedReason(event.closed_reason) if event.closed_reason else None,
            value=value,
            ordinals={**ordinals, event.kind: max(event.ordinal, ordinals.get(event.kind, 0))},
        )
    return [held[number] for number in sorted(held)]


def expected(
    before: Iterable[PastEvent], trajectory: Trajectory, *, judged_through: date | None
) -> list[Change]:
    """Return the changes an evaluation had to write, given the events written before it."""
    return reconcile(episodes_of(before), trajectory, judged_through=judged_through)


def written_by(changes: Iterable[Change], before: Iterable[PastEvent]) -> list[PastEvent]:
    """Return the events that changes amount to, as they would have been written after those before."""
    held = {episode.number: episode for episode in episodes_of(before)}
    events = []
    for change in changes:
        firing, episode = change.firing, held.get(change.number)
        told = firing if firing is not None else episode
        if told is None:
            raise ValueError(f"A change of episode {change.number} says nothing of its months.")
        events.append(
            PastEvent(
                number=change.number,
                kind=change.kind.value,
                ordinal=change.ordinal,
                month=change.month,
                notice=change.notice.value,
                fired_month=told.fired_month,
                first_breach_month=told.first_breach_month or told.fired_month,
                resolved_month=change.resolved_month,
                closed_reason=change.closed_reason.value if change.closed_reason else "",
                value=firing.value if firing is not None else None,
            )
        )
    return events


def differences(changes: Iterable[Change], written: Sequence[PastEvent]) -> Differences:
    """Return how expected changes differ from the events written; order and the clock's events do not count."""
    wanted = Counter(Sign(c.number, c.kind.value, c.ordinal, c.month) for c in changes)
    found = Counter(Sign(e.number, e.kind, e.ordinal, e.month) for e in written if e.kind in CHANGES)
    return Differences(
        lost=tuple(sorted((wanted - found).elements())), phantom=tuple(sorted((found - wanted).elements()))
    )
