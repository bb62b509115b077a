"""The overview: totals, what is open, what is due, and what to do while there is nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from portfolio import review_calendar
from portfolio.models import Investment, Membership, Portfolio, User
from portfolio.terms import Role
from reports.console import overview
from tests import factories
from tests.reports.cast import START, Cast, assemble
from tests.reports.figures_cast import Figures, assemble_with_figures, run

pytestmark = pytest.mark.django_db


@pytest.fixture
def figures() -> Figures:
    """Return investments with figures."""
    return assemble_with_figures()


def page(cast: Cast, name: str) -> str:
    """Return the overview as somebody sees it."""
    response = cast.client(name).get(reverse("admin:index"))
    assert response.status_code == 200
    return response.content.decode()


def test_totals_are_sums_over_the_newest_complete_months(figures: Figures) -> None:
    """Support: 312,000 spent and 315,000 returned; the losing one: 148,000 and 24,000."""
    (row,) = overview.totals_by_portfolio([figures.cast.portfolio])
    assert row.totals.cost == Decimal(460_000)
    assert row.totals.benefit == Decimal(339_000)
    assert row.totals.net == Decimal(-121_000)
    assert row.totals.roi == pytest.approx(-121 / 460)
    assert (row.totals.investments, row.totals.with_figures) == (4, 2)
    assert "(121k)" in page(figures.cast, "vera")


def test_different_currencies_are_never_added(figures: Figures) -> None:
    """Each currency has its own line of totals."""
    euro = Portfolio.objects.create(code="EU", name="Europe", reporting_currency="EUR")
    rows = overview.totals_by_portfolio([figures.cast.portfolio, euro])
    assert [t.currency for t in overview.by_currency(rows)] == ["EUR", "USD"]
    assert [t.cost for t in overview.by_currency(rows)] == [Decimal(0), Decimal(460_000)]


def test_one_currency_is_added_up(figures: Figures) -> None:
    """Two portfolios that report in the same currency make one line."""
    other = figures.cast.other
    rows = overview.totals_by_portfolio([figures.cast.portfolio, other])
    (total,) = overview.by_currency(rows)
    assert (total.investments, total.cost) == (5, Decimal(460_000))


def test_what_needs_attention_is_named_with_its_reasons(figures: Figures) -> None:
    """The losing investment appears once, with both rules that fire."""
    (group,) = overview.needs_attention([figures.cast.portfolio], limit=10)
    assert {e.rule for e in group} == {"negative_roi", "hurdle_rate"}
    assert {e.investment_id for e in group} == {figures.losing.pk}
    text = page(figures.cast, "olivia")
    assert "Call summaries" in text
    assert "Negative ROI" in text


def test_good_news_asks_for_no_attention(figures: Figures) -> None:
    """Breakeven reached is an episode, but nobody has to act on it."""
    figures_of_support = overview.open_episodes([figures.cast.portfolio]).filter(investment=figures.support)
    assert not figures_of_support.exists()


def test_months_that_ended_and_are_open_are_counted(figures: Figures) -> None:
    """2025 is closed; everything from 2026 on waits."""
    rows = overview.totals_by_portfolio([figures.cast.portfolio])
    (waiting,) = overview.months_to_close(rows, now=datetime(2026, 3, 5, tzinfo=UTC))
    assert [f"{m:%Y-%m}" for m in waiting.months] == ["2026-01", "2026-02"]


def test_reviews_due_leave_ended_investments_out(figures: Figures) -> None:
    """Overdue and soon count; next year does not; a killed investment has no review."""
    today = datetime.now(UTC).date()
    for code, days, stage in (
        ("SUP-001", -3, "scaled"),
        ("SUM-002", 400, "scaled"),
        ("AI-001", -9, "killed"),
    ):
        factories.enter(Investment.objects.get(code=code), stage)
        Investment.objects.filter(code=code).update(review_date=today + timedelta(days=days))
    review_calendar.open_due_of(figures.cast.portfolio, now=datetime.now(UTC))
    due = overview.reviews_due([figures.cast.portfolio], today=today)
    assert [review.investment.code for review in due if review.kind == "scheduled"] == ["SUP-001"]
    assert "3 days overdue" in page(figures.cast, "vera")


def test_strangers_see_nothing_of_it(figures: Figures) -> None:
    """Mallory administers another portfolio and sees only that."""
    text = page(figures.cast, "mallory")
    for word in ("SUP-001", "SUM-002", "Call summaries", "Customer operations"):
        assert word not in text
    assert "Secret project" not in page(figures.cast, "olivia")


def test_a_member_of_nothing_is_told_what_to_do() -> None:
    """Somebody without a portfolio reads a sentence, not a row of zeros."""
    cast = assemble()
    Membership.objects.filter(user=cast.people["vera"]).delete()
    text = page(cast, "vera")
    assert "not a member of any portfolio yet" in text
    assert "h-tile" not in text


def test_an_empty_portfolio_says_what_comes_first() -> None:
    """Recorders get the way to register; viewers only read what will come."""
    cast = assemble()
    empty = Portfolio.objects.create(code="EM", name="Empty")
    for name, role in (("vera", Role.VIEWER), ("olivia", Role.OWNER)):
        Membership.objects.filter(user=cast.people[name]).delete()
        Membership.objects.create(user=cast.people[name], portfolio=empty, role=role.value)
    register = reverse("admin:portfolio_investment_add")
    assert register in page(cast, "olivia")
    assert "Register the first investment" in page(cast, "vera")
    assert register not in page(cast, "vera")


def test_no_figures_is_not_zero() -> None:
    """Before a month is closed the totals are n/a, never 0."""
    cast = assemble()
    text = page(cast, "olivia")
    assert "No month is closed with complete actuals yet." in text


def test_the_best_and_the_worst_by_roi(figures: Figures) -> None:
    """Without a figure nobody is ranked; an ended investment is history, not a candidate."""
    mine = [figures.cast.portfolio]
    best = overview.ranked(mine, worst=False, limit=5)
    assert [i.code for i in best] == ["SUP-001", "SUM-002"]
    assert overview.ranked(mine, worst=True, limit=1) == [figures.losing]
    factories.enter(figures.losing, "killed")
    assert overview.ranked(mine, worst=True, limit=1) == [figures.support]
    assert overview.ranked([figures.cast.other], worst=True, limit=5) == []


def test_queries_do_not_grow_with_investments(figures: Figures) -> None:
    """Twenty more investments cost no further query."""
    client = figures.cast.client("olivia")
    client.get(reverse("admin:index"))
    with CaptureQueriesContext(
        connection,
    ) as few:
        client.get(reverse("admin:index"))
    owner = User.objects.get(username="olivia")
    Investment.objects.bulk_create(
        Investment(
            portfolio=figures.cast.portfolio, code=f"MANY-{n}", name="x", owner=owner, start_month=START
        )
        for n in range(20)
    )
    run(figures.cast, figures.cast.other, "FAR-1", "Far", "10", {"model_api": "5"}, {"speed": "9"})
    with CaptureQueriesContext(connection) as many:
        client.get(reverse("admin:index"))
    assert len(many) == len(few)
    assert len(few) <= 25
