"""A claimed notification made ready for its channel: its words, its thread, its chart; and what is kept of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from alerts import answers, messages, outbox, targets, wording
from alerts.channels.base import Message
from alerts.outbox import Claim
from portfolio.terms import format_month, parse_month
from roi import charts
from roi.models import Snapshot

WITHHELD = "[only in the message]"
_DRAWN = frozenset({"fired", "reopened", "reminder", "escalated", "resolved", "silence_ended"})
_MOST_MONTHS = 120


# The floors above put their own kinds of messages into words; nothing here knows what they are about.
Writer = Callable[[Claim], Message]
_WRITERS: dict[str, Writer] = {}


def written_by(kind: str, writer: Writer) -> None:
    """Have messages of a kind put into words by somebody else; called once, when the installation starts."""
    _WRITERS[kind] = writer


def link_to(path: str) -> str:
    """Return the address of one of our own pages."""
    return messages.link_to({"path": path})


def message_of(claimed: Claim, *, is_read: bool = True) -> Message:
    """Return a notification in words, ready for its channel; with `is_read` False, nobody will look at a chart."""
    writer = _WRITERS.get(str(claimed.message.get("kind")))
    if writer is not None:
        return writer(claimed)
    rendered = messages.render(
        claimed.message | carried_by(claimed),
        id=claimed.id,
        thread_id=claimed.thread_key,
        is_repeat=claimed.is_repeat,
        reply_to=outbox.last_reference(claimed),
    )
    chart = chart_of(claimed.message) if is_read and claimed.channel == "email" else None
    return replace(rendered, occurred_at=claimed.created_at, chart=chart)


def carried_by(claimed: Claim) -> dict[str, str]:
    """Return the signed values that a notification carries, by name; they are laid over its words, never stored.

    Whoever is sent to although they unsubscribed is offered no link that would change nothing.
    """
    shared = None
    if claimed.user_id is None:
        shared = targets.find(claimed.portfolio_id, channel=claimed.channel, address=claimed.address)
    must_hear = (claimed.message.get("recipient") or {}).get("must_hear")
    return answers.carried_by(
        claimed.id,
        event_id=claimed.event_id,
        user_id=claimed.user_id,
        target=shared,
        leaves=None if must_hear or claimed.channel != "email" else claimed.portfolio_id,
        now=claimed.claimed_at,
    )


def kept(handed: Mapping[str, Any], message: Message) -> dict[str, Any]:
    """Return what is stored of a message that was handed over: all of it but what is for the recipient alone."""
    found = _withheld(handed, tuple(filter(None, (*message.private, message.answer, message.unsubscribe))))
    return found if isinstance(found, dict) else {}


def _withheld(value: Any, private: tuple[str, ...]) -> Any:
    if isinstance(value, str):
        for text in private:
            value = value.replace(text, WITHHELD)
        return value
    if isinstance(value, Mapping):
        return {key: _withheld(each, private) for key, each in value.items()}
    return [_withheld(each, private) for each in value] if isinstance(value, list | tuple) else value


def chart_of(message: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return cumulative cost and benefit up to the month the message is about, for a picture in a mail.

    None where the months stored now are not those the message copied its figures from: its words and its picture
    must say the same.
    """
    public_id = (message.get("investment") or {}).get("public_id")
    if message.get("kind") not in _DRAWN or not public_id or not message.get("data_through"):
        return None
    basis = str(message.get("basis") or "supported")
    points = _points(public_id, f"cumulative_benefit_{basis}", str(message["data_through"]))
    net = wording.number((message.get("figures") or {}).get("cumulative_net"))
    if len(points) < 2 or net is None or points[-1].benefit - points[-1].cost != net:
        return None
    currency = wording.plain(message.get("currency", ""), limit=8)
    return {
        "spec": charts.cumulative(points, currency=currency) | {"width": 512, "height": 200},
        "theme": charts.theme("light") | {"background": "#ffffff"},
        "words": _words(points, currency),
    }


def _words(points: Sequence[charts.Point], currency: str) -> str:
    first, last = points[0], points[-1]
    return (
        f"Chart: cumulative cost and benefit from {wording.month(format_month(first.month))} to "
        f"{wording.month(format_month(last.month))}; {wording.money(last.cost, currency=currency)} spent, "
        f"{wording.money(last.benefit, currency=currency)} returned."
    )


def _points(public_id: str, benefit: str, through: str) -> list[charts.Point]:
    months = Snapshot.objects.filter(
        investment__public_id=public_id, is_complete=True, month__lte=parse_month(through)
    )
    newest_first = months.order_by("-month").values_list("month", "tco", benefit)[:_MOST_MONTHS]
    return [
        charts.Point(month, cost, gain, is_final=True) for month, cost, gain in reversed(list(newest_first))
    ]
