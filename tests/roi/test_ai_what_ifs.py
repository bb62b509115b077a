"""The AI-specific what-ifs say what the engine says, under the names and with the reasons that clients see."""

from __future__ import annotations

from typing import Any

import pytest

from roi import ai_what_ifs
from roi.engine.degradation import Shape

# The published support case on a path from 96 % to 88 % over 18 months.
SUPPORT: dict[str, Any] = {
    "points": [{"after": 0, "accuracy": 0.96}, {"after": 18, "accuracy": 0.88}],
    "shape": Shape.LINEAR,
    "months": 36,
    "value": 26_250,
    "run": 13_500,
    "one_time": 150_000,
    "discount_rate": 0.10,
    "longest_interval": 24,
}
SERVING: dict[str, Any] = {
    "volume": 300_000,
    "fixed_cost": 4_500,
    "self_host_unit_cost": 0.0,
    "tokens": {"input_tokens": 400, "output_tokens": 150, "turns": 8, "input_price": 2.5, "output_price": 10},
    "currency": "USD",
}


def test_degradation_gives_the_published_figures() -> None:
    told = ai_what_ifs.degrade(SUPPORT)
    by_month = {view["months"]: view for view in told["views"]}
    assert [round(by_month[month]["roi_percent"], 2) for month in (12, 24, 36)] == [-2.08, 25.76, 39.13]
    assert by_month[36]["breakeven_month"] == 13
    assert by_month[12]["reasons"]["breakeven_month"] == "not_reached"
    assert (told["first_losing_month"], told["reasons"]["first_losing_month"]) == (None, "not_reached")
    assert told["optimal_interval"] is None


def test_value_above_a_worthless_accuracy_is_lost_sooner() -> None:
    told = ai_what_ifs.degrade(SUPPORT | {"worthless": 0.80})
    assert (told["first_losing_month"], told["first_losing_window"]) == (18, 19)
    assert round(told["views"][-1]["roi_percent"], 2) == -8.17


def test_retraining_is_scheduled_and_its_best_interval_named() -> None:
    told = ai_what_ifs.degrade(SUPPORT | {"retraining": {"cost": 2_000, "every": 6}})
    assert told["retraining_months"] == [6, 12, 18, 24, 30]
    assert told["monthly"][6]["accuracy"] == pytest.approx(0.96 - 0.08 / 18)
    best = told["optimal_interval"]
    assert best["months"] == min(best["curve"], key=lambda one: one["total"])["months"]
    assert best["saving_per_month"] > 0
    listed = ai_what_ifs.degrade(SUPPORT | {"retraining": {"cost": 2_000, "months": [9, 3, 3]}})
    assert listed["retraining_months"] == [3, 9]
    assert sum("rule" in str(layer["mark"]) for layer in listed["chart"]["layer"]) == 2


@pytest.mark.parametrize(
    "points",
    [
        [{"accuracy": 0.9}],
        [{"after": 0, "accuracy": 0.9}, {"after": None, "month": None, "accuracy": 0.8}],
        [{"after": 1, "accuracy": 0.9}],
    ],
)
def test_points_that_are_no_path_are_refused(points: list[dict[str, Any]]) -> None:
    with pytest.raises(ValueError, match="month"):
        ai_what_ifs.degrade(SUPPORT | {"points": points})


def test_serving_gives_the_published_breakevens() -> None:
    told = ai_what_ifs.serve(SERVING | {"migration_cost": 40_000})
    unit = told["api_unit_cost"]
    assert unit == pytest.approx(8 * (400 * 2.5 + 150 * 10) / 1e6)
    published = ai_what_ifs.serve(
        SERVING | {"tokens": None, "api_unit_cost": 0.024, "migration_cost": 40_000}
    )
    assert published["breakeven_volume"] == pytest.approx(187_500)
    assert published["migration_payback_months"] == pytest.approx(14.815, abs=5e-4)
    dearer = ai_what_ifs.serve(
        SERVING | {"tokens": None, "api_unit_cost": 0.024, "self_host_unit_cost": 0.004}
    )
    assert dearer["breakeven_volume"] == pytest.approx(225_000)


def test_usage_without_a_price_is_a_reason() -> None:
    told = ai_what_ifs.serve(SERVING | {"tokens": {**SERVING["tokens"], "input_price": None}})
    assert (told["api_unit_cost"], told["reasons"]) == (None, {"api_unit_cost": "unpriced_usage"})


def test_serving_needs_one_unit_price() -> None:
    for stated in ({"tokens": None}, {"api_unit_cost": 1}):
        with pytest.raises(ValueError, match="cost of a unit, or the tokens"):
            ai_what_ifs.serve(SERVING | stated)


def test_fleet_has_a_curve_of_whole_replicas() -> None:
    hardware = {"gpu_hour_price": 2.0, "throughput_per_hour": 100, "target_utilization": 0.7}
    told = ai_what_ifs.serve(SERVING | {"tokens": None, "api_unit_cost": 0.04, "hardware": hardware})
    curve = told["hardware"]["curve"]
    assert curve[0]["volume"] == 0
    assert [one["replicas"] for one in curve] == sorted(one["replicas"] for one in curve)
    first = told["hardware"]["first_breakeven_volume"]
    assert first == pytest.approx(2.0 * 730 / 0.04)
    assert f"{first:,.0f}" in told["chart"]["description"]
    assert told["hardware"]["cost_per_prediction"] == pytest.approx(2.0 / 70)


def test_batch_is_refused_for_what_cannot_wait() -> None:
    asked: dict[str, Any] = {
        "real_time_cost": 600,
        "value": 1000,
        "deferral_share": 0.1,
        "discount": 0.5,
        "batch_share": 1.0,
        "is_latency_sensitive": False,
    }
    told = ai_what_ifs.defer(asked)
    assert (told["saving"], told["value_deferred"], told["net"]) == (300, 100, 200)
    refused = ai_what_ifs.defer(asked | {"is_latency_sensitive": True})
    assert refused["net"] is None
    assert set(refused["reasons"].values()) == {"latency_sensitive"}


def test_options_are_compared_and_an_unknown_price_withholds_figures() -> None:
    asked = {
        "options": [
            {"name": "API", "unit_price": 0.02, "accuracy": 0.9},
            {"name": "Own", "one_time_cost": 10_000, "monthly_cost": 500, "unit_price": 0.0},
            {"name": "Unknown", "unit_price": None},
        ],
        "terms": {"months": 12, "volume": 100_000, "benefit": 5_000, "discount_rate": 0.1, "accuracy": None},
    }
    told = ai_what_ifs.compare(asked)
    api, own, unknown = told["rows"]
    assert (api["total_cost"], own["total_cost"]) == (24_000, 16_000)
    assert told["best"]["total_cost"] == ["Own"]
    assert (unknown["total_cost"], unknown["reasons"]["total_cost"]) == (None, "unpriced_usage")
