"""Pieces that charts are put together from; colors and fonts come from the theme."""

from collections.abc import Mapping, Sequence
from typing import Any

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
Spec = dict[str, Any]
Rows = Sequence[Mapping[str, Any]]


def frame(description: str, values: list[Spec], layers: list[Spec], *, x: Spec | None = None) -> Spec:
    """Return a layered chart that fills its container; `x` is the axis its layers share."""
    shared = {"encoding": {"x": x}} if x else {}
    return {
        "$schema": SCHEMA,
        "description": description,
        "width": "container",
        "height": 280,
        "autosize": {"type": "fit", "contains": "padding"},
        "data": {"values": values},
        **shared,
        "layer": layers,
    }


def money(field: str, title: str | None) -> Spec:
    """Return an axis of money in short notation."""
    return {"field": field, "type": "quantitative", "title": title, "axis": {"format": "~s", "tickCount": 6}}


def months(count: int) -> Spec:
    """Return the axis of a case's months, 1 to count."""
    return {
        "field": "month",
        "type": "quantitative",
        "title": "Month",
        "scale": {"domain": [1, max(count, 2)], "nice": False},
        "axis": {"format": "d", "grid": False, "tickMinStep": 1},
    }


def calendar() -> Spec:
    """Return the axis of calendar months; read as UTC, so that January is January west of Greenwich too."""
    return {
        "field": "month",
        "type": "temporal",
        "timeUnit": "utcyearmonth",
        "title": None,
        "axis": {
            "format": "%b %y",
            "labelOverlap": True,
            "labelSeparation": 6,
            "labelFlush": False,
            "grid": False,
            "labelAngle": 0,
        },
    }


def colors(field: str, names: Sequence[str]) -> Spec:
    """Return a color for each name, in the theme's order, with a legend on top."""
    return {
        "field": field,
        "type": "nominal",
        "scale": {"domain": list(names)},
        "legend": {"orient": "top", "title": None},
    }


def reading(field: str, title: str) -> Spec:
    """Return an amount as it is read where the pointer is, negatives in parentheses."""
    return {"field": field, "type": "quantitative", "format": "(,.0f", "title": title}


def area(values: Rows, low: str, high: str) -> Spec:
    """Return the band between two fields."""
    return {
        "data": {"values": list(values)},
        "mark": {"type": "area", "style": "band"},
        "encoding": {"y": money(low, None), "y2": {"field": high}},
    }


def zero() -> Spec:
    """Return the line at nothing."""
    return {"mark": {"type": "rule", "style": "zero-rule"}, "encoding": {"x": None, "y": {"datum": 0}}}


def marker(field: str, at: float, label: str, *, last: float) -> list[Spec]:
    """Return a vertical line at a place of the shared axis that ends at `last`, named where there is a label."""
    return _marker({field: at, "label": label}, label, is_early=at < 0.6 * last)


def month_marker(at: str, label: str, *, is_early: bool) -> list[Spec]:
    """Return a vertical line at a calendar month (YYYY-MM); its label stands right of it where it is early."""
    return _marker({"month": f"{at}-01", "label": label}, label, is_early=is_early)


def _marker(value: Spec, label: str, *, is_early: bool) -> list[Spec]:
    data = {"values": [value]}
    line: Spec = {"data": data, "mark": {"type": "rule", "style": "breakeven-rule"}}
    if not label:
        return [line]
    # The label stands on the side that has room for it.
    side = {"align": "left", "dx": 5} if is_early else {"align": "right", "dx": -5}
    text = {"type": "text", "style": "breakeven-text", "baseline": "top", **side}
    return [
        line,
        {
            "data": data,
            "mark": text,
            "encoding": {"text": {"field": "label"}, "y": {"value": 4}},
        },
    ]
