"""Charts of the other what-ifs as plain Vega-Lite dicts: the forecast's fan, cost by volume, accuracy over time."""

from collections.abc import Sequence

from roi import vega
from roi.charts import Spec
from roi.vega import Rows

_FAN = (("plan", "Plan"), ("actual", "Actual"), ("p50", "Forecast"))
_SERVING = (("api", "API"), ("self_hosted", "Self-hosted"))


def forecast_fan(rows: Rows, *, currency: str, title: str) -> Spec:
    """Return plan, actual and forecast by calendar month; `rows` carry month (YYYY-MM) and what is known of it.

    Known are any of plan, actual, p10, p50 and p90, in currency units; p10 to p90 is drawn as the fan.
    """
    values = [
        {"month": f"{row['month']}-01", "series": name, "value": row[field]}
        for row in rows
        for field, name in _FAN
        if row.get(field) is not None
    ]
    fan = [
        {"month": f"{row['month']}-01", "p10": row["p10"], "p90": row["p90"]}
        for row in rows
        if row.get("p10") is not None and row.get("p90") is not None
    ]
    month = {"field": "month", "type": "temporal", "timeUnit": "utcyearmonth", "title": "Month"}
    lines: Spec = {
        "mark": {"type": "line", "strokeWidth": 2.25, "point": {"size": 18}},
        "encoding": {
            "y": vega.money("value", None),
            "color": vega.colors("series", [name for _, name in _FAN]),
            "tooltip": [month, {"field": "series", "title": "Series"}, vega.reading("value", "Amount")],
        },
    }
    layers = [vega.area(fan, "p10", "p90"), lines] if fan else [lines]
    told = f"{title}: plan, actual and forecast in {currency}."
    return vega.frame(told, values, layers, x=vega.calendar())


def serving_costs(rows: Rows, *, currency: str, breakeven: float | None) -> Spec:
    """Return cost per month by volume, API against own hardware; `rows` carry volume, api and self_hosted."""
    values = [
        {"volume": row["volume"], "series": name, "cost": row[field]}
        for row in rows
        for field, name in _SERVING
    ]
    lines: Spec = {
        "mark": {"type": "line", "strokeWidth": 2.25},
        "encoding": {
            "y": vega.money("cost", "Cost per month"),
            "color": vega.colors("series", [name for _, name in _SERVING]),
            "tooltip": [
                vega.reading("volume", "Volume"),
                {"field": "series", "title": "Served by"},
                vega.reading("cost", "Cost per month"),
            ],
        },
    }
    axis = {"format": "~s", "grid": False}
    x = {"field": "volume", "type": "quantitative", "title": "Volume per month", "axis": axis}
    even = "There is no breakeven volume." if breakeven is None else f"Even at {breakeven:,.0f} a month."
    marks = [] if breakeven is None else vega.marker("volume", breakeven, even, last=rows[-1]["volume"])
    return vega.frame(f"Cost per month by volume in {currency}. {even}", values, [lines, *marks], x=x)


def degradation(rows: Rows, *, retraining_months: Sequence[int] = ()) -> Spec:
    """Return accuracy at the end of each month, a fraction; `rows` carry month and accuracy, at least one."""
    y = {
        "field": "accuracy",
        "type": "quantitative",
        "title": None,
        "scale": {"zero": False},
        "axis": {"format": ".0%"},
    }
    line: Spec = {"mark": {"type": "line", "style": "net-line"}, "encoding": {"y": y}}
    marks = [mark for month in retraining_months for mark in vega.marker("month", month, "", last=len(rows))]
    told = f"Accuracy by month: {rows[0]['accuracy']:.1%} at first, {rows[-1]['accuracy']:.1%} at the end."
    values = [{"month": row["month"], "accuracy": row["accuracy"]} for row in rows]
    return vega.frame(told, values, [line, *marks], x=vega.months(len(rows)))
