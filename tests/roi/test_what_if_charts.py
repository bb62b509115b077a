"""What is said of a chart, for those who hear it or read it where no picture is shown."""

from __future__ import annotations

from roi import what_if_charts


def test_a_forecast_below_zero_is_told_in_parentheses() -> None:
    row = {"month": "2028-02", "p10": -340_064.2, "p50": -88_750.0, "p90": 31_790.0}
    spec = what_if_charts.forecast_fan([row], currency="USD", title="Cumulative net", breakeven=None)
    assert spec["description"].endswith(
        "Forecast (88,750), between (340,064) and 31,790, at the end of 2028-02."
    )
