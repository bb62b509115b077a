"""The list of alerts: what is open in the user's portfolios, and what was."""

from typing import Any

from django.core.paginator import Paginator
from django.db.models import Q
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
from reports.console.past import Past, asked_past, then_of

PER_PAGE = 50
NOTE = "Alerts that were known at the end of {}, in the state of then. Answers are shown of today alone."
_PORTFOLIO = "investment__portfolio"


@require_GET
def page(request: HttpRequest) -> HttpResponseBase:
    """List alerts, newest first: the open ones, or all where that is asked for."""
    asked, open_to_user = request.GET, pages.portfolios(request, Action.VIEW)
    past = asked_past(asked.get("as_of", ""), pages.zones(open_to_user), now=timezone.now())
    rows = Episode.objects.filter(access.scope(request.user, Action.VIEW, via="investment__portfolio"))
    shows_all = asked.get("state") == "all"
    if past is not None:
        rows = rows.filter(past.until("opened_at", portfolio=_PORTFOLIO))
    if not shows_all:
        is_open = (
            past.open_then("opened_at", "closed_at", portfolio=_PORTFOLIO) if past else Q(closed_at=None)
        )
        rows = rows.filter(is_open)
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
        rows=_rows([investment_alerts.as_then(one, past) for one in listed], past),
        rules=RULES,
        portfolios=open_to_user,
        then=then_of(asked, past, note=NOTE),
        shows_all=shows_all,
        is_filtered=any(asked.get(name) for name in ("rule", "portfolio")),
    )


def _rows(episodes: list[Episode], past: Past | None) -> list[dict[str, Any]]:
    # Who answers is told of today alone.
    unanswered = [e.pk for e in episodes if e.closed_at is None and past is None]
    over = overlays.overlays_of(unanswered, now=timezone.now())
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
