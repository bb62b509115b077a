"""The notifications log: every message of the outbox, as it was handed over, and what became of it."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages as notices
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from alerts import messages
from alerts import outbox as alerts_outbox
from alerts.channels import CHANNELS
from alerts.models import Attempt, Notification
from portfolio import access
from portfolio.access import Action
from portfolio.models import Investment
from reports.console import pages

PER_PAGE = 50
STATE_MARKS: dict[str, tuple[str, str]] = {
    "held": ("new", "▤ Waits for a digest"),
    "pending": ("new", "○ Pending"),
    "sending": ("new", "→ Sending"),
    "uncertain": ("warn", "? Uncertain"),
    "sent": ("good", "✓ Sent"),
    "logged": ("", "▤ Logged only"),
    "merged": ("good", "✓ In a digest"),
    "suppressed": ("", "– Suppressed"),
    "dead": ("bad", "✕ Dead"),
}
STATE_WORDS = {
    "held": "It is told together with others, in one message.",
    "pending": "Waits for its turn or its next try.",
    "sending": "A sender holds it right now.",
    "uncertain": "It was handed over and nobody confirmed it; it is sent once more under the same id.",
    "sent": "The provider accepted it.",
    "logged": "The channel is not configured: it was written down here and left the house nowhere.",
    "merged": "It was told together with others, in one message.",
    "suppressed": "It was not sent, for the reason below.",
    "dead": "It could not be delivered and is not tried again by itself.",
}


@dataclass(frozen=True, slots=True)
class Listed:
    """A notification as the list shows it."""

    notification: Notification
    tone: str
    mark: str
    title: str
    code: str


@dataclass(frozen=True, slots=True)
class Rendering:
    """What the reader sees of a message: mail bodies or blocks; `is_draft` while it was not handed over."""

    subject: str
    text: str
    html: str
    blocks: list[dict[str, Any]]
    headers: dict[str, Any]
    is_draft: bool


def open_notifications(request: HttpRequest) -> QuerySet[Notification]:
    """Return the notifications of the portfolios the user may see."""
    return Notification.objects.filter(access.scope(request.user, Action.VIEW))


@require_GET
def page(request: HttpRequest) -> HttpResponse:
    """List the notifications, newest first, filtered by state, channel, portfolio and investment."""
    asked, rows = request.GET, open_notifications(request)
    if asked.get("state") in STATE_MARKS:
        rows = rows.filter(state=asked["state"])
    if asked.get("channel") in CHANNELS:
        rows = rows.filter(channel=asked["channel"])
    if asked.get("portfolio"):
        rows = rows.filter(portfolio__code=asked["portfolio"])
    if asked.get("investment"):
        rows = rows.filter(message__investment__code=asked["investment"])
    listed = Paginator(rows.select_related("user").order_by("-seq"), PER_PAGE).get_page(asked.get("page"))
    return pages.render(
        request,
        "reports/outbox.html",
        "Notifications",
        listed=listed,
        rows=[_listed(each) for each in listed],
        marks=STATE_MARKS,
        channels=CHANNELS,
        portfolios=pages.portfolios(request, Action.VIEW),
        investments=Investment.objects.filter(access.scope(request.user, Action.VIEW)).order_by("code"),
        is_filtered=any(asked.get(name) for name in ("state", "channel", "portfolio", "investment")),
        may_test=pages.portfolios(request, Action.RECORD).exists(),
    )


def _listed(notification: Notification) -> Listed:
    tone, mark = STATE_MARKS[notification.state]
    message = notification.message
    title = str(message.get("title", "")) or str(message.get("kind", ""))
    kind = str(message.get("kind", ""))
    return Listed(
        notification,
        tone,
        mark,
        title if kind in ("test", "") else f"{title} · {kind}",
        str(message.get("investment", {}).get("code", "")),
    )


@require_GET
def detail(request: HttpRequest, notification_id: UUID) -> HttpResponse:
    """Show one notification: the message as it was handed over, its state and every attempt."""
    notification = _get(request, notification_id)
    return pages.render(
        request,
        "reports/outbox_message.html",
        "Notification",
        notification=notification,
        listed=_listed(notification),
        words=STATE_WORDS[notification.state],
        rendering=_rendering(notification),
        attempts=Attempt.objects.filter(notification=notification).order_by("id"),
        may_retry=notification.state == "dead"
        and access.may(request.user, Action.RECORD, notification.portfolio_id),
    )


def _get(request: HttpRequest, notification_id: UUID) -> Notification:
    try:
        rows = open_notifications(request).select_related("user", "portfolio")
        return rows.get(pk=notification_id)
    except Notification.DoesNotExist as error:
        raise Http404 from error


def _rendering(notification: Notification) -> Rendering | None:
    """Return what was handed over, or what would be handed over now."""
    kept = notification.rendered
    if kept:
        return Rendering(
            subject=str(kept.get("subject", "")),
            text=str(kept.get("text", "")),
            html=str(kept.get("html", "")),
            blocks=kept.get("blocks") or [],
            headers=kept.get("headers") or {},
            is_draft=False,
        )
    if notification.state not in Notification.OPEN:
        return None
    draft = messages.render(notification.message, id=notification.id, thread_id=notification.thread_key)
    return Rendering(draft.subject, draft.text, draft.html, [], {}, is_draft=True)


@require_POST
def retry(request: HttpRequest, notification_id: UUID) -> HttpResponseBase:
    """Put a dead notification back in the line, under the same id."""
    notification = _get(request, notification_id)
    if not access.may(request.user, Action.RECORD, notification.portfolio_id):
        raise Http404
    if alerts_outbox.requeue(notification.pk, by=str(request.user)):
        notices.success(request, "It is in the line again and will be tried within seconds.")
    else:
        notices.error(request, "Only a dead notification can be tried again; this one is not dead any more.")
    return redirect(reverse("admin:reports_outbox_message", args=[notification_id]))


pages.add("outbox/", page, "reports_outbox")
pages.add("outbox/<uuid:notification_id>/", detail, "reports_outbox_message")
pages.add("outbox/<uuid:notification_id>/retry/", retry, "reports_outbox_retry")
