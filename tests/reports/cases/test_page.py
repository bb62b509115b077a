"""The what-if page: figures beside inputs, looks that store nothing, saving, and who may do what."""

from __future__ import annotations

import json

import pytest
from django.urls import reverse

from portfolio.models import Investment
from roi import cases, questions, what_ifs
from roi.models import BusinessCase
from roi.usecases import TEMPLATES
from tests.reports.cases.conftest import NONE, Stage, tiles, write
from tests.reports.investments.test_page import words_of

pytestmark = pytest.mark.django_db


def test_the_page_shows_the_figures_of_the_stored_case(stage: Stage) -> None:
    """The same answer as the what-if of the same question, with the portfolio's rates."""
    response = stage.client("vera").get(stage.page)
    answer = what_ifs.evaluate(questions.read(cases.question(stage.case), terms=cases.terms(stage.case)))
    words = words_of(response.content.decode())
    assert tiles(response)["ROI"] == f"{answer['figures']['roi_percent']:.1f}%"
    assert f"{answer['figures']['total_value']:,.0f}" in words
    assert "at 12.0% a year" in words
    assert response.context["results"]["sentence"].startswith("Most depends on Support cost before")


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_template_has_a_page_at_its_own_values(stage: Stage, name: str) -> None:
    """With every driver typed in; one that must be stated says so until it is."""
    required = {"prevalence": 0.002} if name == "fraud_detection" else {}
    case = write(stage.cast, template=name, drivers=required, title=name)
    page = reverse("admin:reports_case", args=[case.public_id])
    response = stage.client().get(page)
    assert response.status_code == 200
    assert response.context["results"]["tiles"], response.context["refusals"]
    answer = stage.client().post(f"{page}figures/", response.context["sheet"].written())
    assert answer.status_code == 200
    assert b'data-live="tiles"' in answer.content


def test_a_changed_driver_moves_figures_charts_and_sentence_and_stores_nothing(stage: Stage) -> None:
    """A viewer may play: the look answers, the case stays."""
    before = stage.client("vera").post(stage.look, stage.inputs("vera"))
    after = stage.client("vera").post(stage.look, stage.inputs("vera", d_deflection_rate="70"))
    assert before.status_code == after.status_code == 200
    for part in ('data-live="tiles"', 'data-live="sentence"', 'id="cash"', 'id="tornado"'):
        first, second = (each.content.decode().split(part, 1)[1][:1500] for each in (before, after))
        assert first != second, part
    stage.case.refresh_from_db()
    assert stage.case.drivers == {"deflection_rate": 0.45}
    assert stage.case.revision == 1


def test_a_refused_input_is_pointed_to(stage: Stage) -> None:
    """The look answers with a problem: one pointer to each input, one sentence each."""
    typed = stage.inputs(d_deflection_rate="170", d_dev_cost="much", t_months="0")
    answer = stage.client().post(stage.look, typed)
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    errors = {each["pointer"]: each["detail"] for each in json.loads(answer.content)["errors"]}
    assert set(errors) == {"#/d-deflection_rate", "#/d-dev_cost", "#/t-months"}
    assert errors["#/d-deflection_rate"] == "Deflection must lie between 0 and 100; 170 does not."


def test_a_range_the_engine_refuses_is_pointed_to_its_driver(stage: Stage) -> None:
    """A triangle whose peak lies outside its ends is the engine's sentence at the driver's distribution."""
    typed = stage.inputs(
        s_deflection_rate_kind="triangular", s_deflection_rate_low="50", s_deflection_rate_high="60"
    )
    answer = stage.client().post(stage.look, typed)
    (error,) = json.loads(answer.content)["errors"]
    assert error["pointer"] == "#/s-deflection_rate_kind"
    assert "0.45" in error["detail"]


@pytest.mark.parametrize(
    ("low", "high", "sentence"),
    [("", "", "needs a number"), ("60", "50", "low end lies above"), ("x", "50", "is not a number")],
)
def test_a_range_needs_two_numbers_in_order(stage: Stage, low: str, high: str, sentence: str) -> None:
    """Each refusal hangs at the distribution."""
    typed = stage.inputs(
        s_deflection_rate_kind="uniform", s_deflection_rate_low=low, s_deflection_rate_high=high
    )
    (error,) = json.loads(stage.client().post(stage.look, typed).content)["errors"]
    assert error["pointer"] == "#/s-deflection_rate_kind"
    assert sentence in error["detail"]


@pytest.mark.parametrize("kind", ["uniform", "triangular", "pert", "normal", "lognormal"])
def test_ranges_bring_chances_and_a_band(stage: Stage, kind: str) -> None:
    """Every kind of distribution; the same inputs give the same draws."""
    typed = stage.inputs(s_dev_cost_kind=kind, s_dev_cost_low="120,000", s_dev_cost_high="190,000")
    first, second = (stage.client().post(stage.look, typed) for _ in range(2))
    words = words_of(first.content.decode())
    assert "How likely" in words
    assert "8,192 draws" in words
    assert '"p10"' in first.content.decode()
    assert first.content == second.content


def test_saving_keeps_what_was_typed_and_counts_the_revision(stage: Stage) -> None:
    """Drivers in their own unit, hidden costs with their answers, ranges, rates and horizon."""
    typed = stage.inputs(
        d_deflection_rate="52.5",
        h_legal_review="1,500",
        h_legal_review_none="",
        t_months="48",
        t_hurdle_rate="15",
        s_dev_cost_kind="pert",
        s_dev_cost_low="120000",
        s_dev_cost_high="200000",
    )
    response = stage.post("save", **typed)
    assert "Saved as revision 2." in words_of(response.content.decode())
    stage.case.refresh_from_db()
    assert stage.case.drivers["deflection_rate"] == 0.525
    assert stage.case.hidden_costs == {**NONE, "legal_review": 1500.0}
    assert (stage.case.months, float(stage.case.hurdle_rate or 0)) == (48, 0.15)
    assert stage.case.distributions["dev_cost"] == {
        "kind": "pert", "low": 120000.0, "mode": 150000.0, "high": 200000.0
    }  # fmt: skip
    assert stage.inputs()["d-deflection_rate"] == "52.5"


def test_a_peak_stated_apart_from_the_value_stays(stage: Stage) -> None:
    """What a client stated, the page does not move; a peak at the value follows the value."""
    ranges = {
        "dev_cost": {"kind": "triangular", "low": 100000.0, "mode": 120000.0, "high": 200000.0},
        "infra_monthly": {"kind": "triangular", "low": 4000.0, "mode": 4500.0, "high": 6000.0},
    }
    BusinessCase.objects.filter(pk=stage.case.pk).update(
        distributions=ranges, drivers={"dev_cost": 150000.0, "infra_monthly": 4500.0}
    )
    stage.post("save", **stage.inputs(d_dev_cost="160000", d_infra_monthly="5000"))
    stage.case.refresh_from_db()
    modes = {name: stated["mode"] for name, stated in stage.case.distributions.items()}
    assert modes == {"dev_cost": 120000.0, "infra_monthly": 5000.0}


def test_a_stale_page_saves_nothing_and_keeps_what_was_typed(stage: Stage) -> None:
    """Somebody else saved meanwhile: the sentence says so, the inputs stay."""
    typed = stage.inputs(d_deflection_rate="60")
    stage.post("save", **stage.inputs(d_deflection_rate="50"))
    response = stage.post("save", **typed)
    assert response.status_code == 400
    assert "was changed meanwhile" in words_of(response.content.decode())
    assert response.context["sheet"].written()["d-deflection_rate"] == "60"
    stage.case.refresh_from_db()
    assert stage.case.drivers["deflection_rate"] == 0.5


def test_without_scripts_the_form_shows_figures_and_errors(stage: Stage) -> None:
    """Posting without a verb saves nothing: it shows what the inputs amount to."""
    shown = stage.client().post(stage.page, stage.inputs(d_deflection_rate="70"))
    assert shown.status_code == 200
    assert shown.context["changed_count"] == 1
    assert tiles(shown) != tiles(stage.client().get(stage.page))
    refused = stage.client().post(stage.page, stage.inputs(d_deflection_rate="x"))
    assert refused.status_code == 400
    assert "is not a number" in words_of(refused.content.decode())
    stage.case.refresh_from_db()
    assert stage.case.revision == 1


def test_undefined_figures_say_why(stage: Stage) -> None:
    """A case without money has no ROI; the reason stands in words, nothing is 0."""
    nothing = dict.fromkeys(
        ("dev_cost", "infra_monthly", "api_monthly", "maintenance_monthly", "labor_savings_monthly",
         "speed_value_monthly", "quality_value_monthly", "revenue_impact_monthly"), 0,
    )  # fmt: skip
    case = write(stage.cast, template="generic_llm", drivers=nothing, months=12)
    response = stage.client().get(reverse("admin:reports_case", args=[case.public_id]))
    assert tiles(response)["ROI"] == "n/a (No cost is recorded yet.)"
    assert tiles(response)["IRR"].startswith("n/a (")


def test_a_case_that_lacks_a_driver_says_which(stage: Stage) -> None:
    """The page opens without figures, the input says what it needs."""
    case = write(stage.cast, template="fraud_detection", drivers={"prevalence": 0.001})
    BusinessCase.objects.filter(pk=case.pk).update(drivers={})
    response = stage.client().get(reverse("admin:reports_case", args=[case.public_id]))
    assert response.status_code == 200
    assert response.context["results"] is None
    assert "needs a value" in words_of(response.content.decode())


@pytest.mark.parametrize("act", ["save", "submit", "scenario", "bracket", "study"])
def test_viewers_play_but_change_nothing(stage: Stage, act: str) -> None:
    """The buttons are off with the reason; posting anyway is refused with the same sentence."""
    page = words_of(stage.client("vera").get(stage.page).content.decode())
    assert "Your role in this portfolio looks and plays" in page
    typed = stage.inputs("vera", d_deflection_rate="60") | {"scenario_name": "Mine"}
    response = stage.post(act, "vera", **typed)
    assert response.status_code == 400
    assert "Your role in this portfolio looks and plays" in words_of(response.content.decode())
    stage.case.refresh_from_db()
    assert stage.case.revision == 1
    assert not stage.case.scenarios.exists()
    assert not stage.case.studies.exists()


def test_viewers_may_take_the_workbook_home(stage: Stage) -> None:
    """What is shown may be exported: as typed, under the case's title."""
    response = stage.client("vera").post(stage.page, stage.inputs("vera") | {"act": "workbook"})
    assert response.status_code == 200
    assert "Support-assistant--second-wave.xlsx" in response["Content-Disposition"]
    assert response.content[:2] == b"PK"


def test_strangers_find_nothing(stage: Stage) -> None:
    """Not the page, not its figures, not its studies, not its submission, and not in the list."""
    mallory = stage.client("mallory")
    for address in (stage.page, f"{stage.page}submit/", f"{stage.page}studies/{stage.case.public_id}/"):
        assert mallory.get(address).status_code == 404
    assert mallory.post(stage.look, {}).status_code == 404
    assert mallory.post(stage.page, {"act": "save"}).status_code == 404
    listed = mallory.get(reverse("admin:reports_cases")).content.decode()
    assert stage.case.title not in listed
    assert mallory.get(reverse("admin:reports_cases"), {"portfolio": "CX"}).status_code == 404
    assert stage.client("vera").get(f"{stage.page}submit/").status_code == 404


def test_the_list_and_the_tab_lead_to_the_case(stage: Stage) -> None:
    """Both show its figures; only who records is offered a new one; a case of another investment is not in the tab."""
    other = write(stage.cast, investment=stage.cast.coding, title="Coding assistant, case")
    listed = stage.client("vera").get(reverse("admin:reports_cases"))
    words = words_of(listed.content.decode())
    assert stage.case.title in words
    assert other.title in words
    assert "New case" not in words
    assert "New case" in words_of(stage.client().get(reverse("admin:reports_cases")).content.decode())
    tab = reverse("admin:portfolio_investment_change", args=[stage.cast.support.pk])
    shown = words_of(stage.client("vera").get(tab, {"tab": "what-if"}).content.decode())
    assert stage.case.title in shown
    assert other.title not in shown
    assert "Start another" not in shown
    assert "Start another" in words_of(stage.client().get(tab, {"tab": "what-if"}).content.decode())


def test_without_cases_both_say_what_one_is(stage: Stage) -> None:
    """The empty states tell what a case is for, and offer one to those who may write it."""
    BusinessCase.objects.all().delete()
    tab = reverse("admin:portfolio_investment_change", args=[stage.cast.support.pk])
    for address, query in ((reverse("admin:reports_cases"), {}), (tab, {"tab": "what-if"})):
        words = words_of(stage.client("vera").get(address, query).content.decode())
        assert "No business case yet" in words
        assert ("New case" in words, "Start a case" in words) == (False, False)
    assert Investment.objects.filter(business_cases__isnull=False).count() == 0
