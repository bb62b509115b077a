"""Registering and changing an investment in the console: who may, and that it goes through the domain."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import HttpResponse
from django.urls import reverse

from portfolio import approvals
from portfolio.models import Approval, Hypothesis, Investment, InvestmentVersion, Membership
from tests import factories
from tests.reports.figures_cast import Figures, assemble_with_figures

pytestmark = pytest.mark.django_db


@pytest.fixture
def figures() -> Figures:
    """Return investments with figures."""
    return assemble_with_figures()


def filled(figures: Figures, **changes: Any) -> dict[str, Any]:
    """Return the form of the support investment as a browser sends it."""
    form: dict[str, Any] = {
        "portfolio": figures.cast.portfolio.pk,
        "code": "SUP-001",
        "name": "Support automation",
        "owner": figures.cast.people["olivia"].pk,
        "value_category": "cost_savings",
        "start_month": "2025-01-01",
        "live_month": "2025-01-01",
        "horizon_months": "36",
    }
    form |= {"deployments-TOTAL_FORMS": 0, "deployments-INITIAL_FORMS": 0}
    return form | changes


def post(figures: Figures, name: str, investment: Investment | None, /, **changes: Any) -> HttpResponse:
    """Send the form as somebody."""
    verb, args = ("change", [investment.pk]) if investment else ("add", [])
    address = reverse(f"admin:portfolio_investment_{verb}", args=args)
    return figures.cast.client(name).post(address, filled(figures, **changes))


def test_an_owner_changes_terms_as_a_batch(figures: Figures) -> None:
    """A changed horizon is a new version of the terms, with its author."""
    assert post(figures, "olivia", figures.support, horizon_months="48").status_code == 302
    version = InvestmentVersion.objects.filter(investment=figures.support).order_by("-batch_id")[0]
    assert version.horizon_months == 48
    assert version.batch.actor == figures.cast.people["olivia"]


def test_months_of_an_approved_investment_are_asked_for(figures: Figures) -> None:
    """With a reason; everything else of the form is kept at once, the months once somebody else allowed them."""
    factories.enter(figures.support, "approved")
    changes = {"live_month": "2027-01-01", "name": "Renamed"}
    refused = post(figures, "olivia", figures.support, **changes)
    assert refused.status_code == 200
    assert "somebody else has to allow" in refused.content.decode()
    assert post(figures, "olivia", figures.support, **changes, why="It slipped.").status_code == 302
    figures.support.refresh_from_db()
    assert (figures.support.name, f"{figures.support.live_month}") == ("Renamed", "2025-01-01")
    asked = Approval.objects.get(kind="terms")
    assert (asked.author, asked.decision) == (figures.cast.people["olivia"], "")
    page = figures.cast.client("adam").get(reverse("admin:reports_approval", args=[asked.public_id]))
    assert "2025-01 becomes 2027-01" in page.content.decode()
    approvals.settle(asked, approver=figures.cast.people["adam"], is_allowed=True, now=factories.now())
    figures.support.refresh_from_db()
    assert f"{figures.support.live_month}" == "2027-01-01"


def test_a_viewer_reads_and_cannot_change(figures: Figures) -> None:
    """The page opens without a form to send; a sent one is refused."""
    address = reverse("admin:portfolio_investment_change", args=[figures.support.pk])
    page = figures.cast.client("vera").get(address, {"tab": "edit"}).content.decode()
    assert 'name="_save"' not in page
    assert post(figures, "vera", figures.support, name="Mine").status_code == 403
    assert post(figures, "vera", None, code="NEW-1").status_code == 403
    figures.support.refresh_from_db()
    assert figures.support.name == "Support automation"


def test_a_stranger_cannot_change_what_is_not_there_for_them(figures: Figures) -> None:
    """An administrator of another portfolio gets 404."""
    assert post(figures, "mallory", figures.support, name="Mine").status_code == 404


def test_an_investment_cannot_be_put_into_a_foreign_portfolio(figures: Figures) -> None:
    """Neither by changing nor by registering one."""
    other = figures.cast.other.pk
    for investment, code in ((figures.support, "SUP-001"), (None, "NEW-1")):
        response = post(figures, "olivia", investment, portfolio=other, code=code)
        assert response.status_code == 200
        assert "Select a valid choice" in response.content.decode()
    assert Investment.objects.filter(portfolio=other).count() == 1


def test_foreign_people_are_not_offered(figures: Figures) -> None:
    """Owners are people one shares a portfolio with."""
    stranger = figures.cast.people["mallory"].pk
    response = post(figures, "olivia", figures.support, owner=stranger)
    assert response.status_code == 200
    assert "Select a valid choice" in response.content.decode()


def test_registering_an_investment(figures: Figures) -> None:
    """It is put through the domain: a version of its terms exists at once."""
    assert post(figures, "olivia", None, code="NEW-1", name="New").status_code == 302
    made = Investment.objects.get(code="NEW-1")
    assert InvestmentVersion.objects.filter(investment=made).count() == 1


def test_what_the_domain_refuses_is_said_in_its_words(figures: Figures) -> None:
    """A start month after recorded actuals leads back to the form with the sentence."""
    address = reverse("admin:portfolio_investment_change", args=[figures.support.pk])
    client = figures.cast.client("olivia")
    response = client.post(
        address, filled(figures, start_month="2025-03-01", live_month="2025-03-01"), follow=True
    )
    assert "Actuals are recorded from 2025-01 on" in response.content.decode()
    figures.support.refresh_from_db()
    assert figures.support.start_month.month == 1


def test_the_form_changes_neither_stage_nor_hypothesis(figures: Figures) -> None:
    """What is sent for them is passed over: they have pages of their own, with gates and reasons."""
    sent = {
        "stage": "scaled",
        "hypotheses-TOTAL_FORMS": 1,
        "hypotheses-INITIAL_FORMS": 0,
        "hypotheses-0-claim": "Mine",
        "hypotheses-0-metric": "m",
    }
    assert post(figures, "olivia", figures.support, **sent, name="Renamed").status_code == 302
    figures.support.refresh_from_db()
    assert (figures.support.stage, figures.support.name) == ("proposed", "Renamed")
    assert post(figures, "olivia", None, **sent, code="NEW-1").status_code == 302
    assert Investment.objects.get(code="NEW-1").stage == "proposed"
    assert not Hypothesis.objects.exists()


def test_a_removed_member_is_out_at_once(figures: Figures) -> None:
    """The next request after losing the role is refused."""
    assert post(figures, "olivia", figures.support).status_code == 302
    Membership.objects.filter(user=figures.cast.people["olivia"]).delete()
    assert post(figures, "olivia", figures.support).status_code == 404


def test_a_data_owner_is_named_and_is_a_colleague(figures: Figures) -> None:
    """Who is asked for missing actuals is chosen among the people of one's portfolios."""
    fiona, mallory = figures.cast.people["fiona"], figures.cast.people["mallory"]
    assert post(figures, "olivia", figures.support, data_owner=mallory.pk).status_code == 200
    assert post(figures, "olivia", figures.support, data_owner=fiona.pk).status_code == 302
    figures.support.refresh_from_db()
    assert figures.support.data_owner == fiona
