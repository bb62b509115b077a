"""Which days are business days in a portfolio, and who stands in for whom on a day."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from portfolio.business_days import Calendar
from portfolio.models import Absence, Holiday, Portfolio, User


def calendars_of(portfolios: Iterable[Portfolio]) -> dict[int, Calendar]:
    """Return the calendar of each portfolio: one query for all of them."""
    known = {portfolio.pk: portfolio for portfolio in portfolios}
    holidays: dict[int, set[date]] = defaultdict(set)
    for portfolio_id, day in Holiday.objects.filter(portfolio__in=known).values_list("portfolio_id", "day"):
        holidays[portfolio_id].add(day)
    return {
        pk: Calendar(frozenset(int(digit) for digit in portfolio.weekend), frozenset(holidays[pk]))
        for pk, portfolio in known.items()
    }


def delegates_on(day: date, users: Sequence[User]) -> Mapping[int, User]:
    """Return who stands in for each user on a day, for those who are away; one step, never a chain."""
    away = Absence.objects.filter(
        user__in=users, first_day__lte=day, last_day__gte=day, delegate__is_active=True
    )
    return {absence.user_id: absence.delegate for absence in away.select_related("delegate").order_by("-id")}
