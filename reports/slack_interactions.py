"""The buttons of Slack messages: who pressed which, on which alert. Believed with Slack's signature only, and once."""

import json
import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from slack_sdk.errors import SlackClientError
from slack_sdk.signature import SignatureVerifier
from slack_sdk.webhook import WebhookClient

from alerts import acknowledgments, answers, links
from alerts.acknowledgments import OverlayError
from alerts.channels.block_kit import ACKNOWLEDGE, SNOOZE
from alerts.links import ANSWER, LinkError
from portfolio.models import User

logger = logging.getLogger(__name__)

# Slack's own limit: what was signed longer ago is a replay.
_LATEST = timedelta(seconds=300)
_SNOOZED_FOR = timedelta(days=7)
_REPLY_SECONDS = 2
_SLACK_HOST = "hooks.slack.com"
_LONGEST_BODY = 100_000


@csrf_exempt  # Slack posts here; its signature is the right to do so
@require_POST
def interactions(request: HttpRequest) -> HttpResponse:
    """Do what a pressed button says, as the person who pressed it, and tell that person what became of it."""
    if not settings.SLACK_SIGNING_SECRET:
        return HttpResponse("Slack's signing secret is not set here.", status=404)
    now = timezone.now()
    if not _is_signed(request):
        return HttpResponse("This request is not signed by Slack, or too old.", status=401)
    try:
        payload = json.loads(request.POST["payload"])
        action = payload["actions"][0]
        pressed, value = str(action["action_id"]), str(action.get("value", ""))
        member, nonce = str(payload["user"]["id"]), f"{payload['trigger_id']}:{pressed}"
        if "\0" in f"{member}{nonce}{value}":
            raise ValueError("Slack sends no such character.")
    except (KeyError, IndexError, TypeError, ValueError):
        return HttpResponse("This is no press of a button.", status=400)
    if pressed not in (ACKNOWLEDGE, SNOOZE):
        return HttpResponse()  # a button that only opens an address tells Slack, too
    _reply(payload, _done(pressed, value, member, nonce, now=now))
    return HttpResponse()


def _is_signed(request: HttpRequest) -> bool:
    verifier = SignatureVerifier(settings.SLACK_SIGNING_SECRET)
    if len(request.body) > _LONGEST_BODY:
        return False
    try:
        return bool(verifier.is_valid_request(request.body, dict(request.headers)))
    except (TypeError, ValueError):
        return False  # its time is no number, its signature no text that could be one


def _done(pressed: str, value: str, member: str, nonce: str, *, now: datetime) -> str:
    """Return the sentence for who pressed: what was done, or why nothing was."""
    user = User.objects.filter(slack_id=member, is_active=True).first() if member else None
    if user is None:
        return "Your Slack account belongs to nobody here; an administrator can enter your member id."
    try:
        with transaction.atomic():
            links.spend(ANSWER, nonce, now=now, keep=2 * _LATEST)
            episode = answers.episode_of(links.read(ANSWER, value, now=now))
            if pressed == SNOOZE:
                until = now + _SNOOZED_FOR
                reason = "Snoozed for a week from Slack."
                acknowledgments.snooze(episode, user=user, until=until, reason=reason, now=now)
                return f"Quiet until {until:%Y-%m-%d}. If it is still open then, you hear of it once."
            made = acknowledgments.acknowledge(episode, user=user, via="slack", now=now)
    except (LinkError, OverlayError) as error:
        return str(error)
    leads = "" if made.leads else " Somebody else answered first and leads."
    return f"Acknowledged: nobody is reminded until {made.acknowledgment.until:%Y-%m-%d}.{leads}"


def _reply(payload: Mapping[str, Any], sentence: str) -> None:
    """Answer at the address Slack gave, to the person alone; the act stands whether or not the answer arrives."""
    address = str(payload.get("response_url", ""))
    own = urlsplit(settings.SLACK_API_URL).netloc if settings.SLACK_API_URL else ""
    parts = urlsplit(address)
    if not (parts.scheme == "https" and parts.netloc == _SLACK_HOST) and not (own and parts.netloc == own):
        return
    try:
        client = WebhookClient(address, timeout=_REPLY_SECONDS)
        client.send(text=sentence, response_type="ephemeral", replace_original=False)
    except (SlackClientError, OSError, ValueError) as error:
        logger.warning("The answer to a pressed button was not delivered (%s).", type(error).__name__)
