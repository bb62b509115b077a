"""Replays recorded evaluations: the facts, policies and forecasts each judged, folded again, against its events.

Everything is read as known at the point's own knowledge times, so a replay answers the same whenever it is run.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection

from alerts import contexts, facts_then, judging, outlooks
from alerts.contexts import Judged
from alerts.facts_then import Then
from alerts.models import EvaluationPoint, Event, Policy
from alerts.rules import replay as rules
from alerts.rules.base import Outlook
from alerts.rules.early_warning import EARLY_WARNING
from alerts.rules.replay import Differences, PastEvent
from alerts.rules.trajectory import Trajectory
from portfolio.models import Investment
from portfolio.terms import format_month, parse_month
from roi.engine.result import ENGINE_VERSION

# Judged on forecasts, which are not facts of the ledger: a point that does not name them cannot be replayed in it.
_ON_FORECASTS = frozenset({EARLY_WARNING.name})
_EVENT = (
    "episode__investment_id",
    "episode__rule",
    "episode__number",
    "point_id",
    "kind",
    "ordinal",
    "month",
    "evidence",
)
_BEFORE = """
    SELECT x.id, p.id FROM alerts_evaluationpoint x CROSS JOIN LATERAL (
        SELECT id FROM alerts_evaluationpoint
        WHERE investment_id = x.investment_id AND id < x.id ORDER BY id DESC LIMIT 1) p
    WHERE x.id = ANY(%s)
"""
Events = dict[str, list[tuple[int, PastEvent]]]


@dataclass(frozen=True, slots=True)
class Replayed:
    """What came of replaying one point.

    `is_comparable` is False for points of another engine, or whose predecessor kept no context: these are taken
    as they are. `facts_differ`: the ledger, as known then, does not yield the figures that were judged.
    `is_after_a_gap`: the evaluation that it says came before it has left no point.
    """

    point: EvaluationPoint
    is_comparable: bool
    events: int = 0
    facts_differ: bool = False
    is_after_a_gap: bool = False
    differences: Mapping[str, Differences] | None = None


@dataclass(frozen=True, slots=True)
class _Known:
    """Everything a replay reads: by point, by investment, and by investment and knowledge time."""

    before: Mapping[int, EvaluationPoint]
    events: dict[int, Events]
    versions: Mapping[int, Sequence[Policy]]
    then: Mapping[tuple[int, int], Then]
    forecasts: Mapping[int, tuple[date, Outlook]]


def replay(points: Sequence[EvaluationPoint]) -> list[Replayed]:
    """Replay recorded points, those of an investment in their order; one load for each knowledge time among them.

    The first comparable point of an investment starts from the events written before it, every later one from what
    was expected so far: one lost event is one difference, not one at every point since.
    """
    investments = Investment.objects.select_related("portfolio").in_bulk([p.investment_id for p in points])
    comparable = {point: judged for point in points if (judged := _judged(point))}
    known = _Known(
        before=_before(points),
        events=events_of(list(investments)),
        versions=_versions_of(list(investments)),
        then=facts_then.of(comparable, investments),
        forecasts=outlooks.of_forecasts(
            key for judged in comparable.values() for key in judged.forecasts or ()
        ),
    )
    return [_replay(point, known) for point in points]


def _replay(point: EvaluationPoint, known: _Known) -> Replayed:
    judged, previous = _judged(point), known.before.get(point.pk)
    base = contexts.read(previous.context) if previous else None
    then = known.then.get((point.investment_id, point.knowledge))
    if judged is None or then is None or (previous is not None and base is None):
        return Replayed(point, is_comparable=False)
    events = known.events[point.investment_id]
    gap = _is_after_a_gap(judged, previous)
    if then.fingerprint != point.fingerprint:
        return Replayed(point, is_comparable=True, facts_differ=True, is_after_a_gap=gap)
    versions = _in_force(known.versions[point.investment_id], point.policy_knowledge, judged)
    expected = dict(known.forecasts[key] for key in judged.forecasts or ())
    folded = judging.judge(versions, then.months, judged.context, outlooks=expected)
    return Replayed(
        point,
        is_comparable=True,
        events=sum(1 for of_rule in events.values() for at, _ in of_rule if at == point.pk),
        is_after_a_gap=gap,
        differences=_compare(point, folded, events, base, unknown=_unknown(judged)),
    )


def _judged(point: EvaluationPoint) -> Judged | None:
    judged = contexts.read(point.context)
    return judged if judged is not None and judged.engine == ENGINE_VERSION else None


def _unknown(judged: Judged) -> frozenset[str]:
    """Return the rules of which a point does not say all it was judged by."""
    return _ON_FORECASTS if judged.forecasts is None else frozenset()


def _is_after_a_gap(judged: Judged, previous: EvaluationPoint | None) -> bool:
    if judged.after is None:
        return False
    return previous is None or (previous.revision, previous.policy_knowledge) != judged.after


def _compare(
    point: EvaluationPoint,
    folded: Mapping[str, Trajectory],
    events: Events,
    base: Judged | None,
    *,
    unknown: frozenset[str],
) -> dict[str, Differences]:
    """Return how each rule's expected changes differ from its events, and put the former in the latter's place."""
    through: Mapping[str, date] = base.through if base else {}
    found = {}
    for rule in {*folded, *events} - unknown:
        past = [event for at, event in events[rule] if at < point.pk]
        written = [event for at, event in events[rule] if at == point.pk]
        later = [(at, event) for at, event in events[rule] if at > point.pk]
        changes = (
            rules.expected(past, folded[rule], judged_through=through.get(rule)) if rule in folded else []
        )
        differences = rules.differences(changes, written)
        if differences != Differences():
            found[rule] = differences
            truth = rules.written_by(changes, past)
            events[rule] = [*((0, event) for event in past), *((0, event) for event in truth), *later]
    return found


def _before(points: Sequence[EvaluationPoint]) -> dict[int, EvaluationPoint]:
    """Return the point before each one of the same investment, where there is one."""
    with connection.cursor() as cursor:
        cursor.execute(_BEFORE, [[point.pk for point in points]])
        pairs = dict(cursor.fetchall())
    found = EvaluationPoint.objects.in_bulk(pairs.values())
    return {pk: found[before] for pk, before in pairs.items()}


def events_of(investment_ids: Sequence[int]) -> dict[int, Events]:
    """Return the events of investments by rule, each with the point it was written at, in the order of writing."""
    events: dict[int, Events] = {pk: defaultdict(list) for pk in investment_ids}
    rows = (
        Event.objects.filter(episode__investment__in=investment_ids, kind__in=rules.CHANGES)
        .order_by("point_id", "episode__number", "ordinal")
        .values_list(*_EVENT)
    )
    for row in rows:
        told: dict[str, Any] = dict(zip(_EVENT, row, strict=True))
        events[told["episode__investment_id"]][told["episode__rule"]].append((told["point_id"], _past(told)))
    return events


def _past(told: Mapping[str, Any]) -> PastEvent:
    evidence: Mapping[str, Any] = told["evidence"]
    value, resolved = evidence.get("firing_value"), evidence.get("resolved_month")
    fired = evidence.get("fired_month") or format_month(told["month"])
    return PastEvent(
        number=told["episode__number"],
        kind=told["kind"],
        ordinal=told["ordinal"],
        month=told["month"],
        notice=str(evidence.get("notice", "")),
        fired_month=parse_month(fired),
        first_breach_month=parse_month(evidence.get("first_breach_month") or fired),
        resolved_month=parse_month(resolved) if resolved else None,
        closed_reason=str(evidence.get("closed_reason") or ""),
        value=Decimal(value) if value is not None else None,
    )


def _versions_of(investment_ids: Sequence[int]) -> dict[int, list[Policy]]:
    versions: dict[int, list[Policy]] = {pk: [] for pk in investment_ids}
    for policy in Policy.objects.filter(investment__in=investment_ids).order_by("rule", "version"):
        versions[policy.investment_id].append(policy)
    return versions


def _in_force(versions: Iterable[Policy], knowledge: int, judged: Judged) -> dict[str, list[Policy]]:
    """Return the versions known at a knowledge time by rule, but those of rules that cannot be replayed."""
    unknown = _unknown(judged)
    known: dict[str, list[Policy]] = defaultdict(list)
    for policy in versions:
        if policy.batch_id <= knowledge and policy.rule not in unknown:
            known[policy.rule].append(policy)
    return known
