"""Charts of a business case as plain Vega-Lite dicts: the cash curve, the tornado, its scenarios."""

from roi import vega
from roi.engine.wording import amount
from roi.vega import Rows, Spec

_TORNADO_BARS = 10
_BAR_STEP = 30
_LOWER, _HIGHER = "Driver lower", "Driver higher"


def cash(rows: Rows, *, currency: str, breakeven: int | None, bands: Rows = ()) -> Spec:
    """Return net benefit to date by month of the case, with its breakeven month and, where drawn, its band.

    `rows` carry month and cumulative_net, `bands` month, p10, p50 and p90 of the same, all in currency units.
    """
    layers = [vega.area(bands, "p10", "p90")] if bands else []
    layers += [vega.zero(), _net_line()]
    if breakeven is not None and breakeven <= len(rows):
        layers += vega.marker("month", breakeven, f"Breakeven month {breakeven}", last=len(rows))
    values = [{"month": row["month"], "net": row["cumulative_net"]} for row in rows]
    told = describe_cash(rows, currency=currency, breakeven=breakeven)
    return vega.frame(told, values, layers, x=vega.months(len(rows)))


def describe_cash(rows: Rows, *, currency: str, breakeven: int | None) -> str:
    """Return the cash curve in a sentence."""
    lowest = min(rows, key=lambda row: float(row["cumulative_net"]))
    reached = (
        f"It breaks even in month {breakeven}." if breakeven else "It does not break even within 120 months."
    )
    return (
        f"Net benefit to date over {len(rows)} months: lowest {amount(lowest['cumulative_net'])} {currency} in month "
        f"{lowest['month']}, {amount(rows[-1]['cumulative_net'])} {currency} at the end. {reached}"
    )


def _net_line() -> Spec:
    return {
        "mark": {"type": "line", "style": "net-line", "point": {"size": 160, "opacity": 0}},
        "encoding": {
            "y": vega.money("net", None),
            "tooltip": [{"field": "month", "title": "Month"}, vega.reading("net", "Net to date")],
        },
    }


def tornado(rows: Rows, *, currency: str, base_net: float) -> Spec:
    """Return a bar for each driver from the net benefit at its low value to that at its high one, widest first.

    `rows` carry label, low_net, high_net and swing, in currency units, in the order they are drawn.
    """
    shown = rows[:_TORNADO_BARS]
    values = [
        {"driver": row["label"], "side": side, "net": row[field], "base": base_net}
        for row in shown
        for side, field in ((_LOWER, "low_net"), (_HIGHER, "high_net"))
    ]
    base: Spec = {
        "data": {"values": [{"base": base_net}]},
        "mark": {"type": "rule", "style": "zero-rule"},
        "encoding": {"x": {"field": "base", "type": "quantitative"}},
    }
    named = ", ".join(f"{row['label']} {row['swing']:,.0f}" for row in shown[:3])
    told = (
        f"Swing of net benefit by driver in {currency}, widest first: {named}."
        if named
        else "No driver moves the net benefit."
    )
    height = {"height": _BAR_STEP * max(len(shown), 2) + 40}
    return vega.frame(told, values, [_bars([row["label"] for row in shown]), base]) | height


def _bars(order: list[str]) -> Spec:
    return {
        "mark": {"type": "bar", "height": {"band": 0.7}},
        "encoding": {
            "y": {
                "field": "driver",
                "type": "nominal",
                "sort": order,
                "title": None,
                "axis": {"labelLimit": 180, "domain": False, "ticks": False},
            },
            "x": {**vega.money("net", "Net benefit"), "scale": {"zero": False}},
            "x2": {"field": "base"},
            "color": vega.colors("side", [_LOWER, _HIGHER]),
            "tooltip": [
                {"field": "driver", "title": "Driver"},
                {"field": "side", "title": "Change"},
                vega.reading("net", "Net benefit"),
            ],
        },
    }


def scenarios(rows: Rows, *, currency: str) -> Spec:
    """Return net benefit by scenario as bars; `rows` carry name and net_benefit in currency units."""
    values = [{"name": row["name"], "net": row["net_benefit"]} for row in rows]
    name = {
        "field": "name",
        "type": "nominal",
        "sort": [row["name"] for row in rows],
        "title": None,
        "axis": {"labelAngle": 0, "labelLimit": 120},
    }
    encoding: Spec = {
        "x": name,
        "y": vega.money("net", None),
        "tooltip": [{"field": "name", "title": "Scenario"}, vega.reading("net", "Net benefit")],
    }
    layers: list[Spec] = [
        {
            "transform": [{"filter": f"datum.net {sign} 0"}],
            "mark": {"type": "bar", "style": style, "width": {"band": 0.6}},
            "encoding": encoding,
        }
        for sign, style, is_loss in ((">=", "gain-bar", False), ("<", "loss-bar", True))
        if any((value["net"] < 0) is is_loss for value in values)  # a layer without bars has no extent
    ]
    told = "; ".join(f"{row['name']} {amount(row['net_benefit'])}" for row in rows)
    return vega.frame(f"Net benefit by scenario in {currency}: {told}.", values, [*layers, vega.zero()])
