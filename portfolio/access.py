"""Who may see and do what: one policy, as a condition, for lists, pages, API, exports and alerts alike."""

from enum import StrEnum

from django.contrib.auth.models import AnonymousUser
from django.db.models import Q

from portfolio.models import Membership, User
from portfolio.terms import Role


class Action(StrEnum):
    """What somebody wants to do inside a portfolio."""

    VIEW = "view"
    RECORD = "record"
    CLOSE = "close"
    MANAGE = "manage"
    DECIDE = "decide"


ROLES: dict[Action, tuple[Role, ...]] = {
    Action.VIEW: (Role.VIEWER, Role.BOARD, Role.OWNER, Role.FINANCE, Role.ADMIN),
    Action.RECORD: (Role.OWNER, Role.FINANCE, Role.ADMIN),
    Action.CLOSE: (Role.FINANCE, Role.ADMIN),
    Action.MANAGE: (Role.ADMIN,),
    Action.DECIDE: (Role.BOARD, Role.ADMIN),
}


def scope(user: User | AnonymousUser, action: Action, *, via: str = "portfolio") -> Q:
    """Return the condition under which rows are open to a user for an action.

    `via` is the look-up path from the row to its portfolio ("pk" for portfolios themselves). Superusers pass; an
    anonymous or disabled user gets a condition nothing meets.
    """
    if not isinstance(user, User) or not user.is_active:
        return Q(pk__in=[])
    if user.is_superuser:
        return Q()
    open_portfolios = Membership.objects.filter(
        user=user, role__in=[role.value for role in ROLES[action]]
    ).values("portfolio_id")
    return Q(**{f"{via}__in": open_portfolios})


def may(user: User | AnonymousUser, action: Action, portfolio_id: int) -> bool:
    """Return whether `scope` holds for one portfolio: the same rule, asked of one row."""
    if not isinstance(user, User) or not user.is_active:
        return False
    return (
        user.is_superuser
        or Membership.objects.filter(
            user=user, portfolio_id=portfolio_id, role__in=[role.value for role in ROLES[action]]
        ).exists()
    )
