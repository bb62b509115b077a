"""Pages of our own inside the admin site: their addresses, their common context, and what opens them."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from portfolio import access
from portfolio.models import Portfolio, User

View = Callable[..., HttpResponseBase]

_PAGES: list[URLPattern] = []


def add(route: str, view: View, name: str) -> None:
    """Add a page to the admin site; it is reached as `admin:<name>` by whoever may enter the site."""
    _PAGES.append(path(route, admin.site.admin_view(view), name=name))
    # The admin site asks for these when its addresses are built, after every module has been discovered.
    admin.site.extra_urls = _all_pages  # type: ignore[attr-defined]


def _all_pages() -> list[URLPattern]:
    return list(_PAGES)


def render(
    request: HttpRequest, template: str, title: str, *, status: int = 200, **context: Any
) -> TemplateResponse:
    """Return a page with the site's frame around it."""
    request.current_app = admin.site.name
    whole = {**admin.site.each_context(request), "title": title, "is_fullwidth": "1", **context}
    return TemplateResponse(request, template, whole, status=status)


def user_of(request: HttpRequest) -> User:
    """Return who is signed in; the admin site lets nobody else reach a page."""
    if not isinstance(request.user, User):
        raise TypeError("A page was reached without signing in.")
    return request.user


def portfolios(request: HttpRequest, action: access.Action) -> QuerySet[Portfolio]:
    """Return the portfolios that are open to the user for an action, in order of code."""
    return Portfolio.objects.filter(access.scope(request.user, action, via="pk"))


def zones(open_to_user: QuerySet[Portfolio]) -> QuerySet[Any]:
    """Return the time zones of portfolios, read once somebody asks for a past day."""
    return open_to_user.order_by().values_list("time_zone", flat=True).distinct()


def chosen_portfolio(request: HttpRequest, open_to_user: QuerySet[Portfolio]) -> Portfolio | None:
    """Return the portfolio named in the address, else the one last looked at, else the first; None without any.

    A code the user may not see raises Http404, exactly like one that does not exist.
    """
    code = request.GET.get("portfolio")
    if code:
        found = _coded(open_to_user, code)
        request.session["portfolio"] = found.code
        return found
    last = open_to_user.filter(code=request.session.get("portfolio", "")).first()
    return last or open_to_user.first()


def portfolio(request: HttpRequest, code: str, action: access.Action) -> Portfolio:
    """Return a portfolio by its code; Http404 where it does not exist or is not open to the user for the action."""
    return _coded(portfolios(request, action), code)


def _coded(open_to_user: QuerySet[Portfolio], code: str) -> Portfolio:
    found = open_to_user.filter(code=code).first()
    if found is None:
        raise Http404
    return found
