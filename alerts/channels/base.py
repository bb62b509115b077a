"""What every channel shares: the message it is handed, and the outcomes it may answer. No rows here."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

_WEB_ADDRESS = re.compile(r"https?://\S+", re.IGNORECASE)
DETAIL_LENGTH = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A notice in words, ready for any channel: each picks the form it can show.

    Every text is already free of control characters and direction overrides, and none of it is markup except
    `html`. `id` is the delivery's: a repeated delivery carries the same one. `reply_to` is the provider's
    reference of the first message of the thread, where one is known.
    """

    id: UUID
    kind: str
    subject: str
    headline: str
    lead: str
    facts: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    link: str
    text: str
    html: str
    thread_id: str
    is_repeat: bool = False
    reply_to: str = ""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider took the message; `provider_ref` names it there."""

    provider_ref: str = ""


@dataclass(frozen=True, slots=True)
class Retry:
    """The message did not get through, and may later; `after` is in seconds, where the provider asked for it.

    `is_host_down` says that the next message to the same host would fare no better.
    """

    detail: str
    after: float | None = None
    is_host_down: bool = False


@dataclass(frozen=True, slots=True)
class Uncertain:
    """The message was handed over and nobody knows what became of it."""

    detail: str


@dataclass(frozen=True, slots=True)
class Permanent:
    """The message will never get through as it is."""

    detail: str


@dataclass(frozen=True, slots=True)
class Logged:
    """The message was only written down, as the installation has no way to send it."""

    detail: str = ""


Outcome = Accepted | Retry | Uncertain | Permanent | Logged


class Channel(Protocol):
    """A way to people. Channels know messages and addresses, no rows and not each other."""

    @property
    def name(self) -> str:
        """The channel's name in the registry."""

    @property
    def host(self) -> str:
        """Where messages are handed over; failures of one host are counted together."""

    def describe(self, message: Message, address: str) -> dict[str, Any]:
        """Return as JSON what `send` hands over, to be kept with the notification."""

    def send(self, message: Message, address: str, *, deadline: float) -> Outcome:
        """Hand the message over before `deadline` (of time.monotonic)."""


def remaining(deadline: float, *, at_most: float) -> float:
    """Return the seconds left until a deadline, never zero: a socket reads that as "do not wait at all"."""
    return max(0.05, min(at_most, deadline - time.monotonic()))


def redact(text: object, *secrets: str) -> str:
    """Return a detail fit for logs and pages: one line, cut, without secrets and without any web address."""
    line = str(text)
    for secret in filter(None, secrets):
        line = line.replace(secret, "[redacted]")
    line = _WEB_ADDRESS.sub("[address]", line)
    line = "".join(c if c.isprintable() else " " for c in line)
    return line[:DETAIL_LENGTH]
