"""The efficient frontier as a plain Vega-Lite dict: the best value at each budget, the budget asked for marked."""

from roi import vega
from roi.vega import Rows, Spec


def frontier(rows: Rows, *, currency: str, asked: float) -> Spec:
    """Return the best value by budget in currency units; `rows` carry budget and value, None where nothing fits.

    Steps, not slopes: an investment goes on whole or not at all.
    """
    known = [{"budget": row["budget"], "value": row["value"]} for row in rows if row["value"] is not None]
    y = vega.money("value", "Adds")
    line: Spec = {
        "mark": {"type": "line", "interpolate": "step-after", "style": "net-line"},
        "encoding": {"y": y},
    }
    points: Spec = {
        "mark": {"type": "point", "filled": True, "size": 60},
        "encoding": {
            "y": y,
            "tooltip": [vega.reading("budget", "Budget"), vega.reading("value", "Adds")],
        },
    }
    last = max((row["budget"] for row in rows), default=asked)
    marks = vega.marker("budget", asked, f"Asked {asked:,.0f}", last=last)
    x = {
        "field": "budget",
        "type": "quantitative",
        "title": "Budget",
        "axis": {"format": "~s", "grid": False, "tickCount": 6},
    }
    return vega.frame(_told(known, currency, asked), known, [line, points, *marks], x=x)


def _told(known: Rows, currency: str, asked: float) -> str:
    if not known:
        return "No budget that was looked at keeps to everything."
    ends = " and ".join(f"{row['value']:,.0f} at {row['budget']:,.0f}" for row in (known[0], known[-1]))
    return f"Best risk-adjusted NPV by budget in {currency}: {ends}; asked for {asked:,.0f}."
