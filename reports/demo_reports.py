"""The demo's reports: each portfolio sends its monthly business review; the first is made once the workers run."""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta

from django.utils import timezone

from portfolio.models import Portfolio, User
from portfolio.terms import add_months
from reports import schedules
from reports.models import Schedule

_DAY = 6


def write(
    *, portfolios: Mapping[str, Portfolio], people: Mapping[str, User], last: date, now: datetime
) -> None:
    """Schedule the monthly review since just before the newest closed month's was due."""
    due = datetime.combine(
        add_months(last, 1).replace(day=_DAY), time(8), tzinfo=timezone.get_default_timezone()
    )
    for portfolio in portfolios.values():
        schedules.save(
            Schedule(
                portfolio=portfolio,
                audience="monthly_pack",
                day=_DAY,
                recipients=[f"user:{people[name].public_id}" for name in ("sam", "admin")],
                formats=["pdf", "xlsx"],
                author=people["admin"],
                created_at=min(due, now) - timedelta(days=1),
            )
        )
