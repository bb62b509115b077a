"""The completeness rule: closed months that still lack an expected account."""

from collections.abc import Sequence
from decimal import Decimal

from alerts.rules.base import (
    Context,
    Defaults,
    Lifecycle,
    MonthFacts,
    Opens,
    Policy,
    Rule,
    Severity,
    Unit,
    Verdict,
    VerdictKind,
)
from alerts.rules.window import is_due


def _assess(policy: Policy, months: Sequence[MonthFacts], i: int, context: Context) -> Verdict:
    """Name every incomplete closed month up to i that the policy covers."""
    missing = tuple(
        facts.month
        for facts in months[: i + 1]
        if facts.closed
        and not facts.complete
        and facts.month >= policy.effective_month
        and is_due(policy, facts.month, context, by_default=context.start_month)
    )
    return Verdict(
        kind=VerdictKind.BREACH if missing else VerdictKind.CLEAR,
        value=Decimal(len(missing)),
        threshold=Decimal(0),
        clear_at=Decimal(0),
        unit=Unit.MONTHS,
        months=missing,
    )


MISSING_ACTUALS = Rule(
    name="missing_actuals",
    title="Actuals missing",
    lifecycle=Lifecycle.STANDING,
    opens=Opens.DATA_REMINDER,
    defaults=Defaults(severity=Severity.INFO),
    assess=_assess,
)
