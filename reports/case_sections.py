"""Sections of a business case's text: the tornado, scenarios side by side, and what Monte Carlo says."""

from typing import Any

from roi.engine.result import Figure, Reason
from roi.usecases import summary, wording

Plain = dict[str, Any]

_SCENARIO_ROWS = (
    ("Total cost", "total_cost", wording.money),
    ("Total value", "total_value", wording.money),
    ("Net benefit", "net_benefit", wording.money),
    ("ROI", "roi_percent", lambda percent: wording.percent(percent / 100)),
    ("NPV", "npv", wording.money),
    ("NPV at the hurdle", "npv_at_hurdle", wording.money),
    ("Payback", "payback_months", wording.months),
    ("Breakeven in month", "breakeven_month", wording.number),
)


def what_matters(sentence: str) -> str:
    """Return the sentence on the drivers that matter, each moved alone."""
    return summary.section("What matters most", [f"  {sentence}"])


def tornado(rows: list[Plain]) -> str:
    """Return the tornado as a table: net benefit at both ends, its swing, ROI points."""
    head = ("Driver", "from", "to", "net from", "net to", "swing", "ROI points")
    lines = [
        (
            row["label"],
            wording.number(row["low_value"]),
            wording.number(row["high_value"]),
            wording.money(row["low_net"]),
            wording.money(row["high_net"]),
            wording.money(row["swing"]),
            "n/a" if row["roi_points"] is None else f"{row['roi_points']:,.1f}",
        )
        for row in rows
    ]
    return summary.section("Tornado", summary.rows([head, *lines])) if rows else ""


def scenarios(rows: list[Plain]) -> str:
    """Return the scenarios side by side, a column each."""
    table = [("", *(row["name"] for row in rows))]
    for label, name, form in _SCENARIO_ROWS:
        table.append((label, *(summary.shown(_figure(row, name), form) for row in rows)))
    return summary.section("Scenarios", summary.rows(table))


def monte_carlo(found: Plain, *, spread: float) -> str:
    """Return probabilities and percentiles of a simulation."""
    drawn = f"{found['draws']:,} draws, each driver uniform within ±{spread * 100:.6g}%, seed {found['seed']}"
    odds = [
        ("ROI above 0", wording.percent(found["p_roi_positive"])),
        ("NPV at or above 0", wording.percent(found["p_npv_covered"])),
        ("NPV at the hurdle at or above 0", wording.percent(found["p_npv_at_hurdle_covered"])),
        ("Breakeven within the horizon", wording.percent(found["p_breakeven"])),
    ]
    spreads = [("", "P5", "P50", "P95", "mean"), *_spreads(found)]
    return summary.section(f"Monte Carlo: {drawn}", [*summary.rows(odds), *summary.rows(spreads)])


def _spreads(found: Plain) -> list[tuple[str, ...]]:
    money = [("Net benefit", found["net_benefit"]), ("NPV", found["npv"])]
    table = [(label, *(wording.money(spread[name]) for name in _PERCENTS)) for label, spread in money]
    roi = found["roi_percent"]
    return (
        table if roi is None else [("ROI", *(wording.percent(roi[name] / 100) for name in _PERCENTS)), *table]
    )


_PERCENTS = ("p5", "p50", "p95", "mean")


def _figure(row: Plain, name: str) -> Figure:
    reason = row["reasons"].get(name)
    return Figure(None, Reason(reason)) if reason else Figure(row[name])
