"""What it costs to decide later: money at risk until the next review, and the loss of each day an alert is open."""

from dataclasses import dataclass
from fractions import Fraction

DAYS_A_MONTH = Fraction(152, 5)  # 30.4, the definitions' month


@dataclass(frozen=True, slots=True)
class Waiting:
    """The loss of waiting in micro-units: of a day, and of all days since the alert opened. Never negative."""

    per_day: int
    so_far: int


def money_at_risk(window_run: int, *, months: int, days: int) -> int:
    """Return the run cost of the next `days` at the window's pace, in micro-units; nothing when the review is due.

    Raises ValueError for a window without months.
    """
    _check(months)
    return max(round(Fraction(window_run, months) * max(days, 0) / DAYS_A_MONTH), 0)


def cost_of_waiting(window_margin: int, *, months: int, days: int) -> Waiting:
    """Return the mean monthly operating loss / 30.4 a day, over `days`; an investment that earns loses nothing.

    Each amount is rounded half-even once. Raises ValueError for a window without months.
    """
    _check(months)
    per_day = max(Fraction(-window_margin, months), Fraction(0)) / DAYS_A_MONTH
    return Waiting(round(per_day), round(per_day * max(days, 0)))


def _check(months: int) -> None:
    if months < 1:
        raise ValueError("A window has at least one month.")
