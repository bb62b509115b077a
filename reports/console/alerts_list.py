"""The list of alerts: what is open in the user's portfolios, and what was."""

from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone
from django.views.decorators.http import require_GET

from alerts import overlays
from alerts.models import Episode
from alerts.overlays import Overlay
from alerts.rules import RULES
from portfolio import access
from portfolio.access import Action
from portfolio.models import User
from reports.console import investment_alerts, pages, status

PER_PAGE = 50


@require_GET
def page(request: HttpRequest) -> HttpResponseBase:
    """List alerts, newest first: the open ones, or all where that is asked for."""
    asked = request.GET
    rows = Episode.objects.filter(access.scope(request.user, Action.VIEW, via="investment__portfolio"))
    shows_all = asked.get("state") == "all"
    if not shows_all:
        rows = rows.filter(closed_at=None)
    if asked.get("rule") in RULES:
        rows = rows.filter(rule=asked["rule"])
    if asked.get("portfolio"):
        rows = rows.filter(investment__portfolio__code=asked["portfolio"])
    ordered = rows.select_related("investment__portfolio").order_by("-opened_at", "-pk")
    listed = Paginator(ordered, PER_PAGE).get_page(asked.get("page"))
    return pages.render(
        request,
        "reports/alerts_list.html",
        "Alerts",
        listed=listed,
        rows=_rows(list(listed)),
        rules=RULES,
        portfolios=pages.portfolios(request, Action.VIEW),
        shows_all=shows_all,
        is_filtered=any(asked.get(name) for name in ("rule", "portfolio")),
    )


def _rows(episodes: list[Episode]) -> list[dict[str, Any]]:
    over = overlays.overlays_of([e.pk for e in episodes if e.closed_at is None], now=timezone.now())
    seen = User.objects.in_bulk({o.seen.user_id for o in over.values() if o.seen})
    return [
        {
            "episode": episode,
            "pill": status.rule_pill(episode.rule, severity=episode.severity),
            "end": investment_alerts.end_of(episode),
            "answer": _answer(over.get(episode.pk, overlays.NOTHING), seen),
        }
        for episode in episodes
    ]


def _answer(over: Overlay, people: dict[int, User]) -> str:
    if over.snooze is not None:
        return f"Snoozed until {over.snooze.until:%Y-%m-%d}"
    return f"Acknowledged by {people[over.seen.user_id]}" if over.seen else ""


pages.add("alerts/", page, "reports_alerts")
