"""Any receiver: JSON by HTTPS, signed as Standard Webhooks says, so that it can tell us from anybody and a repeat."""

from __future__ import annotations

import base64
import binascii
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from standardwebhooks import Webhook

from alerts.channels import posting
from alerts.channels.base import Accepted, Kind, Message, Outcome, option
from alerts.channels.guard import Answer

PREFIX = "whsec_"
_FEWEST, _MOST = 24, 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The settings of a target."""

    url: str = option(
        "Address", help="https://…; it may hold a token, so it is kept as a secret.", is_secret=True
    )
    secret: str = option(
        "Signing secret",
        help="whsec_ and 24 to 64 bytes in base64. Left empty at first, one is made and shown once.",
        is_secret=True,
        is_required=False,
    )
    previous_secret: str = option(
        "Previous signing secret",
        help="During a change of secrets messages are signed with both; receivers accept either.",
        is_secret=True,
        is_required=False,
    )

    def problems(self) -> dict[str, str]:
        """Return why the address or a secret cannot be used."""
        found = {"url": posting.problem_with(self.url)}
        found |= {name: _problem_with_secret(getattr(self, name)) for name in ("secret", "previous_secret")}
        return {name: sentence for name, sentence in found.items() if sentence}

    def made(self) -> dict[str, str]:
        """Return what is made where it was left empty."""
        return {} if self.secret else {"secret": new_secret()}


@dataclass(frozen=True, slots=True)
class WebhookChannel:
    """Posts a message's figures and words to a receiver of the portfolio's own."""

    options: Options
    name: str = "webhook"

    @property
    def host(self) -> str:
        """The receiver."""
        return f"webhook:{posting.host_of(self.options.url)}"

    def describe(self, message: Message, address: str) -> dict[str, Any]:
        """Return the body that is posted; address and secrets stay out."""
        return {"to": address, "body": payload(message), "text": message.text}

    def send(self, message: Message, address: str, *, deadline: float) -> Outcome:
        """Post the message under its own id; any 2xx is a yes."""
        body = json.dumps(payload(message), separators=(",", ":"), ensure_ascii=False)
        headers = signed(message, body, self.options, now=datetime.now(UTC))
        answer = posting.post(self.options.url, body.encode(), headers=headers, deadline=deadline)
        return Accepted(f"HTTP {answer.status}") if isinstance(answer, Answer) else answer


def payload(message: Message) -> dict[str, Any]:
    """Return the body: what happened, when, the figures as they were copied, and the words people read.

    It is the same for every try of a delivery; only the signature's time differs.
    """
    return {
        "type": f"hurdle.alert.{message.kind}",
        "timestamp": message.occurred_at.isoformat() if message.occurred_at else None,
        "data": {
            **message.data,
            "headline": message.headline,
            "lead": message.lead,
            "link": message.link,
        },
    }


def signed(message: Message, body: str, options: Options, *, now: datetime) -> Mapping[str, str]:
    """Return the headers of Standard Webhooks, with one signature for each of the target's secrets."""
    found = [options.secret, options.previous_secret]
    signatures = [Webhook(secret).sign(str(message.id), now, body) for secret in found if secret]
    return {
        "Content-Type": "application/json",
        "User-Agent": "Hurdle",
        "webhook-id": str(message.id),
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def new_secret() -> str:
    """Return a new signing secret."""
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode("ascii")


def _problem_with_secret(secret: str) -> str:
    if not secret:
        return ""
    try:
        size = len(base64.b64decode(secret.removeprefix(PREFIX), validate=True))
    except (binascii.Error, ValueError):
        size = 0
    if secret.startswith(PREFIX) and _FEWEST <= size <= _MOST:
        return ""
    return f"A signing secret is {PREFIX} and {_FEWEST} to {_MOST} bytes in base64."


def make(options: Options) -> WebhookChannel | None:
    """Return the channel of a target."""
    return WebhookChannel(options) if options.url and options.secret else None


KIND = Kind("Webhook", Options, make, is_shared=False)
