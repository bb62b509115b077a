"""The governance tab and its pages: what is stated, by whom, and how an investment enters a stage."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from portfolio import hypotheses
from portfolio.models import Approval, Baseline, Differentiation, Hypothesis, Investment, StrategicTerms
from tests import factories
from tests.reports.figures_cast import Figures, assemble_with_figures
from tests.reports.investments.test_page import words_of

pytestmark = pytest.mark.django_db
EVERYBODY = ["olivia", "finn", "adam", "vera", "mallory"]
RECORDS = {"olivia", "finn", "adam"}
CLAIM = {
    "claim": "Support costs half as much per ticket.",
    "metric": "Cost per ticket",
    "unit": "USD",
    "direction": "decrease",
    "baseline": "2.10",
    "baseline_from": "2024-10-01",
    "baseline_to": "2024-12-31",
    "target": "1.05",
    "target_low": "",
    "target_high": "",
    "target_date": "2027-12-31",
    "measurement_method": "Before and after, each quarter.",
    "kill_line": "Above 1.60 after a year.",
    "confounders": "A training program.",
    "reason": "",
}
BASELINE = {
    "measure": "error_rate",
    "label": "",
    "value": "0.031",
    "unit": "fraction",
    "period_from": "2024-11-01",
    "period_to": "2024-12-31",
    "method": "Sample of 500 answers by quality assurance.",
}


@pytest.fixture
def figures() -> Figures:
    return assemble_with_figures()


def stated(
    figures: Figures, kind: str, answers: dict[str, str], *, name: str = "olivia", **changes: str
) -> HttpResponse:
    """Send a statement about the support investment as somebody."""
    address = reverse("admin:reports_governance_state", args=[figures.support.code, kind])
    response: Any = figures.cast.client(name).post(address, answers | changes)
    return response


def entered(figures: Figures, stage: str, *, name: str = "olivia", reason: str = "Board.") -> HttpResponse:
    """Send that the support investment enters a stage as somebody."""
    address = reverse("admin:reports_governance_stage", args=[figures.support.code, stage])
    response: Any = figures.cast.client(name).post(address, {"reason": reason})
    return response


def tab(figures: Figures, name: str = "vera") -> str:
    """Return the words of the tab."""
    page = reverse("admin:portfolio_investment_change", args=[figures.support.pk])
    response = figures.cast.client(name).get(page, {"tab": "governance"})
    assert response.status_code == 200
    return words_of(response.content.decode())


def test_an_empty_tab_says_what_is_missing(figures: Figures) -> None:
    """Gates with their reasons, and no way to state anything for who only reads."""
    shown = tab(figures)
    assert "Stage: proposed" in shown
    assert "State its hypothesis: a metric, its target and by when." in shown
    assert "No hypothesis is stated." in shown
    assert "No change of stage is on record." in shown
    assert "State one" not in shown
    assert "State one" in tab(figures, "olivia")


@pytest.mark.parametrize("name", EVERYBODY)
def test_who_records_states_the_hypothesis(figures: Figures, name: str) -> None:
    """Others find no such page."""
    may = name in RECORDS
    assert stated(figures, "hypothesis", CLAIM, name=name).status_code == (302 if may else 404)
    assert Hypothesis.objects.filter(investment=figures.support).count() == int(may)


def test_the_next_version_shows_what_it_changes(figures: Figures) -> None:
    """The form starts from the version in force; without a reason it comes back."""
    stated(figures, "hypothesis", CLAIM)
    address = reverse("admin:reports_governance_state", args=[figures.support.code, "hypothesis"])
    form = figures.cast.client("olivia").get(address).context["form"]
    assert (form["target"].value(), form["metric"].value()) == ("1.05", "Cost per ticket")
    refused = stated(figures, "hypothesis", CLAIM, target="0.95")
    assert refused.status_code == 400
    assert "Say why this version replaces the one before." in words_of(refused.content.decode())
    assert stated(figures, "hypothesis", CLAIM, target="0.95", reason="New prices.").status_code == 302
    shown = tab(figures)
    assert "Hypothesis, version 2" in shown
    assert "Target 0.95 USD by 2027-12-31" in shown
    assert "Baseline 2.1 USD, 2024-10-01 to 2024-12-31" in shown
    assert "Target 1.05 0.95" in shown
    assert "New prices." in shown


def test_a_version_has_the_day_since_which_it_is_known(
    figures: Figures, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not the day on which its row came to be."""
    now = timezone.now()
    terms = hypotheses.Terms(claim="Half the cost.", metric="Share", unit="fraction", target=Decimal("0.08"))
    with monkeypatch.context() as patched:
        patched.setattr(timezone, "now", lambda: datetime(2031, 3, 4, 10, tzinfo=UTC))
        hypotheses.state(figures.support, terms, now=now, author=figures.cast.people["olivia"])
    assert Hypothesis.objects.get(investment=figures.support).created_at.year == 2031
    shown = tab(figures)
    assert f"Version 1, {now:%Y-%m-%d}, olivia" in shown
    assert "Target 8%" in shown


def test_a_baseline_after_deployment_is_refused_on_the_form(figures: Figures) -> None:
    refused = stated(figures, "baseline", BASELINE, period_to="2025-02-01")
    assert refused.status_code == 400
    assert "in use from 2025-01 on" in words_of(refused.content.decode())
    assert stated(figures, "baseline", BASELINE).status_code == 302
    assert Baseline.objects.get().author == figures.cast.people["olivia"]
    assert "Error rate 3.1% 2024-11-01 to 2024-12-31" in tab(figures)


def test_strategic_terms_and_differentiation(figures: Figures) -> None:
    """Only what is strategic has terms; a rating may be superseded."""
    expires = (datetime.now(UTC).date() + timedelta(days=300)).isoformat()
    terms = {
        "kind": "capability",
        "narrative": "Opens two lines.",
        "review_criteria": "A second plant asks for it.",
        "horizon_months": "36",
        "importance": "4",
        "expires_on": expires,
    }
    assert stated(figures, "strategic", terms).status_code == 400
    Investment.objects.filter(pk=figures.support.pk).update(value_category="strategic")
    assert stated(figures, "strategic", terms).status_code == 302
    assert StrategicTerms.objects.get().importance == 4
    rated = {"rating": "2", "narrative": "Others sell it.", "rated_on": "2026-01-05", "is_superseded": "on"}
    assert stated(figures, "differentiation", rated).status_code == 302
    assert Differentiation.objects.get().is_superseded
    shown = tab(figures)
    assert f"Expires {expires}" in shown
    assert "2 of 5 superseded" in shown


def _complete(figures: Figures) -> None:
    Investment.objects.filter(pk=figures.support.pk).update(
        review_date=datetime.now(UTC).date() + timedelta(days=30)
    )
    stated(figures, "hypothesis", CLAIM)


def test_a_closed_gate_offers_no_form(figures: Figures) -> None:
    """What is sent all the same is refused with the gate's sentence."""
    address = reverse("admin:reports_governance_stage", args=[figures.support.code, "approved"])
    page = figures.cast.client("olivia").get(address)
    assert "<textarea" not in page.content.decode()
    assert "Name the day on which it is reviewed." in words_of(page.content.decode())
    assert entered(figures, "approved").status_code == 400
    assert not Approval.objects.exists()


def test_approved_is_asked_for_and_allowed_by_another(figures: Figures) -> None:
    """The tab says who waits; once allowed, the change stands with both people."""
    _complete(figures)
    assert entered(figures, "approved", reason=" ").status_code == 400
    assert entered(figures, "approved").status_code == 302
    assert "Approved: waits for a second person" in tab(figures)
    asked = reverse("admin:reports_approval", args=[Approval.objects.get().public_id])
    request = words_of(figures.cast.client("finn").get(asked).content.decode())
    assert f"Stage: {figures.support.code} |" in request
    assert f"Investment {figures.support.code} {figures.support.name}" in request
    factories.allow_last()
    figures.support.refresh_from_db()
    assert figures.support.stage == "approved"
    assert "Proposed → approved olivia second_person Board." in tab(figures)


@pytest.mark.parametrize("name", EVERYBODY)
def test_who_records_enters_further_stages(figures: Figures, name: str) -> None:
    """No second person is needed; a stage that is not ahead has no page."""
    _complete(figures)
    factories.enter(figures.support, "approved")
    may = name in RECORDS
    assert entered(figures, "pilot", name=name).status_code == (302 if may else 404)
    figures.support.refresh_from_db()
    assert figures.support.stage == ("pilot" if may else "approved")
    assert entered(figures, "proposed", name=name).status_code == 404


def test_an_end_waits_for_its_decision(figures: Figures) -> None:
    factories.enter(figures.support, "scaled")
    assert entered(figures, "killed").status_code == 400
    assert "A review has to decide it first: sunset or kill." in tab(figures)


def test_strangers_and_unknown_words_are_not_found(figures: Figures) -> None:
    assert stated(figures, "nothing", {}).status_code == 404
    assert entered(figures, "nowhere").status_code == 404
    foreign = reverse("admin:reports_governance_state", args=[figures.cast.foreign.code, "hypothesis"])
    assert figures.cast.client("adam").get(foreign).status_code == 404


def test_the_tab_asks_as_much_for_many_versions(figures: Figures) -> None:
    """Authors and batches come along."""
    adam, olivia = figures.cast.client("adam"), figures.cast.people["olivia"]
    page = reverse("admin:portfolio_investment_change", args=[figures.support.pk])
    stated(figures, "hypothesis", CLAIM)
    stated(figures, "baseline", BASELINE)
    counts = []
    for round_ in range(2):
        adam.get(page, {"tab": "governance"})
        with CaptureQueriesContext(connection) as captured:
            adam.get(page, {"tab": "governance"})
        counts.append(len(captured))
        for number in range(3):
            terms = hypotheses.Terms(
                claim=f"{round_}{number}", metric="m", target_date=date(2027, 1, 1), target=Decimal(1)
            )
            hypotheses.state(figures.support, terms, now=datetime.now(UTC), author=olivia, reason="Again.")
            stated(figures, "baseline", BASELINE, value=str(number))
    assert counts[0] == counts[1]
