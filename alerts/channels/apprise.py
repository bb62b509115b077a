"""Other services (PagerDuty, Google Chat, Discord, …) through the optional package `apprise`."""

from __future__ import annotations

import importlib
import importlib.util
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from alerts.channels.base import Accepted, Kind, Message, Outcome, Permanent, Uncertain, option

MISSING = "The package apprise is not installed: pip install --require-hashes -r requirements/apprise.lock."
# Services whose hosts are the provider's own. One that takes a host from the address would pass our checks by.
SERVICES = frozenset(
    {
        "discord",
        "firehydrant",
        "flock",
        "gchat",
        "ilert",
        "incidentio",
        "opsgenie",
        "pagerduty",
        "pagertree",
        "pbul",
        "pover",
        "ringc",
        "signl4",
        "spike",
        "splunk",
        "squadcast",
        "tgram",
        "twilio",
        "victorops",
        "vonage",
        "webex",
        "wxteams",
        "zoom",
    }
)
# What would switch off the check of certificates, follow redirects, try again here or keep files.
_CLOSED_SETTINGS = frozenset({"verify", "redirect", "retry", "wait", "attach", "store", "cto", "rto"})
_BREAK = "\u200b"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The settings of a target."""

    url: str = option(
        "Apprise address",
        help="As the documentation of apprise writes it, for example pagerduty://KEY@TOKEN.",
        is_secret=True,
    )

    def problems(self) -> dict[str, str]:
        """Return why the address cannot be used."""
        problem = _problem_with(self.url)
        return {"url": problem} if problem else {}


@dataclass(frozen=True, slots=True)
class AppriseChannel:
    """Hands a message's words to a service."""

    options: Options
    name: str = "apprise"

    @property
    def host(self) -> str:
        """The service."""
        return f"apprise:{urlsplit(self.options.url).scheme}"

    def describe(self, message: Message, address: str) -> dict[str, Any]:
        """Return what is handed over; the address is a secret and stays out."""
        return {"to": address, "subject": _text(message.headline), "text": _body(message)}

    def send(self, message: Message, address: str, *, deadline: float) -> Outcome:
        """Hand the message over. A no is uncertain: apprise does not say how far it got."""
        problem = _problem_with(self.options.url)
        if problem:
            return Permanent(problem)
        package: Any = importlib.import_module("apprise")
        service = package.Apprise.instantiate(self.options.url)
        if service is None:
            return Permanent("Apprise does not understand this address.")
        said = service.notify(
            title=_text(message.headline),
            body=_body(message),
            notify_type=_TYPES.get(message.severity, "info"),
            body_format=package.NotifyFormat.TEXT,
        )
        return Accepted() if said else Uncertain("The service did not confirm the message.")


_TYPES = {"critical": "failure", "warning": "warning", "good_news": "success"}


def _body(message: Message) -> str:
    facts = [f"{label}: {value}" for label, value in message.facts]
    return "\n".join([_text(message.lead), *map(_text, facts), message.link])


def _text(words: str) -> str:
    """Return words that no service takes for a mention, a link or a tag."""
    return words.replace("@", f"@{_BREAK}").replace("](", f"]{_BREAK}(").replace("<", f"<{_BREAK}")


def _problem_with(url: str) -> str:
    if importlib.util.find_spec("apprise") is None:
        return MISSING
    try:
        parts = urlsplit(url)
    except ValueError:
        return "This address cannot be read."
    if parts.scheme not in SERVICES:
        return f"Use one of these services: {', '.join(sorted(SERVICES))}. For a host of your own use the webhook."
    if url.count("://") > 1 or not url.isprintable() or " " in url:
        return "Write one address only."
    closed = {name.lower() for name, _ in parse_qsl(parts.query, keep_blank_values=True)} & _CLOSED_SETTINGS
    return f"Leave “{min(closed)}” out of the address: it is decided here." if closed else ""


def make(options: Options) -> AppriseChannel | None:
    """Return the channel of a target."""
    return AppriseChannel(options) if options.url else None


KIND = Kind("Other service (apprise)", Options, make, is_shared=False)
