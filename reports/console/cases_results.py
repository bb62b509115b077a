"""What a case amounts to, as its page shows it: figures, tables and charts from the answer of `roi.what_ifs`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString

from reports.console import assets, figures
from roi import charts
from roi.engine.result import Reason

Answer = Mapping[str, Any]
Context = dict[str, Any]

_CHARTS = ("cash", "tornado", "scenarios")
_PROBABILITIES = (
    ("p_roi_positive", "ROI above 0"),
    ("p_npv_covered", "NPV of at least 0 at the discount rate"),
    ("p_npv_at_hurdle_covered", "NPV of at least 0 at the hurdle rate"),
    ("p_breakeven", "Breakeven within the horizon"),
)
_PERCENTILES = ("p5", "p10", "p25", "p50", "p75", "p90", "p95")
_SPREADS = (
    ("roi_percent", "ROI"),
    ("net_benefit", "Net benefit"),
    ("npv", "NPV"),
    ("npv_at_hurdle", "NPV at the hurdle"),
)
_COMPARED = (
    ("total_cost", "Total cost"),
    ("total_value", "Total value"),
    ("net_benefit", "Net benefit"),
    ("roi_percent", "ROI"),
    ("npv", "NPV"),
    ("npv_at_hurdle", "NPV at the hurdle"),
    ("irr_percent", "IRR, per year"),
    ("payback_months", "Payback, months"),
    ("breakeven_month", "Breakeven month"),
)
_VIEWED = _COMPARED[:6]


@dataclass(frozen=True, slots=True)
class Tile:
    """One headline figure."""

    title: str
    value: SafeString
    note: str = ""
    is_alarming: bool = False


def context(answer: Answer, *, deleted: Sequence[str] = ()) -> Context:
    """Return what the right side of the page shows."""
    told = answer["figures"]
    return {
        "currency": answer["currency"],
        "months_count": answer["months"],
        "tiles": _tiles(answer),
        "brief": [_tile(told, name, title) for name, title in _BRIEF],
        "sentence": answer.get("sentence") or "",
        "problems": answer["problems"],
        "charts": {name: chart(answer["charts"].get(name)) for name in _CHARTS},
        "has_chart_library": bool(assets.chart_scripts()),
        "multi_year": [_viewed(view) for view in answer["multi_year"]],
        "viewed": [title for _, title in _VIEWED],
        "is_one_time_significant": told["is_one_time_significant"],
        "one_time": figures.money(_amount(told["one_time_cost"])),
        "scenario_names": [_named(row) for row in answer["scenarios"]],
        "scenarios": [_compared(name, title, answer["scenarios"]) for name, title in _COMPARED],
        "monthly": [_monthly(row) for row in answer["monthly"]],
        "tornado": [_swing(row) for row in answer.get("tornado") or ()],
        "bands": _bands(answer["bands"]),
    }


def chart(spec: Mapping[str, Any] | None) -> Context | None:
    """Return a chart with both themes, and its sentence for those who hear it; None where there is none."""
    if not spec:
        return None
    themes = {name: charts.theme(name) for name in ("light", "dark")}
    return {"payload": {"spec": spec, "themes": themes}, "text": spec.get("description", "")}


def cell(told: Answer, name: str) -> SafeString:
    """Return a figure by its name, in the form its name says, or n/a with its reason in words."""
    value, reason = told.get(name), _reason(told, name)
    if value is None:
        return figures.missing(reason)
    if name.endswith("_percent"):
        return figures.percent(value / 100)
    if name.endswith("_months"):
        return figures.months(value)
    if name == "breakeven_month":
        return figures.quantity(Decimal(int(value)))
    return figures.money(_amount(value))


_BRIEF = (("roi_percent", "ROI"), ("net_benefit", "Net benefit"), ("breakeven_month", "Breakeven month"))


def _reason(told: Answer, name: str) -> Reason | str:
    code = told.get("reasons", {}).get(name)
    return Reason(code) if code else "This figure was not computed."


def _amount(value: float) -> Decimal:
    return Decimal(repr(float(value)))


def _tile(told: Answer, name: str, title: str, note: str = "") -> Tile:
    value = told.get(name)
    is_money = not name.endswith(("_percent", "_months", "_month"))
    shown = figures.compact(_amount(value)) if is_money and value is not None else cell(told, name)
    if value is None:
        note = figures.why(_reason(told, name))
    return Tile(title, shown, note, is_alarming=value is not None and value < 0)


def _tiles(answer: Answer) -> list[Tile]:
    told, months = answer["figures"], answer["months"]
    discount, hurdle = (figures.percent_text(answer[rate]) for rate in ("discount_rate", "hurdle_rate"))
    tiles = [
        _tile(told, "roi_percent", "ROI", f"over {months} month{'' if months == 1 else 's'}"),
        _tile(told, "net_benefit", "Net benefit", f"value less cost, {answer['currency']}"),
        _tile(told, "npv", "NPV", f"at the discount rate, {discount}"),
        _tile(told, "npv_at_hurdle", "NPV at the hurdle", f"at {hurdle} a year"),
        _tile(told, "payback_months", "Payback", "months until value covers cost"),
        _tile(told, "breakeven_month", "Breakeven month", "first month with net to date of at least 0"),
        _tile(told, "irr_percent", "IRR", "per year"),
    ]
    bands = answer["bands"]
    if bands:
        chance = figures.percent(bands["p_roi_positive"])
        tiles.append(Tile("Chance of ROI > 0", chance, f"{bands['draws']:,} draws, seed {bands['seed']}"))
    else:
        tiles.append(_tile(told, "total_cost", "Total cost", "one-time and run, hidden cost included"))
    return tiles


def _viewed(view: Answer) -> Context:
    return {"months": view["months"], "cells": [cell(view, name) for name, _ in _VIEWED]}


def _named(row: Answer) -> Context:
    return {"name": row["name"], "kind": row["kind"], "changes": len(row["drivers"])}


def _compared(name: str, title: str, rows: Sequence[Answer]) -> Context:
    return {"title": title, "cells": [cell(row, name) for row in rows]}


def _monthly(row: Answer) -> Context:
    names = ("benefit", "run_cost", "one_time_cost", "net", "cumulative_net")
    return {"month": row["month"], "cells": [figures.money(_amount(row[name])) for name in names]}


def _swing(row: Answer) -> Context:
    points = row.get("roi_points")
    shown = (
        figures.missing("ROI is undefined at an end.")
        if points is None
        else format_html("{} points", f"{points:,.1f}")
    )
    amounts = [figures.money(_amount(row[name])) for name in ("low_net", "high_net", "swing")]
    return {"label": row["label"], "cells": [*amounts, shown]}


def _bands(bands: Answer | None) -> Context | None:
    if bands is None:
        return None
    chances = [(title, figures.percent(bands[name])) for name, title in _PROBABILITIES]
    return {
        "draws": f"{bands['draws']:,}",
        "seed": bands["seed"],
        "chances": chances,
        "heads": [f"{name[1:]}%" for name in _PERCENTILES],
        "rows": [
            {"title": title, "cells": [_point(bands, name, point) for point in (*_PERCENTILES, "mean")]}
            for name, title in _SPREADS
        ],
        "risk_adjusted": figures.money(_amount(bands["risk_adjusted_npv"])),
        "undefined": figures.percent(bands["undefined_roi_share"]) if bands["undefined_roi_share"] else "",
    }


def _point(bands: Answer, name: str, point: str) -> SafeString:
    spread = bands[name]
    if spread is None:
        return figures.missing(_reason(bands, name))
    value = spread[point]
    return figures.percent(value / 100) if name == "roi_percent" else figures.money(_amount(value))
