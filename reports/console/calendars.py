"""The calendar of a portfolio: its weekend, the hour of its digests, its holidays; kept by its administrators."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods

from alerts import due
from portfolio import access
from portfolio.access import Action
from portfolio.models import Holiday, Portfolio
from reports.console import calendars_days, pages

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_EXAMPLE = "2026-12-25 Christmas\n2026-12-26"


class DaysForm(forms.Form):
    """Holidays to add, pasted."""

    days = forms.CharField(
        max_length=40_000,
        label="Holidays",
        widget=forms.Textarea(attrs={"rows": 5, "placeholder": _EXAMPLE}),
        help_text="One a line: the day, and its name if you like. A day that is there already is renamed.",
    )

    def clean_days(self) -> dict[date, str]:
        """Return names by day."""
        return calendars_days.read(self.cleaned_data["days"])


@transaction.atomic
def add_holidays(portfolio: Portfolio, days: Mapping[date, str], *, now: datetime) -> int:
    """Add holidays, or rename them, and set anew what is due; return how many escalations moved."""
    rows = [Holiday(portfolio=portfolio, day=day, name=name) for day, name in days.items()]
    Holiday.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["portfolio", "day"], update_fields=["name"]
    )
    return due.reschedule(portfolio, now=now)


@transaction.atomic
def remove_holidays(portfolio: Portfolio, days: Iterable[str], *, now: datetime) -> tuple[int, int]:
    """Remove holidays by their keys, and set anew what is due; return how many days and escalations that was."""
    keys = [key for key in days if key.isdigit() and len(key) < 19]
    _, removed = Holiday.objects.filter(portfolio=portfolio, pk__in=keys).delete()
    return removed.get(Holiday._meta.label, 0), due.reschedule(portfolio, now=now)


@require_http_methods(["GET", "POST"])
def page(request: HttpRequest) -> HttpResponseBase:
    """Show a portfolio's calendar; its administrators add and remove holidays."""
    open_to_user = pages.portfolios(request, Action.VIEW)
    if request.method == "POST":
        portfolio = pages.portfolio(request, request.POST.get("portfolio", ""), Action.MANAGE)
        form = DaysForm(request.POST)
        if request.POST.get("act") == "remove":
            _remove(request, portfolio)
            return redirect(address(portfolio))
        if form.is_valid():
            _add(request, portfolio, form.cleaned_data["days"])
            return redirect(address(portfolio))
        return _shown(request, portfolio, open_to_user, form, http_status=400)
    return _shown(request, pages.chosen_portfolio(request, open_to_user), open_to_user, DaysForm())


def _add(request: HttpRequest, portfolio: Portfolio, days: Mapping[date, str]) -> None:
    moved = add_holidays(portfolio, days, now=timezone.now())
    messages.success(request, f"{_count(len(days))} in the calendar.{_moved(moved)}")


def _remove(request: HttpRequest, portfolio: Portfolio) -> None:
    removed, moved = remove_holidays(portfolio, request.POST.getlist("day"), now=timezone.now())
    if removed:
        messages.success(request, f"{_count(removed)} removed.{_moved(moved)}")
    else:
        messages.error(request, "Choose at least one day first.")


def _count(days: int) -> str:
    return "1 holiday" if days == 1 else f"{days} holidays"


def _moved(count: int) -> str:
    if not count:
        return ""
    return (
        " One escalation is due at another time."
        if count == 1
        else f" {count} escalations are due at other times."
    )


def _shown(
    request: HttpRequest,
    portfolio: Portfolio | None,
    open_to_user: Any,
    form: DaysForm,
    *,
    http_status: int = 200,
) -> HttpResponseBase:
    if portfolio is None:
        return pages.render(request, "reports/calendars.html", "Calendar", portfolio=None)
    today = timezone.localtime(timezone.now()).date()
    holidays = list(Holiday.objects.filter(portfolio=portfolio).order_by("day"))
    return pages.render(
        request,
        "reports/calendars.html",
        "Calendar",
        status=http_status,
        portfolio=portfolio,
        portfolios=open_to_user,
        weekend=_named(portfolio.weekend),
        groups=[
            (name, rows)
            for name, rows in (
                ("Coming", [_row(h) for h in holidays if h.day >= today]),
                ("Past", [_row(h) for h in reversed(holidays) if h.day < today]),
            )
            if rows
        ],
        may_change=access.may(request.user, Action.MANAGE, portfolio.pk),
        form=form,
    )


def _row(holiday: Holiday) -> dict[str, Any]:
    return {"holiday": holiday, "weekday": WEEKDAYS[holiday.day.weekday()]}


def _named(weekend: str) -> str:
    return (
        " and ".join(WEEKDAYS[int(digit)] for digit in sorted(weekend)) or "None: every day is a business day"
    )


def address(portfolio: Portfolio) -> str:
    """Return the address of a portfolio's calendar."""
    return f"{reverse('admin:reports_calendars')}?{urlencode({'portfolio': portfolio.code})}"


pages.add("calendars/", page, "reports_calendars")
