"""Why did I, or did I not, get a message? Every notice of one alert with the outcome of the stage that decided it."""

from uuid import UUID

from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone
from django.views.decorators.http import require_GET

from alerts import explain
from alerts.explain import Explanation
from portfolio.models import User
from reports.console import alerts_episode, investment_alerts, pages

OUTCOME_MARKS: dict[str, tuple[str, str]] = {
    "held": ("new", "▤ Waits for a digest"),
    "waits": ("new", "○ Waits"),
    "sending": ("new", "→ Being sent"),
    "uncertain": ("warn", "? Uncertain"),
    "sent": ("good", "✓ Sent"),
    "logged": ("", "▤ Logged only"),
    "merged": ("good", "✓ In a digest"),
    "kept_back": ("", "– Kept back"),
    "dead": ("bad", "✕ Not delivered"),
}


@require_GET
def page(request: HttpRequest, public_id: UUID) -> HttpResponseBase:
    """Show what became of every message of an alert; first what concerns the one who asks."""
    episode, user = alerts_episode.found(request, public_id), pages.user_of(request)
    told = explain.of(episode, now=timezone.now())
    rows = [
        {
            "event": investment_alerts.event_of(episode.rule, happened.event),
            "untold": happened.untold,
            "told": [
                {"told": one, "tone": mark[0], "mark": mark[1], "is_mine": one.user_id == user.pk}
                for one in happened.told
                for mark in (OUTCOME_MARKS[one.outcome],)
            ],
        }
        for happened in told.happened
    ]
    return pages.render(
        request,
        "reports/alerts_messages.html",
        "Why did I (not) get a message?",
        episode=episode,
        about=alerts_episode.title_of(episode),
        rows=rows,
        unaddressed=told.unaddressed,
        yours=yours(told, user),
    )


def yours(told: Explanation, user: User) -> str:
    """Return in one sentence what the one who asks wants to know."""
    mine = [one for happened in told.happened for one in happened.told if one.user_id == user.pk]
    if mine:
        sent = sum(one.outcome in ("sent", "merged") for one in mine)
        notices = "1 notice" if len(mine) == 1 else f"{len(mine)} notices"
        return f"{notices} of this alert went your way, because you are {mine[-1].why}; {sent} reached you."
    reason = next((one.reason for one in told.unaddressed if one.user == user), "")
    return f"None was addressed to you. {reason or 'You are not one of the portfolio’s people.'}"


pages.add("alerts/<uuid:public_id>/messages/", page, "reports_alert_messages")
