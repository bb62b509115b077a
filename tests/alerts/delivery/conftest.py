"""A channel that answers as told, a shortcut through waiting, and a new breaker for each test."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from django.db import connection

from alerts import channels, delivery
from alerts.breaker import Breaker
from alerts.models import Notification
from tests.alerts.delivery.cases import FakeChannel


@pytest.fixture(autouse=True)
def new_breaker(monkeypatch: pytest.MonkeyPatch) -> Breaker:
    """Replace the process's breaker, which would remember other tests' hosts."""
    breaker = Breaker()
    monkeypatch.setattr(delivery, "breaker", breaker)
    return breaker


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Callable[[FakeChannel], FakeChannel]:
    """Return a function that makes a fake channel stand behind a name."""

    def put(channel: FakeChannel, name: str = "email") -> FakeChannel:
        channel.name = name
        kind = replace(channels.CHANNELS[name], make=lambda options: channel)
        monkeypatch.setitem(channels.CHANNELS, name, kind)
        return channel

    return put


@pytest.fixture
def due_now() -> Callable[[Notification], None]:
    """Return a function that makes a waiting notification due, as time would."""

    def hurry(row: Notification) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE alerts_notification SET next_at = clock_timestamp() - interval '1 s', "
                "locked_until = locked_until - interval '1 day' WHERE id = %s",
                [row.pk],
            )

    return hurry
