"""What a policy would have done: folded over what was known at each past time, reconciled as it would have been."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from alerts.rules import lifecycle
from alerts.rules.base import Context, MonthFacts, NoData, Policy, Verdict, no_data
from alerts.rules.matching import RecordedEpisode
from alerts.rules.reconcile import Change, ChangeKind, reconcile
from alerts.rules.trajectory import ClosedReason, Firing
from portfolio.terms import add_months

_OPENING = (ChangeKind.FIRED, ChangeKind.REOPENED)


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """An investment as it was known at one time: its months on the policy's basis, and what is fixed beside them."""

    knowledge: int
    months: Sequence[MonthFacts]
    context: Context


@dataclass(frozen=True, slots=True, kw_only=True)
class PastFiring:
    """One episode that would have been; `verdict` is the one that fired, as known last.

    `known_at` is the knowledge time it would have fired at, `ended_at` the one that ended it. `months` are those it
    fired in: none of one that was retracted, the month itself of good news.
    """

    number: int
    first_breach_month: date
    fired_month: date
    resolved_month: date | None
    closed_reason: ClosedReason | None
    verdict: Verdict
    known_at: int
    ended_at: int | None
    is_announced: bool
    months: tuple[date, ...]

    @property
    def is_retracted(self) -> bool:
        """Whether a restatement would have taken it back."""
        return self.closed_reason is ClosedReason.RETRACTED


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """Everything one policy would have done over the views; `judged` are the closed months as known last."""

    firings: tuple[PastFiring, ...]
    views: int
    judged: tuple[date, ...]

    @property
    def retracted(self) -> int:
        """How many firings restatements would have taken back."""
        return sum(firing.is_retracted for firing in self.firings)

    @property
    def firing_months(self) -> frozenset[date]:
        """The months in which it fires, as known last."""
        return frozenset(month for firing in self.firings for month in firing.months)


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """In how many months both policies fire, and in how many only one of them does."""

    both: int
    only_candidate: int
    only_present: int


@dataclass(slots=True)
class _Desk:
    """A record kept in memory, as the evaluation keeps it in the database."""

    recorded: dict[int, RecordedEpisode] = field(default_factory=dict)
    shown: dict[int, PastFiring] = field(default_factory=dict)
    judged_through: date | None = None

    def apply(self, change: Change, *, knowledge: int) -> None:
        """Lay a change over its episode."""
        before, firing = self.recorded.get(change.number), change.firing
        episode = before
        if firing is not None:
            episode = RecordedEpisode(
                number=change.number,
                fired_month=firing.fired_month,
                first_breach_month=firing.first_breach_month,
                announced=False,
                value=firing.value,
            )
        if episode is None:
            raise ValueError(f"Episode {change.number} is not recorded.")
        self.recorded[change.number] = replace(
            episode,
            announced=bool(before and before.announced) or (change.kind in _OPENING and change.announce),
            resolved_month=change.resolved_month,
            closed_reason=change.closed_reason,
            ordinals={**(before.ordinals if before else {}), change.kind: change.ordinal},
        )
        self._show(self.recorded[change.number], firing, knowledge=knowledge)

    def _show(self, episode: RecordedEpisode, firing: Firing | None, *, knowledge: int) -> None:
        known = self.shown.get(episode.number)
        verdict = firing.verdict if firing else None
        is_over, ended_at = episode.closed_reason is not None, known.ended_at if known else None
        self.shown[episode.number] = PastFiring(
            number=episode.number,
            first_breach_month=episode.first_breach_month or episode.fired_month,
            fired_month=episode.fired_month,
            resolved_month=episode.resolved_month,
            closed_reason=episode.closed_reason,
            verdict=verdict or (known.verdict if known else no_data(NoData.UNDEFINED)),
            known_at=known.known_at if known else knowledge,
            ended_at=(ended_at or knowledge) if is_over else None,
            is_announced=episode.announced,
            months=(),
        )


def replay(policy: Policy, views: Sequence[View]) -> Replay:
    """Return what one policy, in force all along, would have done at each view in its turn. Raises RuleError.

    At each view the whole known history is folded and compared with what was recorded until then, by the functions
    that judge now: so late months, restatements and reopened months count as they would have counted.
    """
    desk, judged = _Desk(), tuple[date, ...]()
    for view in views:
        trajectory = lifecycle.fold([policy], view.months, view.context)
        recorded = [desk.recorded[number] for number in sorted(desk.recorded)]
        for change in reconcile(recorded, trajectory, judged_through=desk.judged_through):
            desk.apply(change, knowledge=view.knowledge)
        desk.judged_through = trajectory.last.month if trajectory.last else None
        judged = tuple(point.month for point in trajectory.months)
    firings = tuple(_with_months(desk.shown[number], judged) for number in sorted(desk.shown))
    return Replay(firings=firings, views=len(views), judged=judged)


def _with_months(firing: PastFiring, judged: Sequence[date]) -> PastFiring:
    """Return a firing with the closed months it fired in: up to the month that ended it, or to the last one known."""
    if firing.is_retracted:
        return firing
    if firing.closed_reason is ClosedReason.ONE_SHOT:
        return replace(firing, months=(firing.fired_month,))
    end = firing.resolved_month or (add_months(judged[-1], 1) if judged else firing.fired_month)
    return replace(firing, months=tuple(m for m in judged if firing.fired_month <= m < end))


def overlap(candidate: Replay, present: Replay) -> Overlap:
    """Return in how many months two policies agree."""
    ours, theirs = candidate.firing_months, present.firing_months
    return Overlap(
        both=len(ours & theirs), only_candidate=len(ours - theirs), only_present=len(theirs - ours)
    )


def sentence(found: Replay) -> str:
    """Return the answer in words: how often it would have fired, and how many of these were taken back."""
    count, retracted = len(found.firings), found.retracted
    if not count:
        return "would not have fired"
    times = "once" if count == 1 else f"{count} times"
    if not retracted:
        return f"would have fired {times}"
    if count == 1:
        return "would have fired once and been retracted"
    return f"would have fired {times}, {retracted} of them retracted"
