"""Thresholds: fold the rules over the facts, reconcile with what is recorded, and write the difference.

The evaluation point, episodes, events and notifications are written in one transaction per range of investments.
Running again changes nothing.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache, partial
from typing import Any

from django.db import connection
from django.db.models import Case, F, Value, When

from alerts import (
    attempts,
    contexts,
    dispatch,
    holding,
    judging,
    notices,
    outlooks,
    overlays,
    policies,
    queries,
    record,
    routing,
    timers,
)
from alerts.dispatch import Happening, Release, Scene
from alerts.models import (
    AlertState,
    Episode,
    EvaluationHead,
    EvaluationPoint,
    Event,
    Notification,
    Timer,
)
from alerts.rules.reconcile import reconcile
from alerts.rules.trajectory import Trajectory
from portfolio import calendars, knowledge
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


@dataclass(slots=True)
class _Writes:
    """The rows of one range, collected and then written in bulk."""

    points: list[EvaluationPoint] = field(default_factory=list)
    states: list[AlertState] = field(default_factory=list)
    opened: list[Episode] = field(default_factory=list)
    changed: list[Episode] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    notifications: list[Notification] = field(default_factory=list)
    releases: list[Release] = field(default_factory=list)
    timers: list[Timer] = field(default_factory=list)
    heads: list[EvaluationHead] = field(default_factory=list)


def advance(*, now: datetime, ids: Sequence[int] | None = None) -> Evaluated:
    """Recompute what is stale and evaluate what is pending: the whole way from a fact to the outbox."""
    snapshots.recompute(ids=ids, now=now)
    return evaluate(ids=ids, now=now)


def sweep(*, now: datetime) -> int:
    """Find by comparing rows what a lost bell left behind, and do it; returns how many investments had work."""
    return advance(now=now).investments


def evaluate(*, now: datetime, ids: Sequence[int] | None = None) -> Evaluated:
    """Evaluate every investment whose snapshots or policies are newer than its evaluation, range by range."""
    total, after = Evaluated(), 0
    while pending := queries.find_pending(ids=ids, after=after, limit=RANGE, max_attempts=MAX_ATTEMPTS):
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


def _evaluate_locked(ids: Sequence[int], mark: str, *, now: datetime) -> Evaluated:
    heads = {h.pk: h for h in EvaluationHead.objects.select_for_update().filter(pk__in=ids).order_by("pk")}
    computed = {h.pk: h for h in SnapshotHead.objects.filter(pk__in=ids, fingerprint__isnull=False)}
    investments = list(
        Investment.objects.filter(pk__in=computed)
        .select_related("portfolio", "owner", "sponsor")
        .order_by("pk")
    )
    months = judging.months_of([i.pk for i in investments])
    versions = policies.versions_of(investments)
    expected, judged_on = outlooks.of(ids), outlooks.judged_of(ids)
    recorded = record.recorded_of([i.pk for i in investments])
    directory = routing.directory(investments, on=now.date())
    days = calendars.calendars_of({i.portfolio_id: i.portfolio for i in investments}.values())
    silences = overlays.silences_in_force(days, now=now)
    over = overlays.overlays_of(record.open_ids(recorded.values()), now=now)
    figures = _figures_when_needed([i.pk for i in investments])
    writes = _Writes()
    for investment in investments:
        head = heads[investment.pk]
        snapshot = computed[investment.pk]
        newest = max((p.batch_id for group in versions[investment.pk].values() for p in group), default=-1)
        forecasts = expected.get(investment.pk, {})
        forecast = outlooks.newest_of(forecasts, snapshot.last_complete_month)
        is_old = (head.revision, head.policy_knowledge) == (snapshot.revision, newest)
        if (is_old and forecast <= judged_on.get(investment.pk, 0)) or head.failure != mark:
            # Nothing is new, or somebody else has marked it since and judges it.
            continue
        context = judging.context_of(investment, snapshot)
        trajectories = judging.judge(
            versions[investment.pk], months.get(investment.pk, []), context, outlooks=forecasts
        )
        known = recorded[investment.pk]
        through = known.judged_through | {
            rule: trajectory.last.month if trajectory.last else None
            for rule, trajectory in trajectories.items()
        }
        kept = contexts.to_json(context, stage=investment.stage, through=through, before=head)
        kept["forecast"] = forecast
        point = _point_of(snapshot, newest, kept, now=now)
        writes.points.append(point)
        scene = Scene(
            investment,
            known,
            directory,
            policies.hurdle_of(versions[investment.pk]),
            over,
            silences,
            now,
        )
        happenings = _compare(scene, trajectories, point, figures, writes)
        writes.timers += timers.armed_by(happenings, days[investment.portfolio_id], scene.recorded, now=now)
        head.revision, head.policy_knowledge, head.attempts, head.failure = snapshot.revision, newest, 0, ""
        writes.heads.append(head)
    _write(writes, now=now)
    return Evaluated(len(writes.points), len(writes.events), len(writes.notifications))


def _point_of(
    snapshot: SnapshotHead, policy_knowledge: int, context: dict[str, Any], *, now: datetime
) -> EvaluationPoint:
    """Return the record of what is judged: a later replay reads it, and nothing else, to judge the same."""
    return EvaluationPoint(
        investment_id=snapshot.pk,
        revision=snapshot.revision,
        knowledge=max(
            snapshot.investment_knowledge, snapshot.portfolio_knowledge, snapshot.installation_knowledge
        ),
        policy_knowledge=policy_knowledge,
        context=context,
        fingerprint=snapshot.fingerprint,
        recorded_at=now,
    )


def _figures_when_needed(ids: Sequence[int]) -> Callable[[int], notices.Figures]:
    """Return a look-up that reads the figures of the whole range once, at the first change; most ranges have none."""
    read = cache(partial(notices.figures_of, ids))
    return lambda investment_id: read()[investment_id]


def _compare(
    scene: Scene,
    trajectories: Mapping[str, Trajectory],
    point: EvaluationPoint,
    figures: Callable[[int], notices.Figures],
    writes: _Writes,
) -> list[Happening]:
    """Write the difference of every rule first and decide who hears of it then: a rule may keep back another's."""
    investment, recorded, happenings = scene.investment, scene.recorded, []
    for rule, trajectory in trajectories.items():
        through = recorded.judged_through.get(rule)
        changes = reconcile(recorded.of_rule(rule), trajectory, judged_through=through)
        writes.states.append(record.state_of(investment, trajectory))
        for change in changes:
            episode, is_new = recorded.apply(change, investment=investment, rule=rule, now=scene.now)
            if is_new:
                writes.opened.append(episode)
            elif episode.pk:
                writes.changed.append(episode)
            event = notices.event_of(
                episode, change, investment, figures(investment.pk), point, now=scene.now
            )
            happenings.append(scene.happening(rule, change, event))
    writes.events += [happening.event for happening in happenings]
    writes.notifications += dispatch.notifications_of(scene, happenings)
    writes.releases += dispatch.releases_of(scene)
    return happenings


def _write(writes: _Writes, *, now: datetime) -> None:
    EvaluationPoint.objects.bulk_create(writes.points)
    changed = _unique(writes.changed)
    # What ends goes first: a rule has one open episode at every moment, also within this transaction.
    for is_open in (False, True):
        part = [episode for episode in changed if (episode.closed_at is None) is is_open]
        Episode.objects.bulk_update(part, record.EPISODE_FIELDS, batch_size=500)
    Episode.objects.bulk_create(_unique(writes.opened))
    Event.objects.bulk_create(writes.events, ignore_conflicts=True)
    AlertState.objects.bulk_create(
        writes.states,
        update_conflicts=True,
        unique_fields=["investment", "rule"],
        update_fields=record.STATE_FIELDS,
    )
    holding.group(writes.notifications, now=now)
    Notification.objects.bulk_create(writes.notifications, ignore_conflicts=True)
    timers.start(writes.timers)
    timers.stop(changed, now=now)
    if writes.releases:
        dispatch.write_releases(writes.releases, now=now)
    # Heads that had nothing new stay untouched, or workers on the same range would overtake each other for ever.
    EvaluationHead.objects.bulk_update(
        writes.heads, ["revision", "policy_knowledge", "attempts", "failure"], batch_size=500
    )
    if writes.notifications or writes.releases:
        with connection.cursor() as cursor:
            # One wake-up a transaction; the relay polls all the same.
            cursor.execute("NOTIFY hurdle_outbox")


def _unique(episodes: Sequence[Episode]) -> list[Episode]:
    return list({id(episode): episode for episode in episodes}.values())
