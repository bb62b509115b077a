"""What a policy says, in words: what fires, over which window, for how long, and where it clears."""

from dataclasses import dataclass
from decimal import Decimal

from alerts.models import Policy, PolicyTemplate
from alerts.rules import RULES
from alerts.rules.base import Lifecycle, Measure
from reports.console import figures
from reports.console.reference_rates import percent

# The terms each rule looks at, beside severity, the month it is armed from and whether it is on.
TERMS_OF: dict[str, tuple[str, ...]] = {
    "breakeven_reached": ("basis",),
    "breakeven_lost": ("basis", "for_months", "keep_months"),
    "breakeven_overdue": ("basis", "for_months", "keep_months"),
    "hurdle_rate": ("measure", "hurdle", "basis", "window", "for_months", "keep_months", "margin"),
    "negative_roi": ("basis", "window", "for_months", "keep_months", "margin"),
    "missing_actuals": (),
    "early_warning": ("hurdle", "window", "for_months", "keep_months", "margin"),
}
ALWAYS = ("severity", "armed_from_month", "is_enabled")
# A rule nobody listed shows every term: better one too many than one that cannot be set.
EVERY = TERMS_OF["hurdle_rate"]
_FIRES = {
    "breakeven_reached": "Cumulative benefit covers all cost so far",
    "breakeven_lost": "Cumulative benefit no longer covers the cost it once covered",
    "breakeven_overdue": "Breakeven is not reached by the planned month, else by the end of the norm band",
    "negative_roi": "Run cost that could be stopped exceeds benefit",
    "missing_actuals": "A closed month lacks an expected account",
}


@dataclass(frozen=True, slots=True)
class Wording:
    """One policy or template as a row of a table; a dash where the rule has no such term."""

    title: str
    fires: str
    window: str
    timing: str
    clears: str
    basis: str
    severity: str
    is_enabled: bool


def of(terms: Policy | PolicyTemplate) -> Wording:
    """Return a policy in words."""
    used = TERMS_OF.get(terms.rule, EVERY)
    rule = RULES.get(terms.rule)
    is_standing = rule is not None and rule.lifecycle is not Lifecycle.EPISODIC
    has_window = "window" in used and not (
        terms.rule == "hurdle_rate" and terms.measure != Measure.INCREMENTAL_ROI
    )
    return Wording(
        title=rule.title if rule else terms.rule,
        fires=_fires(terms) + (f", from month {terms.armed_from_month} on" if terms.armed_from_month else ""),
        window=_months(terms.window) if has_window else "–",
        timing="at once" if is_standing else f"{_months(terms.for_months)} / {_months(terms.keep_months)}",
        clears=_margin(terms) if "margin" in used else "–",
        basis=terms.basis if "basis" in used else "–",
        severity=terms.get_severity_display(),
        is_enabled=terms.is_enabled,
    )


def _fires(terms: Policy | PolicyTemplate) -> str:
    if terms.rule == "early_warning" and terms.hurdle is not None:
        return f"Another rule is likely to fire, at {percent(terms.hurdle)}% or more"
    if terms.rule != "hurdle_rate":
        return _FIRES.get(terms.rule, terms.rule.replace("_", " "))
    level = "the investment's hurdle rate" if terms.hurdle is None else f"{percent(terms.hurdle)}%"
    if terms.measure == Measure.NPV:
        return f"NPV at {level} a year is below zero"
    if terms.measure == Measure.IRR:
        return f"IRR is below {level} a year"
    return f"Incremental ROI is below {level}"


def _margin(terms: Policy | PolicyTemplate) -> str:
    if terms.margin == 0:
        return "at the level"
    if terms.rule == "hurdle_rate" and terms.measure == Measure.NPV:
        return f"{figures.exact_text(terms.margin)} above"
    share = percent(Decimal(terms.margin))
    if terms.rule == "early_warning":
        return f"{share} points below"
    unit = "% of run cost" if terms.rule == "negative_roi" else "point" if share == "1" else "points"
    return f"{share} {unit} above"


def _months(count: int) -> str:
    return f"{count} month" if count == 1 else f"{count} months"
