"""What is particular to a template: channels, task types, false alarms, wrong answers, and what accuracy changes."""

import numpy as np
import pytest

from roi.usecases import TEMPLATES, as_json, base
from roi.usecases.base import PlannedLine
from roi.usecases.drivers import DriversRejected
from roi.usecases.figures import figures_of
from roi.usecases.totals import Totals
from roi.usecases.warnings import warnings
from tests.roi.usecases.cases import case_of, figures

# 96 % right becomes 88 % over 18 months.
LOSS = (1 - 0.88 / 0.96) / 18


def planned(name: str, *, months: int = 12, **drivers: float) -> list[PlannedLine]:
    return list(base.project(case_of(name, months=months, **drivers)))


def amounts(lines: list[PlannedLine], account: str, ref: str = "") -> np.ndarray:
    (found,) = [line.amounts for line in lines if (line.account, line.ref) == (account, ref)]
    return found / 1e6 if found.dtype == np.int64 else found


def rejection(name: str, **drivers: float) -> str:
    with pytest.raises(DriversRejected) as refused:
        base.read_case(TEMPLATES[name], drivers)
    return str(refused.value)


def test_fraud_without_its_prevalence_is_refused() -> None:
    assert "Prevalence of fraud must be stated (prevalence)" in rejection("fraud_detection")


@pytest.mark.parametrize(
    ("name", "drivers", "sentence"),
    [
        ("fraud_detection", {"prevalence": 0.01, "baseline_recall": 0.99}, "Recall today (0.99) is above"),
        ("visual_quality_control", {"escape_rate_after": 0.05}, "above the one before (0.032)"),
        ("contact_center", {"fcr_after": 0.5}, "First-contact resolution after (0.5) is below"),
        ("coding_assistant", {"routine_share": 0.8, "complex_share": 0.4}, "add up to 120%"),
    ],
)
def test_drivers_that_contradict_each_other_are_refused(name: str, drivers: dict, sentence: str) -> None:
    assert sentence in rejection(name, **drivers)


def test_gain_differs_by_task_type() -> None:
    split = {"routine_share": 0.3, "routine_gain": 0.4, "complex_share": 0.5, "complex_gain": 0.0}
    lines = planned("coding_assistant", **split)
    average = 0.3 * 0.4 + 0.2 * 0.10
    assert amounts(lines, "labor_savings")[0] == pytest.approx(1_000_000 / 12 * average)


def test_seats_are_paid_while_use_ramps_up_and_unused() -> None:
    lines = planned("coding_assistant", ramp_months=4, adoption_rate=0.5)
    assert (amounts(lines, "licenses") == 3_900).all()
    assert amounts(lines, "users")[:5].tolist() == [12.5, 25, 37.5, 50, 50]
    assert amounts(lines, "labor_savings")[4] == pytest.approx(8_333.333333 / 2)


def test_the_copilot_saves_on_what_automation_leaves() -> None:
    stated = {"copilot_adoption": 0.8, "copilot_gain": 0.25, "copilot_seats": 10, "copilot_seat_price": 30}
    lines = planned("customer_support", **stated)
    assert amounts(lines, "labor_savings", "automation")[0] == 19_250
    assert amounts(lines, "labor_savings", "copilot")[0] == pytest.approx(35_000 * 0.45 * 0.8 * 0.25)
    assert amounts(lines, "licenses", "copilot")[0] == 300
    nothing = planned("customer_support", **stated | {"deflection_rate": 1})
    assert amounts(nothing, "labor_savings", "copilot")[0] == 0


def test_savings_never_exceed_what_support_costs() -> None:
    stated = {"copilot_adoption": 1, "copilot_gain": 1, "ramp_months": 6, "growth_rate": 0.5}
    lines = planned("customer_support", months=36, **stated)
    saved = amounts(lines, "labor_savings", "automation") + amounts(lines, "labor_savings", "copilot")
    months = np.arange(36)
    assert (saved <= 35_000 * 1.5 ** (months / 12) + 1e-6).all()


@pytest.mark.parametrize(
    ("name", "drivers", "ref"),
    [
        ("contact_center", {"wrong_answer_rate": 0.04}, "wrong_answers"),
        ("fraud_detection", {"prevalence": 0.001, "false_positive_rate": 0.04}, "false_alarms"),
        ("visual_quality_control", {"false_reject_rate": 0.04}, ""),
    ],
)
def test_error_costs_follow_the_error_rate_and_value_the_success_rate(
    name: str, drivers: dict, ref: str
) -> None:
    steady = planned(name, months=18, **drivers)
    losing = planned(name, months=18, accuracy_loss=LOSS, **drivers)
    errors, value = (
        [amounts(lines, account, where)[17] for lines in (losing, steady)]
        for account, where in (("error_remediation", ref), ("successful_outcomes", ""))
    )
    assert errors[0] / errors[1] == pytest.approx(3)
    assert value[0] / value[1] == pytest.approx(88 / 96)


def test_losing_effect_is_the_engine_s_degradation() -> None:
    lost = figures("customer_support", accuracy_loss=LOSS)
    assert lost.view.roi.value == pytest.approx(-0.0208, abs=5e-5)
    restored = planned("customer_support", months=13, accuracy_loss=LOSS, retraining_every=6)
    saved = amounts(restored, "labor_savings", "automation")
    assert saved[5] == pytest.approx(19_250 * (1 - 6 * LOSS))
    assert saved[6] == saved[0] == saved[12] == pytest.approx(19_250 * (1 - LOSS))


def test_edge_savings_do_not_depend_on_accuracy() -> None:
    steady, losing = planned("edge_logistics"), planned("edge_logistics", accuracy_loss=0.05)
    for one, other in zip(steady, losing, strict=True):
        assert np.array_equal(one.amounts, other.amounts), one.label
    case = case_of("edge_logistics", accuracy_loss=0.05)
    assert any("changes nothing here" in sentence for sentence in warnings(case, figures("edge_logistics")))


def test_edge_savings_are_the_sum_of_their_sources() -> None:
    case = case_of("edge_logistics")
    found = as_json.figures(case, figures("edge_logistics"))
    parts = ("fuel", "route", "wan", "central_infra")
    year = Totals(base.project(case, months=12))
    assert sum(found[f"annual_{part}_savings"] for part in parts) == pytest.approx(year.benefit())


def test_only_redeployed_time_is_planned_as_savings() -> None:
    full, none = (planned("contact_center", redeployment_share=share) for share in (1, 0))
    assert amounts(full, "labor_savings")[0] == pytest.approx(25_000 * 6.5)
    assert amounts(none, "labor_savings")[0] == 0


def test_fraud_nets_what_the_formula_says() -> None:
    lines = planned("fraud_detection", prevalence=0.001)
    net = amounts(lines, "loss_avoided")[0] - amounts(lines, "error_remediation", "false_alarms")[0]
    assert net == pytest.approx(1e6 * 0.001 * 0.94 * 200 - 1e6 * 0.999 * 0.02 * 5)


def test_what_is_in_place_today_is_no_benefit() -> None:
    lines = planned(
        "fraud_detection", prevalence=0.001, baseline_recall=0.94, baseline_false_positive_rate=0.02
    )
    assert not amounts(lines, "loss_avoided").any()
    assert not amounts(lines, "error_remediation", "false_alarms").any()


def test_a_defect_cost_at_breakeven_breaks_even() -> None:
    case = case_of("visual_quality_control")
    found = as_json.figures(case, figures("visual_quality_control"))
    cost = found["breakeven_cost_per_escape"]
    at_breakeven = figures("visual_quality_control", cost_per_escape=cost)
    assert float(at_breakeven.view.net_benefit) == pytest.approx(0, abs=0.01)


def test_a_published_salary_is_remarked_on() -> None:
    def remarks(**drivers: float) -> list[str]:
        return [
            w
            for w in warnings(case_of("coding_assistant", **drivers), figures("coding_assistant"))
            if "loaded" in w
        ]

    assert len(remarks()) == 1
    assert remarks(loaded_cost_per_developer=150_000) == []


def test_warnings_name_what_flatters_a_case() -> None:
    said = " ".join(warnings(case_of("generic_llm"), figures("generic_llm")))
    assert "NPV at the hurdle of 10% is (4,644)" in said
    assert "Labor savings of 231,000 count as cash in full" in said
    assert "make sure that both do not value the same hours" in said
    assert "Every month is like the first" in said
    assert "No hidden cost is stated" in said
    case = base.read_case(
        TEMPLATES["customer_support"],
        {"ramp_months": 3, "speed_value_monthly": 0, "deflection_rate": 0},
        hidden_costs={"legal_review": 1},
    )
    assert warnings(case, figures_of(case)) == []


def test_a_case_that_falls_below_breakeven_again_says_so() -> None:
    stated = {"retraining_every": 16, "retraining_cost": 100_000}
    case = case_of("customer_support", months=36, **stated)
    found = figures("customer_support", months=36, **stated)
    assert (found.breakeven_month.value, found.last_breakeven_month.value) == (12, 20)
    assert any("breaks even for good in month 20" in sentence for sentence in warnings(case, found))


def test_growth_out_of_range_later_does_not_refuse_a_case_now() -> None:
    found = figures("conversational_agent", months=12, growth_rate=9.0)
    assert found.view.months == 12
    assert max(view.months for view in found.multi_year) < 120
    with pytest.raises(base.CaseError, match="leaves the range of the ledger"):
        figures("conversational_agent", months=120, growth_rate=9.0)


def test_warnings_that_do_not_apply_are_not_said() -> None:
    said = " ".join(warnings(case_of("contact_center"), figures("contact_center")))
    assert "count as cash in full" not in said
    assert "falls below again" not in said
    assert "a realization rate on labor would count that twice" in said
