"""The wizard: five steps, every hidden cost answered, ranges, and what is created at the end and not before."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse

from portfolio import investments
from portfolio.models import Investment, InvestmentVersion
from portfolio.terms import Stage as InvestmentStage
from reports.console.cases_wizard_forms import closest_template
from roi.models import BusinessCase, Scenario
from roi.usecases import TEMPLATES
from roi.usecases.base import HiddenCosts
from roi.usecases.drivers import drivers_of
from tests.reports.cases.conftest import Stage
from tests.reports.investments.test_page import words_of

pytestmark = pytest.mark.django_db
HIDDEN = [one.name for one in drivers_of(HiddenCosts)]


class Walk:
    """Somebody walking through the wizard, typing what a step shows and what is given."""

    def __init__(self, client: Client, investment: str = "") -> None:
        self.client = client
        query = {"investment": investment} if investment else {}
        self.response: Any = client.get(reverse("admin:reports_case_new"), query, follow=True)

    def address(self, step: str) -> str:
        """Return the address of a step."""
        return reverse("admin:reports_case_new_step", args=[step])

    @property
    def step(self) -> str:
        """The step that is shown."""
        shown: str = self.response.context["step"]
        return shown

    @property
    def words(self) -> str:
        """What is read on the page."""
        return words_of(self.response.content.decode())

    def typed(self, **answers: str) -> dict[str, str]:
        """Return the step's inputs as shown, with answers."""
        form, step = self.response.context["form"], self.step
        shown = {field.html_name: str(field.value() or "") for field in form}
        given = {f"{step}-{name}": value for name, value in answers.items()}
        assert set(given) <= set(shown) | {f"{step}-register"}
        return shown | given | {"case_wizard-current_step": step}

    def go(self, **answers: str) -> Walk:
        """Answer the step that is shown."""
        typed = self.typed(**answers)
        if not answers.get("register"):
            typed.pop("review-register", None)
        self.response = self.client.post(self.address(self.step), typed, follow=True)
        return self

    def look(self, **answers: str) -> Any:
        """Ask what the answers amount to, as a script does."""
        return self.client.post(self.address(self.step), self.typed(**answers), headers={"X-Look": "yes"})

    def costs(self, **answers: str) -> Walk:
        """Walk to the total cost."""
        return self.go(template="customer_support", title="Second wave", portfolio="CX", months="24").go(
            **answers
        )

    def ranges(self) -> Walk:
        """Walk to the uncertainty, every hidden cost being none but the legal review."""
        none = {f"{name}_none": "The platform team has it." for name in HIDDEN}
        return self.costs().go(**none | {"legal_review": "500", "legal_review_none": ""})


def test_nothing_exists_before_the_last_step_and_everything_after_it(stage: Stage) -> None:
    """Drivers, answers, ranges, and a scenario at each end of the ranges."""
    BusinessCase.objects.all().delete()
    walk = Walk(stage.client()).ranges()
    walk.go(dev_cost_kind="triangular", dev_cost_low="120,000", dev_cost_high="200,000")
    assert walk.step == "review"
    assert not BusinessCase.objects.exists()
    walk.go()
    case = BusinessCase.objects.get()
    assert walk.response.request["PATH_INFO"] == reverse("admin:reports_case", args=[case.public_id])
    assert (case.title, case.template, case.months) == ("Second wave", "customer_support", 24)
    assert case.created_by == stage.cast.people["olivia"]
    assert case.hidden_costs["legal_review"] == 500
    assert case.hidden_costs["safety_pipeline"] == {"none": "The platform team has it."}
    assert case.distributions["dev_cost"]["mode"] == 150_000
    scenarios = dict(Scenario.objects.values_list("kind", "drivers"))
    assert scenarios == {"pessimistic": {"dev_cost": 200_000}, "optimistic": {"dev_cost": 120_000}}
    assert case.investment is None
    assert walk.client.get(walk.address("review"), follow=True).context["step"] == "start"


@pytest.mark.parametrize("name", HIDDEN)
def test_every_hidden_cost_wants_an_answer(stage: Stage, name: str) -> None:
    """An amount or a reason for there being none; an empty answer is refused at its place."""
    walk = Walk(stage.client()).costs()
    answers = {f"{each}_none": "None here." for each in HIDDEN if each != name}
    walk.go(**answers)
    assert walk.step == "costs"
    assert walk.response.status_code == 400
    assert set(walk.response.context["form"].errors) == {name}
    assert "Empty is no answer" in walk.words
    assert Walk(stage.client()).costs().go(**answers, **{name: "0"}).step == "ranges"


def test_the_total_cost_builds_up_as_costs_are_answered(stage: Stage) -> None:
    """A look answers with the sums, hidden costs among them, and what is not answered yet."""
    walk = Walk(stage.client()).costs()
    before, after = (
        words_of(walk.look().content.decode()),
        words_of(walk.look(legal_review="500").content.decode()),
    )
    assert "Legal review not answered yet" in before
    assert "Hidden costs 12,000" in after
    assert "One-time cost 150,000" in before
    # 24 months of infrastructure 4,500, model 6,000 and maintenance 3,000 beside the build.
    assert "Run cost 324,000" in before
    assert "Total 474,000" in before
    assert "Total 486,000" in after
    none = words_of(walk.look(legal_review_none="In the frame contract.").content.decode())
    assert "Legal review none: In the frame contract." in none


def test_a_look_points_to_what_it_refuses(stage: Stage) -> None:
    """The script hangs the sentence to the input."""
    walk = Walk(stage.client()).go(template="customer_support", title="T", portfolio="CX", months="")
    assert walk.step == "drivers"
    answer = walk.look(deflection_rate="140")
    assert answer.status_code == 400
    (error,) = json.loads(answer.content)["errors"]
    assert error["pointer"] == "#/drivers-deflection_rate"
    fine = walk.look(deflection_rate="40")
    assert b'data-live="tiles"' in fine.content


def test_the_horizon_is_the_templates_unless_stated(stage: Stage) -> None:
    """Empty takes the template's, out of range is refused."""
    walk = Walk(stage.client()).go(template="customer_support", title="T", portfolio="CX", months="")
    assert walk.response.context["results"]["months_count"] == TEMPLATES["customer_support"].months
    refused = Walk(stage.client()).go(template="customer_support", title="T", portfolio="CX", months="121")
    assert refused.step == "start"
    assert "less than or equal to 120" in refused.words


def test_a_driver_without_a_value_of_its_own_must_be_stated(stage: Stage) -> None:
    """Fraud needs its prevalence: no figures before, figures after."""
    walk = Walk(stage.client()).go(template="fraud_detection", title="T", portfolio="CX", months="12")
    assert "No figures yet" in walk.words
    walk.go()
    assert walk.step == "drivers"
    assert "Prevalence" in str(walk.response.context["form"].errors)
    walk.go(prevalence="0.1")
    assert walk.step == "costs"


def test_another_template_forgets_the_first_ones_drivers(stage: Stage) -> None:
    """Going back keeps what fits: the answers on hidden costs stay, other drivers do not."""
    walk = Walk(stage.client()).ranges()
    walk.response = walk.client.get(walk.address("start"), follow=True)
    walk.go(template="generic_llm")
    assert walk.step == "drivers"
    assert "labor_savings_monthly" in walk.response.context["form"].fields
    walk.go()
    assert walk.response.context["form"]["legal_review"].value() == "500"


def test_steps_are_not_skipped_and_going_back_keeps_what_was_typed(stage: Stage) -> None:
    """An address further on leads to the first step without answers; unknown ones to the start."""
    walk = Walk(stage.client())
    for step in ("review", "ranges", "done", "elsewhere"):
        assert walk.client.get(walk.address(step), follow=True).context["step"] == "start"
    assert walk.client.post(walk.address("review"), {}, follow=True).context["step"] == "start"
    assert walk.client.post(walk.address("elsewhere"), {}).status_code == 404
    walk.costs()
    typed = walk.typed(**{f"{name}_none": "No." for name in HIDDEN}) | {"wizard_goto_step": "drivers"}
    walk.response = walk.client.post(walk.address("costs"), typed, follow=True)
    assert walk.step == "drivers"
    walk.go()
    assert walk.response.context["form"]["legal_review_none"].value() == "No."


def test_a_proposed_investment_is_registered_with_the_case(stage: Stage) -> None:
    """With its terms versioned; stage proposed, owned by who wrote the case."""
    walk = Walk(stage.client()).ranges().go()
    walk.go(register="on", code="AI-077", name="", start_month="2027-02")
    made = Investment.objects.get(code="AI-077")
    assert (made.name, made.stage, made.horizon_months) == ("Second wave", InvestmentStage.PROPOSED.value, 24)
    assert made.owner == stage.cast.people["olivia"]
    assert InvestmentVersion.objects.filter(investment=made).count() == 1
    assert BusinessCase.objects.get(title="Second wave").investment == made


@pytest.mark.parametrize(
    ("answers", "sentence"),
    [
        ({"code": "AI-001", "start_month": "2027-02"}, "The code AI-001 is taken"),
        ({"code": "", "start_month": "2027-02"}, "An investment needs a code."),
        ({"code": "AI-077", "start_month": ""}, "An investment needs its start month."),
        ({"code": "AI-077", "start_month": "soon"}, "soon"),
    ],
)
def test_what_cannot_be_registered_creates_no_case_either(
    stage: Stage, answers: dict[str, str], sentence: str
) -> None:
    """Refused at the review, in words; the answers are still there."""
    walk = Walk(stage.client()).ranges().go().go(register="on", **answers)
    assert walk.step == "review"
    assert walk.response.status_code == 400
    assert sentence in walk.words
    assert not BusinessCase.objects.filter(title="Second wave").exists()
    assert not Investment.objects.filter(code="AI-077").exists()


def test_what_the_domain_refuses_is_said_at_the_review(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between looking and creating somebody may take the code: all or nothing, and the answers stay."""

    def refuse(*args: object, **kwargs: object) -> None:
        raise ValidationError("Somebody was faster.")

    walk = Walk(stage.client()).ranges().go()
    monkeypatch.setattr(investments, "put", refuse)
    walk.go(register="on", code="AI-077", start_month="2027-02")
    assert walk.response.status_code == 400
    assert "Somebody was faster." in walk.words
    assert walk.response.context["form"]["code"].value() == "AI-077"
    assert not BusinessCase.objects.filter(title="Second wave").exists()
    monkeypatch.undo()
    walk.go(register="on", code="AI-077", start_month="2027-02")
    assert Investment.objects.filter(code="AI-077").exists()


def test_started_from_an_investment_it_is_filled_in(stage: Stage) -> None:
    """Portfolio, title, horizon and the closest template; the case is that investment's."""
    walk = Walk(stage.client(), "AI-002")
    form = walk.response.context["form"]
    assert (form["title"].value(), form["months"].value()) == ("Coding assistant", 36)
    assert form["template"].value() == "coding_assistant"
    none = {f"{name}_none": "No." for name in HIDDEN}
    walk.go().go().go(**none).go().go()
    assert BusinessCase.objects.get(title="Coding assistant").investment == stage.cast.coding
    assert Walk(stage.client(), "XX-001").response.status_code == 404


def test_viewers_read_what_they_would_need(stage: Stage) -> None:
    """No wizard without a portfolio to write in, and no other's portfolio with one."""
    assert "No portfolio to write a case in" in words_of(
        stage.client("vera").get(reverse("admin:reports_case_new")).content.decode()
    )
    walk = Walk(stage.client("mallory")).go(template="generic_llm", title="T", portfolio="CX", months="")
    assert walk.step == "start"
    assert "portfolio" in walk.response.context["form"].errors


@pytest.mark.parametrize(
    ("use_case", "name"),
    [
        ("customer support", "customer_support"),
        ("contact-center automation", "contact_center"),
        ("coding assistant", "coding_assistant"),
        ("fraud detection", "fraud_detection"),
        ("outreach", "generic_llm"),
        ("", "generic_llm"),
    ],
)
def test_the_closest_template_shares_most_words(use_case: str, name: str) -> None:
    """Nothing shared is the generic one."""
    assert closest_template(use_case) == name
