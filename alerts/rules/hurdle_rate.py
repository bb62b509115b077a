"""The hurdle rule: incremental ROI against a plain hurdle, or NPV or IRR at the annual one."""

from collections.abc import Sequence
from decimal import Decimal

from alerts.rules import comparison
from alerts.rules.base import (
    Context,
    Defaults,
    Lifecycle,
    Measure,
    MonthFacts,
    NoData,
    Opens,
    Policy,
    Rule,
    Unit,
    Verdict,
    no_data,
)
from alerts.rules.window import Window, cumulative_fault, is_due, window_at

_MARGIN = Decimal("0.01")


def default_margin(measure: Measure) -> Decimal:
    """Return the margin a template starts from: one percentage point, or no money for NPV."""
    return Decimal(0) if measure is Measure.NPV else _MARGIN


def _incremental(policy: Policy, months: Sequence[MonthFacts], i: int, context: Context) -> Verdict:
    window = window_at(policy, months, i, context)
    if not isinstance(window, Window):
        return window
    if window.avoidable_run <= 0:
        return no_data(NoData.NON_POSITIVE_BASE)
    return comparison.of_ratio(
        window.benefit - window.avoidable_run,
        denominator=window.avoidable_run,
        fire=policy.hurdle,
        margin=policy.margin,
    )


def _figure(policy: Policy, months: Sequence[MonthFacts], i: int, context: Context) -> Verdict:
    """Judge NPV or IRR, armed from the planned discounted payback month, else from the horizon's end."""
    by_default = context.planned_discounted_payback_month or context.month_number(context.horizon_months)
    if not is_due(policy, months[i].month, context, by_default=by_default):
        return no_data(NoData.NOT_ARMED)
    fault = cumulative_fault(months, i)
    if fault is not None:
        return fault
    facts = months[i]
    if policy.measure is Measure.NPV:
        if facts.npv_hurdle is None:
            return no_data(NoData.UNDEFINED)
        return comparison.of_figure(facts.npv_hurdle, fire=Decimal(0), margin=policy.margin, unit=Unit.MONEY)
    if facts.irr is None:
        return no_data(_irr_reason(facts.irr_reason))
    return comparison.of_figure(facts.irr, fire=policy.hurdle, margin=policy.margin, unit=Unit.RATE)


def _irr_reason(code: str | None) -> NoData:
    """Return the engine's reason as ours; one we have no name for is still no figure."""
    return NoData(code) if code in set(NoData) else NoData.UNDEFINED


def _assess(policy: Policy, months: Sequence[MonthFacts], i: int, context: Context) -> Verdict:
    judge = _incremental if policy.measure is Measure.INCREMENTAL_ROI else _figure
    return judge(policy, months, i, context)


HURDLE_RATE = Rule(
    name="hurdle_rate",
    title="Under the hurdle",
    lifecycle=Lifecycle.EPISODIC,
    opens=Opens.MAINTAIN_OR_REPLACE,
    defaults=Defaults(for_months=2, keep_months=2, margin=_MARGIN),
    assess=_assess,
)
