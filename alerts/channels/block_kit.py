"""A message in Slack's Block Kit, within its limits, no name taken for markup."""

from __future__ import annotations

import json
from typing import Any

from alerts.channels.base import Message

# The buttons' names, which the endpoint for interactions knows them by.
ACKNOWLEDGE, SNOOZE, OPEN = "hurdle_acknowledge", "hurdle_snooze", "hurdle_open"

_HEADER, _SECTION, _FIELD, _FIELDS, _BUTTON_URL, _CONTEXT, _TOTAL = 150, 3000, 2000, 10, 3000, 10, 12_000
_FALLBACK, _BUTTON_VALUE = 3000, 2000
_MARKS = frozenset("*_~`")


def escape(text: str, *, limit: int) -> str:
    """Return text that mrkdwn shows as it is, cut to a limit that counts the escapes and never splits one."""
    out: list[str] = []
    size = 0
    for character in text:
        piece = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}.get(character, character)
        if size + len(piece) > limit - 1:
            return "".join(out) + "…"
        out.append(piece)
        size += len(piece)
    return "".join(out)


def plain(text: str, *, limit: int) -> dict[str, Any]:
    """Return a plain text object, where neither markup nor :names: mean anything."""
    cut = text if len(text) <= limit else text[: limit - 1] + "…"
    return {"type": "plain_text", "text": cut or " ", "emoji": False}


def fallback(message: Message) -> str:
    """Return the words of the push notification and of clients without blocks."""
    return escape(f"{message.headline}\n{message.lead}", limit=_FALLBACK)


def blocks(message: Message) -> list[dict[str, Any]]:
    """Return the message in Block Kit: what was crossed, the figures, buttons, where the figures come from."""
    found: list[dict[str, Any]] = [
        {"type": "header", "text": plain(message.headline, limit=_HEADER)},
        {"type": "section", "text": plain(message.lead, limit=_SECTION)},
    ]
    for at in range(0, len(message.facts), _FIELDS):
        fields = [_field(*fact) for fact in message.facts[at : at + _FIELDS]]
        found.append({"type": "section", "fields": fields})
    if buttons := _buttons(message):
        found.append({"type": "actions", "elements": buttons})
    if message.notes:
        notes = [plain(note, limit=_FIELD) for note in message.notes[:_CONTEXT]]
        found.append({"type": "context", "elements": notes})
    # Slack refuses messages beyond a size it does not document; the headline and lead always fit.
    return found if len(json.dumps(found)) <= _TOTAL else found[:2]


def _field(label: str, value: str) -> dict[str, Any]:
    if _MARKS & {*label, *value}:
        # Nothing takes away what these mean in mrkdwn; in plain text they mean nothing.
        return plain(f"{label[:200]}\n{value}", limit=_FIELD - 100)
    text = f"*{escape(label, limit=200)}*\n{escape(value, limit=_FIELD - 300)}"
    return {"type": "mrkdwn", "verbatim": True, "text": text}


def _buttons(message: Message) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if message.answer and len(message.answer) <= _BUTTON_VALUE and not message.ends:
        found = [
            _button("Acknowledge", ACKNOWLEDGE, value=message.answer, style="primary"),
            _button("Snooze", SNOOZE, value=message.answer),
        ]
    if message.link and len(message.link) <= _BUTTON_URL:
        found.append(_button("Open in Hurdle", OPEN, url=message.link))
    return found


def _button(words: str, action: str, **more: str) -> dict[str, Any]:
    return {"type": "button", "text": plain(words, limit=75), "action_id": action, **more}
