"""Which channel stands behind a name, as configured now."""

import pytest
from pytest_django import Settings

from alerts import channels
from alerts.channels import base
from alerts.channels.base import Logged, redact
from alerts.channels.log import LogChannel
from tests.alerts.messages.cases import rendered


@pytest.fixture
def nothing_configured(settings: Settings) -> Settings:
    settings.HAS_EMAIL = False
    settings.SLACK_WEBHOOK_URL = settings.SLACK_BOT_TOKEN = ""
    return settings


@pytest.mark.parametrize("name", ["email", "slack"])
def test_without_configuration_the_log_stands_in_and_says_so(name: str, nothing_configured: Settings) -> None:
    channel = channels.resolve(name)
    assert isinstance(channel, LogChannel)
    assert channel.send(rendered(), "a@example.com", deadline=0) == Logged(
        f"{name.capitalize()} is not configured."
    )
    assert channel.describe(rendered(), "a@example.com")["to"] == "a@example.com"


@pytest.mark.parametrize(
    ("setting", "value", "name"),
    [
        ("HAS_EMAIL", True, "email"),
        ("SLACK_WEBHOOK_URL", "https://hooks.slack.com/services/x", "slack"),
        ("SLACK_BOT_TOKEN", "xoxb-1", "slack"),
    ],
)
def test_what_is_configured_is_used(
    setting: str, value: object, name: str, nothing_configured: Settings
) -> None:
    setattr(nothing_configured, setting, value)
    assert channels.resolve(name).name == name


def test_an_unknown_channel_is_refused_by_name() -> None:
    with pytest.raises(channels.UnknownChannelError, match="“pigeon”"):
        channels.resolve("pigeon")


def test_every_registered_name_is_its_channels(settings: Settings) -> None:
    settings.HAS_EMAIL, settings.SLACK_BOT_TOKEN = True, "xoxb-1"
    for name, kind in channels.CHANNELS.items():
        options = kind.options(**dict.fromkeys(base.options_of(kind), "x"))
        assert channels.resolve(name, options).name == name


@pytest.mark.parametrize("name", ["slack_webhook", "teams", "webhook", "apprise"])
def test_a_channel_without_its_targets_settings_sends_nothing(name: str) -> None:
    assert isinstance(channels.resolve(name), LogChannel)


@pytest.mark.parametrize("name", list(channels.CHANNELS))
def test_settings_are_words_with_labels_and_secrets_are_not_shown(name: str) -> None:
    kind = channels.CHANNELS[name]
    asked = base.options_of(kind)
    assert all(each.label for each in asked.values())
    assert not any(word in str(asked) for word in ("TODO", "None"))
    shown = repr(kind.options(**dict.fromkeys(asked, "canary")))
    hidden = [field for field, each in asked.items() if each.is_secret]
    assert not any(f"{field}='canary'" in shown for field in hidden)
    assert "address" not in hidden


def test_redaction_leaves_one_line_without_addresses_or_secrets() -> None:
    line = redact("no https://hooks.example/a\r\nsecret\x1b[0m" + "x" * 900, "secret")
    assert line.startswith("no [address]")
    assert "secret" not in line
    assert line.isprintable()
    assert len(line) <= 300
