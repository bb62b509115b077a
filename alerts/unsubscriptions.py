"""Who wants no mail about a portfolio: the wish, its end, and for whom it holds now."""

from collections.abc import Collection
from datetime import datetime

from alerts.models import Unsubscription
from portfolio.models import Portfolio, User


def unsubscribe(user: User, portfolio: Portfolio, *, now: datetime) -> None:
    """Mail a person no alert and no report of a portfolio any more; doing so again changes nothing."""
    wish = Unsubscription(user=user, portfolio=portfolio, created_at=now)
    # Two clicks at the same moment make one row: the running one is unique.
    Unsubscription.objects.bulk_create([wish], ignore_conflicts=True)


def subscribe(user: User, portfolio: Portfolio, *, now: datetime) -> None:
    """End the wish, so that mail comes from now on; doing so again changes nothing."""
    Unsubscription.objects.filter(user=user, portfolio=portfolio, ended_at=None).update(ended_at=now)


def of(portfolio_ids: Collection[int]) -> set[tuple[int, int]]:
    """Return who is unsubscribed from portfolios now, as user and portfolio: one query for all of them."""
    running = Unsubscription.objects.filter(portfolio__in=portfolio_ids, ended_at=None)
    return set(running.order_by().values_list("user_id", "portfolio_id"))


def since(user: User) -> dict[int, datetime]:
    """Return since when a person is unsubscribed, by portfolio; only what holds now."""
    running = Unsubscription.objects.filter(user=user, ended_at=None)
    return dict(running.order_by().values_list("portfolio_id", "created_at"))
