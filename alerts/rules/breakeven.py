"""Three rules on cumulative benefit against cumulative cost: breakeven reached, lost again, or overdue."""

from collections.abc import Sequence
from datetime import date

from alerts.rules import comparison
from alerts.rules.base import (
    Context,
    Defaults,
    Lifecycle,
    MonthFacts,
    NoData,
    Opens,
    Policy,
    Rule,
    Severity,
    Verdict,
    VerdictKind,
    no_data,
)
from alerts.rules.window import cumulative_fault, is_due
from portfolio.terms import from_micros

# A net is compared with nothing but zero.
_ZERO = comparison.of_micros(0)


def _is_reached(facts: MonthFacts) -> bool:
    """Equality counts as reached, and nothing is reached before something was spent."""
    return facts.cumulative_benefit >= facts.cumulative_cost > 0


def _was_reached(months: Sequence[MonthFacts], i: int) -> bool:
    """Whether any closed month up to i with known sums had reached breakeven."""
    return any(
        facts.closed and facts.complete and facts.cumulative_known and _is_reached(facts)
        for facts in months[: i + 1]
    )


def _fault(months: Sequence[MonthFacts], i: int) -> Verdict | None:
    fault = cumulative_fault(months, i)
    if fault is None and months[i].cumulative_cost <= 0:
        return no_data(NoData.NO_COST_YET)
    return fault


def _net(facts: MonthFacts, kind: VerdictKind, *, months: tuple[date, ...] = ()) -> Verdict:
    """Return a verdict that shows the cumulative net, whatever the rule made of it."""
    net = facts.cumulative_benefit - facts.cumulative_cost
    return Verdict(
        kind=kind,
        value=from_micros(net),
        threshold=_ZERO.threshold,
        clear_at=_ZERO.clear_at,
        unit=_ZERO.unit,
        numerator=net,
        denominator=facts.cumulative_cost,
        months=months,
    )


def due_month(policy: Policy, context: Context) -> date:
    """Return the month by whose close breakeven is owed: planned, else the end of the norm band."""
    if policy.armed_from_month is not None:
        return context.month_number(policy.armed_from_month)
    return context.planned_breakeven_month or context.month_number(context.norm_band_end_months)


def _reached(policy: Policy, months: Sequence[MonthFacts], i: int, context: Context) -> Verdict:
    if not is_due(policy, months[i].month, context, by_default=context.start_month):
        return no_data(NoData.NOT_ARMED)
    fault = _fault(months, i)
    if fault is not None:
        return fault
    return _net(months[i], VerdictKind.BREACH if _is_reached(months[i]) else VerdictKind.CLEAR)


def _lost(policy: Policy, months: Sequence[MonthFacts], i: int, context: Context) -> Verdict:
    if not is_due(policy, months[i].month, context, by_default=context.start_month):
        return no_data(NoData.NOT_ARMED)
    fault = _fault(months, i)
    if fault is not None:
        return fault
    if not _was_reached(months, i):
        return no_data(NoData.NOT_REACHED)
    return _net(months[i], VerdictKind.CLEAR if _is_reached(months[i]) else VerdictKind.BREACH)


def _overdue(policy: Policy, months: Sequence[MonthFacts], i: int, context: Context) -> Verdict:
    """A month has passed when it is closed; one reached and lost again is the other rule's matter."""
    due = due_month(policy, context)
    if months[i].month < due:
        return no_data(NoData.NOT_ARMED)
    fault = _fault(months, i)
    if fault is not None:
        return fault
    kind = VerdictKind.CLEAR if _was_reached(months, i) else VerdictKind.BREACH
    return _net(months[i], kind, months=(due,))


BREAKEVEN_REACHED = Rule(
    name="breakeven_reached",
    title="Breakeven reached",
    lifecycle=Lifecycle.ONE_SHOT,
    opens=Opens.DOUBLE_DOWN_CHECK,
    defaults=Defaults(severity=Severity.GOOD_NEWS),
    assess=_reached,
)
BREAKEVEN_LOST = Rule(
    name="breakeven_lost",
    title="Breakeven lost",
    lifecycle=Lifecycle.EPISODIC,
    opens=Opens.BUSINESS_REVIEW,
    defaults=Defaults(for_months=2, keep_months=2),
    assess=_lost,
)
BREAKEVEN_OVERDUE = Rule(
    name="breakeven_overdue",
    title="Breakeven overdue",
    lifecycle=Lifecycle.EPISODIC,
    opens=Opens.BUSINESS_REVIEW,
    defaults=Defaults(),
    assess=_overdue,
)
