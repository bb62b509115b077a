"""Rows for the outbox, and a channel that answers as told and keeps what it was handed."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from alerts.channels.base import Accepted, Message, Outcome
from alerts.models import Attempt, Episode, EvaluationPoint, Event, Notification
from portfolio.models import Investment, Portfolio, User
from tests.alerts.messages.cases import copied

PAST = timedelta(seconds=-1)


def portfolio(code: str = "CX") -> Portfolio:
    """Return a portfolio, made on first use."""
    return Portfolio.objects.get_or_create(code=code, defaults={"name": "Customer experience"})[0]


# What the database asks of a row in a state.
_MADE_SO: dict[str, dict[str, Any]] = {
    "sent": {"sent_at": datetime(2025, 1, 1, tzinfo=UTC)},
    "suppressed": {"suppressed_by": "silenced"},
    "held": {"suppressed_by": "daily", "digest_at": datetime(2025, 1, 1, tzinfo=UTC)},
    "sending": {"token": uuid.UUID(int=1), "locked_until": datetime(2025, 1, 1, tzinfo=UTC)},
}


def notification(*, due: timedelta = PAST, **changes: Any) -> Notification:
    """Put one notification into the outbox, due a second ago, in a thread of its own."""
    now = datetime.now(UTC)
    values: dict[str, Any] = {
        "id": uuid.uuid4(),
        "portfolio": portfolio(),
        "channel": "email",
        "address": "olivia@example.com",
        "thread_key": f"hurdle:{uuid.uuid4()}",
        "message": copied(),
        "next_at": now + due,
        "created_at": now,
    }
    return Notification.objects.create(**(values | _MADE_SO.get(changes.get("state", ""), {}) | changes))


def events(number: int, *, code: str = "AI-003") -> list[Event]:
    """Return events of one new episode of a new investment."""
    now, month = datetime.now(UTC), date(2025, 1, 1)
    owner = User.objects.get_or_create(username="olivia")[0]
    investment = Investment.objects.create(
        portfolio=portfolio(), code=code, name=code, owner=owner, start_month=month
    )
    point = EvaluationPoint.objects.create(investment=investment, revision=1, knowledge=1, recorded_at=now)
    episode = Episode.objects.create(
        investment=investment,
        rule="hurdle_rate",
        number=1,
        severity="warning",
        fired_month=month,
        first_breach_month=month,
        opened_at=now,
    )
    common = {"episode": episode, "month": month, "point": point, "evidence": {}, "recorded_at": now}
    return [
        Event.objects.create(id=uuid.uuid4(), kind="fired", ordinal=n, **common) for n in range(1, number + 1)
    ]


def attempts(row: Notification) -> list[tuple[int, str]]:
    """Return the numbers and outcomes of a notification's attempts, in order."""
    return list(Attempt.objects.filter(notification=row).order_by("pk").values_list("number", "outcome"))


class FakeChannel:
    """Gives the next of its outcomes, the last one for ever; `during` runs while a message is being sent."""

    def __init__(
        self, *outcomes: Outcome | Exception, during: Callable[[Message], object] | None = None
    ) -> None:
        self.outcomes = list(outcomes) or [Accepted("ref")]
        self.during = during
        self.handed: list[Message] = []
        self.addresses: list[str] = []
        self.name, self.host = "email", "fake:host"
        self._lock = threading.Lock()

    def describe(self, message: Message, address: str) -> dict[str, Any]:
        """Return the subject only."""
        return {"to": address, "subject": message.subject}

    def send(self, message: Message, address: str, *, deadline: float) -> Outcome:
        """Keep the message and answer as told."""
        with self._lock:
            self.handed.append(message)
            self.addresses.append(address)
            outcome = self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]
        if self.during is not None:
            self.during(message)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome
