"""The registry of channels: a new channel is its module and one line here."""

from collections.abc import Callable

from alerts.channels import email, slack
from alerts.channels.base import Channel
from alerts.channels.log import LogChannel


class UnknownChannelError(LookupError):
    """No channel has this name."""


# Each answers the channel as it is configured now, or None where the installation has no way to use it.
CHANNELS: dict[str, Callable[[], Channel | None]] = {
    "email": email.configured,
    "slack": slack.configured,
    "log": LogChannel,
}


def resolve(name: str) -> Channel:
    """Return a channel by name; the log, which never pretends to send, stands in for an unconfigured one."""
    try:
        configured = CHANNELS[name]
    except KeyError as error:
        raise UnknownChannelError(f"There is no channel named “{name}”.") from error
    return configured() or LogChannel(instead_of=name)
