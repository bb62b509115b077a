"""A notification's message as evaluation writes it, to be varied by tests."""

from typing import Any
from uuid import UUID

from alerts import messages
from alerts.channels.base import Message

ID = UUID("11111111-2222-5333-8444-555555555555")


def copied(**changes: Any) -> dict[str, Any]:
    """Return the message of a fired hurdle alert."""
    figures = {
        "roi": "0.0096153846153846",
        "roi_reason": "",
        "previous_roi": "0.0123",
        "incremental_roi": "0.0512",
        "tco": "312000.000000",
        "cumulative_benefit": "307355.750000",
        "cumulative_net": "-4644.250000",
    }
    values: dict[str, Any] = {
        "kind": "fired",
        "rule": "hurdle_rate",
        "title": "Under the hurdle",
        "opens": "maintain_or_replace",
        "severity": "warning",
        "investment": {"code": "AI-003", "name": "Support assistant", "public_id": str(ID)},
        "portfolio": {"code": "CX", "name": "Customer experience"},
        "currency": "USD",
        "month": "2026-10",
        "since": "2026-09",
        "value": "0.0512",
        "threshold": "0.12",
        "unit": "rate",
        "measure": "incremental_roi",
        "basis": "supported",
        "figures": figures,
        "data_through": "2026-10",
        "policy_version": 1,
        "knowledge": 123,
        "point": 45,
        "episode_number": 1,
        "path": f"/go/investment/{ID}",
        "recipient": {"name": "Olivia", "why": "owner of the investment"},
    }
    return values | changes


def rendered(*, is_repeat: bool = False, reply_to: str = "", **changes: Any) -> Message:
    """Return the message in words."""
    return messages.render(
        copied(**changes), id=ID, thread_id="hurdle:1", is_repeat=is_repeat, reply_to=reply_to
    )
