"""The part of a pack about one investment, in words and written numbers. No database here."""

from collections.abc import Mapping, Sequence
from typing import Any

from alerts import wording
from portfolio.terms import Basis
from reports.pack_numbers import NOT_AVAILABLE, figure, money, months, rule_title, why

Json = Mapping[str, Any]
Shown = dict[str, Any]

_MONEY_ROWS = (("Cost to date (TCO)", "tco"), ("Benefit to date", "benefit"), ("Net to date", "net"))
_RATIO_ROWS = (
    ("ROI to date", "roi", "rate"),
    ("Incremental ROI", "incremental_roi", "rate"),
    ("Operating margin of 3 months", "operating_margin", "money"),
    ("NPV at the discount rate", "npv", "money"),
    ("NPV at the hurdle", "npv_hurdle", "money"),
    ("IRR per year", "irr", "rate"),
    ("Payback in months", "payback", "months"),
)


def section(one: Json, names: Json, labels: Json, currency: str) -> Shown:
    """Return what a pack shows of one investment, beside its row in the tables."""
    decision = one["last_decision"]
    reviews = [r for r in labels["reviews"] if r["investment"] == one["id"]]
    rows, notes = _triplet(one["figures"])
    people = [("Owner", names["owner"]), ("Sponsor", names["sponsor"]), ("Unit", names["business_unit"])]
    return {
        "stage": names["stage"],
        "people": " · ".join(f"{title} {wording.plain(name, limit=60)}" for title, name in people if name),
        "figures": rows,
        "notes": notes,
        "alerts": [_alert(each, currency) for each in one["alerts"]],
        "missing": months(one["missing"]),
        "hypothesis": _hypothesis(names["hypothesis"]),
        "review": _next_review(reviews),
        "decision": _last(decision, labels) if decision else "None recorded.",
    }


def _last(decision: Json, labels: Json) -> str:
    kind = decision["kind"].replace("_", " ").capitalize()
    by = wording.plain(labels["deciders"].get(decision["id"], "somebody"), limit=60)
    return f"{kind} on {decision['decided_on']} by {by}: {wording.plain(decision['reason'], limit=300)}"


def _next_review(reviews: Sequence[Json]) -> str:
    if not reviews:
        return "None is set."
    first, days = reviews[0], reviews[0]["days_over"]
    late = f", {days} day{'' if days == 1 else 's'} overdue" if days > 0 else ""
    return f"{first['kind']}, due {first['due_on']}{late}."


def _triplet(found: Json) -> tuple[list[Shown], list[str]]:
    """Return the table of figures by basis, and why its missing ones are missing."""
    if "reason" in found:
        return [], [why(found["reason"])]
    rows = [
        {
            "title": title,
            "cells": [money(found["tco"] if key == "tco" else found[b.value][key]) for b in Basis],
        }
        for title, key in _MONEY_ROWS
    ]
    notes: dict[str, list[str]] = {}
    for title, key, kind in _RATIO_ROWS:
        cells = [found[b.value][key] for b in Basis]
        rows.append({"title": title, "cells": [figure(cell, kind) for cell in cells]})
        for reason in {cell["reason"] for cell in cells if "reason" in cell}:
            notes.setdefault(reason, []).append(title)
    months = [found[b.value]["breakeven"] for b in Basis]
    cells_of = [wording.month(m) if m else NOT_AVAILABLE for m in months]
    rows.append({"title": "Breakeven month", "cells": cells_of})
    if not all(months):
        notes.setdefault("not_reached", []).append("Breakeven month")
    return rows, [f"{', '.join(titles)}: {why(reason)}" for reason, titles in sorted(notes.items())]


def _alert(one: Json, currency: str) -> Shown:
    value, threshold = wording.judged(one, currency=currency)
    return {
        "title": rule_title(one["rule"]),
        "severity": one["severity"].replace("_", " "),
        "since": wording.month(one["since"]),
        "value": value,
        "threshold": threshold,
    }


def _hypothesis(claim: Json | None) -> Shown | None:
    if claim is None:
        return None
    path = [f"{word} {claim[key]}" for word, key in (("from", "baseline"), ("to", "target")) if claim[key]]
    if path and claim["unit"]:
        path.append(wording.plain(claim["unit"], limit=40))
    by = f" by {claim['target_date']}" if claim["target_date"] else ""
    return {
        "claim": wording.plain(claim["claim"], limit=500),
        "metric": f"{wording.plain(claim['metric'], limit=120)} {' '.join(path)}{by}".strip(),
        "kill_line": wording.plain(claim["kill_line"], limit=300),
    }
