"""The words and value types every room shares: months, money in micro-units, account kinds, stages. No Django here."""

import re
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from enum import StrEnum

MICRO = 1_000_000
FIRST_YEAR, LAST_YEAR = 1990, 2200
MAX_AMOUNT = Decimal(10) ** 11
_MONTH = re.compile(r"(\d{4})-(\d{2})\Z", re.ASCII)
_EXPONENT = Decimal("0.000001")


class AccountKind(StrEnum):
    """What an account measures. Cost and benefit carry money; volume and quality carry a quantity with a unit."""

    COST = "cost"
    BENEFIT = "benefit"
    VOLUME = "volume"
    QUALITY = "quality"


class Nature(StrEnum):
    """One-time cost happens once, before or at launch; run cost recurs."""

    ONE_TIME = "one_time"
    RUN = "run"


class Treatment(StrEnum):
    """How accounting books a cost."""

    CAPEX = "capex"
    OPEX = "opex"


class Aggregation(StrEnum):
    """How quantities of one account combine within a month and across months."""

    SUM = "sum"
    LAST = "last"
    WEIGHTED_MEAN = "weighted_mean"


class Basis(StrEnum):
    """Which of the three benefits a figure is computed on (the evidence triplet)."""

    CLAIMED = "claimed"
    SUPPORTED = "supported"
    CASHABLE = "cashable"


class Book(StrEnum):
    """Which ledger book an entry belongs to. Only the plan is versioned by approval."""

    ACTUAL = "actual"
    PLAN = "plan"
    FORECAST = "forecast"


class EntryKind(StrEnum):
    """`value` states a figure, `nil` states that there is none, `withdrawn` takes an earlier statement back."""

    VALUE = "value"
    NIL = "nil"
    WITHDRAWN = "withdrawn"


class MonthStatus(StrEnum):
    """A portfolio month: open to entry, closed by finance, locked for good."""

    OPEN = "open"
    CLOSED = "closed"
    LOCKED = "locked"


class Stage(StrEnum):
    """Where an investment stands in its life."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    PILOT = "pilot"
    SCALED = "scaled"
    MAINTAINED = "maintained"
    DECOMMISSIONING = "decommissioning"
    RETIRED = "retired"
    KILLED = "killed"
    PIVOTED = "pivoted"


class DecisionKind(StrEnum):
    """What people decide about an investment in a review."""

    DOUBLE_DOWN = "double_down"
    CONTINUE = "continue"
    OPTIMIZE = "optimize"
    HOLD = "hold"
    PIVOT = "pivot"
    REPLACE = "replace"
    PULL_BACK = "pull_back"
    SUNSET = "sunset"
    KILL = "kill"


class ReviewKind(StrEnum):
    """Which question a review answers."""

    SCHEDULED = "scheduled"
    DOUBLE_DOWN_CHECK = "double_down_check"
    BUSINESS_REVIEW = "business_review"
    MAINTAIN_OR_REPLACE = "maintain_or_replace"
    DECOMMISSIONING = "decommissioning"
    STRATEGIC = "strategic"
    FOLLOW_UP = "follow_up"


class ReviewState(StrEnum):
    """Where a review stands: held open until it is decided, or withdrawn with a reason."""

    OPEN = "open"
    DECIDED = "decided"
    WITHDRAWN = "withdrawn"


class StrategicKind(StrEnum):
    """What a strategic bet is meant to gain (source A)."""

    MARKET_POSITION = "market_position"
    CAPABILITY = "capability"
    TALENT_AND_BRAND = "talent_and_brand"


class BaselineMeasure(StrEnum):
    """What was measured before deployment (source C)."""

    LABOR_HOURS_PER_DECISION = "labor_hours_per_decision"
    ERROR_RATE = "error_rate"
    THROUGHPUT = "throughput"
    UNIT_COST = "unit_cost"
    OTHER = "other"


# From these on nothing is judged any more.
ENDED_STAGES = frozenset({Stage.RETIRED.value, Stage.KILLED.value})


class ValueCategory(StrEnum):
    """Why the money was spent (source A)."""

    REVENUE = "revenue"
    COST_SAVINGS = "cost_savings"
    STRATEGIC = "strategic"


class Role(StrEnum):
    """What a member of a portfolio may do."""

    VIEWER = "viewer"
    OWNER = "owner"
    FINANCE = "finance"
    BOARD = "board"
    ADMIN = "admin"


def first_of_month(day: date) -> date:
    """Return the month of a day, as its first day."""
    return date(day.year, day.month, 1)


def month_index(month: date) -> int:
    """Return a running month number; differences of two are counts of months."""
    return month.year * 12 + month.month - 1


def month_at(index: int) -> date:
    """Return the month of a running month number (the inverse of `month_index`)."""
    return date(index // 12, index % 12 + 1, 1)


def add_months(month: date, count: int) -> date:
    """Return the month `count` months later (earlier when negative)."""
    return month_at(month_index(month) + count)


def months_from(first: date, last: date) -> list[date]:
    """Return the months first..last, both included; empty when last is before first."""
    return [month_at(i) for i in range(month_index(first), month_index(last) + 1)]


def parse_month(text: str) -> date:
    """Return the month written as `YYYY-MM`; raises ValueError with a sentence."""
    match = _MONTH.match(text)
    if not match or not 1 <= int(match[2]) <= 12 or not FIRST_YEAR <= int(match[1]) <= LAST_YEAR:
        raise ValueError(f"'{text[:40]}' is not a month; write it as YYYY-MM, for example 2026-03.")
    return date(int(match[1]), int(match[2]), 1)


def format_month(month: date) -> str:
    """Return the month as `YYYY-MM`."""
    return f"{month.year:04d}-{month.month:02d}"


def round_micro(value: Decimal) -> Decimal:
    """Round half-even to 10^-6, the precision at which money is stored."""
    return value.quantize(_EXPONENT, rounding=ROUND_HALF_EVEN)


def to_micros(value: Decimal) -> int:
    """Return money as an exact count of micro-units; raises ValueError when it has more than six decimals."""
    scaled = value * MICRO
    if scaled != scaled.to_integral_value():
        raise ValueError(f"{value} has more than six decimals.")
    return int(scaled)


def from_micros(micros: int) -> Decimal:
    """Return micro-units as exact money with six decimals."""
    return Decimal(micros).scaleb(-6)


def parse_decimal(text: str) -> Decimal:
    """Return a finite Decimal from plain notation; raises ValueError with a sentence."""
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"'{text[:40]}' is not a number.") from None
    if not value.is_finite():
        raise ValueError(f"'{text[:40]}' is not a finite number.")
    return value
