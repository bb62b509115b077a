"""What a fold of verdicts amounts to: a state for every judged month, and the episodes that came of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from alerts.rules.base import Lifecycle, Policy, Verdict
from portfolio.terms import add_months

_FLAPPING_EPISODES = 3
_FLAPPING_MONTHS = 12


class State(StrEnum):
    """Where a rule stands after a month."""

    NORMAL = "normal"
    PENDING = "pending"
    FIRING = "firing"
    RECOVERING = "recovering"


class ClosedReason(StrEnum):
    """Why an episode is over. RETRACTED is only ever recorded, never folded."""

    RESOLVED = "resolved"
    ONE_SHOT = "one_shot"
    RULE_CHANGED = "rule_changed"
    RULE_DELETED = "rule_deleted"
    INVESTMENT_CLOSED = "investment_closed"
    RETRACTED = "retracted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Firing:
    """One continuous firing, numbered from 1; `resolved_month` is when it ended, for whichever reason."""

    number: int
    first_breach_month: date
    fired_month: date
    verdict: Verdict
    policy: Policy
    resolved_month: date | None = None
    closed_reason: ClosedReason | None = None

    @property
    def is_open(self) -> bool:
        """Whether the episode is still going on."""
        return self.closed_reason is None

    @property
    def value(self) -> Decimal | None:
        """The unrounded figure at firing."""
        return self.verdict.value


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthState:
    """A closed month's verdict, and the state it left; `policy` None where no version was in force yet."""

    month: date
    state: State
    count: int
    verdict: Verdict
    policy: Policy | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trajectory:
    """The whole history of one rule on one investment, as known now.

    `ending` is set when the investment or the rule has come to its end: since then nothing can be open.
    """

    rule: str
    lifecycle: Lifecycle
    months: tuple[MonthState, ...]
    firings: tuple[Firing, ...]
    ending: tuple[date, ClosedReason] | None = None

    @property
    def last(self) -> MonthState | None:
        """The state after the last judged month."""
        return self.months[-1] if self.months else None

    @property
    def open_firing(self) -> Firing | None:
        """The episode going on now."""
        return next((firing for firing in self.firings if firing.is_open), None)

    @property
    def stale_since(self) -> date | None:
        """The first of the latest months without data, None when the last judged month has data."""
        since = None
        for point in reversed(self.months):
            if point.verdict.has_data:
                break
            since = point.month
        return since


def is_flapping(firings: Iterable[Firing], *, month: date) -> bool:
    """Whether three episodes or more fired and resolved within the twelve months that end with `month`."""
    return flaps(
        (
            (firing.fired_month, firing.resolved_month)
            for firing in firings
            if firing.closed_reason is ClosedReason.RESOLVED and firing.resolved_month is not None
        ),
        month=month,
    )


def flaps(cycles: Iterable[tuple[date, date]], *, month: date) -> bool:
    """Whether three cycles or more, each fired in a month and resolved in another, lie in the year up to `month`."""
    since = add_months(month, 1 - _FLAPPING_MONTHS)
    return sum(since <= fired and resolved <= month for fired, resolved in cycles) >= _FLAPPING_EPISODES
