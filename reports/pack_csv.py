"""A pack as comma-separated values: one row an investment, plain numbers, nothing that a spreadsheet would compute."""

import csv
from collections.abc import Mapping
from io import StringIO
from typing import Any

from portfolio.importers.cells import safe_cell
from portfolio.terms import Basis

Json = Mapping[str, Any]

_RATIOS = (
    "roi",
    "incremental_roi",
    "operating_margin",
    "npv",
    "npv_hurdle",
    "irr",
    "payback",
    "discounted_payback",
)
HEADINGS = (
    "code",
    "name",
    "owner",
    "currency",
    "month",
    "through",
    "status",
    "status_before",
    "tco",
    *(f"{name}_{basis.value}" for basis in Basis for name in ("benefit", "net", *_RATIOS, "breakeven_month")),
    "open_alerts",
    "missing_months",
    "knowledge",
    "content_hash",
)


def render(content: Json, labels: Json, *, content_hash: str) -> bytes:
    """Return the rows as UTF-8 with a byte order mark, as spreadsheets expect it; an undefined figure is empty."""
    out = StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(HEADINGS)
    names = labels["investments"]
    for one in sorted(content["investments"], key=lambda one: names[one["id"]]["code"]):
        writer.writerow(_row(one, names[one["id"]], content, content_hash))
    return out.getvalue().encode("utf-8-sig")


def _row(one: Json, names: Json, content: Json, content_hash: str) -> list[object]:
    found = one["figures"]
    figures: list[object] = [found.get("tco", "")]
    for basis in Basis:
        part = found.get(basis.value, {})
        figures += [part.get("benefit", ""), part.get("net", "")]
        figures += [part.get(name, {}).get("value", "") for name in _RATIOS]
        figures.append(part.get("breakeven") or "")
    return [
        *(safe_cell(names[key]) for key in ("code", "name", "owner")),
        content["currency"],
        content["view"]["month"],
        one["through"] or "",
        one["status"],
        one["status_before"] or "",
        *figures,
        " ".join(alert["rule"] for alert in one["alerts"]),
        " ".join(one["missing"]),
        content["view"]["knowledge"],
        content_hash,
    ]
