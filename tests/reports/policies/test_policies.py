"""Policies in the console: a portfolio's templates, an investment's versions, and who may change which."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from alerts import policies
from alerts.models import Policy, PolicyTemplate
from alerts.rules import RULES
from portfolio import investments
from portfolio.models import Investment
from reports.console import policies_forms, policies_wording
from tests import factories
from tests.reports.figures_cast import Figures, assemble_with_figures
from tests.reports.investments.test_page import words_of

pytestmark = pytest.mark.django_db
EVERYBODY = ("adam", "finn", "olivia", "vera", "mallory")
TERMS = {
    "is_enabled": "on",
    "measure": "incremental_roi",
    "hurdle": "20.25",
    "basis": "cashable",
    "window": "6",
    "for_months": "3",
    "keep_months": "1",
    "margin": "0.5",
    "armed_from_month": "",
    "severity": "critical",
}
CHANGE = TERMS | {"effective_month": "2026-01", "reason": "The board asks for more."}


@pytest.fixture
def figures() -> Figures:
    """Return investments that were judged for a year."""
    return assemble_with_figures()


@pytest.fixture
def fresh(figures: Figures) -> Investment:
    """Return an investment that was never judged."""
    made = Investment(
        portfolio=figures.cast.portfolio,
        code="NEW-1",
        name="New",
        owner=figures.cast.people["olivia"],
        start_month=date(2026, 1, 1),
    )
    return investments.put(made, now=datetime.now(UTC))


def templates_address(code: str = "CX", rule: str = "hurdle_rate") -> str:
    """Return the address that sets the template of a rule."""
    return f"{reverse('admin:reports_policies')}?portfolio={code}&rule={rule}"


def change_address(investment: Investment, rule: str = "hurdle_rate") -> str:
    """Return the address that changes an investment's policy."""
    return reverse("admin:reports_investment_policy", args=[investment.code, rule])


def tab(figures: Figures, investment: Investment, name: str = "vera") -> str:
    """Return the words of the policies tab."""
    address = reverse("admin:portfolio_investment_change", args=[investment.pk])
    return words(figures.cast.client(name).get(address, {"tab": "policies"}))


def words(response: Any) -> str:
    """Return what a person reads."""
    assert response.status_code in (200, 400)
    return words_of(response.content.decode())


def test_everybody_reads_the_templates_and_only_members(figures: Figures) -> None:
    """A portfolio that set none shows what ships; a stranger finds nothing."""
    address = f"{reverse('admin:reports_policies')}?portfolio=CX"
    shown = words(figures.cast.client("vera").get(address))
    assert "Incremental ROI is below the investment's hurdle rate 3 months 2 months / 2 months" in shown
    assert shown.count("as shipped") == len(RULES)
    assert "Change" not in shown
    assert figures.cast.client("mallory").get(address).status_code == 404


@pytest.mark.parametrize("name", EVERYBODY)
def test_administrators_set_a_template(figures: Figures, name: str) -> None:
    """Percent becomes fractions, exactly; the investments that have their policies keep them."""
    before = list(Policy.objects.values_list("pk", flat=True))
    response = figures.cast.client(name).post(templates_address(), TERMS)
    assert response.status_code == (302 if name == "adam" else 404)
    found = PolicyTemplate.objects.filter(portfolio=figures.cast.portfolio)
    assert found.exists() is (name == "adam")
    if name == "adam":
        template = found.get(rule="hurdle_rate")
        assert (template.hurdle, template.margin, template.window) == (Decimal("0.2025"), Decimal("0.005"), 6)
        assert (template.basis, template.severity, template.for_months) == ("cashable", "critical", 3)
    assert list(Policy.objects.values_list("pk", flat=True)) == before


def test_a_new_investment_starts_from_the_template(figures: Figures, fresh: Investment) -> None:
    """What the page says is what a copy gets; an empty hurdle is the investment's own."""
    adam = figures.cast.client("adam")
    adam.post(templates_address(), TERMS)
    shown = words(adam.get(reverse("admin:reports_policies"), {"portfolio": "CX"}))
    assert "Incremental ROI is below 20.25% 6 months 3 months / 1 month 0.5 points above cashable" in shown
    policies.adopt([fresh], now=datetime.now(UTC))
    assert Policy.objects.get(investment=fresh, rule="hurdle_rate").hurdle == Decimal("0.2025")
    adam.post(templates_address(), TERMS | {"hurdle": ""})
    assert PolicyTemplate.objects.get().hurdle is None


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"margin": "-1"}, "margin"),
        ({"measure": "irr", "hurdle": "-100"}, "hurdle"),
        ({"window": "25"}, "window"),
        ({"for_months": "0"}, "for_months"),
        ({"basis": "guessed"}, "basis"),
        ({"hurdle": "NaN"}, "hurdle"),
        ({"severity": ""}, "severity"),
    ],
)
def test_wrong_terms_get_their_sentence_at_the_field(
    figures: Figures, wrong: dict[str, str], field: str
) -> None:
    """Nothing is set, on a template and on an investment alike."""
    adam = figures.cast.client("adam")
    for address in (templates_address(), change_address(figures.support)):
        response = adam.post(address, CHANGE | wrong)
        assert response.status_code == 400
        assert list(response.context["form"].errors) == [field]
    assert not PolicyTemplate.objects.exists()
    assert not Policy.objects.filter(version=2).exists()


def test_a_rule_asks_only_for_the_terms_it_looks_at(figures: Figures) -> None:
    """Completeness has no hurdle; the margin of the negative rule is a share of run cost."""
    adam = figures.cast.client("adam")
    asked = adam.get(templates_address(rule="missing_actuals")).context["form"].fields
    assert set(asked) == {"is_enabled", "severity", "armed_from_month"}
    negative = adam.get(templates_address(rule="negative_roi")).context["form"]
    assert negative["margin"].label == "Margin, % of run cost"
    assert "hurdle" not in negative.fields
    adam.post(templates_address(rule="missing_actuals"), {"severity": "warning", "armed_from_month": "2"})
    template = PolicyTemplate.objects.get()
    assert (template.rule, template.is_enabled, template.armed_from_month) == ("missing_actuals", False, 2)
    assert "Actuals missing off" in words(adam.get(reverse("admin:reports_policies"), {"portfolio": "CX"}))
    assert set(policies_wording.TERMS_OF) == set(RULES)
    assert adam.get(templates_address(rule="no_such")).status_code == 404


def test_the_margin_of_npv_is_money(figures: Figures) -> None:
    """It is stored and shown as it was typed."""
    adam = figures.cast.client("adam")
    adam.post(templates_address(), TERMS | {"measure": "npv", "margin": "2500"})
    template = PolicyTemplate.objects.get()
    assert template.margin == 2500
    assert policies_forms.initial_of(template)["margin"] == "2500"
    assert "2,500 above" in words(adam.get(templates_address()))


@pytest.mark.parametrize("name", EVERYBODY)
def test_administrators_change_an_investments_policy(figures: Figures, name: str) -> None:
    """A second person allows it: a new version with author and reason. Others find no such page and no way to it."""
    client = figures.cast.client(name)
    assert client.get(change_address(figures.support)).status_code == (200 if name == "adam" else 404)
    response = client.post(change_address(figures.support), CHANGE)
    assert response.status_code == (302 if name == "adam" else 404)
    policies_of = Policy.objects.filter(investment=figures.support, rule="hurdle_rate")
    assert policies_of.latest("version").version == 1
    if name == "adam":
        factories.allow_last()
        newest = policies_of.latest("version")
        assert (newest.hurdle, newest.reason) == (Decimal("0.2025"), CHANGE["reason"])
        assert newest.author == figures.cast.people["adam"]
    if name != "mallory":
        assert ("Change policy" in tab(figures, figures.support, name)) is (name == "adam")


def test_terms_are_tried_on_the_past_before_they_are_in_force(figures: Figures) -> None:
    """The answer stands above the form with what was typed; neither month nor reason is asked, nothing is stored."""
    adam, before = figures.cast.client("adam"), Policy.objects.count()
    asked = TERMS | {"hurdle": "200", "window": "3", "for_months": "1", "margin": "0", "act": "try"}
    response = adam.post(change_address(figures.support), asked | {"effective_month": "", "reason": ""})
    assert response.status_code == 200
    shown = words(response)
    assert "“Under the hurdle” would have fired once. The present terms would not have fired." in shown
    assert "New terms 2025-03 – 10 open yes Present terms Would not have fired." in shown
    assert "Months in which both fire: 0; only the new terms: 10; only the present terms: 0." in shown
    assert response.context["form"]["hurdle"].value() == "200"
    assert Policy.objects.count() == before
    assert "On the past" not in words(adam.get(change_address(figures.support)))


def test_terms_that_cannot_be_are_not_tried(figures: Figures) -> None:
    """The refusal stands at its field, as when they are put in force."""
    adam = figures.cast.client("adam")
    for wrong, field in (({"margin": "-1"}, "margin"), ({"window": "25"}, "window")):
        response = adam.post(change_address(figures.support), TERMS | wrong | {"act": "try"})
        assert response.status_code == 400
        assert list(response.context["form"].errors) == [field]
    assert figures.cast.client("vera").post(change_address(figures.support), TERMS).status_code == 404


def test_versions_say_which_months_they_judge(figures: Figures) -> None:
    """The old one keeps its months, with who changed it and why; one replaced before its time judges none."""
    adam = figures.cast.client("adam")
    adam.post(change_address(figures.support), CHANGE | {"effective_month": "2026-03"})
    factories.allow_last()
    adam.post(change_address(figures.support), CHANGE | {"effective_month": "2026-03", "reason": "A slip."})
    factories.allow_last()
    shown = tab(figures, figures.support)
    assert "3 from 2026-03 Incremental ROI is below 20.25% 6 months 3 months / 1 month" in shown
    assert "2 none, replaced" in shown
    assert "1 2025-01 to 2026-02 Incremental ROI is below 12%" in shown
    assert "adam, " in shown
    assert "A slip." in shown
    assert "Closed months stay judged by the policy of their time" in shown


def test_a_closed_month_cannot_be_judged_anew(figures: Figures) -> None:
    """The refusal of the domain stands at the month; the form offers the first month that is open."""
    adam = figures.cast.client("adam")
    address = change_address(figures.support)
    assert adam.get(address).context["earliest"] == date(2026, 1, 1)
    response = adam.post(address, CHANGE | {"effective_month": "2025-12"})
    assert response.status_code == 400
    assert "after 2025-12 at the earliest" in str(response.context["form"].errors["effective_month"])
    malformed = adam.post(address, CHANGE | {"effective_month": "soon"})
    assert "is not a month" in str(malformed.context["form"].errors["effective_month"])
    assert "reason" in adam.post(address, CHANGE | {"reason": " "}).context["form"].errors


def test_an_investment_that_was_never_judged_shows_the_templates(figures: Figures, fresh: Investment) -> None:
    """And looking does not copy them; the first change does, of all rules."""
    mine = Policy.objects.filter(investment=fresh)
    assert "Not judged yet" in tab(figures, fresh)
    assert not mine.exists()
    adam = figures.cast.client("adam")
    assert "The portfolio's template, not copied yet" in words(adam.get(change_address(fresh)))
    adam.post(change_address(fresh), CHANGE)
    assert {p.rule for p in mine} == set(RULES)


def test_the_tab_asks_as_much_for_many_versions_as_for_one(figures: Figures) -> None:
    """Authors and batches come along."""
    adam = figures.cast.client("adam")
    address = reverse("admin:portfolio_investment_change", args=[figures.support.pk])
    adam.get(address, {"tab": "policies"})
    counts = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as captured:
            adam.get(address, {"tab": "policies"})
        counts.append(len(captured))
        for _ in range(4):
            assert adam.post(change_address(figures.support), CHANGE).status_code == 302
            factories.allow_last()
    assert counts[0] == counts[1]


def test_unknown_rules_and_missing_investments_are_not_found(figures: Figures) -> None:
    """Addresses typed by hand answer 404."""
    adam = figures.cast.client("adam")
    assert adam.get(change_address(figures.support, "no_such")).status_code == 404
    assert adam.get(reverse("admin:reports_investment_policy", args=["NO", "hurdle_rate"])).status_code == 404
    assert adam.get(change_address(figures.cast.foreign)).status_code == 404
