"""The filters of the investment list."""

from collections.abc import Sequence
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.contrib.filters.admin import DropdownFilter

from alerts.models import Episode
from portfolio import access
from portfolio.access import Action
from portfolio.models import Investment, Portfolio, User
from reports.console import overview, status

Choices = Sequence[tuple[str, str]]
# Any: the list carries annotations (status, as_of) that the model does not know.
Rows = QuerySet[Any]


class PortfolioFilter(DropdownFilter):  # type: ignore[misc]
    """By portfolio, among those the user may see."""

    title = "portfolio"
    parameter_name = "portfolio"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        """Return the user's portfolios."""
        mine = Portfolio.objects.filter(access.scope(request.user, Action.VIEW, via="pk")).order_by("code")
        return [(str(p.pk), str(p)) for p in mine]

    def queryset(self, request: HttpRequest, queryset: Rows) -> Rows:
        """Keep the investments of the chosen portfolio."""
        value = self.value() or ""
        return queryset.filter(portfolio=int(value)) if value.isdecimal() else queryset


class OwnerFilter(DropdownFilter):  # type: ignore[misc]
    """By owner, among owners of investments the user may see."""

    title = "owner"
    parameter_name = "owner"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        """Return the owners."""
        owned = Investment.objects.filter(access.scope(request.user, Action.VIEW), owner=OuterRef("pk"))
        owners = User.objects.filter(Exists(owned)).order_by("last_name", "first_name", "username")
        return [("none", "Nobody"), *((str(u.pk), str(u)) for u in owners)]

    def queryset(self, request: HttpRequest, queryset: Rows) -> Rows:
        """Keep what the chosen person owns."""
        value = self.value() or ""
        if value == "none":
            return queryset.filter(owner__isnull=True)
        return queryset.filter(owner=int(value)) if value.isdecimal() else queryset


class StatusFilter(DropdownFilter):  # type: ignore[misc]
    """By the status shown in the list."""

    title = "status"
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        """Return every status."""
        return [(s.name, s.text) for s in status.STATUSES.values()]

    def queryset(self, request: HttpRequest, queryset: Rows) -> Rows:
        """Keep investments with the chosen status."""
        value = self.value()
        return queryset.filter(status=value) if value in status.STATUSES else queryset


class AttentionFilter(DropdownFilter):  # type: ignore[misc]
    """By whether an alert is open."""

    title = "open alerts"
    parameter_name = "attention"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        """Return with and without."""
        return [("open", "With an open alert"), ("none", "Without")]

    def queryset(self, request: HttpRequest, queryset: Rows) -> Rows:
        """Keep investments with (or without) an open alert; good news does not count."""
        is_open = Exists(
            Episode.objects.filter(investment=OuterRef("pk"), closed_at__isnull=True).exclude(
                severity="good_news"
            )
        )
        if self.value() == "open":
            return queryset.filter(is_open)
        return queryset.filter(~is_open) if self.value() == "none" else queryset


class ReviewFilter(DropdownFilter):  # type: ignore[misc]
    """By the next review's date."""

    title = "review"
    parameter_name = "review"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        """Return the choices."""
        return [("due", "Due or overdue (30 days)"), ("overdue", "Overdue"), ("none", "No review date")]

    def queryset(self, request: HttpRequest, queryset: Rows) -> Rows:
        """Keep investments by their review date; ended ones have no review that is due."""
        today = timezone.now().date()
        if self.value() == "none":
            return queryset.filter(review_date__isnull=True)
        in_use = queryset.exclude(stage__in=overview.ENDED)
        if self.value() == "due":
            return in_use.filter(review_date__lte=today + overview.DUE_WITHIN)
        return in_use.filter(review_date__lt=today) if self.value() == "overdue" else queryset
