"""The demo tells the whole story: alerts, reviews, decisions, and a receipt that differs because of a restatement."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from alerts.models import Episode
from portfolio.models import Decision, Review, StageChange
from reports import receipts, schedules
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
