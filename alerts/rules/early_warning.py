"""The early warning: another rule is likely to fire within the months its policy looks ahead. Quieter than the rest."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from alerts.rules.base import (
    Context,
    Defaults,
    Lifecycle,
    MonthFacts,
    NoData,
    Opens,
    Outlook,
    Policy,
    Rule,
    Severity,
    Unit,
    Verdict,
    VerdictKind,
    no_data,
)
from portfolio.terms import add_months

# What is worth a warning; good news is not, and completeness is not forecast.
WARNED_OF = ("negative_roi", "hurdle_rate", "breakeven_lost", "breakeven_overdue")
# While one of these is crossed, a warning that was given stays: it came true. Being overdue may never end.
_CAME_TRUE = frozenset(WARNED_OF[:3])


def _assess(policy: Policy, months: Sequence[MonthFacts], i: int, context: Context) -> Verdict:
    """Judge the likeliest of the rules that are not crossed yet: `hurdle` is the level, `window` the months ahead."""
    facts = months[i]
    if facts.outlook is None:
        return no_data(NoData.NO_FORECAST)
    likely = _likely(facts.outlook, policy.window)
    came_true = not _CAME_TRUE.isdisjoint(facts.outlook.crossed)
    if not likely and not facts.outlook.crossed:
        return no_data(NoData.UNDEFINED)
    about = max(likely, key=lambda rule: (likely[rule], -WARNED_OF.index(rule)), default="")
    share = likely.get(about, Decimal(0))
    clear_at = max(policy.hurdle - policy.margin, Decimal(0))
    return Verdict(
        kind=_kind(share, policy.hurdle, clear_at, came_true=came_true),
        value=share,
        threshold=policy.hurdle,
        clear_at=clear_at,
        unit=Unit.RATE,
        months=(add_months(facts.month, policy.window),),
        about=about,
        forecast=facts.outlook.forecast,
    )


def _likely(outlook: Outlook, ahead: int) -> Mapping[str, Decimal]:
    """Return for each rule that is forecast, and not crossed yet, the share of paths that cross it in time."""
    return {
        rule: shares[min(ahead, len(shares)) - 1]
        for rule, shares in outlook.shares
        if rule in WARNED_OF and rule not in outlook.crossed and shares
    }


def _kind(share: Decimal, level: Decimal, clear_at: Decimal, *, came_true: bool) -> VerdictKind:
    if share >= level:
        return VerdictKind.BREACH
    if came_true or (share > clear_at if clear_at < level else False):
        return VerdictKind.BAND
    return VerdictKind.CLEAR


EARLY_WARNING = Rule(
    name="early_warning",
    title="Early warning",
    lifecycle=Lifecycle.EPISODIC,
    opens=Opens.WATCH_ITEM,
    defaults=Defaults(hurdle=Decimal("0.5"), margin=Decimal("0.1"), window=3, severity=Severity.INFO),
    assess=_assess,
    is_quiet=True,
)
