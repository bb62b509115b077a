"""Admin permissions from membership: who may see or do what is asked of `portfolio.access` alone."""

from typing import Any, NoReturn

from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest

from portfolio import access
from portfolio.access import Action
from portfolio.models import Portfolio


def may_in_any(request: HttpRequest, action: Action) -> bool:
    """Return whether some portfolio is open to the user for an action."""
    return Portfolio.objects.filter(access.scope(request.user, action, via="pk")).exists()


class ScopedPermissions:
    """For the admin of a model that belongs to a portfolio, and for its inlines."""

    change_action = Action.RECORD

    def portfolio_id_of(self, obj: Any) -> int:
        """Return the portfolio an object belongs to."""
        portfolio_id: int = obj.portfolio_id
        return portfolio_id

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Everybody who may enter the site sees the page; its list is scoped."""
        return request.user.is_authenticated

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Members see; without an object the scoped list decides."""
        if obj is None:
            return request.user.is_authenticated
        return access.may(request.user, Action.VIEW, self.portfolio_id_of(obj))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Roles that record facts may change."""
        if obj is None:
            return may_in_any(request, self.change_action)
        return access.may(request.user, self.change_action, self.portfolio_id_of(obj))

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """The same roles may add."""
        return self.has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nothing is deleted here: what was recorded stays."""
        return False


class ScopedList:
    """Shows only rows of the user's portfolios, and answers like a missing page for any other."""

    scope_path = "portfolio"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Model]:
        """Return the rows the user may see."""
        rows: QuerySet[Model] = super().get_queryset(request)  # type: ignore[misc]
        return rows.filter(access.scope(request.user, Action.VIEW, via=self.scope_path))

    def _get_obj_does_not_exist_redirect(self, request: HttpRequest, opts: Any, object_id: str) -> NoReturn:
        """Answer 404: a foreign row and a missing one look the same."""
        raise Http404
