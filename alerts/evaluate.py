"""Thresholds: fold the rules over the facts, reconcile with what is recorded, and write the difference.

The evaluation point, episodes, events and notifications are written in one transaction per range of investments.
Running again changes nothing.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from django.db.models import Case, F, Value, When

from alerts import (
    attempts,
    contexts,
    dispatch,
    judging,
    notices,
    outlooks,
    policies,
    queries,
    record,
    timers,
)
from alerts.judging import MonthRow
from alerts.models import EvaluationHead, EvaluationPoint, Policy
from alerts.results import Results
from alerts.rules.base import Context
from alerts.rules.reconcile import reconcile
from alerts.rules.trajectory import Trajectory
from alerts.scenes import Happening, Scene, Surroundings
from portfolio import knowledge
from portfolio.models import Investment
from roi import snapshots
from roi.models import SnapshotHead

RANGE = attempts.SIZES[0]
MAX_ATTEMPTS = attempts.MAX_ATTEMPTS

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Evaluated:
    """What an evaluation wrote."""

    investments: int = 0
    events: int = 0
    notifications: int = 0

    def add(self, other: "Evaluated") -> None:
        """Count another range in."""
        self.investments += other.investments
        self.events += other.events
        self.notifications += other.notifications


def advance(*, now: datetime, ids: Sequence[int] | None = None) -> Evaluated:
    """Recompute what is stale and evaluate what is pending: the whole way from a fact to the outbox."""
    snapshots.recompute(ids=ids, now=now)
    return evaluate(ids=ids, now=now)


def sweep(*, now: datetime, go_on: Callable[[], bool] | None = None) -> int:
    """Find by comparing rows what a lost bell left behind, and do it; returns how many investments had work.

    With `go_on` it is asked before each range, and where it says no, the rest is left.
    """
    if go_on is None:
        return advance(now=now).investments
    after = 0
    while go_on() and (stale := snapshots.find_stale(after=after)):
        snapshots.recompute_chunk(stale, now=now)
        after = stale[-1]
    return evaluate(now=now, go_on=go_on).investments


def evaluate(
    *, now: datetime, ids: Sequence[int] | None = None, go_on: Callable[[], bool] | None = None
) -> Evaluated:
    """Evaluate every investment whose snapshots or policies are newer than its evaluation, range by range."""
    total, after = Evaluated(), 0
    while go_on is None or go_on():
        pending = queries.find_pending(ids=ids, after=after, limit=RANGE, max_attempts=MAX_ATTEMPTS)
        if not pending:
            break
        total.add(evaluate_range(pending, now=now))
        after = pending[-1]
    return total


def evaluate_range(ids: Sequence[int], *, now: datetime) -> Evaluated:
    """Evaluate investments; one that cannot be evaluated, or kills the process, does not stop the others for good.

    1. Who has no head or policy yet gets one.
    2. What a process died over is counted, and put into smaller and smaller groups until it is alone.
    3. Each group is marked before the work on it, and judged in one transaction.
    """
    EvaluationHead.objects.bulk_create(
        [EvaluationHead(investment_id=pk) for pk in ids], ignore_conflicts=True
    )
    policies.adopt(list(Investment.objects.filter(pk__in=ids).select_related("portfolio")), now=now)
    total, found = Evaluated(), attempts.groups_of(ids)
    for investment_id in found.given_up:
        logger.error("Investment %s is quarantined: %s", investment_id, attempts.KILLED)
    for group in found.groups:
        if mark := attempts.mark(group):
            total.add(_judge(group, mark, now=now))
    return total


def _judge(ids: Sequence[int], mark: str, *, now: datetime) -> Evaluated:
    try:
        return knowledge.with_one_view(partial(_evaluate_locked, ids, mark, now=now))
    except (ValueError, ArithmeticError, LookupError, TypeError, MemoryError, RecursionError) as error:
        # Facts this code cannot digest; a broken database or program fails as a whole and is tried again.
        if len(ids) == 1:
            return _quarantine(ids[0], error)
        half = len(ids) // 2
        done = _judge(ids[:half], mark, now=now)
        done.add(_judge(ids[half:], mark, now=now))
        return done


def _quarantine(investment_id: int, error: Exception) -> Evaluated:
    """Count a failure on the snapshots of now; after MAX_ATTEMPTS the investment waits for newer ones or a release."""
    logger.exception("Investment %s cannot be evaluated.", investment_id, exc_info=error)
    revision = SnapshotHead.objects.values_list("revision", flat=True).get(pk=investment_id)
    again = Case(When(failed_revision=revision, then=F("attempts") + 1), default=Value(1))
    EvaluationHead.objects.filter(pk=investment_id).update(
        attempts=again, failed_revision=revision, failure=repr(error)[:2000]
    )
    return Evaluated()


@dataclass(frozen=True, slots=True, eq=False)
class _Range:
    """What a locked range of investments is judged by, read at once; by investment where nothing else is said."""

    investments: Sequence[Investment]
    heads: Mapping[int, EvaluationHead]
    snapshots: Mapping[int, SnapshotHead]
    months: Mapping[int, Sequence[MonthRow]]
    versions: Mapping[int, Mapping[str, Sequence[Policy]]]
    forecasts: Mapping[int, outlooks.ByMonth]
    judged_on: Mapping[int, int]  # the forecast of the last evaluation
    around: Surroundings

    def newest_policy(self, investment_id: int) -> int:
        """Return the knowledge time of an investment's newest policy."""
        versions = self.versions[investment_id].values()
        return max((policy.batch_id for group in versions for policy in group), default=-1)

    def newest_forecast(self, investment_id: int) -> int:
        """Return the forecast made after the investment's last complete month."""
        last = self.snapshots[investment_id].last_complete_month
        return outlooks.newest_of(self.forecasts.get(investment_id, {}), last)

    def is_due(self, investment_id: int, mark: str) -> bool:
        """Whether something is new, and nobody has marked it since and judges it."""
        head = self.heads[investment_id]
        judged = (head.revision, head.policy_knowledge)
        is_old = judged == (self.snapshots[investment_id].revision, self.newest_policy(investment_id))
        is_foreseen = self.newest_forecast(investment_id) <= self.judged_on.get(investment_id, 0)
        return head.failure == mark and not (is_old and is_foreseen)


def _evaluate_locked(ids: Sequence[int], mark: str, *, now: datetime) -> Evaluated:
    known, results = _read(ids, now=now), Results()
    for investment in known.investments:
        if known.is_due(investment.pk, mark):
            _evaluate_one(investment, known, results)
    results.write(now=now)
    return Evaluated(len(results.points), len(results.events), len(results.notifications))


def _read(ids: Sequence[int], *, now: datetime) -> _Range:
    locked = EvaluationHead.objects.select_for_update().filter(pk__in=ids).order_by("pk")
    heads = {head.pk: head for head in locked}
    computed = {h.pk: h for h in SnapshotHead.objects.filter(pk__in=ids, fingerprint__isnull=False)}
    people = Investment.objects.select_related("portfolio", "owner", "sponsor")
    investments = list(people.filter(pk__in=computed).order_by("pk"))
    keys = [i.pk for i in investments]
    return _Range(
        investments=investments,
        heads=heads,
        snapshots=computed,
        months=judging.months_of(keys),
        versions=policies.versions_of(investments),
        forecasts=outlooks.of(ids),
        judged_on=outlooks.judged_of(ids),
        around=Surroundings(investments, record.recorded_of(keys), now=now),
    )


def _evaluate_one(investment: Investment, known: _Range, results: Results) -> None:
    """Fold an investment's rules, lay the difference over its record, and collect what is to be written."""
    head, versions = known.heads[investment.pk], known.versions[investment.pk]
    scene = Scene(investment, policies.hurdle_of(versions), known.around)
    context = judging.context_of(investment, known.snapshots[investment.pk])
    trajectories = judging.judge(
        versions, known.months.get(investment.pk, []), context, outlooks=known.forecasts.get(investment.pk)
    )
    point = _point_of(scene, known, context, trajectories)
    results.points.append(point)
    happenings = _compare(scene, trajectories, point, results)
    released = dispatch.releases_of(scene)
    results.releases += released
    results.timers += timers.armed_by(happenings, [release.episode for release in released], scene)
    head.revision, head.policy_knowledge = point.revision, point.policy_knowledge
    head.attempts, head.failure = 0, ""
    results.heads.append(head)


def _point_of(
    scene: Scene, known: _Range, context: Context, trajectories: Mapping[str, Trajectory]
) -> EvaluationPoint:
    """Return the record of what is judged: a later replay reads it, and nothing else, to judge the same."""
    investment = scene.investment
    snapshot = known.snapshots[investment.pk]
    through = scene.recorded.judged_through | {
        rule: trajectory.last.month if trajectory.last else None for rule, trajectory in trajectories.items()
    }
    kept = contexts.to_json(
        context,
        stage=investment.stage,
        through=through,
        before=known.heads[investment.pk],
        forecasts=[outlook.forecast for outlook in known.forecasts.get(investment.pk, {}).values()],
    )
    kept["forecast"] = known.newest_forecast(investment.pk)
    return EvaluationPoint(
        investment_id=investment.pk,
        revision=snapshot.revision,
        knowledge=max(
            snapshot.investment_knowledge, snapshot.portfolio_knowledge, snapshot.installation_knowledge
        ),
        policy_knowledge=known.newest_policy(investment.pk),
        context=kept,
        fingerprint=snapshot.fingerprint,
        recorded_at=scene.now,
    )


def _compare(
    scene: Scene, trajectories: Mapping[str, Trajectory], point: EvaluationPoint, results: Results
) -> list[Happening]:
    """Collect the difference of every rule first, and decide who hears of it then: a rule may keep back another's."""
    investment, recorded, happenings = scene.investment, scene.recorded, []
    for rule, trajectory in trajectories.items():
        through = recorded.judged_through.get(rule)
        changes = reconcile(recorded.of_rule(rule), trajectory, judged_through=through)
        results.states.append(record.state_of(investment, trajectory))
        for change in changes:
            episode, is_new = recorded.apply(change, investment=investment, rule=rule, now=scene.now)
            if is_new:
                results.opened.append(episode)
            elif episode.pk:
                results.changed.append(episode)
            event = notices.event_of(episode, change, investment, scene.figures, point, now=scene.now)
            happenings.append(scene.happening(rule, change, event))
    results.events += [happening.event for happening in happenings]
    results.notifications += dispatch.notifications_of(scene, happenings)
    return happenings
