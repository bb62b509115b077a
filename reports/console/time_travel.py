"""Pages as known on an earlier day: the day in the address, the knowledge time it means, and what was known then.

Figures are derived anew from the facts known then; they are not a copy of what was shown (a decision's receipt is).
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db import transaction

from portfolio import knowledge
from portfolio.models import Investment, Portfolio
from reports.console.standing import Standing
from roi import as_known


@dataclass(frozen=True, slots=True)
class Day:
    """A day in a portfolio's time zone, and everything known at its end."""

    day: date
    knowledge: int


def asked_day(text: str, portfolio: Portfolio, *, now: datetime) -> Day | None:
    """Return the day in the address; None for none, for what is no day, and for today and later."""
    zone = ZoneInfo(portfolio.time_zone)
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    if day >= now.astimezone(zone).date() or day.year < 2000:
        return None
    end = datetime.combine(day + timedelta(days=1), time.min, zone) - timedelta(microseconds=1)
    return Day(day, knowledge.knowledge_at(portfolio, end))


def standing_on(investment: Investment, day: Day) -> Standing:
    """Return where an investment stood on a day; one that was not registered then has no figures."""
    with transaction.atomic():
        # Shared: while somebody writes, a batch below the asked time could still appear.
        knowledge.lock_portfolio(investment.portfolio_id, shared=True)
        known = as_known.figures([investment], knowledge=day.knowledge).get(investment.pk)
    if known is None:
        return Standing(investment, None, None, day.knowledge, ())
    return Standing(investment, known.head, known.newest_complete, day.knowledge, tuple(known.snapshots))
