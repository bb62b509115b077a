"""Routes of a portfolio: who hears of which alerts, in their order; kept by its administrators."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from alerts import overlays, routebook, routing
from alerts.models import Route
from portfolio import access
from portfolio.access import Action
from portfolio.models import Portfolio
from reports.console import pages, routes_wording
from reports.console.routes_forms import QuestionForm, RouteForm


@require_GET
def page(request: HttpRequest) -> HttpResponseBase:
    """List a portfolio's routes, and answer who would hear of an alert."""
    open_to_user = pages.portfolios(request, Action.VIEW)
    portfolio = pages.chosen_portfolio(request, open_to_user)
    if portfolio is None:
        return pages.render(request, "reports/routes.html", "Routes", portfolio=None)
    asked = QuestionForm(request.GET if "rule" in request.GET else None, portfolio=portfolio)
    answer = _would_hear(asked) if asked.is_bound and asked.is_valid() else None
    return pages.render(
        request,
        "reports/routes.html",
        "Routes",
        portfolio=portfolio,
        portfolios=open_to_user,
        rows=routes_wording.rows(list(Route.objects.filter(portfolio=portfolio).order_by("position"))),
        may_change=access.may(request.user, Action.MANAGE, portfolio.pk),
        asked=asked,
        answer=answer,
    )


def _would_hear(asked: QuestionForm) -> dict[str, Any]:
    """Return the way an alert would take now, by the routing itself, and the silence that would keep it back."""
    now, said = timezone.now(), asked.cleaned_data
    investment, rule = said["investment"], said["rule"]
    known = routing.directory([investment], on=now.date())
    way = routing.route(investment, rule, known, severity=said["severity"])
    in_force = overlays.silences_in_force([investment.portfolio_id], now=now)
    return {
        "investment": investment,
        "steps": way.steps,
        "is_default": way.is_default,
        "told": [(one, routes_wording.MODE_WORDS[one.mode]) for one in way.recipients],
        "silence": overlays.silence_for(in_force, investment, rule),
    }


@require_http_methods(["GET", "POST"])
def new(request: HttpRequest, code: str) -> HttpResponseBase:
    """Add a route."""
    portfolio = pages.portfolio(request, code, Action.MANAGE)
    return _asked(request, RouteForm(request.POST or None, portfolio=portfolio))


@require_http_methods(["GET", "POST"])
def change(request: HttpRequest, route_id: UUID) -> HttpResponseBase:
    """Change a route, its place included."""
    route = _found(request, route_id)
    return _asked(request, RouteForm(request.POST or None, portfolio=route.portfolio, route=route))


@require_POST
def remove(request: HttpRequest, route_id: UUID) -> HttpResponseBase:
    """Delete a route."""
    route = _found(request, route_id)
    routebook.remove(route)
    messages.success(request, f"“{route.name}” was removed; what was sent by it stays in the record.")
    return redirect(address(route.portfolio))


def address(portfolio: Portfolio) -> str:
    """Return the address of a portfolio's routes."""
    return f"{reverse('admin:reports_routes')}?{urlencode({'portfolio': portfolio.code})}"


def _asked(request: HttpRequest, form: RouteForm) -> HttpResponseBase:
    if request.method == "POST" and form.is_valid() and (kept := form.put()):
        messages.success(request, f"“{kept.name}” is in force for alerts from now on.")
        return redirect(address(form.portfolio))
    return pages.render(
        request,
        "reports/route.html",
        f"Route “{form.route.name}”" if form.route else "New route",
        status=400 if form.is_bound else 200,
        form=form,
        route=form.route,
        portfolio=form.portfolio,
        back=address(form.portfolio),
    )


def _found(request: HttpRequest, route_id: UUID) -> Route:
    rows = Route.objects.filter(access.scope(request.user, Action.MANAGE)).select_related("portfolio")
    route = rows.filter(public_id=route_id).first()
    if route is None:
        raise Http404
    return route


pages.add("routes/", page, "reports_routes")
pages.add("routes/new/<str:code>/", new, "reports_route_new")
pages.add("routes/<uuid:route_id>/", change, "reports_route")
pages.add("routes/<uuid:route_id>/remove/", remove, "reports_route_remove")
