"""The negative rule: what could be stopped costs more than it brings, over the window."""

from collections.abc import Sequence

from alerts.rules import comparison
from alerts.rules.base import (
    Context,
    Defaults,
    Lifecycle,
    MonthFacts,
    Opens,
    Policy,
    Rule,
    Severity,
    Verdict,
)
from alerts.rules.window import Window, window_at


def _assess(policy: Policy, months: Sequence[MonthFacts], i: int, context: Context) -> Verdict:
    """Judge the operating margin, so that no base hides a loss; `margin` is a share of run cost."""
    window = window_at(policy, months, i, context)
    if not isinstance(window, Window):
        return window
    return comparison.of_micros(
        window.benefit - window.avoidable_run, base=window.avoidable_run, margin=policy.margin
    )


NEGATIVE_ROI = Rule(
    name="negative_roi",
    title="Negative ROI",
    lifecycle=Lifecycle.EPISODIC,
    opens=Opens.DECOMMISSIONING_REVIEW,
    defaults=Defaults(for_months=1, keep_months=2, severity=Severity.CRITICAL),
    assess=_assess,
)
