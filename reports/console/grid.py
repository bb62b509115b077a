"""The month grid: actuals of a portfolio typed or pasted by month. The page, and what it sends back."""

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from portfolio.access import Action
from portfolio.models import Account, Investment, Portfolio
from reports.console import grid_changes, grid_notation, grid_sheet, pages
from reports.console.grid_notation import NOTATIONS, Notation
from reports.console.grid_sheet import Sheet

_STATE_WORDS = {"open": "open", "closed": "closed", "locked": "locked", "future": "not begun"}


@dataclass(frozen=True, slots=True)
class Choice:
    """What a page of the grid shows: one account of all investments, or all accounts of one investment."""

    portfolio: Portfolio
    account: Account | None
    investment: Investment | None
    year: int
    notation: Notation
    shows_all: bool = False


@require_GET
def page(request: HttpRequest) -> HttpResponse:
    """Show the sheet of the chosen portfolio, account or investment, and fiscal year."""
    open_to_user = pages.portfolios(request, Action.RECORD)
    portfolio = pages.chosen_portfolio(request, open_to_user)
    title = "Monthly actuals"
    if portfolio is None:
        return pages.render(request, "reports/grid.html", title, portfolio=None)
    choice = _choice(request, portfolio)
    return pages.render(
        request,
        "reports/grid.html",
        title,
        portfolio=portfolio,
        portfolios=open_to_user,
        choice=choice,
        accounts=Account.objects.filter(is_active=True),
        investments=Investment.objects.filter(portfolio=portfolio).order_by("code"),
        years=_years(portfolio, choice),
        notations=NOTATIONS.values(),
        sheet=_sheet(choice),
        state_words=_STATE_WORDS,
    )


def _years(portfolio: Portfolio, choice: Choice) -> list[tuple[int, str]]:
    years = grid_sheet.fiscal_years(portfolio, timezone.now())
    labeled = []
    for year in sorted({*years, choice.year}, reverse=True):
        months = grid_sheet.months_of(portfolio, year)
        labeled.append((year, f"FY{year % 100:02d} ({months[0]:%b %Y} – {months[-1]:%b %Y})"))
    return labeled


def _choice(request: HttpRequest, portfolio: Portfolio) -> Choice:
    asked = request.GET
    years = grid_sheet.fiscal_years(portfolio, timezone.now())
    year = int(asked["year"]) if asked.get("year", "").isdecimal() and len(asked["year"]) == 4 else years[0]
    investment = None
    if asked.get("by") == "investment":
        rows = Investment.objects.filter(portfolio=portfolio).order_by("code")
        investment = rows.filter(code=asked.get("investment", "")).first() or rows.first()
    accounts = Account.objects.filter(is_active=True)
    account = accounts.filter(code=asked.get("account", "")).first() or grid_sheet.usual_account(portfolio)
    return Choice(
        portfolio=portfolio,
        account=None if investment else account,
        investment=investment,
        year=min(max(year, 1991), 2199),
        notation=grid_notation.chosen(request, asked.get("notation")),
        shows_all=bool(asked.get("all")),
    )


def _sheet(choice: Choice) -> Sheet | None:
    now = timezone.now()
    if choice.investment is not None:
        return grid_sheet.by_investment(
            choice.portfolio,
            choice.investment,
            year=choice.year,
            notation=choice.notation,
            now=now,
            shows_all=choice.shows_all,
        )
    if choice.account is None:
        return None
    return grid_sheet.by_account(
        choice.portfolio, choice.account, year=choice.year, notation=choice.notation, now=now
    )


@require_POST
def save(request: HttpRequest) -> JsonResponse:
    """Record the changed boxes, all or nothing; answers with what stands now, or with a sentence per box."""
    try:
        submission = grid_changes.parse_submission(request.body)
    except grid_changes.SubmissionError as error:
        return JsonResponse({"message": str(error), "errors": []}, status=400)
    portfolio = pages.portfolios(request, Action.RECORD).filter(code=submission.portfolio).first()
    if portfolio is None:
        return JsonResponse({"message": "There is no such portfolio.", "errors": []}, status=404)
    try:
        saved = grid_changes.save(portfolio, submission, now=timezone.now(), actor=pages.user_of(request))
    except grid_changes.ChangesRefused as refused:
        errors = [{"index": e.index, "message": e.message, "code": e.code} for e in refused.errors]
        message = f"Nothing was saved: {len(errors)} of {len(submission.changes)} changed cells were refused."
        return JsonResponse({"message": message, "errors": errors}, status=422)
    recorded = saved.recorded
    counts = {name: getattr(recorded, name) for name in ("new", "changed", "unchanged", "late", "restated")}
    return JsonResponse({"saved": counts, "cells": [{"text": t, "seen": s} for t, s in saved.boxes]})


pages.add("grid/", page, "reports_grid")
pages.add("grid/save/", save, "reports_grid_save")
