"""The investment list: what its columns say, what its filters keep, and that its cost does not grow."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.html import strip_tags

from portfolio.models import Investment
from reports.console import status
from tests import factories
from tests.reports.cast import START
from tests.reports.figures_cast import Figures, assemble_with_figures

pytestmark = pytest.mark.django_db
LIST = "admin:portfolio_investment_changelist"


@pytest.fixture
def figures() -> Figures:
    """Return investments with figures."""
    return assemble_with_figures()


def rows(figures: Figures, name: str = "olivia", **query: str) -> dict[str, str]:
    """Return the text of each row of the list by investment code, as somebody sees it."""
    response = figures.cast.client(name).get(reverse(LIST), query)
    assert response.status_code == 200
    parts = re.findall(r'<tr class="data-row.*?</tr>', response.content.decode(), re.DOTALL)
    texts = [" ".join(strip_tags(part).split()) for part in parts]
    return {re.search(r"[A-Z]+-\d+", text)[0]: text for text in texts}  # type: ignore[index]


def test_a_row_says_where_an_investment_stands(figures: Figures) -> None:
    """ROI with its month, incremental ROI, the status in words, the breakeven month."""
    row = rows(figures)["SUP-001"]
    for word in ("1.0%", "2025-12", "94.4%", "Breakeven reached", "olivia"):
        assert word in row


def test_negative_figures_stand_in_parentheses(figures: Figures) -> None:
    """ROI −83.8 % and incremental ROI −77.8 %."""
    row = rows(figures)["SUM-002"]
    assert "(83.8%)" in row
    assert "(77.8%)" in row
    assert "Negative ROI" in row


def test_no_figure_is_na_with_its_reason(figures: Figures) -> None:
    """An investment without a closed month shows n/a and why."""
    row = rows(figures)["AI-001"]
    assert "n/a (No month is closed with complete actuals yet.)" in row
    assert "No figures yet" in row
    assert "0.0%" not in row


@pytest.mark.parametrize(
    ("query", "codes"),
    [
        ({"status": "negative_roi"}, {"SUM-002"}),
        ({"status": "past_breakeven"}, {"SUP-001"}),
        ({"status": "no_figures"}, {"AI-001", "AI-002"}),
        ({"attention": "open"}, {"SUM-002"}),
        ({"attention": "none"}, {"AI-001", "AI-002", "SUP-001"}),
        ({"review": "overdue"}, {"SUP-001"}),
        ({"review": "due"}, {"SUP-001", "SUM-002"}),
        ({"review": "none"}, {"AI-001", "AI-002"}),
        ({"owner": "none"}, {"AI-002"}),
        ({"stage__exact": "pilot"}, {"AI-001"}),
        ({"value_category__exact": "strategic"}, {"AI-002"}),
        ({"q": "sum-0"}, {"SUM-002"}),
        ({"q": "Support automation"}, {"SUP-001"}),
        ({"q": "nobody like this"}, set()),
    ],
)
def test_filters_and_search(figures: Figures, query: dict[str, str], codes: set[str]) -> None:
    """Each filter keeps exactly what its words say."""
    today = datetime.now(UTC).date()
    Investment.objects.filter(code="SUP-001").update(review_date=today - timedelta(days=1))
    Investment.objects.filter(code="SUM-002").update(review_date=today + timedelta(days=20))
    factories.enter(Investment.objects.get(code="AI-001"), "pilot")
    Investment.objects.filter(code="AI-002").update(value_category="strategic", owner=None)
    assert rows(figures, **query).keys() == codes


def test_the_portfolio_filter_opens_nothing(figures: Figures) -> None:
    """Naming a foreign portfolio in the address shows none of its investments."""
    mine, foreign = figures.cast.portfolio, figures.cast.other
    assert len(rows(figures, portfolio=str(mine.pk))) == 4
    assert rows(figures, portfolio=str(foreign.pk)) == {}
    assert rows(figures, portfolio="1 OR 1=1").keys() == rows(figures).keys()


def test_members_see_their_own_portfolios_only(figures: Figures) -> None:
    """A viewer sees everything of the portfolio; a stranger nothing of it."""
    assert set(rows(figures, "vera")) == {"AI-001", "AI-002", "SUP-001", "SUM-002"}
    assert set(rows(figures, "mallory")) == {"XX-001"}


@pytest.mark.parametrize(
    ("direction", "first", "last"), [("4", "SUM-002", "AI-002"), ("-4", "SUP-001", "AI-002")]
)
def test_ordering_by_roi_keeps_undefined_figures_last(
    figures: Figures, direction: str, first: str, last: str
) -> None:
    """What has no ROI comes last, whichever way the list is ordered."""
    codes = list(rows(figures, o=f"{direction}.1"))
    assert codes[0] == first
    assert set(codes[2:]) == {"AI-001", last}


def test_status_is_the_same_in_list_filter_and_counts(figures: Figures) -> None:
    """One expression decides: what the filter keeps is what the pills of the list say."""
    for name, words in status.STATUSES.items():
        for row in rows(figures, status=name).values():
            assert words.text in row


def test_queries_do_not_grow_with_rows(figures: Figures) -> None:
    """A page of forty costs as many queries as a page of four."""
    client = figures.cast.client("olivia")
    client.get(reverse(LIST))
    with CaptureQueriesContext(connection) as few:
        client.get(reverse(LIST))
    Investment.objects.bulk_create(
        Investment(
            portfolio=figures.cast.portfolio,
            code=f"MANY-{n}",
            name="x",
            owner=figures.cast.people["finn"],
            start_month=START,
        )
        for n in range(36)
    )
    with CaptureQueriesContext(connection) as many:
        page = client.get(reverse(LIST)).content.decode()
    assert page.count("data-row") == 40
    assert len(many) == len(few)
    assert len(few) <= 16


def test_nothing_can_be_deleted(figures: Figures) -> None:
    """Neither the list nor the page offers to delete an investment."""
    client = figures.cast.client("adam")
    assert "delete_selected" not in client.get(reverse(LIST)).content.decode()
    address = reverse("admin:portfolio_investment_delete", args=[figures.support.pk])
    assert client.post(address, {"post": "yes"}).status_code == 403
    assert Investment.objects.filter(pk=figures.support.pk).exists()


def test_hidden_relations_cannot_be_walked(figures: Figures) -> None:
    """A look-up through the owner's password is refused."""
    address = reverse(LIST)
    response = figures.cast.client("vera").get(address, {"owner__password__startswith": "s"})
    assert response.status_code == 400
