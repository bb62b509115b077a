"""The channel of an installation without mail or Slack: the message is kept with its notification."""

import logging
from dataclasses import dataclass
from typing import Any

from alerts.channels.base import Logged, Message, Outcome

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LogChannel:
    """Stands in for a channel that is not configured; `instead_of` is that channel's name."""

    instead_of: str = ""
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
        return Logged(f"{self.instead_of.capitalize()} is not configured.")
