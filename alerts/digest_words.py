"""Puts a digest into words: how many alerts, which ones, each with its figure against its threshold."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from alerts import wording

Json = Mapping[str, Any]

# Chat shows so many; a digest keeps so many, and mail shows all of those.
SHOWN, KEPT = 20, 500
_KINDS = {
    "fired": "new",
    "reopened": "open again",
    "resolved": "recovered",
    "retracted": "withdrawn",
    "restated": "corrected",
    "closed": "closed",
    "reminder": "still open",
    "escalated": "unanswered",
    "silence_ended": "still open",
}
_NAMES = {
    "daily": "Daily digest of portfolio {code}: {count}",
    "weekly": "Weekly digest of portfolio {code}: {count}",
    "grouped": "Portfolio {code}: {count} at once",
    "restated": "Portfolio {code}: corrected figures change {count}",
    "no_data": "Portfolio {code}: {count} about missing actuals",
}


@dataclass(frozen=True, slots=True)
class Item:
    """One alert of a digest: whose it is, what it says, the path to it, and how loud it is."""

    name: str
    says: str
    path: str
    severity: str

    @property
    def fact(self) -> tuple[str, str]:
        """Return the item as a name and a value."""
        return self.name, self.says


def items(message: Json) -> tuple[Item, ...]:
    """Return the alerts of a digest, the loudest first as they were collected."""
    return tuple(_item(one) for one in message.get("items") or () if isinstance(one, Mapping))


def count_of(message: Json) -> int:
    """Return how many alerts a digest tells of; it keeps no more than the first KEPT."""
    return int(message.get("count") or len(message.get("items") or ()))


def shown(found: Sequence[Item], *, count: int) -> tuple[tuple[str, str], ...]:
    """Return the first alerts as facts, and how many more there are."""
    facts = tuple(item.fact for item in found[:SHOWN])
    left = count - len(facts)
    return (*facts, ("And", f"{left} more in Hurdle")) if left > 0 else facts


def headline(message: Json) -> str:
    """Return what the digest is about, and how many alerts it has."""
    count = count_of(message)
    name = _NAMES.get(str(message.get("lane")), "Portfolio {code}: {count}")
    code = wording.plain((message.get("portfolio") or {}).get("code", ""), limit=40)
    return name.format(code=code, count=f"{count} {'alert' if count == 1 else 'alerts'}")


def lead(message: Json) -> str:
    """Return how many alerts of each kind there are, and of how many investments."""
    given = [one for one in message.get("items") or () if isinstance(one, Mapping)]
    counted = message.get("kinds") or Counter(str(one.get("kind")) for one in given)
    kinds: Counter[str] = Counter()
    for kind, number in counted.items():
        kinds[_KINDS.get(str(kind), "other")] += number
    count = message.get("investments") or len({(one.get("investment") or {}).get("code") for one in given})
    parts = ", ".join(f"{number} {kind}" for kind, number in kinds.most_common())
    return f"{count} {'investment' if count == 1 else 'investments'}: {parts}."


def _item(one: Json) -> Item:
    investment = one.get("investment") or {}
    code = wording.plain(investment.get("code", ""), limit=64)
    name = wording.plain(investment.get("name", ""), limit=60)
    kind = _KINDS.get(str(one.get("kind")), wording.plain(one.get("kind", ""), limit=20))
    kind = f"new and {kind}" if one.get("opened") else kind
    title, month = wording.plain(one.get("title", ""), limit=64), wording.month(one.get("month"))
    return Item(
        name=f"{code} {name}",
        says=f"{title}, {kind}, {month}{_figure(one)}",
        path=str(one.get("path") or "/"),
        severity=str(one.get("severity") or "info"),
    )


def _figure(one: Json) -> str:
    if one.get("rule") == "missing_actuals":
        months = [wording.month(month) for month in one.get("months") or ()]
        return f": {', '.join(months[:6])}{' and more' if len(months) > 6 else ''}" if months else ""
    if one.get("value") in (None, ""):
        return ""
    currency = wording.plain(one.get("currency", ""), limit=8)
    value, threshold = wording.judged(one, currency=currency)
    return f": {value}" if threshold == "none" else f": {value} against {threshold}"
