"""A pack in words and written numbers: made once, and shown by paper and mail alike. No database here."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from alerts import wording
from alerts.rules import RULES
from reports import pack_numbers, pack_sections, pack_totals_words
from reports.console import figures, status
from reports.pack_numbers import NOT_AVAILABLE, figure, money, points

Json = Mapping[str, Any]
Shown = dict[str, Any]

TITLES = {
    "monthly_pack": "Monthly business review",
    "weekly_digest": "Weekly digest",
    "overdue_reviews": "Overdue reviews",
}
_OPEN = frozenset(name for name in status.STATUSES if name in RULES)


def shown(content: Json, labels: Json, *, audience: str, content_hash: str) -> Shown:
    """Return everything a pack shows, as text in reading order."""
    names, view = labels["investments"], content["view"]
    sections = sorted(content["investments"], key=lambda one: names[one["id"]]["code"])
    rows = [_row(one, names[one["id"]]) for one in sections]
    portfolio, now = labels["portfolio"], content["totals"]
    return {
        "title": TITLES[audience],
        "audience": audience,
        "portfolio": f"{portfolio['code']} {portfolio['name']}",
        "code": portfolio["code"],
        "month": wording.month(view["month"]),
        **_compared(view),
        "currency": content["currency"],
        "as_of": _moment(view["as_of"], portfolio["time_zone"]),
        "knowledge": str(view["knowledge"]),
        "engine": str(content["engine"]),
        "hash": content_hash,
        "tiles": _tiles(content),
        "notes": pack_totals_words.notes(content),
        "coverage": f"{now['with_figures']} of {now['investments']} investments have figures",
        "movement": _movement(content["investments"]),
        "ranking": rows,
        "worsened": [row for row in rows if row["turn"] == "worse"],
        "recovered": [row for row in rows if row["turn"] == "better"],
        "new_alerts": [row for row in rows if row["is_new"]],
        "reviews": [_review(one, names) for one in labels["reviews"] if one["days_over"] > 0],
        "missing": [
            {**_who(names[one["id"]]), "id": one["id"], "months": pack_numbers.months(one["missing"])}
            for one in sections
            if one["missing"]
        ],
        "decisions": [_decision(one, names, labels) for one in content["decisions"]],
        "untraced": pack_totals_words.untraced(content),
        "sections": [
            row | pack_sections.section(one, names[one["id"]], labels, content["currency"])
            for one, row in zip(sections, rows, strict=True)
        ],
    }


def _compared(view: Json) -> dict[str, str]:
    """Return what a view is compared with: an earlier month, or the same month as it was known on a day."""
    if view["before_month"] != view["month"]:
        before = wording.month(view["before_month"])
        return {"before": before, "before_at": f"in {before}", "compared": before}
    day = date.fromisoformat(view["since"])
    before = f"{day.day} {day:%b}"
    return {"before": before, "before_at": f"on {before}", "compared": f"what was known on {before}"}


def _moment(text: str, zone: str) -> str:
    local = datetime.fromisoformat(text).astimezone(ZoneInfo(zone))
    return f"{local.day} {local:%b %Y, %H:%M} {zone}"


def _who(names: Json) -> Shown:
    return {"code": wording.plain(names["code"], limit=32), "name": wording.plain(names["name"], limit=80)}


def _tiles(content: Json) -> list[Shown]:
    now, before = content["totals"], content["totals_before"]
    found = []
    for title, then, was in (
        ("Invested", now["cost"], before["cost"]),
        ("Returned, supported", now["supported"]["benefit"], before["supported"]["benefit"]),
        ("Net to date", now["supported"]["net"], before["supported"]["net"]),
    ):
        has_both = now["with_figures"] and before["with_figures"]
        change = _moved(Decimal(then) - Decimal(was)) if has_both else NOT_AVAILABLE
        value = figures.compact_text(Decimal(then)) if now["with_figures"] else NOT_AVAILABLE
        found.append({"title": f"{title}, {content['currency']}", "value": value, "change": change})
    roi, earlier = now["supported"]["roi"], before["supported"]["roi"]
    return [
        *found,
        {"title": "ROI to date", "value": figure(roi, "rate"), "change": points(roi, earlier)},
    ]


def _moved(change: Decimal) -> str:
    """Return a change of money, which says that it grew as it says that it shrank."""
    text = money(str(change))
    return f"+{text}" if change > 0 and text != "–" else text


def _movement(sections: Sequence[Json]) -> list[Shown]:
    now = Counter(one["status"] for one in sections)
    before = Counter(one["status_before"] for one in sections)
    return [
        {
            "status": each.text,
            "tone": each.tone,
            "now": f"{now[name]:,}" if now[name] else "–",
            "before": f"{before[name]:,}" if before[name] else "–",
            "change": _signed(now[name] - before[name]),
        }
        for name, each in status.STATUSES.items()
        if now[name] or before[name]
    ]


def _signed(change: int) -> str:
    return "–" if change == 0 else f"+{change}" if change > 0 else f"({-change})"


def _row(one: Json, names: Json) -> Shown:
    now, before = one["figures"], one["figures_before"]
    supported, earlier = now.get("supported", {}), before.get("supported", {})
    rules, turn = {a["rule"] for a in one["alerts"]}, _turn(one["status"], one["status_before"])
    return {
        **_who(names),
        "id": one["id"],
        "status": status.STATUSES[one["status"]].text,
        "tone": status.STATUSES[one["status"]].tone,
        "was": status.STATUSES[one["status_before"]].text if one["status_before"] else "not registered",
        "turn": turn,
        "is_new": bool(rules) and turn == "worse",
        "cost": money(now.get("tco")),
        "benefit": money(supported.get("benefit")),
        "net": money(supported.get("net")),
        "roi": figure(supported.get("roi"), "rate"),
        "change": points(supported.get("roi", {}), earlier.get("roi", {})),
        "through": wording.month(one["through"]) if one["through"] else NOT_AVAILABLE,
    }


def _turn(now: str, before: str | None) -> str:
    """Return whether a status got worse or better: only what is open, or was, counts."""
    order = list(status.STATUSES)
    if before is None or now == before:
        return "worse" if before is None and now in _OPEN else ""
    if now in _OPEN and (before not in _OPEN or order.index(now) < order.index(before)):
        return "worse"
    return "better" if before in _OPEN else ""


def _review(one: Json, names: Mapping[str, Json]) -> Shown:
    days = one["days_over"]
    return {
        **_who(names[one["investment"]]),
        "id": one["investment"],
        "kind": one["kind"],
        "due": one["due_on"],
        "late": f"{days} day{'' if days == 1 else 's'}",
        "owner": wording.plain(names[one["investment"]]["owner"], limit=60) or "nobody",
    }


def _decision(one: Json, names: Mapping[str, Json], labels: Json) -> Shown:
    return {
        **_who(names.get(one["investment"], {"code": "", "name": ""})),
        "kind": one["kind"].replace("_", " ").capitalize(),
        "on": one["decided_on"],
        "by": labels["deciders"].get(one["id"], ""),
        "reason": wording.plain(one["reason"], limit=400),
        "next": one["next_review_on"] or "none set",
    }
