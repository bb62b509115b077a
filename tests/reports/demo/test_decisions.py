"""The demo tells the whole story: alerts, reviews, decisions, and a receipt that differs because of a restatement."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.test import Client
from django.urls import reverse
from django.utils.html import escape
from pytest_django import Settings

from alerts.models import Episode
from portfolio.models import Decision, Investment, Portfolio, Review, StageChange, User
from reports import receipts, schedules
from reports.console import overview_story
from reports.models import ReportRun

pytestmark = pytest.mark.django_db


@pytest.mark.usefixtures("loaded")
def test_alerts_lead_to_reviews_and_reviews_to_decisions() -> None:
    """Some are decided, some wait; each alert's review names its alert."""
    opened = Review.objects.filter(origin="alert")
    assert opened.filter(state="decided").exists()
    assert opened.filter(state="open").exists()
    known = set(Episode.objects.values_list("public_id", flat=True))
    assert set(opened.values_list("origin_ref", flat=True)) <= known
    assert Decision.objects.filter(kind="double_down", budget_amount__gt=0).exists()


@pytest.mark.usefixtures("loaded")
def test_one_receipt_differs_today_because_of_a_restatement() -> None:
    """Exactly the decision taken on the mistake; what was known then comes out again for every decision."""
    derived = {
        d: receipts.receipt(d) for d in Decision.objects.select_related("investment__portfolio", "review")
    }
    assert all(receipt.is_reproduced for receipt in derived.values())
    differing = [d for d, receipt in derived.items() if receipt.restated]
    assert [d.reason for d in differing] == ["No new sites until the jump in cost is understood."]
    paths = {one.path for one in derived[differing[0]].restated}
    assert "figures.tco" in paths


@pytest.mark.usefixtures("loaded")
def test_the_start_page_leads_through_the_story(client: Client, settings: Settings) -> None:
    """From the alert over its review and the decision to the report that tells it; each step says what it promised."""
    settings.IS_DEMO = True
    client.force_login(User.objects.get(username="admin"))
    source = client.get(reverse("admin:index")).content.decode()
    steps = overview_story.steps(list(Portfolio.objects.all()))
    assert [step.title for step in steps] == ["Alert", "Review", "Decision", "Report"]
    reason = "No new sites until the jump in cost is understood."
    promised = ["etracted", "Decommissioning", reason, "CX-CLAIMS"]
    for step, words in zip(steps, promised, strict=True):
        assert escape(step.link) in source
        page = client.get(step.link)
        assert page.status_code == 200
        assert words in page.content.decode()
    alert, review = (client.get(step.link).content.decode() for step in steps[:2])
    assert steps[1].link in alert
    assert steps[0].link in review
    assert steps[2].link in review
    assert "Restated since" in client.get(steps[2].link).content.decode()
    settings.IS_DEMO = False
    assert "A story to follow" not in client.get(reverse("admin:index")).content.decode()


@pytest.mark.usefixtures("loaded")
def test_a_reallocation_has_an_answer_as_it_is_asked_first() -> None:
    """With the portfolio's own limits: reserves are kept by its experiments, and the budget leaves something out."""
    for portfolio in Portfolio.objects.all():
        experiments = Investment.objects.filter(portfolio=portfolio, is_exploration=True)
        assert experiments.exists()
        needed = portfolio.exploration_share * (portfolio.capacity_person_months or 0)
        assert sum(one.capacity_person_months for one in experiments) >= needed > 0


@pytest.mark.usefixtures("loaded")
def test_stages_have_a_history() -> None:
    """Nobody's stage was simply written."""
    assert StageChange.objects.exists()


@pytest.mark.usefixtures("loaded")
def test_the_newest_month_has_a_report_that_is_due() -> None:
    """One for each portfolio, to be made by the first worker that looks; made once."""
    moment = datetime(2026, 6, 20, 12, tzinfo=UTC)
    assert schedules.note_due(now=moment) >= 2
    assert schedules.note_due(now=moment) == 0
    assert set(ReportRun.objects.filter(period="2026-05").values_list("portfolio__code", flat=True)) == {
        "CX",
        "OPS",
    }
