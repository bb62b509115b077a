"""Fault 30: the keys of stored secrets are changed while messages wait, and every one arrives, signed as before."""

from __future__ import annotations

import pytest
from cryptography.fernet import Fernet
from django.core.management import call_command
from pytest_django import Settings
from standardwebhooks import Webhook

from alerts import delivery, targets
from alerts.models import Notification, Target
from tests.alerts.channels.web_servers import RawServer, web_server
from tests.alerts.delivery.cases import notification, portfolio
from tests.nightly import IS_NIGHTLY

pytestmark = pytest.mark.django_db
MESSAGES = 1_000 if IS_NIGHTLY else 60


def _ids(server: RawServer, secret: str) -> set[str]:
    """Return the ids of what a receiver verified; an unsigned or changed message raises."""
    found = set()
    for asked in server.requests:
        head, _, body = asked.decode().partition("\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.split("\r\n")[1:])
        Webhook(secret).verify(body, headers)
        found.add(headers["webhook-id"])
    return found


def test_fault_30_keys_are_changed_while_messages_wait(settings: Settings) -> None:
    old, new = (Fernet.generate_key().decode() for _ in range(2))
    settings.SECRET_KEYS = [old]
    with web_server() as server:
        settings.OUTGOING_ALLOWED = f"http://127.0.0.1:{server.port}"
        target = Target(portfolio=portfolio(), channel="webhook", label="Ops")
        secret = targets.save(target, {"url": f"http://127.0.0.1:{server.port}/in"})["secret"]
        rows = [notification(channel="webhook", address=target.address) for _ in range(MESSAGES)]
        delivery.drain(limit=MESSAGES // 3)
        settings.SECRET_KEYS = [new, old]
        delivery.drain(limit=MESSAGES // 3)
        call_command("rotate_secrets")
        settings.SECRET_KEYS = [new]
        settings.SECRET_KEY = "quite another secret key of the installation" * 2
        delivery.drain(limit=MESSAGES)
        assert _ids(server, secret) == {str(row.pk) for row in rows}
        assert len(server.requests) == MESSAGES, "each exactly once"
    assert set(Notification.objects.values_list("state", flat=True)) == {"sent"}
