"""Reopening a locked month with four eyes: one asks and passes on a sealed address, another confirms."""

from dataclasses import dataclass
from datetime import date, timedelta

from django.contrib import messages
from django.core import signing
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods

from portfolio import access, months
from portfolio.access import Action
from portfolio.knowledge import KnowledgeError
from portfolio.models import Portfolio, User
from portfolio.months import MonthStateError
from portfolio.terms import format_month, parse_month
from reports.console import pages

SALT = "hurdle.months.reopening"
VALID_FOR = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class Request:
    """Who asks to reopen which months of a portfolio, and why."""

    portfolio: Portfolio
    requester: User
    months: tuple[date, ...]
    reason: str


def ask(portfolio: Portfolio, chosen: list[date], *, reason: str, requester: User) -> str:
    """Return the sealed request; nobody can alter it, and it is void after three days."""
    content = {
        "portfolio": portfolio.pk,
        "requester": requester.pk,
        "months": [format_month(month) for month in sorted(set(chosen))],
        "reason": reason,
    }
    return signing.dumps(content, salt=SALT, compress=True)


def read(token: str, *, reader: User) -> Request:
    """Return a sealed request; Http404 when it is void, altered, or the reader does not close months."""
    try:
        content = signing.loads(token, salt=SALT, max_age=VALID_FOR)
        portfolio = Portfolio.objects.get(
            access.scope(reader, Action.CLOSE, via="pk"), pk=content["portfolio"]
        )
        requester = User.objects.get(pk=content["requester"], is_active=True)
    except (signing.BadSignature, Portfolio.DoesNotExist, User.DoesNotExist) as error:
        raise Http404("This request to reopen months is no longer valid.") from error
    # A right lost since the request was made takes the request with it.
    if not access.may(requester, Action.CLOSE, portfolio.pk):
        raise Http404("This request to reopen months is no longer valid.")
    return Request(
        portfolio, requester, tuple(parse_month(text) for text in content["months"]), content["reason"]
    )


@require_http_methods(["GET", "POST"])
def page(request: HttpRequest, token: str) -> HttpResponseBase:
    """Show a request: its author passes the address on, a second person of finance confirms."""
    user = pages.user_of(request)
    asked = read(token, reader=user)
    if request.method == "POST":
        return _confirm(request, asked, user)
    return pages.render(
        request,
        "reports/months_reopening.html",
        "Reopen locked months",
        asked=asked,
        is_requester=user == asked.requester,
        address=request.build_absolute_uri(),
        hours=int(VALID_FOR.total_seconds() // 3600),
    )


def _confirm(request: HttpRequest, asked: Request, user: User) -> HttpResponseBase:
    try:
        changed = months.reopen(
            asked.portfolio,
            list(asked.months),
            now=timezone.now(),
            actor=asked.requester,
            approver=user,
            reason=asked.reason,
        )
    except (MonthStateError, KnowledgeError) as error:
        messages.error(request, str(error))
        return redirect(request.path)
    names = ", ".join(format_month(month) for month in changed)
    messages.success(request, f"Reopened: {names}." if names else "These months are open already.")
    return redirect(f"{reverse('admin:reports_months')}?{urlencode({'portfolio': asked.portfolio.code})}")


pages.add("months/reopening/<str:token>/", page, "reports_months_reopening")
