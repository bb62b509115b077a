"""The signed webhook: what stands in it, who can verify it, and how its secret is changed."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from pytest_django import Settings
from standardwebhooks import Webhook, WebhookVerificationError

from alerts.channels import webhook
from alerts.channels.base import Accepted
from alerts.channels.webhook import Options, WebhookChannel
from tests.alerts.channels.web_servers import web_server
from tests.alerts.messages.cases import ID, rendered

OLD, NEW = webhook.new_secret(), webhook.new_secret()


def received(settings: Settings, options: dict[str, str], **changes: Any) -> tuple[dict[str, str], str]:
    """Send one message to a real server and return the headers and the body it read."""
    with web_server() as server:
        settings.OUTGOING_ALLOWED = f"http://127.0.0.1:{server.port}"
        channel = WebhookChannel(Options(url=f"http://127.0.0.1:{server.port}/in", **options))
        message = replace(rendered(**changes), occurred_at=datetime(2026, 11, 3, 8, 0, tzinfo=UTC))
        assert isinstance(channel.send(message, "x", deadline=time.monotonic() + 5), Accepted)
    head, _, body = server.requests[0].decode().partition("\r\n\r\n")
    lines = [line.partition(": ") for line in head.split("\r\n")[1:]]
    return {name.lower(): value for name, _, value in lines}, body


def test_a_receiver_verifies_it_with_the_reference_library(settings: Settings) -> None:
    headers, body = received(settings, {"secret": NEW})
    said = Webhook(NEW).verify(body, headers)
    assert headers["webhook-id"] == str(ID)
    assert said["type"] == "hurdle.alert.fired"
    assert said["timestamp"] == "2026-11-03T08:00:00+00:00"
    assert said["data"]["value"] == "0.0512"
    assert said["data"]["investment"]["code"] == "AI-003"
    assert "recipient" not in said["data"]


def test_a_changed_body_or_another_secret_does_not_verify(settings: Settings) -> None:
    headers, body = received(settings, {"secret": NEW})
    with pytest.raises(WebhookVerificationError):
        Webhook(NEW).verify(body.replace("0.0512", "0.9512"), headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(OLD).verify(body, headers)


def test_during_a_change_of_secrets_either_verifies(settings: Settings) -> None:
    headers, body = received(settings, {"secret": NEW, "previous_secret": OLD})
    assert Webhook(OLD).verify(body, headers) == Webhook(NEW).verify(body, headers)


def test_every_try_has_the_same_id_and_body() -> None:
    first, again = rendered(), rendered(is_repeat=True)
    assert webhook.payload(first) == webhook.payload(again)
    one = webhook.signed(first, "{}", Options(url="x", secret=NEW), now=datetime(2026, 1, 1, tzinfo=UTC))
    two = webhook.signed(again, "{}", Options(url="x", secret=NEW), now=datetime(2026, 1, 2, tzinfo=UTC))
    assert one["webhook-id"] == two["webhook-id"]
    assert one["webhook-signature"] != two["webhook-signature"]


def test_a_hostile_name_stays_text_in_json(settings: Settings) -> None:
    name = '"},"type":"x"\r\n\u202e<script>'
    _, body = received(
        settings, {"secret": NEW}, investment={"code": "AI-003", "name": name, "public_id": str(ID)}
    )
    said = json.loads(body)
    assert said["type"] == "hurdle.alert.fired"
    assert "\u202e" not in said["data"]["lead"]


def test_the_reference_vector_of_standard_webhooks() -> None:
    # Computed by hand: HMAC-SHA256 over "id.timestamp.body", as the specification says.
    import base64
    import hashlib
    import hmac

    now = datetime(2026, 11, 3, 8, 0, tzinfo=UTC)
    message = rendered()
    found = webhook.signed(message, '{"a":1}', Options(url="x", secret=NEW), now=now)["webhook-signature"]
    key = base64.b64decode(NEW.removeprefix("whsec_"))
    mac = hmac.new(key, f"{ID}.{int(now.timestamp())}.".encode() + b'{"a":1}', hashlib.sha256).digest()
    assert found == "v1," + base64.b64encode(mac).decode()


@pytest.mark.parametrize("secret", ["x", "whsec_", "whsec_c2hvcnQ=", "whsec_!!", "A" * 44])
def test_a_secret_of_the_wrong_shape_is_refused(secret: str) -> None:
    problems = Options(url="https://hooks.example.com/x", secret=secret, previous_secret=secret).problems()
    assert set(problems) == {"secret", "previous_secret"}


def test_a_secret_is_made_where_none_is_given() -> None:
    made = Options(url="https://hooks.example.com/x").made()["secret"]
    assert Options(url="https://hooks.example.com/x", secret=made).problems() == {}
    assert made != Options(url="x").made()["secret"]
    assert Options(url="x", secret=made).made() == {}
