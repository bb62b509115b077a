"""Charts as plain Vega-Lite dicts: the forecast's fan, unit costs, cost by volume, accuracy over time."""

from collections.abc import Sequence

from roi import vega
from roi.engine.wording import amount
from roi.vega import Rows, Spec

Lines = Sequence[tuple[str, str, list[int]]]  # field, name, dash

_FAN = (("plan", "Plan", [6, 3]), ("p50", "Forecast", [2, 2]), ("actual", "Actual", [1, 0]))
_UNIT_COSTS = (
    ("marginal", "Marginal", [2, 2]),
    ("loaded", "Fully loaded", [1, 0]),
    ("run", "Run", [6, 3]),
)
_SERVING = (("api", "API"), ("self_hosted", "Self-hosted"))


def forecast_fan(rows: Rows, *, currency: str, title: str, breakeven: str | None = None) -> Spec:
    """Return plan, actual and forecast by calendar month; `rows` carry month (YYYY-MM) and what is known of it.

    Known are any of plan, actual, p10, p50 and p90, in currency units; p10 to p90 is drawn as the fan. `breakeven` is
    the month that is marked.
    """
    fan = [
        {"month": f"{row['month']}-01", "p10": row["p10"], "p90": row["p90"]}
        for row in rows
        if row.get("p10") is not None and row.get("p90") is not None
    ]
    lines = _monthly_lines(rows, _FAN, reading=vega.reading("value", "Amount"))
    layers = [vega.area(fan, "p10", "p90"), vega.zero(), lines] if fan else [vega.zero(), lines]
    if breakeven is not None:
        early = [row["month"] for row in rows][: max(len(rows) * 3 // 5, 1)]
        layers += vega.month_marker(breakeven, f"Breakeven {breakeven}", is_early=breakeven in early)
    told = f"{title}: plan, actual and forecast in {currency}. {_told(rows, breakeven)}".strip()
    return vega.frame(told, _long(rows, _FAN), layers, x=vega.calendar())


def _told(rows: Rows, breakeven: str | None) -> str:
    """Return the newest actual, and the end of forecast and plan, in sentences."""
    said = []
    for field, name, _ in reversed(_FAN):
        known = [row for row in rows if row.get(field) is not None]
        if known:
            last = known[-1]
            around = ""
            if field == "p50" and last.get("p10") is not None and last.get("p90") is not None:
                around = f", between {amount(last['p10'])} and {amount(last['p90'])},"
            said.append(f"{name} {amount(last[field])}{around} at the end of {last['month']}.")
    return " ".join([*said, f"Breakeven in {breakeven}."] if breakeven else said)


def unit_costs(rows: Rows, *, currency: str, unit: str) -> Spec:
    """Return the cost of a unit by calendar month; `rows` carry month (YYYY-MM), run, loaded and marginal or None."""
    reading = {"field": "value", "type": "quantitative", "format": ",.4f", "title": "Cost"}
    lines = _monthly_lines(rows, _UNIT_COSTS, reading=reading)
    lines["encoding"]["y"] = {
        "field": "value",
        "type": "quantitative",
        "title": None,
        "axis": {"format": "~g", "tickCount": 6},
    }
    ends = [
        f"{name.lower()} {known[0]:,.4g} at first, {known[-1]:,.4g} at the end"
        for field, name, _ in _UNIT_COSTS
        if (known := [row[field] for row in rows if row.get(field) is not None])
    ]
    told = f"Cost per {unit} by month in {currency}: {'; '.join(ends)}."
    return vega.frame(told, _long(rows, _UNIT_COSTS), [lines], x=vega.calendar())


def _long(rows: Rows, lines: Lines) -> list[Spec]:
    return [
        {"month": f"{row['month']}-01", "series": name, "value": float(row[field])}
        for row in rows
        for field, name, _ in lines
        if row.get(field) is not None
    ]


def _monthly_lines(rows: Rows, lines: Lines, *, reading: Spec) -> Spec:
    """Return a line for each of the fields that is known in any month, told apart by color and by dash."""
    shown = [line for line in lines if any(row.get(line[0]) is not None for row in rows)]
    # All names keep their place in the theme's order, drawn or not.
    names, dashes = [name for _, name, _ in lines], [dash for _, _, dash in lines]
    month = {"field": "month", "type": "temporal", "timeUnit": "utcyearmonth", "title": "Month"}
    legend = {
        "orient": "top",
        "title": None,
        "symbolType": "stroke",
        "values": [name for _, name, _ in shown],
    }
    series = {"field": "series", "type": "nominal", "legend": legend}
    return {
        "mark": {"type": "line", "strokeWidth": 2.25, "point": {"size": 18}},
        "encoding": {
            "y": vega.money("value", None),
            "color": {**series, "scale": {"domain": names}},
            "strokeDash": {**series, "scale": {"domain": names, "range": dashes}},
            "tooltip": [month, {"field": "series", "title": "Series"}, reading],
        },
    }


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
