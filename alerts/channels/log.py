"""The channel of an installation without mail or Slack: the message is kept with its notification."""

import logging
from dataclasses import dataclass
from typing import Any

from alerts.channels.base import Kind, Logged, Message, Outcome

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The log needs no settings."""

    def problems(self) -> dict[str, str]:
        """Return nothing: there is nothing to get wrong."""
        return {}


@dataclass(frozen=True, slots=True)
class LogChannel:
    """Stands in for a channel that is not configured; `instead_of` is that channel's name."""

    instead_of: str = ""
    label: str = ""
    name: str = "log"
    host: str = ""

    def describe(self, message: Message, address: str) -> dict[str, Any]:
        """Return the message as it would have been read."""
        return {"to": address, "subject": message.subject, "text": message.text, "html": message.html}

    def send(self, message: Message, address: str, *, deadline: float) -> Outcome:
        """Write the subject to the log; nothing leaves the house."""
        logger.info("Not sent, only logged (%s): %s", self.instead_of or self.name, message.subject)
        if not self.instead_of:
            return Logged()
        return Logged(f"{self.label or self.instead_of} is not configured.")


def make(options: Options) -> LogChannel:
    """Return the channel."""
    return LogChannel()


KIND = Kind("Log", Options, make)
