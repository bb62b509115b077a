"""Charts of cases and what-ifs: they draw without a warning in both themes, and say in words what they show."""

from __future__ import annotations

import json
from typing import Any

import pytest
import vl_convert

from roi import case_charts, charts, questions, what_if_charts, what_ifs
from roi.vega import Spec

QUESTION: dict[str, Any] = {
    "template": "generic_llm",
    "months": 24,
    "scenarios": [{"name": "Worse", "drivers": {"labor_savings_monthly": {"relative": -0.5}}}],
    "monte_carlo": {
        "log2_draws": 6,
        "distributions": {"dev_cost": {"kind": "uniform", "low": 120_000, "high": 180_000}},
    },
}
MONTHS = [{"month": f"2026-{month:02d}", "plan": 100.0, "actual": None, "p10": None} for month in range(1, 7)]
FAN = [
    *(month | {"actual": 90.0} for month in MONTHS[:3]),
    *(month | {"p10": 80.0, "p50": 95.0, "p90": 110.0} for month in MONTHS[3:]),
]
VOLUMES = [{"volume": v, "api": v * 0.02, "self_hosted": 4500.0} for v in (0, 100_000, 300_000)]
ACCURACY = [{"month": month, "accuracy": 0.9 - month / 100} for month in range(1, 13)]


def drawn() -> dict[str, Spec]:
    answer = what_ifs.evaluate(questions.read(QUESTION))
    return answer["charts"] | {
        "fan": what_if_charts.forecast_fan(FAN, currency="USD", title="Benefit"),
        "no forecast": what_if_charts.forecast_fan(MONTHS, currency="USD", title="Benefit"),
        "serving": what_if_charts.serving_costs(VOLUMES, currency="USD", breakeven=225_000),
        "never": what_if_charts.serving_costs(VOLUMES, currency="USD", breakeven=None),
        "degradation": what_if_charts.degradation(ACCURACY, retraining_months=[6]),
    }


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_chart_draws(theme: str, capfd: pytest.CaptureFixture[str]) -> None:
    for name, spec in drawn().items():
        svg = vl_convert.vegalite_to_svg(json.dumps(spec | {"width": 600}), config=charts.theme(theme))
        assert svg.count("<path") > 2, name
    assert "WARN" not in "".join(capfd.readouterr())


def test_every_chart_is_told_in_a_sentence() -> None:
    told = {name: spec["description"] for name, spec in drawn().items()}
    assert (
        "lowest (137,250) USD in month 1, 156,000 USD at the end. It breaks even in month 12." in told["cash"]
    )
    assert told["tornado"].startswith(
        "Swing of net benefit by driver in USD, widest first: Labor savings 92,400"
    )
    assert told["scenarios"].endswith("Base 156,000; Worse (75,000).")
    assert told["serving"].endswith("Even at 225,000 a month.")
    assert told["never"].endswith("There is no breakeven volume.")
    assert told["degradation"] == "Accuracy by month: 89.0% at first, 78.0% at the end."


def test_cash_curve_carries_its_band_only_where_it_was_drawn() -> None:
    answer = what_ifs.evaluate(questions.read(QUESTION))
    bare = what_ifs.evaluate(questions.read(QUESTION | {"monte_carlo": None}))
    assert answer["charts"]["cash"]["layer"][0]["mark"]["type"] == "area"
    assert bare["charts"]["cash"]["layer"][0]["mark"]["type"] == "rule"


@pytest.mark.parametrize(("breakeven", "marks"), [(None, 0), (3, 2), (99, 0)])
def test_breakeven_is_marked_where_it_lies_on_the_chart(breakeven: int | None, marks: int) -> None:
    rows = [{"month": month, "cumulative_net": month - 2.5} for month in range(1, 13)]
    spec = case_charts.cash(rows, currency="USD", breakeven=breakeven)
    styles = [layer["mark"].get("style") for layer in spec["layer"]]
    assert sum(str(style).startswith("breakeven") for style in styles) == marks


def test_tornado_without_a_moving_driver_says_so() -> None:
    spec = case_charts.tornado([], currency="USD", base_net=0.0)
    assert spec["description"] == "No driver moves the net benefit."
