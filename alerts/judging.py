"""Turns stored snapshots into what the pure rules judge: months of facts, and what is fixed about an investment."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from alerts.models import Policy
from alerts.policies import as_rule
from alerts.rules import base as rules
from alerts.rules import lifecycle
from alerts.rules.base import Measure, MonthFacts, Outlook
from alerts.rules.hurdle_rate import HURDLE_RATE
from alerts.rules.trajectory import Trajectory
from portfolio.models import Investment
from portfolio.terms import ENDED_STAGES, Basis, add_months, to_micros
from roi.engine import time_value
from roi.engine.result import REASON_CODES, Reason
from roi.models import FIGURES, Snapshot, SnapshotHead

_FIELDS = (
    "investment_id",
    "month",
    "is_closed",
    "is_complete",
    "is_missing_fx",
    "run_cost",
    "avoidable_run_cost",
    "one_time_cost",
    "tco",
    "reasons",
    *(f"{name}_{basis.value}" for name in ("benefit", "cumulative_benefit") for basis in Basis),
)
_OVERFLOW = REASON_CODES[Reason.OVERFLOW]


@dataclass(frozen=True, slots=True)
class MonthRow:
    """The stored figures of one month that rules look at; money in micro-units."""

    month: date
    is_closed: bool
    is_complete: bool
    run: int
    avoidable_run: int
    one_time: int
    tco: int
    benefit: dict[Basis, int]
    cumulative_benefit: dict[Basis, int]
    missing_fx: bool
    overflow: bool


def months_of(investment_ids: Sequence[int]) -> dict[int, list[MonthRow]]:
    """Return the months of each investment in order: one query for all of them."""
    months: dict[int, list[MonthRow]] = defaultdict(list)
    roi = FIGURES.index(f"roi_{Basis.CLAIMED.value}")
    rows = Snapshot.objects.filter(investment__in=investment_ids).order_by("investment_id", "month")
    for row in rows.values_list(*_FIELDS):
        values: dict[str, Any] = dict(zip(_FIELDS, row, strict=True))
        code = bytes(values["reasons"])[roi]
        months[values["investment_id"]].append(
            MonthRow(
                month=values["month"],
                is_closed=values["is_closed"],
                is_complete=values["is_complete"],
                run=to_micros(values["run_cost"]),
                avoidable_run=to_micros(values["avoidable_run_cost"]),
                one_time=to_micros(values["one_time_cost"]),
                tco=to_micros(values["tco"]),
                benefit={b: to_micros(values[f"benefit_{b.value}"]) for b in Basis},
                cumulative_benefit={b: to_micros(values[f"cumulative_benefit_{b.value}"]) for b in Basis},
                missing_fx=values["is_missing_fx"],
                overflow=code == _OVERFLOW,
            )
        )
    return dict(months)


def context_of(investment: Investment, head: SnapshotHead) -> rules.Context:
    """Return what is fixed about an investment beside its months."""
    ended = add_months(investment.end_month, 1) if investment.end_month else None
    if ended is None and investment.stage in ENDED_STAGES and head.last_month:
        ended = add_months(head.last_month, 1)
    return rules.Context(
        start_month=investment.start_month,
        horizon_months=investment.horizon_months,
        live_month=investment.live_month,
        planned_live_month=head.planned_live_month,
        planned_breakeven_month=head.planned_breakeven_month,
        planned_discounted_payback_month=head.planned_discounted_payback_month,
        norm_band_end_months=investment.portfolio.norm_band_end_months,
        ended_month=ended,
    )


def judge(
    versions: Mapping[str, Sequence[Policy]],
    months: Sequence[MonthRow],
    context: rules.Context,
    *,
    outlooks: Mapping[date, Outlook] | None = None,
) -> dict[str, Trajectory]:
    """Fold every rule's policy versions over an investment's months, and what was expected at the end of each."""
    shared: dict[object, list[MonthFacts]] = {}
    trajectories = {}
    newest = months[-1].month if months else context.start_month
    for rule, stored in versions.items():
        # A version that switches the rule off ends it at once, so it is left out until its month has come.
        policies = [as_rule(v) for v in stored if v.is_enabled or v.effective_month <= newest]
        if not policies:
            continue
        by_version = {}
        for policy in policies:
            is_plain = rule != HURDLE_RATE.name or policy.measure is Measure.INCREMENTAL_ROI
            key: object = policy.basis if is_plain else (policy.basis, policy.measure, policy.hurdle)
            if key not in shared:
                shared[key] = facts_for(policy, months, outlooks=outlooks)
            by_version[policy.version] = shared[key]
        last = by_version[policies[-1].version]
        trajectories[rule] = lifecycle.fold(policies, last, context, by_version=by_version)
    return trajectories


def facts_for(
    policy: rules.Policy, months: Sequence[MonthRow], *, outlooks: Mapping[date, Outlook] | None = None
) -> list[MonthFacts]:
    """Return the months on the policy's basis, with NPV or IRR at its hurdle where its measure asks for them."""
    facts, is_known = [], True
    for i, row in enumerate(months):
        is_known = is_known and not (row.is_closed and not row.is_complete)
        npv, irr, irr_reason = _asked_for(policy, months[: i + 1])
        facts.append(
            MonthFacts(
                month=row.month,
                closed=row.is_closed,
                complete=row.is_complete,
                benefit=row.benefit[policy.basis],
                avoidable_run=row.avoidable_run,
                cumulative_benefit=row.cumulative_benefit[policy.basis],
                cumulative_cost=row.tco,
                cumulative_known=is_known,
                missing_fx=row.missing_fx,
                overflow=row.overflow,
                npv_hurdle=npv,
                irr=irr,
                irr_reason=irr_reason,
                outlook=outlooks.get(row.month) if outlooks else None,
            )
        )
    return facts


def _asked_for(
    policy: rules.Policy, months: Sequence[MonthRow]
) -> tuple[Decimal | None, float | None, str | None]:
    """Return NPV at the policy's hurdle (rounded half-even to micro-units, as snapshots are), IRR and its reason."""
    if policy.rule != HURDLE_RATE.name or policy.measure is Measure.INCREMENTAL_ROI:
        return None, None, None
    flows = [0.0] * (len(months) + 1)
    for number, row in enumerate(months, start=1):
        flows[number - 1] -= row.one_time / 1e6
        flows[number] += (row.benefit[policy.basis] - row.run) / 1e6
    if policy.measure is Measure.NPV:
        figure = time_value.npv(time_value.monthly_rate(float(policy.hurdle)), flows)
        return (None if figure.value is None else round(Decimal(figure.value), 6)), None, None
    figure = time_value.irr(flows)
    if figure.value is None:
        return None, None, figure.reason.value if figure.reason else None
    return None, time_value.annualize(figure.value), None
