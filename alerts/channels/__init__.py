"""The registry of channels: a new channel is its module and one line here."""

from typing import Any

from alerts.channels import apprise, email, log, slack, slack_webhook, teams, webhook
from alerts.channels.base import Channel, Kind
from alerts.channels.log import LogChannel


class UnknownChannelError(LookupError):
    """No channel has this name."""


CHANNELS: dict[str, Kind] = {
    "email": email.KIND,
    "slack": slack.KIND,
    "slack_webhook": slack_webhook.KIND,
    "teams": teams.KIND,
    "webhook": webhook.KIND,
    "apprise": apprise.KIND,
    "log": log.KIND,
}


def kind_of(name: str) -> Kind:
    """Return what the registry holds of a channel; raise UnknownChannelError for a name it does not hold."""
    try:
        return CHANNELS[name]
    except KeyError as error:
        raise UnknownChannelError(f"There is no channel named “{name}”.") from error


def resolve(name: str, options: Any = None) -> Channel:
    """Return a channel by name, made of a target's options where it has any.

    The log, which never pretends to send, stands in for a channel the installation has no way to use.
    """
    kind = kind_of(name)
    made = kind.make(kind.options() if options is None else options)
    return made or LogChannel(instead_of=name, label=kind.label)


def is_read(name: str) -> bool:
    """Whether somebody reads what a channel is handed; False for an unknown one, and where it is only logged."""
    kind = CHANNELS.get(name)
    return kind is not None and not (kind.is_shared and isinstance(resolve(name), LogChannel))


def unread() -> list[str]:
    """Return the channels that the installation has no way to use."""
    return [name for name in CHANNELS if not is_read(name)]
