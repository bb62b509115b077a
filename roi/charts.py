"""Chart specifications as plain Vega-Lite dicts, the same for web, mail and paper. No rendering here."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from portfolio.terms import format_month
from roi import vega
from roi.engine.wording import amount
from roi.vega import Spec

COST, BENEFIT = "Cost to date", "Benefit to date"
_FONT = "Inter, system-ui, sans-serif"


@dataclass(frozen=True, slots=True)
class Point:
    """The end of one month: cumulative cost and benefit, and whether the month's figures are final."""

    month: date
    cost: Decimal
    benefit: Decimal
    is_final: bool


def cumulative(points: Sequence[Point], *, currency: str, breakeven: date | None = None) -> Spec:
    """Return cumulative cost against benefit by month, with the breakeven month marked where it is reached.

    Months are read as UTC on every screen: a local reading would label January as December west of Greenwich.
    """
    layers = [_lines(), _readings()]
    if not all(point.is_final for point in points):
        layers.insert(1, _open_points())
    if breakeven is not None:
        month = format_month(breakeven)
        # The curves rise, so what stands over them has room on their left.
        is_early = breakeven in [point.month for point in points][: max(len(points) * 3 // 5, 1)]
        layers += vega.month_marker(month, f"Breakeven {month}", is_early=is_early)
    return {
        **vega.frame(
            describe(points, currency=currency, breakeven=breakeven),
            [row for point in points for row in _rows(point)],
            layers,
            x=vega.calendar(),
        ),
        "resolve": {"scale": {"color": "shared"}},
        "usermeta": {"currency": currency},
    }


def describe(points: Sequence[Point], *, currency: str, breakeven: date | None) -> str:
    """Return the chart in a sentence, for those who hear it or read it where no picture is shown."""
    if not points:
        return "No months yet."
    first, last = points[0], points[-1]
    words = (
        f"Cumulative cost and benefit from {format_month(first.month)} to {format_month(last.month)}: "
        f"{amount(last.cost)} {currency} spent, {amount(last.benefit)} {currency} returned."
    )
    if breakeven:
        return f"{words} Breakeven was reached in {format_month(breakeven)}."
    closed = [point for point in points if point.is_final]
    # A portfolio's sum has no breakeven month of its own: where it lies above, nothing is said about one.
    is_above = bool(closed) and closed[-1].benefit >= closed[-1].cost
    return words if is_above else f"{words} Breakeven is not reached."


def theme(name: str) -> Spec:
    """Return the Vega config of a theme, `light` or `dark`; specifications carry no colors of their own."""
    is_dark = name == "dark"
    text, line = ("#d1d5db", "#374151") if is_dark else ("#4b5563", "#e5e7eb")
    cost, benefit, marker = (
        ("#94a3b8", "#60a5fa", "#34d399") if is_dark else ("#64748b", "#1d4ed8", "#047857")
    )
    return {
        "background": "transparent",
        "font": _FONT,
        "view": {"stroke": None},
        "axis": {
            "labelColor": text,
            "titleColor": text,
            "gridColor": line,
            "domainColor": line,
            "tickColor": line,
            "labelFontSize": 11,
            "titleFontSize": 11,
            "titleFontWeight": 500,
        },
        "legend": {"labelColor": text, "labelFontSize": 12, "symbolStrokeWidth": 3},
        "range": {"category": [cost, benefit, marker]},
        "style": {
            "breakeven-rule": {"color": marker, "strokeDash": [4, 3], "strokeWidth": 1.5},
            "breakeven-text": {"color": marker, "fontWeight": 600, "fontSize": 11},
            "open-month": {"fill": "#111827" if is_dark else "#ffffff"},
            "net-line": {"color": benefit, "strokeWidth": 2.25},
            "band": {"color": benefit, "fillOpacity": 0.16},
            "zero-rule": {"color": text, "strokeWidth": 1},
            "gain-bar": {"color": marker},
            "loss-bar": {"color": "#f87171" if is_dark else "#b91c1c"},
        },
    }


def _rows(point: Point) -> list[Spec]:
    month = f"{format_month(point.month)}-01"
    return [
        {"month": month, "series": series, "value": float(value), "final": point.is_final}
        for series, value in ((COST, point.cost), (BENEFIT, point.benefit))
    ]


def _color() -> Spec:
    return {
        "field": "series",
        "type": "nominal",
        "scale": {"domain": [COST, BENEFIT]},
        "legend": {"orient": "top", "title": None, "symbolType": "stroke"},
    }


def _value() -> Spec:
    return {
        "field": "value",
        "type": "quantitative",
        "title": None,
        "axis": {"format": "~s", "tickCount": 6},
    }


def _lines() -> Spec:
    return {
        "mark": {"type": "line", "strokeWidth": 2.25, "interpolate": "linear"},
        "encoding": {
            "y": _value(),
            "color": _color(),
            "strokeDash": {
                "field": "series",
                "type": "nominal",
                "scale": {"domain": [COST, BENEFIT], "range": [[6, 3], [1, 0]]},
                "legend": {"orient": "top", "title": None, "symbolType": "stroke"},
            },
        },
    }


def _open_points() -> Spec:
    """Mark months that are still open with hollow points: their figures may change."""
    return {
        "transform": [{"filter": "!datum.final"}],
        "mark": {"type": "point", "size": 36, "strokeWidth": 1.5, "filled": False, "style": "open-month"},
        "encoding": {"y": _value(), "color": _color()},
    }


def _readings() -> Spec:
    """Catch the pointer near every month, so that its figures can be read."""
    return {
        "mark": {"type": "point", "size": 220, "opacity": 0, "filled": True},
        "encoding": {
            "y": _value(),
            "tooltip": [
                {"field": "month", "type": "temporal", "timeUnit": "utcyearmonth", "title": "Month"},
                {"field": "series", "type": "nominal", "title": "Series"},
                {"field": "value", "type": "quantitative", "format": "(,.0f", "title": "Amount"},
            ],
        },
    }
