"""Slack, by bot token or incoming webhook: Block Kit within its limits, no name taken for markup."""

from __future__ import annotations

import json
import logging
import re
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Any
from urllib.error import URLError
from urllib.parse import urlsplit

from django.conf import settings
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.webhook import WebhookClient

from alerts.channels.base import Accepted, Message, Outcome, Permanent, Retry, Uncertain, redact, remaining

API_URL = "https://slack.com/api/"
_TOKEN = re.compile(r"xox[a-z]-\S+")
_TIMEOUT_SECONDS = 15.0
_HEADER, _SECTION, _FIELD, _FIELDS, _BUTTON_URL, _CONTEXT, _TOTAL = 150, 3000, 2000, 10, 3000, 10, 12_000
_FALLBACK = 3000
_TRANSIENT = frozenset(
    {"ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable"}
)
_TRANSIENT_CODES = frozenset({408, 425, 429})

# The client's own words hold addresses and bodies; what matters comes back as an outcome.
_quiet = logging.getLogger(f"{__name__}.client")
_quiet.setLevel(logging.CRITICAL)


def configured() -> SlackChannel | None:
    """Return the channel when the installation has a bot token or a webhook."""
    if not settings.SLACK_BOT_TOKEN and not settings.SLACK_WEBHOOK_URL:
        return None
    return SlackChannel(
        token=settings.SLACK_BOT_TOKEN,
        default_channel=settings.SLACK_CHANNEL,
        webhook=settings.SLACK_WEBHOOK_URL,
        api_url=(settings.SLACK_API_URL or API_URL).rstrip("/") + "/",
    )


@dataclass(frozen=True, slots=True)
class SlackChannel:
    """Posts as a bot where there is a token, else to the one channel the webhook is bound to."""

    token: str = field(default="", repr=False)
    default_channel: str = ""
    webhook: str = field(default="", repr=False)
    api_url: str = API_URL
    name: str = "slack"

    @property
    def host(self) -> str:
        """Slack's API, or the webhook's host."""
        return f"slack:{urlsplit(self.api_url if self.token else self.webhook).netloc}"

    def describe(self, message: Message, address: str) -> dict[str, Any]:
        """Return what is posted, and where; the webhook's address is a secret and stays out."""
        to = (address or self.default_channel) if self.token else "webhook"
        return {"to": to, "text": fallback(message), "blocks": blocks(message)}

    def send(self, message: Message, address: str, *, deadline: float) -> Outcome:
        """Post the message; a failure while waiting for the answer is uncertain."""
        if address and not self.token:
            return Permanent("Posting to a chosen Slack channel or person needs a bot token.")
        timeout = remaining(deadline, at_most=_TIMEOUT_SECONDS)
        try:
            return self._post(message, address, timeout) if self.token else self._hook(message, timeout)
        except URLError as error:
            # Raised while connecting or writing: the request was not complete.
            return Retry(self._detail("Slack cannot be reached", error.reason), is_host_down=True)
        except (OSError, HTTPException) as error:
            return Uncertain(self._detail("Slack did not confirm the message", type(error).__name__))
        except (SlackClientError, ValueError) as error:
            return Uncertain(self._detail("Slack's answer was not understood", type(error).__name__))

    def _post(self, message: Message, address: str, timeout: float) -> Outcome:
        client = WebClient(
            token=self.token,
            base_url=self.api_url,
            timeout=timeout,  # type: ignore[arg-type]
            logger=_quiet,
            # Trying again is the outbox's business: the client would do it after an unknown end too.
            retry_handlers=[],
        )
        thread = {"thread_ts": message.reply_to, "reply_broadcast": True} if message.reply_to else {}
        try:
            answer = client.chat_postMessage(
                channel=address or self.default_channel,
                text=fallback(message),
                blocks=blocks(message),
                unfurl_links=False,
                unfurl_media=False,
                mrkdwn=False,
                link_names=False,
                **thread,  # type: ignore[arg-type]
            )
        except SlackApiError as error:
            return self._api_error(error)
        return Accepted(str(answer.get("ts") or ""))

    def _api_error(self, error: SlackApiError) -> Outcome:
        code, headers = int(error.response.status_code), error.response.headers
        if code != 200:
            return self._http_error(code, headers, "")
        name = str(error.response.get("error") or "unknown error")
        detail = self._detail("Slack refused the message", name)
        if name in _TRANSIENT:
            return Retry(detail, after=_retry_after(headers), is_host_down=True)
        if not name.isascii() or " " in name:
            return Uncertain(self._detail("Slack's answer was not understood", "not JSON"))
        return Permanent(detail)

    def _hook(self, message: Message, timeout: float) -> Outcome:
        client = WebhookClient(
            self.webhook,
            timeout=timeout,  # type: ignore[arg-type]
            logger=_quiet,
            retry_handlers=[],
        )
        answer = client.send(text=fallback(message), blocks=blocks(message), unfurl_links=False)
        if answer.status_code != 200:
            return self._http_error(answer.status_code, answer.headers, answer.body)
        return (
            Accepted() if _is_yes(answer.body) else Uncertain("The webhook answered something other than ok.")
        )

    def _http_error(self, code: int, headers: Any, body: str) -> Outcome:
        detail = self._detail(f"Slack answered {code}", body)
        if code in _TRANSIENT_CODES or code >= 500:
            return Retry(detail, after=_retry_after(headers), is_host_down=True)
        return Permanent(detail)

    def _detail(self, sentence: str, cause: object) -> str:
        secrets = (self.webhook, urlsplit(self.webhook).path, self.token)
        return redact(_TOKEN.sub("[redacted]", f"{sentence}: {cause}" if cause else sentence), *secrets)


def _retry_after(headers: Any) -> float | None:
    lowered = {str(key).lower(): value for key, value in dict(headers).items()}
    try:
        seconds = float(lowered.get("retry-after", ""))
    except (TypeError, ValueError):
        return None
    return seconds if 0 <= seconds < float("inf") else None


def _is_yes(body: str) -> bool:
    """Return whether a webhook took the message: Slack says ok, compatible servers say so in JSON."""
    if body.strip().lower() == "ok":
        return True
    try:
        answer = json.loads(body)
    except ValueError:
        return False
    return isinstance(answer, dict) and (answer.get("ok") is True or answer.get("success") is True)


def escape(text: str, *, limit: int) -> str:
    """Return text that mrkdwn shows as it is, cut to a limit that counts the escapes and never splits one."""
    out: list[str] = []
    size = 0
    for character in text:
        piece = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}.get(character, character)
        if size + len(piece) > limit - 1:
            return "".join(out) + "…"
        out.append(piece)
        size += len(piece)
    return "".join(out)


def plain(text: str, *, limit: int) -> dict[str, Any]:
    """Return a plain text object, where neither markup nor :names: mean anything."""
    cut = text if len(text) <= limit else text[: limit - 1] + "…"
    return {"type": "plain_text", "text": cut or " ", "emoji": False}


def fallback(message: Message) -> str:
    """Return the words of the push notification and of clients without blocks."""
    return escape(f"{message.headline}\n{message.lead}", limit=_FALLBACK)


def blocks(message: Message) -> list[dict[str, Any]]:
    """Return the message in Block Kit: what was crossed, the figures, a link, where the figures come from."""
    fields = [
        {
            "type": "mrkdwn",
            "verbatim": True,
            "text": f"*{escape(label, limit=200)}*\n{escape(value, limit=_FIELD - 300)}",
        }
        for label, value in message.facts[:_FIELDS]
    ]
    found: list[dict[str, Any]] = [
        {"type": "header", "text": plain(message.headline, limit=_HEADER)},
        {"type": "section", "text": plain(message.lead, limit=_SECTION)},
    ]
    if fields:
        found.append({"type": "section", "fields": fields})
    if message.link and len(message.link) <= _BUTTON_URL:
        button = {"type": "button", "text": plain("Open in Hurdle", limit=75), "url": message.link}
        found.append({"type": "actions", "elements": [button]})
    if message.notes:
        notes = [plain(note, limit=_FIELD) for note in message.notes[:_CONTEXT]]
        found.append({"type": "context", "elements": notes})
    # Slack refuses messages beyond a size it does not document; the headline and lead always fit.
    return found if len(json.dumps(found)) <= _TOTAL else found[:2]
