"""Microsoft Teams, by the webhook of a Workflow: an Adaptive Card whose texts know no markup."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from alerts.channels import posting
from alerts.channels.base import Accepted, Kind, Message, Outcome, option
from alerts.channels.guard import Answer

_SCHEMA = "http://adaptivecards.io/schemas/adaptive-card.json"
_TEXT, _NOTES = 1000, 6
# Teams refuses more than 28 KB and may count two bytes a character.
_TOTAL = 13_000
_COLORS = {"critical": "Attention", "warning": "Warning", "good_news": "Good", "info": "Accent"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The settings of a target."""

    url: str = option(
        "Workflow address",
        help="The address of a Teams workflow that starts “when a Teams webhook request is received”.",
        is_secret=True,
    )

    def problems(self) -> dict[str, str]:
        """Return why the address cannot be used."""
        problem = posting.problem_with(self.url)
        return {"url": problem} if problem else {}


@dataclass(frozen=True, slots=True)
class TeamsChannel:
    """Hands a card to a workflow, which posts it where its owner said."""

    options: Options
    name: str = "teams"

    @property
    def host(self) -> str:
        """The host of the workflow."""
        return f"teams:{posting.host_of(self.options.url)}"

    def describe(self, message: Message, address: str) -> dict[str, Any]:
        """Return the card; the workflow's address is a secret and stays out."""
        return {"to": address, "text": message.text, "card": card(message)}

    def send(self, message: Message, address: str, *, deadline: float) -> Outcome:
        """Post the card; the workflow says yes before Teams has shown it, and says no more."""
        attachment = {
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": None,
            "content": card(message),
        }
        body = json.dumps({"type": "message", "attachments": [attachment]}, ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json; charset=utf-8"}
        answer = posting.post(self.options.url, body, headers=headers, deadline=deadline)
        return Accepted(f"HTTP {answer.status}") if isinstance(answer, Answer) else answer


def card(message: Message) -> dict[str, Any]:
    """Return the message as an Adaptive Card. Text blocks would read names as Markdown; rich text never does."""
    found: list[dict[str, Any]] = [
        _text(
            message.headline, size="Large", weight="Bolder", color=_COLORS.get(message.severity, "Default")
        ),
        _text(message.lead),
    ]
    found += [_fact(label, value) for label, value in message.facts]
    found += [_text(note, size="Small", isSubtle=True) for note in message.notes[:_NOTES]]
    if len(json.dumps(found)) > _TOTAL:
        found = found[:2]
    return {
        "$schema": _SCHEMA,
        "type": "AdaptiveCard",
        "version": "1.4",
        "fallbackText": message.headline[:_TEXT],
        "body": found,
        "actions": [{"type": "Action.OpenUrl", "title": "Open in Hurdle", "url": message.link}],
    }


def _text(words: str, **style: Any) -> dict[str, Any]:
    cut = words if len(words) <= _TEXT else words[: _TEXT - 1] + "…"
    return {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": cut or " ", **style}]}


def _fact(label: str, value: str) -> dict[str, Any]:
    columns: list[tuple[str, dict[str, Any]]] = [(label, {"isSubtle": True}), (value, {"weight": "Bolder"})]
    return {
        "type": "ColumnSet",
        "spacing": "Small",
        "columns": [{"type": "Column", "width": "stretch", "items": [_text(w, **s)]} for w, s in columns],
    }


def make(options: Options) -> TeamsChannel | None:
    """Return the channel of a target."""
    return TeamsChannel(options) if options.url else None


KIND = Kind("Microsoft Teams", Options, make, is_shared=False)
