"""What channels share: the message they are handed, the outcomes they answer, the settings they ask for. No rows."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

_WEB_ADDRESS = re.compile(r"https?://\S+", re.IGNORECASE)
DETAIL_LENGTH = 300
# Where a chart's picture goes in a message's HTML; a channel that has none takes it out.
PICTURE = "<!--picture-->"


@dataclass(frozen=True, slots=True)
class Enclosure:
    """A file that a message brings along; one with a content id is shown in the HTML that names it."""

    name: str
    media_type: str
    content: bytes = field(repr=False)
    content_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A notice in words, ready for any channel: each picks the form it can show.

    Every text is already free of control characters and direction overrides, and none of it is markup except
    `html`. `id` is the delivery's: a repeated delivery carries the same one. `reply_to` is the provider's
    reference of the last message of the thread, where one is known. `ends` says that the
    alert is over by it. `data` are the copied figures, for machines.

    `answer` is the signed value of the buttons, `unsubscribe` a signed address; these and whatever else stands in
    `private` reach nobody but the recipient: they are not kept with the notification. Channels that carry no
    files leave `enclosures` out; the link leads to them.
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
    severity: str = "info"
    ends: bool = False
    occurred_at: datetime | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    chart: Mapping[str, Any] | None = None
    answer: str = ""
    unsubscribe: str = ""
    private: tuple[str, ...] = ()
    enclosures: tuple[Enclosure, ...] = ()


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
    """The message will never get through as it is; `is_gone` says that no other will either."""

    detail: str
    is_gone: bool = False


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


@dataclass(frozen=True, slots=True)
class Option:
    """How one setting of a target is asked for; a secret is stored encrypted and never shown again."""

    label: str
    help: str = ""
    is_secret: bool = False
    is_required: bool = True


class Options(Protocol):
    """The settings of a target, all of them text: a frozen dataclass whose fields are made by `option`.

    A field named `address` is the target's address, shown to people; a channel without one has no address to show.
    """

    def problems(self) -> dict[str, str]:
        """Return a sentence for each field that cannot be used."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What the registry holds of a channel: its name for people, its settings, and how it is made of them.

    `make` answers None where the installation has no way to use the channel. `is_shared` says that every target
    is reached through one host of the installation; otherwise each target brings its own.
    """

    label: str
    options: type[Any]
    make: Callable[[Any], Channel | None]
    is_shared: bool = True


def option(label: str, *, help: str = "", is_secret: bool = False, is_required: bool = True) -> Any:
    """Return the field of one setting in an options dataclass."""
    asked = Option(label, help, is_secret, is_required)
    return field(default="", repr=not is_secret, metadata={"option": asked})


def options_of(kind: Kind) -> dict[str, Option]:
    """Return how the settings of a channel are asked for, by field, in their order."""
    return {each.name: each.metadata["option"] for each in fields(kind.options)}


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
