"""The admin site's sidebar and environment label."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

Group = dict[str, Any]

# Title, icon and address of every page, by group; a page that is not installed is left out.
_GROUPS: tuple[tuple[str, tuple[tuple[str, str, str], ...]], ...] = (
    (
        "Portfolio",
        (
            ("Overview", "dashboard", "admin:index"),
            ("Portfolio view", "donut_small", "admin:reports_portfolio_view"),
            ("Reallocation", "balance", "admin:reports_reallocation"),
            ("Investments", "rocket_launch", "admin:portfolio_investment_changelist"),
            ("Business cases", "calculate", "admin:reports_cases"),
            ("Reports", "summarize", "admin:reports_reports"),
        ),
    ),
    (
        "Governance",
        (
            ("Business review agenda", "event_note", "admin:reports_agenda"),
            ("Reviews", "gavel", "admin:reports_reviews"),
            ("Decisions", "fact_check", "admin:reports_decisions"),
            ("Approvals", "how_to_reg", "admin:reports_approvals"),
        ),
    ),
    (
        "Actuals",
        (
            ("Month grid", "grid_on", "admin:reports_grid"),
            ("Imports", "upload_file", "admin:reports_imports"),
            ("Months", "event_available", "admin:reports_months"),
        ),
    ),
    (
        "Alerts",
        (
            ("Alerts", "notifications_active", "admin:reports_alerts"),
            ("Notifications", "mail", "admin:reports_outbox"),
            ("Silences", "notifications_paused", "admin:reports_silences"),
            ("Routes", "alt_route", "admin:reports_routes"),
        ),
    ),
    (
        "Reference",
        (
            ("Portfolios", "folder", "admin:portfolio_portfolio_changelist"),
            ("Accounts", "receipt_long", "admin:portfolio_account_changelist"),
            ("Exchange rates", "currency_exchange", "admin:portfolio_fxrate_changelist"),
            ("Token prices", "toll", "admin:reports_prices"),
            ("Calendar", "calendar_month", "admin:reports_calendars"),
        ),
    ),
    (
        "You",
        (
            ("My profile", "person", "admin:reports_profile"),
            ("Absences", "beach_access", "admin:reports_absences"),
        ),
    ),
)
_FOR_ADMINISTRATORS = (
    ("People", "group", "admin:portfolio_user_changelist"),
    ("Operations", "monitor_heart", "admin:reports_operations"),
)


def environment(request: HttpRequest) -> list[str] | None:
    """Return the label beside the user menu while the demo portfolio is shown."""
    return ["Demo data", "info"] if settings.IS_DEMO else None


def sidebar(request: HttpRequest) -> list[Group]:
    """Return the groups of the sidebar; what a user may not open answers for itself."""
    groups = []
    for title, pages in _GROUPS:
        if title == "Reference" and getattr(request.user, "is_superuser", False):
            pages += _FOR_ADMINISTRATORS
        items = [item for page in pages if (item := _item(*page))]
        if items:
            groups.append({"title": title, "items": items})
    return groups


def _item(title: str, icon: str, name: str) -> Group | None:
    try:
        return {"title": title, "icon": icon, "link": reverse(name)}
    except NoReverseMatch:
        return None
