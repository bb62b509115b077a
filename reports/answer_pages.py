"""Pages that a link in a message opens without signing in: what it is about, and one button that does it."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods
from rest_framework.throttling import SimpleRateThrottle

from alerts import acknowledgments, answers, unsubscriptions
from alerts.acknowledgments import OverlayError
from alerts.answers import Asked, Subscriber
from alerts.links import LinkError
from alerts.models import Target
from alerts.rules import RULES

View = Callable[[HttpRequest, str], HttpResponse]
_TEMPLATE = "reports/answer.html"
_STATUS = {"foreign": 404, "expired": 410, "used": 410, "closed": 409, "forbidden": 403, "invalid": 400}
_TITLES = {
    "foreign": "This link opens nothing",
    "expired": "This link is too old",
    "used": "Done already",
    "closed": "This alert is over",
    "forbidden": "You cannot answer this alert",
}
_INSTEAD = {
    "foreign": "Copy the whole address from the message, or sign in and open the alert there.",
    "expired": "Sign in and answer the alert there; the next reminder carries a new link.",
    "used": "Each link works once. Nothing more is needed.",
    "closed": "There is nothing left to do.",
    "forbidden": "Ask the investment's owner, or somebody who records in its portfolio.",
}
_STILL = (
    "Still sent: an alert nobody else can be told of, reports you ask for, and reviews that wait for you."
)


class LinkThrottle(SimpleRateThrottle):
    """Counts openings per address, so that nobody tries links out."""

    scope = "links"
    rate = "60/min"

    def get_cache_key(self, request: Any, view: Any) -> str:
        """Return the key of the caller's address."""
        return self.cache_format % {"scope": self.scope, "ident": self.get_ident(request)}


def _page(view: View) -> View:
    """Limit how often it is opened, keep it out of every cache, and put a refusal into words."""

    @never_cache
    @wraps(view)
    def shown(request: HttpRequest, token: str) -> HttpResponse:
        throttle = LinkThrottle()
        if not throttle.allow_request(request, None):  # type: ignore[arg-type]
            seconds = round(throttle.wait() or 60)
            told = render(
                request,
                _TEMPLATE,
                {"title": "Too many tries", "lead": f"Try again in {seconds} seconds."},
                status=429,
            )
            told["Retry-After"] = str(seconds)
            return told
        try:
            return view(request, token)
        except (LinkError, OverlayError) as error:
            words = {
                "title": _TITLES.get(error.code, "That did not work"),
                "lead": str(error),
                "note": _INSTEAD.get(error.code, ""),
            }
            return render(request, _TEMPLATE, words, status=_STATUS[error.code])

    return shown


@require_http_methods(["GET", "HEAD", "POST"])
@_page
def acknowledge(request: HttpRequest, token: str) -> HttpResponse:
    """Show what would be acknowledged; the button does it. Opening the page changes nothing: mail programs do."""
    now = timezone.now()
    asked = answers.asked_by(token, now=now)
    if request.method == "POST":
        done = answers.acknowledge(asked, now=now)
        leads = "" if done.leads else " Somebody else answered first and leads."
        until = f"{done.acknowledgment.until:%Y-%m-%d}"
        return render(
            request,
            _TEMPLATE,
            _about(asked)
            | {
                "title": "Acknowledged",
                "lead": f"{asked.user}, nobody is reminded of this alert until {until}.{leads}",
                "note": "You still hear of its end, and of figures that are restated.",
                "tone": "good",
            },
        )
    acknowledgments.check(asked.episode, user=asked.user)
    return render(
        request,
        _TEMPLATE,
        _about(asked)
        | {
            "title": "Acknowledge this alert?",
            "lead": f"You answer as {asked.user}. Reminders and escalation stop for up to 30 days.",
            "button": "Acknowledge",
        },
    )


def _about(asked: Asked) -> dict[str, Any]:
    episode = asked.episode
    investment = episode.investment
    rule = RULES.get(episode.rule)
    return {
        "facts": [
            ("Investment", f"{investment.name} ({investment.code})"),
            ("Alert", rule.title if rule else episode.rule),
            ("Since", f"{episode.first_breach_month:%Y-%m}"),
            ("Portfolio", investment.portfolio.name),
        ],
        "link": f"/go/investment/{investment.public_id}",
    }


@csrf_exempt  # mail programs post here themselves (RFC 8058); the signed address is the right to do so
@require_http_methods(["GET", "HEAD", "POST"])
@_page
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """Stop mail to a person about a portfolio, or to its shared address, by the button or a mail program's own one."""
    now = timezone.now()
    leaver = answers.leaver_of(token, now=now)
    is_posted = request.method == "POST"
    if is_posted:
        answers.unsubscribe(leaver, now=now)
    if isinstance(leaver, Subscriber):
        return render(request, _TEMPLATE, _about_person(leaver, is_posted=is_posted))
    return render(request, _TEMPLATE, _about_address(leaver, is_posted=is_posted))


def _about_person(leaver: Subscriber, *, is_posted: bool) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "facts": [("Person", str(leaver.user)), ("Portfolio", leaver.portfolio.name)],
        "link": reverse("admin:reports_profile"),
        "leads": "Open your profile",
    }
    if leaver.portfolio.pk in unsubscriptions.since(leaver.user):
        return shown | {
            "title": "No more mail" if is_posted else "You unsubscribed already",
            "lead": "Alerts and reports of this portfolio are no longer mailed to you.",
            "note": f"{_STILL} You can subscribe again on your profile.",
            "tone": "good",
        }
    return shown | {
        "title": "Stop mail about this portfolio?",
        "lead": "Alerts and reports of this portfolio are then no longer mailed to you. If you own an investment, "
        "its sponsor or an administrator is told in your place.",
        "note": _STILL,
        "button": "Stop mail",
    }


def _about_address(target: Target, *, is_posted: bool) -> dict[str, Any]:
    shown: dict[str, Any] = {"facts": [("Address", target.label), ("Portfolio", target.portfolio.name)]}
    if is_posted:
        return shown | {
            "title": "No more messages",
            "lead": "Nothing is sent to this address any more.",
            "note": "Whoever administers the portfolio can switch it on again.",
            "tone": "good",
        }
    return shown | {
        "title": "Stop messages to this address?",
        "lead": "Alerts of the portfolio are then no longer sent to this shared address, for everybody behind it.",
        "button": "Stop messages",
    }
