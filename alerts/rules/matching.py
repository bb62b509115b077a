"""Which recorded episode is which recomputed one, and whether a vanished one was disproved."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from alerts.rules.base import RULED_OUT, Lifecycle, VerdictKind
from alerts.rules.trajectory import ClosedReason, Firing, MonthState, Trajectory
from portfolio.terms import add_months


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedEpisode:
    """An episode as the database keeps it, with what its latest event says.

    `value` None is not compared. `ordinals` counts its events by kind: the next of a kind gets a new id.
    """

    number: int
    fired_month: date
    announced: bool
    first_breach_month: date | None = None
    resolved_month: date | None = None
    closed_reason: ClosedReason | None = None
    value: Decimal | None = None
    ordinals: Mapping[str, int] = field(default_factory=dict)

    @property
    def is_open(self) -> bool:
        """Whether the episode is recorded as still going on."""
        return self.closed_reason is None


Pairs = dict[int, RecordedEpisode]


def _overlaps(episode: RecordedEpisode, firing: Firing, *, judged_through: date | None) -> bool:
    """Whether the two share a month; an open recorded one is known to reach the last month judged."""
    known_to = None if judged_through is None else add_months(judged_through, 1)
    end = episode.resolved_month or known_to
    starts_before_end = end is None or firing.fired_month < end
    return starts_before_end and (
        firing.resolved_month is None or episode.fired_month < firing.resolved_month
    )


def pair(
    recorded: Sequence[RecordedEpisode], trajectory: Trajectory, *, judged_through: date | None
) -> Pairs:
    """Return the recorded episode of each recomputed one, by the latter's number.

    By the month fired, then by overlap. One that is open on both sides stays itself even when a restatement
    merges an earlier one into it. Retracted episodes take no part: what fires again after that is a new one.
    """
    left = [episode for episode in recorded if episode.closed_reason is not ClosedReason.RETRACTED]
    firings = trajectory.firings
    if trajectory.lifecycle is Lifecycle.ONE_SHOT:
        return {firing.number: episode for firing, episode in zip(firings, left, strict=False)}
    pairs: Pairs = {}

    def take(firing: Firing, episode: RecordedEpisode) -> None:
        pairs[firing.number] = episode
        left.remove(episode)

    _take_open(left, trajectory, pairs, judged_through=judged_through)
    for firing in firings:
        same = next((episode for episode in left if episode.fired_month == firing.fired_month), None)
        if firing.number not in pairs and same is not None:
            take(firing, same)
    for firing in firings:
        near = next((e for e in left if _overlaps(e, firing, judged_through=judged_through)), None)
        if firing.number not in pairs and near is not None:
            take(firing, near)
    for firing in firings:
        held = next((e for e in left if _continues(e, firing, trajectory)), None)
        if firing.number not in pairs and held is not None:
            take(firing, held)
    return pairs


def _take_open(
    left: list[RecordedEpisode], trajectory: Trajectory, pairs: Pairs, *, judged_through: date | None
) -> None:
    firing = trajectory.open_firing
    episode = next((candidate for candidate in left if candidate.is_open), None)
    if firing is None or episode is None or not _overlaps(episode, firing, judged_through=judged_through):
        return
    if not any(
        other.fired_month == episode.fired_month for other in trajectory.firings if other is not firing
    ):
        pairs[firing.number] = episode
        left.remove(episode)


def _still_possible(point: MonthState | None) -> bool | None:
    """Return True for a breach, False for a month that rules one out, None where the data are gone."""
    if point is None or point.verdict.kind is VerdictKind.ERROR:
        return None
    if point.verdict.kind is VerdictKind.NODATA:
        return False if point.verdict.reason in RULED_OUT else None
    return point.verdict.kind is VerdictKind.BREACH


def is_held(episode: RecordedEpisode, trajectory: Trajectory) -> bool:
    """Whether a vanished episode is not disproved: months of it lost their data and none says otherwise.

    A month that was reopened or whose actuals were withdrawn proves nothing, so nothing is retracted on it.
    """
    points = {point.month: point for point in trajectory.months}
    month = episode.first_breach_month or episode.fired_month
    answers: list[bool | None] = []
    while month <= episode.fired_month:
        answers.append(_still_possible(points.get(month)))
        month = add_months(month, 1)
    return None in answers and False not in answers


def _continues(episode: RecordedEpisode, firing: Firing, trajectory: Trajectory) -> bool:
    """Whether a later firing is the same episode: its first months lost their data, it never recovered."""
    if not episode.is_open or firing.fired_month < episode.fired_month or not is_held(episode, trajectory):
        return False
    recovered = recovered_month(episode, trajectory)
    return recovered is None or recovered > firing.fired_month


def recovered_month(episode: RecordedEpisode, trajectory: Trajectory) -> date | None:
    """Return when a held episode has been clear for as long as its policy keeps it, None when it has not."""
    clear = 0
    for point in trajectory.months:
        if point.month <= episode.fired_month or not point.verdict.has_data or point.policy is None:
            continue
        clear = clear + 1 if point.verdict.kind is VerdictKind.CLEAR else 0
        if clear >= point.policy.keep_months:
            return point.month
    return None
