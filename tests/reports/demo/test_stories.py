"""Each investment of the demo tells its story: checked figures, and the alerts that belong to it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db.models import Count, QuerySet

from alerts.models import Episode, EvaluationHead, Event, Notification
from portfolio import knowledge
from portfolio.models import Batch, Entry, Investment, MonthState, Portfolio, StageChange
from portfolio.terms import add_months
from reports import demo, demo_forecasts
from reports.console import overview, status
from roi import forecasts
from roi.models import Forecast, Snapshot, SnapshotHead
from tests.reports.demo.conftest import AT, LAST

pytestmark = pytest.mark.usefixtures("loaded")

GOOD_NEWS = {
    "CX-AGENT": 2,
    "CX-CLAIMS": 15,
    "CX-CODING": 2,
    "CX-OUTREACH": 10,
    "CX-PROPOSALS": 15,
    "CX-SOCIAL": 9,
    "CX-SUPPORT": 12,
    "CX-VOICE": 16,
    "OPS-EDGE": 15,
    "OPS-FRAUD": 12,
    "OPS-INVOICES": 12,
    "OPS-VISION": 22,
}


def at_month(code: str, number: int) -> Snapshot:
    """Return the figures of an investment at the end of one of its months."""
    return Snapshot.objects.get(investment__code=code, month_number=number)


def test_coding_assistant_is_the_published_case() -> None:
    """ROI 156.637 %, payback 1.4851 months, breakeven in month 2."""
    year = at_month("CX-CODING", 12)
    assert year.roi_supported == pytest.approx(1.56637, abs=5e-6)
    assert year.payback_supported == pytest.approx(1.4851, abs=5e-5)
    assert year.breakeven_month_supported == 2


def test_support_is_the_published_case() -> None:
    """ROI 0.96154 %, breakeven in month 12, and still an NPV of -4,644 at 10 %."""
    year = at_month("CX-SUPPORT", 12)
    assert (year.tco, year.cumulative_benefit_supported) == (312_000, 315_000)
    assert year.roi_supported == pytest.approx(0.0096154, abs=5e-8)
    assert year.payback_supported == pytest.approx(11.7647, abs=5e-5)
    assert year.breakeven_month_supported == 12
    assert year.npv_supported is not None
    assert round(year.npv_supported) == -4_644


def test_agent_is_the_published_case() -> None:
    """181,200 spent, 1,183,500 returned: ROI 553.146 %, payback 1.2831, 0.204 per conversation."""
    year = at_month("CX-AGENT", 12)
    assert (year.tco, year.cumulative_benefit_supported) == (181_200, 1_183_500)
    assert year.roi_supported == pytest.approx(5.53146, abs=5e-6)
    assert year.payback_supported == pytest.approx(1.2831, abs=5e-5)
    assert at_month("CX-AGENT", 1).run_cost == 25_000 * Decimal("0.204")


def test_each_status_tells_the_story() -> None:
    """What the list and the overview show of each investment."""
    rows: QuerySet[Any] = status.annotate(Investment.objects.all())
    shown = dict(rows.values_list("code", "status"))
    special = {
        "CX-OUTREACH": "hurdle_rate",
        "CX-SOCIAL": "negative_roi",
        "OPS-INVOICES": "missing_actuals",
        "OPS-TWIN": "on_track",
    }
    assert shown == dict.fromkeys(GOOD_NEWS, "past_breakeven") | special


def test_the_open_alerts_are_those_of_the_stories() -> None:
    """One under the hurdle, one negative, one late; no other needs attention."""
    opened = Episode.objects.filter(closed_at=None).values_list("investment__code", "rule", "severity")
    assert set(opened) == {
        ("CX-OUTREACH", "hurdle_rate", "warning"),
        ("CX-SOCIAL", "negative_roi", "critical"),
        ("OPS-INVOICES", "missing_actuals", "info"),
    }
    assert set(Episode.objects.filter(closed_at=None).values_list("fired_month", flat=True)) == {LAST}


def test_breakeven_was_announced_when_it_was_reached() -> None:
    """Once for each investment that reached it, on the day its month was closed; one only now."""
    reached = Episode.objects.filter(rule="breakeven_reached").select_related("investment")
    assert len(reached) == len(GOOD_NEWS)
    for episode in reached:
        investment = episode.investment
        month = add_months(investment.start_month, GOOD_NEWS[investment.code] - 1)
        assert (episode.fired_month, episode.opened_at.date()) == (month, add_months(month, 1).replace(day=5))
    newest = [e.investment.code for e in reached if e.fired_month == LAST]
    assert newest == ["CX-PROPOSALS"]


def test_the_restated_month_took_its_alert_back() -> None:
    """The double bill fired the negative rule; finance restated with a reason; it was retracted."""
    slip = add_months(LAST, -4)
    claims = Investment.objects.get(code="CX-CLAIMS")
    episode = Episode.objects.get(investment=claims, rule="negative_roi")
    assert (episode.fired_month, episode.closed_reason) == (slip, "retracted")
    assert list(
        Event.objects.filter(episode=episode).order_by("recorded_at").values_list("kind", flat=True)
    ) == [
        "fired",
        "retracted",
    ]
    entries = Entry.objects.filter(
        investment=claims, book="actual", month=slip, account__code="model_api"
    ).order_by("batch_id")
    first, second = entries.select_related("batch__actor")
    assert (str(first.batch.actor), str(second.batch.actor)) == ("Olivia", "Finn")
    assert "quarterly invoice" in second.batch.reason
    assert second.recorded_at.date() == add_months(slip, 1).replace(day=12)


def test_what_was_known_then_can_be_asked() -> None:
    """Knowledge follows the calendar: between entry and restatement only the first value was known."""
    slip = add_months(LAST, -4)
    customer = Portfolio.objects.get(code="CX")
    then = knowledge.knowledge_at(customer, datetime(2026, 2, 8, tzinfo=UTC))
    known = Entry.objects.filter(
        investment__code="CX-CLAIMS",
        book="actual",
        month=slip,
        account__code="model_api",
        batch_id__lte=then,
    )
    assert [f"{entry.amount:.2f}" for entry in known] == ["38240.00"]
    times = list(
        Batch.objects.filter(portfolio=customer).order_by("id").values_list("recorded_at", flat=True)
    )
    assert times == sorted(times)


def test_all_months_are_closed_and_complete_but_one() -> None:
    """24 months are closed in both portfolios; only the late investment lacks its last one."""
    closed = MonthState.objects.filter(status="closed").values("portfolio").annotate(count=Count("pk"))
    assert {row["count"] for row in closed} == {24}
    assert MonthState.objects.filter(month__gt=LAST).count() == 0
    incomplete = Snapshot.objects.filter(is_complete=False).values_list("investment__code", "month")
    assert list(incomplete) == [("OPS-INVOICES", LAST)]
    assert not Snapshot.objects.filter(is_missing_fx=True).exists()


def test_the_bet_is_due_for_review() -> None:
    """Its review is nine days away; where a decision named the next review, that one is due."""
    due = overview.reviews_due(list(Portfolio.objects.all()), today=AT)
    assert "OPS-TWIN" in [review.investment.code for review in due]
    twin = SnapshotHead.objects.get(investment__code="OPS-TWIN")
    assert twin.planned_breakeven_month is not None
    assert twin.planned_breakeven_month > LAST


def test_the_outbox_holds_what_would_have_been_sent() -> None:
    """Owner and channel, for 12 good news, three open alerts, and the false alarm with its retraction."""
    assert Notification.objects.count() == 2 * (12 + 3 + 2)
    mails = Notification.objects.filter(channel="email")
    missing = mails.filter(message__rule="missing_actuals")
    assert set(missing.values_list("user__username", "state")) == {("finn", "held")}
    told = dict(mails.exclude(pk__in=missing).values_list("message__investment__code", "user__username"))
    assert all(name == ("olivia" if code.startswith("CX") else "sam") for code, name in told.items())
    assert not Notification.objects.filter(created_at__date__gt=AT).exists()
    assert not EvaluationHead.objects.exclude(failure="").exists()


def test_plans_are_approved_for_some() -> None:
    """Five investments have an approved plan."""
    planned = Investment.objects.filter(approved_plan_version=1).values_list("code", flat=True)
    assert set(planned) == {"CX-CODING", "CX-SUPPORT", "OPS-FRAUD", "OPS-VISION", "OPS-TWIN"}


def test_every_investment_has_a_hypothesis_and_a_deployment() -> None:
    """Nothing in the demo was funded without a claim that can fail."""
    for investment in Investment.objects.prefetch_related("hypotheses", "deployments"):
        (claim,) = investment.hypotheses.all()
        assert claim.kill_line
        assert claim.baseline != claim.target
        assert investment.deployments.count() == 1
        assert investment.owner is not None
        assert investment.sponsor not in (None, investment.owner)


def test_loading_again_changes_nothing(loaded: datetime) -> None:
    """The second load finds the first, also where people have renamed what it brought."""
    Investment.objects.filter(code="CX-VOICE").update(code="MY-VOICE")
    before = (Batch.objects.count(), Entry.objects.count(), Notification.objects.count())
    assert demo.load(now=loaded, at=date(2026, 6, 25)) is False
    Investment.objects.filter(code="MY-VOICE").update(code="CX-VOICE")
    assert (Batch.objects.count(), Entry.objects.count(), Notification.objects.count()) == before


def test_forecasts_are_stored_and_earlier_ones_are_scored() -> None:
    """The newest begin after the last closed month; those of the months before were made then, and have scores."""
    newest = Forecast.objects.filter(last_month=LAST)
    assert newest.count() >= len(demo.BOOKS)
    assert Forecast.objects.values("last_month").distinct().count() == demo_forecasts.MONTHS
    earlier = Forecast.objects.filter(last_month__lt=LAST)
    assert all(one.created_at.date() > one.last_month for one in earlier)
    portfolios = list(Portfolio.objects.values_list("pk", flat=True))
    assert {row.step for row in forecasts.calibration(portfolios)} >= {1, 6}


def test_stages_were_entered_through_their_gates() -> None:
    """Each was approved by two people, and stands where its story says."""
    changes = StageChange.objects.select_related("investment", "actor", "approval__approver")
    approved = [change for change in changes if change.to_stage == "approved"]
    assert {change.investment.code for change in approved} == set(
        Investment.objects.values_list("code", flat=True)
    )
    assert {change.approval.approver.username for change in approved if change.approval} == {"finn"}
    assert all(answer["is_met"] for change in changes for answer in change.gate)
    stories = {story.code: story.stage for book in demo.BOOKS for story in book.stories}
    assert dict(Investment.objects.values_list("code", "stage")) == stories
