"""The window of months a ratio rule judges, when rules are armed, and what keeps a sum from being judged."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from alerts.rules.base import Context, MonthFacts, NoData, Policy, Verdict, error, no_data
from portfolio.terms import add_months


@dataclass(frozen=True, slots=True)
class Window:
    """Sums over the last closed complete months, in micro-units; gaps are skipped."""

    benefit: int
    avoidable_run: int


def live_since(months: Sequence[MonthFacts], i: int, context: Context) -> date | None:
    """Return the live month as known at month i: the one fixed at approval, else the first with a benefit."""
    if context.live_month is not None:
        return context.live_month
    return next((facts.month for facts in months[: i + 1] if facts.benefit), None)


def _is_overdue(policy: Policy, months: Sequence[MonthFacts], i: int, context: Context) -> bool:
    """Whether the promised live month is more than a window ago and no benefit has ever come."""
    promised = context.live_month or context.planned_live_month
    if promised is None or months[i].month <= add_months(promised, policy.window):
        return False
    return not any(facts.benefit for facts in months[: i + 1])


def _last_complete(months: Sequence[MonthFacts], i: int, count: int) -> list[MonthFacts]:
    chosen: list[MonthFacts] = []
    for j in range(i, -1, -1):
        if months[j].closed and months[j].complete:
            chosen.append(months[j])
            if len(chosen) == count:
                break
    return chosen


def _unarmed(
    policy: Policy, months: Sequence[MonthFacts], i: int, context: Context, *, chosen: Sequence[MonthFacts]
) -> NoData | None:
    is_short = len(chosen) < policy.window
    if policy.armed_from_month is not None:
        if i + 1 < policy.armed_from_month:
            return NoData.NOT_ARMED
        return NoData.WINDOW_INCOMPLETE if is_short else None
    if _is_overdue(policy, months, i, context):
        return NoData.WINDOW_INCOMPLETE if is_short else None
    live = live_since(months, i, context)
    if live is None or months[i].month < live:
        return NoData.NOT_LIVE
    if is_short:
        return NoData.WINDOW_INCOMPLETE
    return NoData.NOT_LIVE if chosen[-1].month < live else None


def window_at(policy: Policy, months: Sequence[MonthFacts], i: int, context: Context) -> Window | Verdict:
    """Return the window ending at month i, or the verdict that says why it cannot be judged.

    Armed from the first month whose whole window lies at or after the live month. One overdue by more than a
    window arms it anyway, and so does the policy's own `armed_from_month`.
    """
    chosen = _last_complete(months, i, policy.window)
    reason = _unarmed(policy, months, i, context, chosen=chosen)
    if reason is not None:
        return no_data(reason)
    if any(facts.overflow for facts in chosen):
        return error(NoData.OVERFLOW)
    if any(facts.missing_fx for facts in chosen):
        return no_data(NoData.MISSING_FX_RATE)
    return Window(
        benefit=sum(facts.benefit for facts in chosen),
        avoidable_run=sum(facts.avoidable_run for facts in chosen),
    )


def cumulative_fault(months: Sequence[MonthFacts], i: int) -> Verdict | None:
    """Return the verdict that says why the sums over months 1..i+1 cannot be judged, None where they can."""
    history = months[: i + 1]
    if any(facts.overflow for facts in history):
        return error(NoData.OVERFLOW)
    if not months[i].cumulative_known:
        return no_data(NoData.MISSING_ACTUALS)
    if any(facts.missing_fx for facts in history):
        return no_data(NoData.MISSING_FX_RATE)
    return None


def is_due(policy: Policy, month: date, context: Context, *, by_default: date) -> bool:
    """Whether a rule armed by the calendar is armed; the policy's own month goes before the default."""
    if policy.armed_from_month is not None:
        return month >= context.month_number(policy.armed_from_month)
    return month >= by_default
