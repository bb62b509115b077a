"""Submitting from the console: what will be written is shown, written once, and compared on the plan tab."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.urls import reverse

from portfolio.models import Cell
from portfolio.terms import Book
from roi import studies
from roi.models import CaseStudy, CaseSubmission
from tests.reports.cases.conftest import Stage, write
from tests.reports.investments.test_page import words_of

pytestmark = pytest.mark.django_db


def address(stage: Stage) -> str:
    """Return the page that submits."""
    return reverse("admin:reports_case_submit", args=[stage.case.public_id])


def plan_tab(stage: Stage) -> str:
    """Return the words of the investment's plan tab."""
    page = reverse("admin:portfolio_investment_change", args=[stage.cast.support.pk])
    return words_of(stage.client().get(page, {"tab": "plan"}).content.decode())


def test_the_page_shows_the_version_and_its_totals_before_writing(stage: Stage) -> None:
    """Looking writes nothing; the totals are the case's."""
    words = words_of(stage.client().get(address(stage)).content.decode())
    assert "version 1 of the plan, 2026-01 to 2028-12" in words
    assert "Development development 150,000" in words
    assert "Write version 1" in words
    assert not Cell.objects.filter(book=Book.PLAN.value).exists()


def test_submitting_writes_the_next_version_once_and_the_plan_tab_has_it(stage: Stage) -> None:
    """The figures of the plan tab are those of the case; the same revision again changes nothing."""
    shown = stage.client().get(stage.page).context["results"]
    answers = {"reason": "Round of spring.", "revision": "1"}
    for _ in range(2):
        response = stage.client().post(address(stage), answers, follow=True)
        assert "Version 1 of the plan holds this case." in words_of(response.content.decode())
    assert CaseSubmission.objects.count() == 1
    scenario = {row["title"]: words_of(str(row["cells"][0])) for row in shown["scenarios"]}
    words = plan_tab(stage)
    assert f"{scenario['Total cost']} {scenario['Total value']} {scenario['Net benefit']}" in words
    assert "not approved" in words
    page = words_of(stage.client().get(stage.page).content.decode())
    assert "Submitted plan version 1 from revision 1" in page
    stage.post("save", **stage.inputs(d_deflection_rate="50"))
    stage.client().post(address(stage), answers | {"revision": "2"})
    assert CaseSubmission.objects.values_list("version", flat=True).order_by("version").last() == 2


def test_what_was_changed_since_is_not_submitted(stage: Stage) -> None:
    """A stale revision is refused with a sentence, and so is a submission without a reason."""
    stage.post("save", **stage.inputs(d_deflection_rate="50"))
    response = stage.client().post(address(stage), {"reason": "Spring.", "revision": "1"})
    assert response.status_code == 400
    assert "was changed meanwhile" in words_of(response.content.decode())
    response = stage.client().post(address(stage), {"reason": "", "revision": "2"})
    assert response.status_code == 400
    assert not CaseSubmission.objects.exists()


def test_submit_on_the_page_saves_first(stage: Stage) -> None:
    """What is submitted is what was seen."""
    response = stage.post("submit", **stage.inputs(d_deflection_rate="50"))
    assert response.request["PATH_INFO"] == address(stage)
    stage.case.refresh_from_db()
    assert (stage.case.revision, stage.case.drivers["deflection_rate"]) == (2, 0.5)


def test_hidden_costs_without_an_answer_hold_a_submission_up(stage: Stage) -> None:
    """Saved drafts may lack answers; a plan may not: the page says which, and posting is refused."""
    stage.post("save", **stage.inputs(h_legal_review_none=""))
    shown = words_of(stage.client().get(address(stage)).content.decode())
    assert "Hidden costs without an answer: Legal review." in shown
    response = stage.client().post(address(stage), {"reason": "Spring.", "revision": "2"})
    assert response.status_code == 400
    assert "Hidden costs without an answer: Legal review." in words_of(response.content.decode())
    assert not CaseSubmission.objects.exists()


def test_a_case_without_an_investment_asks_whose_plan_it_becomes(stage: Stage) -> None:
    """Investments of its portfolio alone are offered; submitted, the case is that investment's."""
    case = write(stage.cast, title="Alone")
    page = reverse("admin:reports_case_submit", args=[case.public_id])
    form = stage.client().get(page).context["form"]
    assert {one.code for one in form.fields["investment"].queryset} == {"AI-001", "AI-002"}
    foreign = stage.client().post(page, {"reason": "Spring.", "revision": "1", "investment": "XX-001"})
    assert foreign.status_code == 400
    done = stage.client().post(page, {"reason": "Spring.", "revision": "1", "investment": "AI-002"})
    assert done.status_code == 302
    case.refresh_from_db()
    assert case.investment == stage.cast.coding


def test_a_study_is_asked_for_computed_by_a_worker_and_shown(stage: Stage) -> None:
    """The page polls while it is open, then shows the shares under the drivers' labels."""
    without = stage.post("study", **stage.inputs())
    assert "State the distribution of at least one driver." in words_of(without.content.decode())
    ranges = {
        "s_dev_cost_kind": "uniform", "s_dev_cost_low": "100,000", "s_dev_cost_high": "200,000",
        "s_deflection_rate_kind": "uniform", "s_deflection_rate_low": "30", "s_deflection_rate_high": "60",
    }  # fmt: skip
    stage.post("save", **stage.inputs(**ranges))
    asked = stage.post("study", **stage.inputs())
    study = CaseStudy.objects.get()
    state = reverse("admin:reports_case_study", args=[stage.case.public_id, study.public_id])
    assert f'data-poll="{state}"' in asked.content.decode()
    client = stage.client("vera")
    assert client.get(state)["X-Is-Open"] == "yes"
    assert studies.run(clock=lambda: datetime.now(UTC)) == 1
    answer = client.get(state)
    assert answer["X-Is-Open"] == "no"
    words = words_of(answer.content.decode())
    assert words.index("Deflection") < words.index("Development")
    assert "data-poll" not in client.get(stage.page).content.decode()


def test_a_failed_study_says_why(stage: Stage) -> None:
    """The sentence takes the place of the shares."""
    people = stage.cast.people
    CaseStudy.objects.create(
        case=stage.case, kind="sobol", inputs={}, state="failed", problem="It ran out of draws.",
        asked_by=people["olivia"], asked_at=datetime.now(UTC),
    )  # fmt: skip
    assert "It ran out of draws." in words_of(stage.client().get(stage.page).content.decode())
