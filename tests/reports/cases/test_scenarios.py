"""Scenarios kept from the page: what differs, the two ends of the ranges, opening and deleting one."""

from __future__ import annotations

import pytest

from roi import what_ifs
from roi.models import Scenario
from tests.reports.cases.conftest import Stage
from tests.reports.investments.test_page import words_of

pytestmark = pytest.mark.django_db


def kept(stage: Stage) -> dict[str, dict[str, float]]:
    """Return the drivers of each scenario by name."""
    return dict(Scenario.objects.filter(case=stage.case).values_list("name", "drivers"))


def test_a_scenario_holds_what_differs_and_leaves_the_case(stage: Stage) -> None:
    """Only changed drivers are kept, in their own unit; opened, they are back in the inputs as changes."""
    typed = stage.inputs(d_deflection_rate="30", d_dev_cost="200,000")
    response = stage.post("scenario", **typed, scenario_name="Slow start", scenario_kind="pessimistic")
    assert kept(stage) == {"Slow start": {"deflection_rate": 0.3, "dev_cost": 200000.0}}
    assert Scenario.objects.get().kind == "pessimistic"
    stage.case.refresh_from_db()
    assert stage.case.revision == 1
    assert response.context["changed_count"] == 2
    assert response.context["sheet"].written()["d-deflection_rate"] == "30"
    assert [one["name"] for one in response.context["results"]["scenario_names"]] == ["Base", "Slow start"]


def test_nothing_changed_or_no_name_is_refused_and_the_words_stay(stage: Stage) -> None:
    """A scenario needs a difference and a name."""
    same = stage.post("scenario", **stage.inputs(), scenario_name="Same")
    assert "Change at least one driver first" in words_of(same.content.decode())
    unnamed = stage.post("scenario", **stage.inputs(d_deflection_rate="30"), scenario_name=" ")
    assert "Name the scenario." in words_of(unnamed.content.decode())
    assert unnamed.context["sheet"].written()["d-deflection_rate"] == "30"
    long = stage.post("scenario", **stage.inputs(d_deflection_rate="30"), scenario_name="x" * 81)
    assert "1 to 80 characters" in words_of(long.content.decode())
    assert kept(stage) == {}


def test_the_ends_of_the_ranges_make_two_scenarios_in_the_direction_that_hurts_and_helps(
    stage: Stage,
) -> None:
    """Low deflection and high cost hurt; the pessimistic net lies below the base, the optimistic above."""
    ranges = {
        "s_deflection_rate_kind": "uniform", "s_deflection_rate_low": "40", "s_deflection_rate_high": "60",
        "s_dev_cost_kind": "uniform", "s_dev_cost_low": "120000", "s_dev_cost_high": "220000",
    }  # fmt: skip
    stage.post("save", **stage.inputs(**ranges))
    response = stage.post("bracket", **stage.inputs())
    assert kept(stage) == {
        "Pessimistic": {"deflection_rate": 0.4, "dev_cost": 220000.0},
        "Optimistic": {"deflection_rate": 0.6, "dev_cost": 120000.0},
    }
    nets = next(row for row in response.context["results"]["scenarios"] if row["title"] == "Net benefit")
    base, pessimistic, optimistic = (words_of(str(cell)) for cell in nets["cells"])
    low, middle, high = (int(cell.replace(",", "")) for cell in (pessimistic, base, optimistic))
    assert low < middle < high


def test_without_ranges_every_driver_moves_by_ten_percent(stage: Stage) -> None:
    """Drivers at 0 and those that move nothing are left out."""
    stage.post("bracket", **stage.inputs())
    low = kept(stage)["Pessimistic"]
    assert low["deflection_rate"] == pytest.approx(0.405)
    assert low["dev_cost"] == pytest.approx(165_000)
    assert "copilot_gain" not in low
    assert "annual_tickets" not in low


def test_a_scenario_that_no_longer_fits_is_left_out_and_named(stage: Stage) -> None:
    """Growing the base past a bound does not take the page down."""
    Scenario.objects.create(
        case=stage.case, name="Double", drivers={"deflection_rate": {"relative": 1}},
        created_by=stage.cast.people["olivia"], created_at=stage.case.created_at,
    )  # fmt: skip
    fits = stage.client().post(stage.look, stage.inputs())
    assert "is left out" not in fits.content.decode()
    answer = stage.client().post(stage.look, stage.inputs(d_deflection_rate="60"))
    assert answer.status_code == 200
    assert "Scenario Double is left out:" in words_of(answer.content.decode())


def test_deleting_and_opening_what_is_not_there(stage: Stage) -> None:
    """A deleted scenario is gone; opening it is a missing page; a viewer deletes none."""
    stage.post("scenario", **stage.inputs(d_deflection_rate="30"), scenario_name="Slow start")
    assert stage.client().get(stage.page, {"scenario": "Slow start"}).status_code == 200
    assert stage.client("vera").post(stage.page, {"forget": "Slow start"}).status_code == 400
    assert kept(stage)
    stage.client().post(stage.page, {"forget": "Slow start"})
    assert kept(stage) == {}
    assert stage.client().get(stage.page, {"scenario": "Slow start"}).status_code == 404


def test_the_answer_has_the_base_first(stage: Stage) -> None:
    """The page relies on it: the first column is what the drivers say now."""
    response = stage.client().get(stage.page)
    assert response.context["results"]["scenario_names"][0]["name"] == "Base"
    assert callable(what_ifs.evaluate)
