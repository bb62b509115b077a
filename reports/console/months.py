"""The months page: state and completeness of each month of a portfolio; closing, locking and reopening."""

from datetime import date

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_GET, require_POST

from portfolio import access, facts, months
from portfolio.access import Action
from portfolio.knowledge import KnowledgeError
from portfolio.models import Portfolio
from portfolio.months import MonthStateError
from portfolio.terms import MonthStatus, add_months, format_month, parse_month
from reports.console import months_completeness, months_reopening, pages

MONTHS_SHOWN = 18
_DONE = {"close": "closed", "lock": "locked", "reopen": "reopened"}


@require_GET
def page(request: HttpRequest) -> HttpResponse:
    """Show the months of a portfolio, newest first, with what each still lacks."""
    open_to_user = pages.portfolios(request, Action.VIEW)
    portfolio = pages.chosen_portfolio(request, open_to_user)
    if portfolio is None:
        return pages.render(request, "reports/months.html", "Months", portfolio=None)
    newest = _month(request.GET.get("until", ""))
    rows = months_completeness.rows(portfolio, now=timezone.now(), newest=newest, count=MONTHS_SHOWN)
    return pages.render(
        request,
        "reports/months.html",
        "Months",
        portfolio=portfolio,
        portfolios=open_to_user,
        rows=rows,
        may_close=access.may(request.user, Action.CLOSE, portfolio.pk),
        earlier=format_month(add_months(rows[-1].month, -1)) if len(rows) == MONTHS_SHOWN else "",
        is_newest=newest is None,
        running=months.current_month(portfolio, timezone.now()),
    )


def _month(text: str) -> date | None:
    try:
        return parse_month(text)
    except ValueError:
        return None


def closable(request: HttpRequest) -> Portfolio:
    """Return the posted portfolio when the user may close its months; like a missing one otherwise."""
    return pages.portfolio(request, request.POST.get("portfolio", ""), Action.CLOSE)


@require_POST
def change(request: HttpRequest) -> HttpResponseBase:
    """Close, lock or reopen the posted months; a locked one is reopened by a second person's confirmation."""
    portfolio, act = closable(request), request.POST.get("act", "")
    chosen = [month for text in request.POST.getlist("month") if (month := _month(text))]
    reason = request.POST.get("reason", "").strip()[:2_000]
    if not chosen:
        messages.error(request, "Choose at least one month first.")
        return back_to(portfolio)
    if act == "reopen" and _has_locked(portfolio, chosen):
        return _ask_second_person(request, portfolio, chosen, reason)
    try:
        changed = _apply(request, portfolio, act, chosen, reason)
    except (MonthStateError, KnowledgeError) as error:
        messages.error(request, str(error))
    else:
        names = ", ".join(format_month(month) for month in changed)
        messages.success(
            request, f"{_DONE[act].capitalize()}: {names}." if names else "Nothing had to change."
        )
    return back_to(portfolio)


def _apply(
    request: HttpRequest, portfolio: Portfolio, act: str, chosen: list[date], reason: str
) -> list[date]:
    now, user = timezone.now(), pages.user_of(request)
    match act:
        case "close":
            return months.close(portfolio, chosen, now=now, actor=user, reason=reason)
        case "lock":
            return months.lock(portfolio, chosen, now=now, actor=user, reason=reason)
        case "reopen":
            return months.reopen(portfolio, chosen, now=now, actor=user, reason=reason)
    raise Http404


def _has_locked(portfolio: Portfolio, chosen: list[date]) -> bool:
    states = facts.month_states(portfolio)
    return any(states.get(month) == MonthStatus.LOCKED.value for month in chosen)


def _ask_second_person(
    request: HttpRequest, portfolio: Portfolio, chosen: list[date], reason: str
) -> HttpResponseBase:
    if not reason:
        messages.error(request, "Reopening a month needs a reason.")
        return back_to(portfolio)
    token = months_reopening.ask(portfolio, chosen, reason=reason, requester=pages.user_of(request))
    return redirect("admin:reports_months_reopening", token)


def back_to(portfolio: Portfolio) -> HttpResponseBase:
    """Return to the page of a portfolio's months."""
    return redirect(f"{reverse('admin:reports_months')}?{urlencode({'portfolio': portfolio.code})}")


pages.add("months/", page, "reports_months")
pages.add("months/change/", change, "reports_months_change")
