"""The types every rule shares: facts of a month in, a verdict out. Pure: no clock, no rows, no framework.

Which figure a rule judges lives in the rule's module; what a run of verdicts amounts to, in `lifecycle`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import cache
from math import isfinite

from portfolio.terms import Basis, add_months, month_index

MAX_GAP = 2


class RuleError(ValueError):
    """A policy or a run of facts that cannot be judged; the message is ready for the user."""


class VerdictKind(StrEnum):
    """What one closed month says. BREACH is the rule's condition being met, for good news as well."""

    BREACH = "breach"
    BAND = "band"
    CLEAR = "clear"
    NODATA = "nodata"
    ERROR = "error"


class NoData(StrEnum):
    """Why a month has no figure to judge. Undefined is not zero, and proves nothing either way."""

    NOT_CLOSED = "not_closed"
    NOT_IN_FORCE = "not_in_force"
    NOT_LIVE = "not_live"
    NOT_ARMED = "not_armed"
    NOT_REACHED = "not_reached"
    PAUSED = "paused"
    ENDED = "ended"
    WINDOW_INCOMPLETE = "window_incomplete"
    MISSING_ACTUALS = "missing_actuals"
    MISSING_FX_RATE = "missing_fx_rate"
    NO_COST_YET = "no_cost_yet"
    NON_POSITIVE_BASE = "non_positive_base"
    IRR_NO_SIGN_CHANGE = "irr_no_sign_change"
    IRR_NO_ROOT = "irr_no_root"
    IRR_MULTIPLE = "irr_multiple"
    UNDEFINED = "undefined"
    OVERFLOW = "overflow"
    NOT_FINITE = "not_finite"
    NO_FORECAST = "no_forecast"


RULED_OUT = frozenset(
    {NoData.NOT_IN_FORCE, NoData.NOT_LIVE, NoData.NOT_ARMED, NoData.NOT_REACHED, NoData.PAUSED}
)


class Measure(StrEnum):
    """What the hurdle rule judges; the other rules have one figure each and ignore it."""

    INCREMENTAL_ROI = "incremental_roi"
    NPV = "npv"
    IRR = "irr"


class Severity(StrEnum):
    """How loud a notice is."""

    GOOD_NEWS = "good_news"
    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class Unit(StrEnum):
    """What a verdict's value counts: money of the reporting currency, a fraction, or a number of months."""

    MONEY = "money"
    RATE = "rate"
    MONTHS = "months"


class Lifecycle(StrEnum):
    """How verdicts become episodes: by the state table, once ever, or as the present state of the facts."""

    EPISODIC = "episodic"
    ONE_SHOT = "one_shot"
    STANDING = "standing"


class Opens(StrEnum):
    """What a firing asks people to do."""

    DOUBLE_DOWN_CHECK = "double_down_check"
    BUSINESS_REVIEW = "business_review"
    MAINTAIN_OR_REPLACE = "maintain_or_replace"
    DECOMMISSIONING_REVIEW = "decommissioning_review"
    DATA_REMINDER = "data_reminder"
    WATCH_ITEM = "watch_item"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What was expected at the end of a month: per rule the share of paths that cross it by each month ahead.

    `crossed` names the rules whose condition was met in the month itself; `forecast` is the key of the forecast.
    """

    forecast: int
    shares: tuple[tuple[str, tuple[Decimal, ...]], ...]
    crossed: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthFacts:
    """One month of one investment as known now, on one basis: money in micro-units of the reporting currency.

    `npv_hurdle` is in currency units, `irr` per year; both are asked for only where the measure needs them.
    `cumulative_known` says that no month of 1..m is closed without being complete.
    """

    month: date
    closed: bool
    complete: bool
    benefit: int
    avoidable_run: int
    cumulative_benefit: int
    cumulative_cost: int
    cumulative_known: bool = True
    missing_fx: bool = False
    overflow: bool = False
    npv_hurdle: Decimal | float | None = None
    irr: Decimal | float | None = None
    irr_reason: str | None = None
    outlook: Outlook | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What is fixed about an investment beside its months.

    `live_month` None stands for the first month with a benefit. `paused_from` silences the months from it on;
    from `ended_month` on nothing is judged and open episodes are closed.
    """

    start_month: date
    horizon_months: int
    live_month: date | None = None
    planned_live_month: date | None = None
    planned_breakeven_month: date | None = None
    planned_discounted_payback_month: date | None = None
    norm_band_end_months: int = 24
    paused_from: date | None = None
    ended_month: date | None = None

    def month_number(self, number: int) -> date:
        """Return the month with this number; the start month is number 1."""
        return add_months(self.start_month, number - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """One immutable version of one investment's policy for one rule, in force from its effective month.

    `hurdle` and `margin` are fractions (0.12), but the margin is money for the measure `npv`. `max_gap`:
    how many months without data a pending count survives. Raises RuleError.
    """

    rule: str
    version: int
    effective_month: date
    for_months: int
    keep_months: int
    basis: Basis = Basis.SUPPORTED
    measure: Measure = Measure.INCREMENTAL_ROI
    hurdle: Decimal = Decimal(0)
    margin: Decimal = Decimal(0)
    window: int = 3
    armed_from_month: int | None = None
    severity: Severity = Severity.WARNING
    enabled: bool = True
    max_gap: int = MAX_GAP

    def __post_init__(self) -> None:
        if not self.hurdle.is_finite() or not self.margin.is_finite():
            raise RuleError("The hurdle and the margin must be finite numbers.")
        if self.margin < 0:
            raise RuleError(
                f"The margin {self.margin} is negative: an alert cannot clear below the level it fires at."
            )
        if self.rule == "early_warning" and not 0 < self.hurdle <= 1:
            raise RuleError("The hurdle of an early warning is a probability: above 0% and at most 100%.")
        if self.hurdle <= -1 and self.measure is not Measure.INCREMENTAL_ROI:
            raise RuleError(f"An annual hurdle rate of {self.hurdle} is not above -100%.")
        for name in ("for_months", "keep_months", "window"):
            if getattr(self, name) < 1:
                raise RuleError(f"{name.replace('_', ' ').capitalize()} must be 1 or more.")
        if self.armed_from_month is not None and self.armed_from_month < 1:
            raise RuleError("The month a policy is armed from must be 1 or later.")
        if self.effective_month.day != 1:
            raise RuleError("A policy takes effect on the first day of a month.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a rule says about one month, with the unrounded figure it was said of.

    It fires below `threshold` and clears at `clear_at`; `numerator` and `denominator` are micro-units.
    `months` names the months the verdict is about, where it is not the judged one; `about` the rule that is
    warned of, `forecast` the forecast that says so.
    """

    kind: VerdictKind
    reason: NoData | None = None
    value: Decimal | None = None
    threshold: Decimal | None = None
    clear_at: Decimal | None = None
    unit: Unit = Unit.MONEY
    numerator: int | None = None
    denominator: int | None = None
    months: tuple[date, ...] = ()
    about: str = ""
    forecast: int | None = None

    @property
    def has_data(self) -> bool:
        """Whether a figure was judged at all."""
        return self.kind not in (VerdictKind.NODATA, VerdictKind.ERROR)


@cache
def no_data(reason: NoData) -> Verdict:
    """Return the verdict of a month without a figure."""
    return Verdict(kind=VerdictKind.NODATA, reason=reason)


@cache
def error(reason: NoData) -> Verdict:
    """Return the verdict of a month whose figure is broken: an operator's matter, never an owner's."""
    return Verdict(kind=VerdictKind.ERROR, reason=reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """What a policy template starts from; without a hurdle, from the investment's own rate."""

    for_months: int = 1
    keep_months: int = 1
    margin: Decimal = Decimal(0)
    window: int = 3
    severity: Severity = Severity.WARNING
    hurdle: Decimal | None = None


Assess = Callable[[Policy, Sequence[MonthFacts], int, Context], Verdict]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule: its name, what a firing opens, and `assess`, its verdict on a closed and complete month.

    A quiet one is told to the owner alone, without reminders or escalation.
    """

    name: str
    title: str
    lifecycle: Lifecycle
    opens: Opens
    defaults: Defaults
    assess: Assess
    is_quiet: bool = False

    def judge(self, policy: Policy, months: Sequence[MonthFacts], i: int, context: Context) -> Verdict:
        """Return the verdict on month i, given the months up to it; later months are never looked at."""
        reason = self._gate(policy, months[i], context)
        return no_data(reason) if reason else self.assess(policy, months, i, context)

    def _gate(self, policy: Policy, facts: MonthFacts, context: Context) -> NoData | None:
        if not facts.closed:
            return NoData.NOT_CLOSED
        if not policy.enabled or facts.month < policy.effective_month:
            return NoData.NOT_IN_FORCE
        if context.ended_month is not None and facts.month >= context.ended_month:
            return NoData.ENDED
        if context.paused_from is not None and facts.month >= context.paused_from:
            return NoData.PAUSED
        if not facts.complete and self.lifecycle is not Lifecycle.STANDING:
            return NoData.MISSING_ACTUALS
        return None


def finite(value: Decimal | float) -> Decimal | None:
    """Return a figure as the exact Decimal of its value, None where it is NaN or infinite."""
    return Decimal(value) if isfinite(value) else None


def check_months(months: Sequence[MonthFacts], context: Context) -> None:
    """Raise RuleError unless the months are the investment's months 1, 2, 3 … in order."""
    first = month_index(context.start_month)
    for i, facts in enumerate(months):
        if facts.month.day != 1 or month_index(facts.month) != first + i:
            raise RuleError(
                f"Month {i + 1} of this investment is {context.month_number(i + 1)}, not {facts.month}; "
                "the facts must hold every month from the first on, in order."
            )
