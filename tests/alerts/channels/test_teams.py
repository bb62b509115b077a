"""Teams: a card within its limits, in which a name is never markup."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import Any

import pytest
from pytest_django import Settings

from alerts.channels import teams
from alerts.channels.base import Accepted
from alerts.channels.teams import Options, TeamsChannel
from tests.alerts.channels.web_servers import web_server
from tests.alerts.messages.cases import ID, rendered


def texts(card: dict[str, Any]) -> list[str]:
    """Return every text of a card, and hold that each stands where no markup is read."""
    found: list[str] = []

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            assert value.get("type") != "TextBlock", "a text block reads Markdown"
            if value.get("type") == "TextRun":
                found.append(value["text"])
            for each in value.values():
                walk(each)
        elif isinstance(value, list):
            for each in value:
                walk(each)

    walk(card["body"])
    return found


def test_a_workflow_is_handed_one_adaptive_card(settings: Settings) -> None:
    with web_server(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n") as server:
        settings.OUTGOING_ALLOWED = f"http://127.0.0.1:{server.port}"
        channel = TeamsChannel(Options(url=f"http://127.0.0.1:{server.port}/workflows/x?sig=y"))
        assert channel.send(rendered(), "x", deadline=time.monotonic() + 5) == Accepted("HTTP 202")
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert b"charset=utf-8" in head
    said = json.loads(body)
    (attachment,) = said["attachments"]
    assert (said["type"], attachment["contentType"]) == ("message", "application/vnd.microsoft.card.adaptive")
    card = attachment["content"]
    assert (card["type"], card["version"]) == ("AdaptiveCard", "1.4")
    words = texts(card)
    assert words[0] == "AI-003 crossed Under the hurdle"
    assert "USD (4,644)" in words
    assert card["actions"] == [
        {"type": "Action.OpenUrl", "title": "Open in Hurdle", "url": rendered().link},
    ]


@pytest.mark.parametrize(
    "name", ["[click](https://evil.example)", "**bold**", "<at>all</at>", "<script>", "x" * 300]
)
def test_a_hostile_name_stays_text(name: str) -> None:
    message = rendered(investment={"code": "AI-003", "name": name, "public_id": str(ID)})
    card = teams.card(message)
    assert message.lead in texts(card)
    assert "msteams" not in card, "nobody is mentioned"


def test_a_card_stays_within_the_limits() -> None:
    facts = tuple((f"name {n}", "ü" * 3000) for n in range(40))
    card = teams.card(replace(rendered(), facts=facts, lead="l" * 9000, notes=("n" * 3000,) * 40))
    assert len(json.dumps(card).encode()) < 28_000 / 2
    assert all(len(text) <= 1000 for text in texts(card))
