"""Every page that travels: what was restated since changes today's page and not the page as known then."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from alerts import evaluate
from alerts.models import Episode
from portfolio.models import Batch, Portfolio, Review
from portfolio.terms import add_months
from reports.console import past, time_travel
from tests.reports.cast import money
from tests.reports.figures_cast import FIRST, SAVED, SUPPORT, Figures, assemble_with_figures, run
from tests.reports.investments.test_page import words_of

pytestmark = pytest.mark.django_db
DAY = (datetime.now(UTC) - timedelta(days=2)).date()
BANNER = f"the end of {DAY}"


@pytest.fixture
def figures() -> Iterator[Figures]:
    """Investments of which one loses; since then its benefit was restated so that it earns, and its alerts are over."""
    made = assemble_with_figures()
    before = datetime.now(UTC)
    restated = [money(made.losing, add_months(FIRST, n), "speed", "99000") for n in range(12)]
    made.cast.record(*restated, reason="It was counted wrongly.")
    evaluate.advance(now=datetime.now(UTC))
    # Everything of a test is known today; the day ends between the first figures and the restatement.
    with mock.patch.object(past, "_end", return_value=before):
        yield made


def words(figures: Figures, address: str, *, name: str = "vera", **query: str) -> str:
    """Return what a person reads on a page."""
    response = figures.cast.client(name).get(address, query)
    assert response.status_code == 200
    return words_of(response.content.decode())


def then(figures: Figures, address: str, *, name: str = "vera", **query: str) -> str:
    """Return what a person reads on the same page as known on the day; it says so once."""
    told = words(figures, address, name=name, as_of=str(DAY), **query)
    assert told.count(BANNER) == 1
    return told


def page_of(figures: Figures) -> str:
    return reverse("admin:portfolio_investment_change", args=[figures.losing.pk])


@pytest.mark.parametrize("tab", ["figures", "months", "ledger", "plan", "unit-cost", "forecast", "alerts"])
def test_the_parts_of_an_investment_travel(figures: Figures, tab: str) -> None:
    """The head tells the status of then, and no part offers to change anything."""
    told = then(figures, page_of(figures), name="adam", tab=tab)
    assert "Negative ROI" in told.split("Call summaries")[1][:200] or "Negative" in told
    assert "Edit" not in told
    for offer in ("Forecast now", "Import a plan"):
        assert offer not in told
    assert "Edit" in words(figures, page_of(figures), name="adam", tab=tab)


def test_the_ledger_shows_the_values_and_statements_of_then(figures: Figures) -> None:
    cell = {"tab": "ledger", "month": "2025-03", "book": "actual"}
    assert "99,000" in words(figures, page_of(figures), **cell)
    assert "99,000" not in then(figures, page_of(figures), **cell)
    assert "restated" not in then(figures, page_of(figures), **cell)


def test_alerts_are_listed_as_they_were(figures: Figures) -> None:
    listed = reverse("admin:reports_alerts")
    assert "SUM-002" not in words(figures, listed)
    told = then(figures, listed)
    assert "SUM-002" in told
    source = figures.cast.client("vera").get(listed, {"as_of": str(DAY)}).content.decode()
    episode = Episode.objects.get(rule="negative_roi", investment=figures.losing)
    assert f"{reverse('admin:reports_alert', args=[episode.public_id])}?as_of={DAY}" in source


def test_an_alert_is_shown_as_it_was_and_not_answered_in_the_past(figures: Figures) -> None:
    Episode.objects.filter(rule="hurdle_rate").update(closed_at=None)
    episode = Episode.objects.get(rule="negative_roi", investment=figures.losing)
    address = reverse("admin:reports_alert", args=[episode.public_id])
    assert "etracted" in words(figures, address)
    told = then(figures, address, name="olivia")
    assert "etracted" not in told
    assert "State Open" in told
    assert "Acknowledge" not in told


def test_an_alert_that_was_not_known_yet_is_not_there(figures: Figures) -> None:
    episode = Episode.objects.get(rule="negative_roi", investment=figures.losing)
    Episode.objects.filter(pk=episode.pk).update(opened_at=datetime.now(UTC))
    address = reverse("admin:reports_alert", args=[episode.public_id])
    assert figures.cast.client("vera").get(address, {"as_of": str(DAY)}).status_code == 404


def test_reviews_wait_as_they_did_and_nobody_decides_in_the_past(figures: Figures) -> None:
    listed = reverse("admin:reports_reviews")
    assert "Decommissioning" not in words(figures, listed)
    # A loss of 7,000 a month is 230 a day.
    told = then(figures, listed)
    assert re.search(r"Decommissioning \d{4}-\d\d-\d\d SUM-002 .* 230 ", told)
    review = Review.objects.get(investment=figures.losing, kind="decommissioning")
    address = reverse("admin:reports_review", args=[review.public_id])
    told = then(figures, address, name="adam")
    assert "Waits for" in told
    assert "(124,000)" in told
    assert "Record the decision" not in told
    assert "Keep the answers" not in told


def test_decisions_are_those_that_were_recorded(figures: Figures) -> None:
    assert "No decision is recorded yet" in then(figures, reverse("admin:reports_decisions"))


@pytest.mark.parametrize("name", ["reports_alerts", "reports_reviews", "reports_decisions"])
@pytest.mark.parametrize("text", ["2026-02-30", "tomorrow", "9999-12-31"])
def test_a_day_that_is_none_is_named(figures: Figures, name: str, text: str) -> None:
    told = words(figures, reverse(f"admin:{name}"), as_of=text)
    assert f"“{text}” is no day that is over" in told
    assert BANNER not in told


def test_portfolios_learn_in_their_own_time_zone(figures: Figures) -> None:
    """A portfolio that learned nothing between shares the time of the others; one that did has its own."""
    Portfolio.objects.filter(pk=figures.cast.other.pk).update(time_zone="Asia/Tokyo")
    held = list(Portfolio.objects.order_by("pk"))
    ends = {zone: past._end(DAY, ZoneInfo("UTC")) for zone in ("UTC", "Asia/Tokyo")}
    times = time_travel.knowledge_times(held, past.Past(DAY, ends))
    assert len(set(times.values())) == 1
    ends["Asia/Tokyo"] = datetime(2020, 1, 1, tzinfo=UTC)
    times = time_travel.knowledge_times(held, past.Past(DAY, ends))
    assert times[figures.cast.other.pk] == 0
    assert times[figures.cast.portfolio.pk] > 0


def test_the_overview_tells_totals_alerts_and_reviews_of_then(figures: Figures) -> None:
    """Support 312,000 and 315,000; the losing one 148,000 and 24,000 then, 1,188,000 of benefit today."""
    address = reverse("admin:index")
    now, told = words(figures, address), then(figures, address)
    assert "(121k)" in told
    assert "(121k)" not in now
    assert "SUM-002" in told.split("Needs attention")[1].split("Worst ROI")[0]
    assert "SUM-002" not in now.split("Needs attention")[1].split("Worst ROI")[0]
    source = figures.cast.client("vera").get(address, {"as_of": str(DAY)}).content.decode()
    assert f"{page_of(figures)}?tab=alerts&amp;as_of={DAY}" in source


def test_the_overview_of_then_takes_the_same_queries_for_more(figures: Figures) -> None:
    client = figures.cast.client("vera")

    def counted() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(reverse("admin:index"), {"as_of": str(DAY)}).status_code == 200
        return len(captured)

    counted()
    few = counted()
    more = [
        run(figures.cast, figures.cast.portfolio, f"M-{n}", "More", "1000", SUPPORT, SAVED) for n in range(3)
    ]
    evaluate.advance(now=datetime.now(UTC))
    with mock.patch.object(past, "_end", return_value=datetime.now(UTC)):
        assert more[0].name in words(figures, reverse("admin:index"), as_of=str(DAY))
        assert counted() <= few


@pytest.mark.parametrize("name", ["forecast", "unit-economics"])
def test_the_api_travels(figures: Figures, name: str) -> None:
    client, address = figures.cast.client("vera"), f"/api/v1/investments/SUM-002/{name}"
    known = Batch.objects.filter(recorded_at__lte=past._end(DAY, ZoneInfo("UTC"))).latest("id").pk
    assert client.get(address).status_code == 200
    before = client.get(address, {"as_of": str(known)})
    assert before.status_code == 200
    if name == "forecast":
        assert before.json()["months"][-1]["actual"] == "-124000.000000"
        assert client.get(address).json()["months"][-1]["actual"] != "-124000.000000"
    else:
        assert before.json()["decomposition"]["reason"] == "not_as_known"
    assert client.get(address, {"as_of": "9999999999"}).status_code == 400


def test_lists_of_the_api_travel(figures: Figures) -> None:
    """Retracted and withdrawn since, the alert and its review were open then; nothing was decided."""
    client, moment = figures.cast.client("vera"), past._end(DAY, ZoneInfo("UTC")).isoformat()

    def listed(name: str, **query: str) -> list[dict[str, Any]]:
        response = client.get(f"/api/v1/{name}", query)
        assert response.status_code == 200
        results: list[dict[str, Any]] = response.json()["results"]
        return results

    for name in ("episodes", "investments/SUM-002/episodes"):
        assert not listed(name, rule="negative_roi", is_open="true")
        (then,) = listed(name, rule="negative_roi", is_open="true", as_of=moment)
        assert (then["closed_at"], then["closed_reason"]) == (None, "")
        assert all(
            datetime.fromisoformat(str(e["recorded_at"])) <= past._end(DAY, ZoneInfo("UTC"))
            for e in then["events"]
        )
        assert not listed(name, rule="negative_roi", is_open="false", as_of=moment)
    assert not listed("reviews", kind="decommissioning", state="open")
    (review,) = listed("reviews", kind="decommissioning", state="open", as_of=moment)
    assert (review["state"], review["closed_reason"]) == ("open", "")
    assert not listed("reviews", kind="decommissioning", state="withdrawn", as_of=moment)
    assert not listed("reviews", as_of="2020-01-01T00:00:00Z")
    assert listed("decisions", as_of=moment) == []
    for name in ("episodes", "reviews", "decisions"):
        for text in ("2026-06-30", "soon", "2999-01-01T00:00:00Z"):
            assert client.get(f"/api/v1/{name}", {"as_of": text}).status_code == 400
