"""The starting values are the published cases, and give their figures as recomputed."""

import pytest

from roi.usecases import as_json
from tests.roi.usecases.cases import case_of, figures


def shown(name: str, *, months: int | None = None, **drivers: float) -> dict:
    case = case_of(name, months=months, **drivers)
    return as_json.figures(case, figures(name, months=months, **drivers))


@pytest.mark.parametrize("name", ["generic_llm", "customer_support"])
def test_the_support_case(name: str) -> None:
    found = shown(name)
    assert (found["total_cost"], found["total_value"]) == (312_000, 315_000)
    assert found["roi_percent"] == pytest.approx(0.96154, abs=5e-6)
    assert found["payback_months"] == pytest.approx(11.7647, abs=5e-5)
    assert found["breakeven_month"] == 12
    assert found["discounted_payback_months"] == pytest.approx(12.40, abs=0.005)
    assert found["npv"] == pytest.approx(-4_644, abs=0.5)
    assert found["irr_percent"] == pytest.approx(3.7, abs=0.05)
    years = {row["months"]: row for row in found["multi_year"]}
    assert years[24]["roi_percent"] == pytest.approx(32.911, abs=5e-4)
    assert years[36]["roi_percent"] == pytest.approx(48.585, abs=5e-4)
    assert years[24]["npv"] == pytest.approx(127_498, abs=0.5)
    assert years[36]["npv"] == pytest.approx(247_627, abs=0.5)


def test_the_coding_case() -> None:
    found = shown("coding_assistant")
    assert (found["total_cost"], found["total_value"]) == (67_800, 174_000)
    assert found["roi_percent"] == pytest.approx(156.637, abs=5e-4)
    assert found["payback_months"] == pytest.approx(1.4851, abs=5e-5)
    assert found["breakeven_month"] == 2
    assert (found["annual_payroll"], found["average_gain_percent"]) == (1_000_000, pytest.approx(10))
    years = {row["months"]: row["roi_percent"] for row in found["multi_year"]}
    assert (years[24], years[36]) == (pytest.approx(188.6, abs=0.05), pytest.approx(201.0, abs=0.05))


def test_the_coding_case_at_a_loaded_cost_that_somebody_is_paid() -> None:
    found = shown("coding_assistant", loaded_cost_per_developer=150_000)
    assert found["roi_percent"] == pytest.approx(2_222, abs=0.5)


def test_the_fraud_case() -> None:
    found = shown("fraud_detection", prevalence=0.001)
    assert found["frauds_caught_monthly"] == pytest.approx(940)
    assert found["false_alarms_monthly"] == pytest.approx(19_980)
    assert found["precision"] == pytest.approx(0.0449, abs=5e-5)
    assert found["breakeven_prevalence"] == pytest.approx(1 / 1881)
    assert found["breakeven_loss_in_reviews"] == pytest.approx(21.3, abs=0.05)
    assert shown("fraud_detection", prevalence=0.01)["precision"] == pytest.approx(0.32, abs=0.005)


def test_the_quality_control_case() -> None:
    found = shown("visual_quality_control")
    assert found["escapes_avoided_per_day"] == pytest.approx(1_400)
    assert found["escape_change_percent"] == pytest.approx(-87.5)
    assert found["escapes_avoided_annual"] == pytest.approx(350_000)
    assert shown("visual_quality_control", working_days=365)["escapes_avoided_annual"] == pytest.approx(
        511_000
    )
