"""The admin site's sidebar and environment label."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse_lazy


def environment(request: HttpRequest) -> list[str] | None:
    """Return the label beside the user menu while the demo portfolio is shown."""
    return ["Demo data", "info"] if settings.IS_DEMO else None


def _item(title: str, icon: str, name: str) -> dict[str, Any]:
    return {"title": title, "icon": icon, "link": reverse_lazy(name)}


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the groups of the sidebar; what a user may not open answers 403 on its own."""
    groups: list[dict[str, Any]] = [
        {
            "title": "Portfolio",
            "items": [
                _item("Overview", "dashboard", "admin:index"),
                _item("Investments", "rocket_launch", "admin:portfolio_investment_changelist"),
                _item("Portfolios", "folder", "admin:portfolio_portfolio_changelist"),
            ],
        },
    ]
    return groups
