"""The conversational agent reports the published model's eleven fields, and its cost on every basis."""

import pytest

from roi.usecases import TEMPLATES, as_json, base, figures

TEMPLATE = TEMPLATES["conversational_agent"]


def report(*, months: int = 12, hidden_costs: dict[str, float] | None = None, **drivers: float) -> dict:
    case = base.read_case(TEMPLATE, drivers, months=months, hidden_costs=hidden_costs)
    return as_json.figures(case, figures.figures_of(case))


def test_the_published_report_comes_out_of_the_published_values() -> None:
    shown = report()
    expected = {
        "annual_api_cost": 7_200,
        "annual_infra_cost": 30_000,
        "annual_maintenance": 24_000,
        "development_cost": 120_000,
        "total_annual_cost": 181_200,
        "annual_labor_savings": 1_147_500,
        "annual_revenue_impact": 36_000,
        "total_annual_value": 1_183_500,
        "roi_percent": 553.1456953642,
        "cost_per_ai_conversation": 0.204,
        "cost_per_human_conversation": 8.5,
    }
    assert {name: shown[name] for name in expected} == pytest.approx(expected)


def test_the_cost_of_a_conversation_is_stated_on_each_basis() -> None:
    shown = report()
    assert [
        round(shown[f"cost_per_ai_conversation{basis}"], 3)
        for basis in ("", "_loaded", "_marginal", "_per_deflected", "_per_deflected_loaded", "_blended")
    ] == [0.204, 0.604, 0.024, 0.453, 1.342, 4.879]
    assert [
        round(shown[f"human_to_ai_ratio_{basis}"], 1)
        for basis in ("run", "loaded", "marginal", "per_deflected", "per_deflected_loaded", "blended")
    ] == [41.7, 14.1, 354.2, 18.8, 6.3, 1.7]


def test_the_annual_fields_cover_twelve_months_whatever_the_horizon() -> None:
    short, long = report(months=6), report(months=36)
    assert short["total_annual_cost"] == long["total_annual_cost"] == 181_200
    assert short["total_cost"] == 150_600
    assert long["roi_percent"] > short["roi_percent"]


def test_hidden_costs_count_in_the_annual_total_but_not_in_what_is_named_otherwise() -> None:
    shown = report(hidden_costs={"legal_review": 1_000})
    assert shown["total_annual_cost"] == 193_200
    assert shown["annual_maintenance"] == 24_000
    assert shown["cost_per_ai_conversation"] == pytest.approx((61_200 + 12_000) / 300_000)


def test_an_agent_that_nobody_talks_to_has_no_cost_per_conversation() -> None:
    shown = report(monthly_conversations=0)
    assert shown["cost_per_ai_conversation"] is None
    assert shown["reasons"]["cost_per_ai_conversation"] == "no_volume"
    assert shown["reasons"]["human_to_ai_ratio_run"] == "no_volume"


def test_ten_points_of_deflection_are_not_ten_percent() -> None:
    base_savings = report()["annual_labor_savings"]
    assert report(deflection_rate=0.55)["annual_labor_savings"] - base_savings == pytest.approx(255_000)
    assert report(deflection_rate=0.495)["annual_labor_savings"] - base_savings == pytest.approx(114_750)


def test_the_list_price_of_the_named_model_makes_it_cheaper_than_published() -> None:
    shown = report(input_price_per_million=0.15, output_price_per_million=0.60)
    assert shown["annual_api_cost"] / 12 == pytest.approx(30)
    assert shown["cost_per_ai_conversation"] == pytest.approx(0.1812)
    assert shown["human_to_ai_ratio_run"] == pytest.approx(46.9, abs=0.05)
    assert shown["roi_percent"] == pytest.approx(578.8, abs=0.05)
