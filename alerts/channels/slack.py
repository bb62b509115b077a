"""Slack, by the installation's bot or its incoming webhook: threads, buttons, and a first message that is kept true."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Any
from urllib.error import URLError
from urllib.parse import urlsplit

from django.conf import settings
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.webhook import WebhookClient

from alerts.channels.base import (
    Accepted,
    Kind,
    Message,
    Outcome,
    Permanent,
    Retry,
    Uncertain,
    option,
    redact,
    remaining,
)
from alerts.channels.block_kit import blocks, fallback
from alerts.channels.posting import retry_after

API_URL = "https://slack.com/api/"
_TOKEN = re.compile(r"xox[a-z]-\S+")
_ADDRESS = re.compile(r"(#[\w-]{1,80}|[CGD][A-Z0-9]{8,})\Z")
_TIMEOUT_SECONDS = 12.0
_TRANSIENT = frozenset(
    {"ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable"}
)
_TRANSIENT_CODES = frozenset({408, 425, 429})
_DELETED = frozenset({"message_not_found", "thread_not_found"})
_GONE = frozenset({"is_archived", "channel_is_archived"})

# The client's own words hold addresses and bodies; what matters comes back as an outcome.
_quiet = logging.getLogger(f"{__name__}.client")
_quiet.setLevel(logging.CRITICAL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The settings of a target."""

    address: str = option(
        "Slack channel",
        help="#channel or its id; the bot must be in it. Empty: the installation's channel.",
        is_required=False,
    )

    def problems(self) -> dict[str, str]:
        """Return why the channel cannot be posted to."""
        if not self.address or _ADDRESS.match(self.address):
            return {}
        return {"address": "Write #channel or the channel's id."}


@dataclass(frozen=True, slots=True)
class Reference:
    """Where a message stands at Slack: its channel, the thread's first message, and itself where it is another.

    The channel is its id: editing takes no name and no person.
    """

    channel: str
    root: str
    own: str = ""

    @classmethod
    def read(cls, text: str) -> Reference | None:
        """Return what `write` made; a bare timestamp is a first message in a channel nobody noted."""
        if not text:
            return None
        channel, _, rest = text.rpartition(":") if text.count(":") < 2 else text.partition(":")
        root, _, own = rest.partition(":")
        return cls(channel, root, own)

    def write(self) -> str:
        """Return the reference as the outbox keeps it."""
        return ":".join(filter(None, (self.channel, self.root, self.own)))


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
        try:
            return self._tell(message, address, deadline) if self.token else self._hook(message, deadline)
        except URLError as error:
            # Raised while connecting or writing: the request was not complete.
            return Retry(self._detail("Slack cannot be reached", error.reason), is_host_down=True)
        except (OSError, HTTPException) as error:
            return Uncertain(self._detail("Slack did not confirm the message", type(error).__name__))
        except (SlackClientError, ValueError) as error:
            return Uncertain(self._detail("Slack's answer was not understood", type(error).__name__))

    def _tell(self, message: Message, address: str, deadline: float) -> Outcome:
        """Post the message, in its thread where there is one.

        1. The end of an alert first makes the thread's first message say so, and so does its return: editing twice
           is as good as once.
        2. Where that message was deleted, the thread went with it, and the notice is posted on its own.
        """
        thread = Reference.read(message.reply_to)
        if thread is not None and thread.channel and (message.ends or message.kind == "reopened"):
            edited = self._edit(message, thread, deadline)
            if isinstance(edited, Retry):
                return edited
            thread = thread if edited else None
        try:
            return self._post(message, address, thread, deadline)
        except SlackApiError as error:
            if thread is None or _error_of(error) not in _DELETED:
                return self._api_error(error)
        try:
            return self._post(message, address, None, deadline)
        except SlackApiError as error:
            return self._api_error(error)

    def _edit(self, message: Message, thread: Reference, deadline: float) -> bool | Retry:
        """Make the first message say how it stands; False where it is no more, Retry where Slack may do it later."""
        try:
            self._client(deadline).chat_update(
                channel=thread.channel,
                ts=thread.root,
                text=fallback(message),
                blocks=blocks(message),
                parse="none",
                link_names=False,
            )
        except SlackApiError as error:
            outcome = self._api_error(error)
            # A message that may not be edited any more still has its thread.
            return outcome if isinstance(outcome, Retry) else _error_of(error) not in _DELETED
        except (OSError, HTTPException, SlackClientError) as error:
            return Retry(
                self._detail("Slack did not edit the first message", type(error).__name__), is_host_down=True
            )
        return True

    def _post(self, message: Message, address: str, thread: Reference | None, deadline: float) -> Outcome:
        threaded = {"thread_ts": thread.root, "reply_broadcast": True} if thread else {}
        answer = self._client(deadline).chat_postMessage(
            channel=address or self.default_channel,
            text=fallback(message),
            blocks=blocks(message),
            unfurl_links=False,
            unfurl_media=False,
            mrkdwn=False,
            link_names=False,
            **threaded,  # type: ignore[arg-type]
        )
        posted, channel = str(answer.get("ts") or ""), str(answer.get("channel") or "")
        made = Reference(channel, thread.root, posted) if thread else Reference(channel, posted)
        return Accepted(made.write())

    def _client(self, deadline: float) -> WebClient:
        return WebClient(
            token=self.token,
            base_url=self.api_url,
            timeout=remaining(deadline, at_most=_TIMEOUT_SECONDS),  # type: ignore[arg-type]
            logger=_quiet,
            # Trying again is the outbox's business: the client would do it after an unknown end too.
            retry_handlers=[],
        )

    def _api_error(self, error: SlackApiError) -> Outcome:
        code, headers = int(error.response.status_code), error.response.headers
        if code != 200:
            return self._http_error(code, headers, "")
        name = _error_of(error)
        detail = self._detail("Slack refused the message", name)
        if name in _TRANSIENT:
            return Retry(detail, after=retry_after(headers), is_host_down=True)
        if not name.isascii() or " " in name:
            return Uncertain(self._detail("Slack's answer was not understood", "not JSON"))
        return Permanent(detail, is_gone=name in _GONE)

    def _hook(self, message: Message, deadline: float) -> Outcome:
        client = WebhookClient(
            self.webhook,
            timeout=remaining(deadline, at_most=_TIMEOUT_SECONDS),  # type: ignore[arg-type]
            logger=_quiet,
            retry_handlers=[],
        )
        answer = client.send_dict(
            {
                "text": fallback(message),
                "blocks": blocks(message),
                "unfurl_links": False,
                "mrkdwn": False,
            }
        )
        if answer.status_code != 200:
            return self._http_error(answer.status_code, answer.headers, answer.body)
        return (
            Accepted() if _is_yes(answer.body) else Uncertain("The webhook answered something other than ok.")
        )

    def _http_error(self, code: int, headers: Mapping[str, str], body: str) -> Outcome:
        detail = self._detail(f"Slack answered {code}", body)
        if code in _TRANSIENT_CODES or code >= 500:
            return Retry(detail, after=retry_after(headers), is_host_down=True)
        return Permanent(detail)

    def _detail(self, sentence: str, cause: object) -> str:
        secrets = (self.webhook, urlsplit(self.webhook).path, self.token)
        return redact(_TOKEN.sub("[redacted]", f"{sentence}: {cause}" if cause else sentence), *secrets)


def _error_of(error: SlackApiError) -> str:
    return str(error.response.get("error") or "unknown error")


def _is_yes(body: str) -> bool:
    """Return whether a webhook took the message: Slack says ok, compatible servers say so in JSON."""
    if body.strip().lower() == "ok":
        return True
    try:
        answer = json.loads(body)
    except ValueError:
        return False
    return isinstance(answer, dict) and (answer.get("ok") is True or answer.get("success") is True)


def make(options: Options) -> SlackChannel | None:
    """Return the channel when the installation has a bot token or a webhook."""
    if not settings.SLACK_BOT_TOKEN and not settings.SLACK_WEBHOOK_URL:
        return None
    return SlackChannel(
        token=settings.SLACK_BOT_TOKEN,
        default_channel=settings.SLACK_CHANNEL,
        webhook=settings.SLACK_WEBHOOK_URL,
        api_url=(settings.SLACK_API_URL or API_URL).rstrip("/") + "/",
    )


KIND = Kind("Slack", Options, make)
