"""The page of an investment as known on an earlier day, and the API's snapshots as known at a time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from unittest import mock

import pytest
from django.test import Client

from alerts import evaluate
from portfolio.models import Batch
from reports.console import investment_page, time_travel
from tests.reports.cast import money
from tests.reports.figures_cast import LAST, Figures, assemble_with_figures

pytestmark = pytest.mark.django_db
YESTERDAY = datetime.now(UTC).date() - timedelta(days=2)


@pytest.fixture
def figures() -> Figures:
    """Investments with a year of figures, known today."""
    return assemble_with_figures()


def _page(figures: Figures, query: str) -> str:
    """Return the page of the losing investment, read by Vera."""
    client = Client()
    client.force_login(figures.cast.people["vera"])
    return client.get(f"{investment_page.link(figures.losing)}?{query}").content.decode()


def test_a_page_shows_what_was_known_on_a_day(figures: Figures) -> None:
    """Restated since; as known then the old figure stands, with a banner that says so."""
    before = Batch.objects.order_by("-pk").values_list("pk", flat=True)[0]
    figures.cast.record(money(figures.losing, LAST, "model_api", "777777"), reason="A bill came late.")
    evaluate.advance(now=datetime.now(UTC))
    # All of this test is known today; the knowledge time of the day is that of before the restatement.
    with mock.patch.object(time_travel.knowledge, "knowledge_at", return_value=before):
        then = _page(figures, f"tab=months&as_of={YESTERDAY}")
    now = _page(figures, "tab=months")
    assert "777,777" not in then
    assert "777,777" in now
    assert "As known on" in then
    assert f"Figures as known at the end of {YESTERDAY}" in then
    assert f"as_of={YESTERDAY}" in then


@pytest.mark.parametrize("tab", ["figures", "explain"])
def test_other_parts_know_the_past_too(figures: Figures, tab: str) -> None:
    """The whole page is of the day."""
    assert f"Figures as known at the end of {YESTERDAY}" in _page(figures, f"tab={tab}&as_of={YESTERDAY}")


def test_what_cannot_travel_says_so(figures: Figures) -> None:
    """A part that shows today's state is not passed off as the past."""
    page = _page(figures, f"tab=policies&as_of={YESTERDAY}")
    assert "This part shows what is known today" in page


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01", "0001-01-01", "9999-12-31"])
def test_what_is_no_past_day_is_today(figures: Figures, text: str) -> None:
    """Nothing typed into the address breaks the page."""
    assert time_travel.asked_day(text, figures.cast.portfolio, now=datetime.now(UTC)) is None
    assert "Figures as known at" not in _page(figures, f"as_of={text}")


def test_before_it_was_registered_there_are_no_figures(figures: Figures) -> None:
    """An early day is empty, not an error."""
    page = _page(figures, "tab=figures&as_of=2020-01-01")
    assert "Figures as known at the end of 2020-01-01" in page
    assert "n/a" in page
