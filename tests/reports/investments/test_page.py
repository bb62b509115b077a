"""The page of an investment: figures with reasons, months, ledger, alerts, and how a number came about."""

from __future__ import annotations

import html
import json
import re
from datetime import UTC, date, datetime

import pytest
from django.urls import reverse

from portfolio import ledger
from portfolio.facts import Writing
from portfolio.models import Deployment, Hypothesis, Investment
from roi import snapshots
from tests.reports.cast import money
from tests.reports.figures_cast import Figures, assemble_with_figures

pytestmark = pytest.mark.django_db
TABS = ("figures", "months", "ledger", "alerts", "explain", "edit")


@pytest.fixture
def figures() -> Figures:
    """Return investments with figures."""
    return assemble_with_figures()


def source(figures: Figures, investment: Investment, name: str = "vera", **query: str) -> str:
    """Return the page as it is sent."""
    address = reverse("admin:portfolio_investment_change", args=[investment.pk])
    response = figures.cast.client(name).get(address, query)
    assert response.status_code == 200
    return response.content.decode()


def words_of(page: str) -> str:
    """Return what a person reads: no markup, no styles, no data."""
    page = re.sub(r"<(script|style|select)\b.*?</\1>", " ", page, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


def text(figures: Figures, investment: Investment, name: str = "vera", **query: str) -> str:
    """Return the words of the page."""
    return words_of(source(figures, investment, name, **query))


def test_the_triplet_shows_the_check_figures(figures: Figures) -> None:
    """The support case at month 12: ROI 0.96 %, NPV −4,644, payback 11.8, breakeven in December."""
    words = text(figures, figures.support)
    for expected in (
        "Cost to date (TCO) all cost, one-time and run 312,000 312,000 312,000",
        "Benefit to date 315,000 315,000 315,000",
        "Net to date benefit − cost 3,000 3,000 3,000",
        "1.0% 1.0% 1.0%",
        "NPV at the discount rate (4,644) (4,644) (4,644)",
        "11.8 11.8 11.8",
        "94.4% 94.4% 94.4%",
        "2025-12 2025-12 2025-12",
    ):
        assert expected in words


def test_an_undefined_figure_says_why(figures: Figures) -> None:
    """The losing case has no payback and no IRR, each with its own reason."""
    words = text(figures, figures.losing)
    assert "n/a (Not reached so far.)" in words
    assert "n/a (The cash flows never change sign" in words or "n/a (No rate brings" in words


def test_without_actuals_every_tab_says_what_comes_next(figures: Figures) -> None:
    """An investment without a month has no chart and no zeros, but sentences."""
    for tab in TABS:
        words = text(figures, figures.cast.support, tab=tab)
        assert " 0.0%" not in words
    assert "No actuals yet" in text(figures, figures.cast.support)
    assert "The ledger is empty" in text(figures, figures.cast.support, tab="ledger")


def test_the_chart_carries_its_data_and_stands_beside_a_table(figures: Figures) -> None:
    """The specification is data in the page, never a script; the same numbers are in a table."""
    page = source(figures, figures.support)
    found = re.search(r'<script id="chart-data" type="application/json">(.*?)</script>', page, re.DOTALL)
    assert found
    chart = json.loads(found[1])
    assert set(chart["themes"]) == {"light", "dark"}
    assert len(chart["spec"]["data"]["values"]) == 24
    assert "The same as a table" in page
    inline = re.search(r"<script(?![^>]*(src=|application/json))[^>]*>", page)
    assert not inline, "the security policy refuses inline scripts"


def test_a_name_with_markup_stays_text(figures: Figures) -> None:
    """What people type is never markup, in the page and in the chart's data alike."""
    Investment.objects.filter(pk=figures.support.pk).update(name="</script><img src=x onerror=alert(1)>")
    assert "<img src=x" not in source(figures, figures.support)


def test_the_claim_and_where_it_runs(figures: Figures) -> None:
    """The newest hypothesis and the deployments are shown with plain numbers."""
    Hypothesis.objects.create(
        investment=figures.support,
        claim="Half of all tickets",
        metric="Deflection",
        baseline="0.12",
        target="0.55",
    )
    Deployment.objects.create(
        investment=figures.support, effective_month=date(2025, 1, 1), vendor="Example", has_rollback=True
    )
    words = text(figures, figures.support)
    assert "Half of all tickets" in words
    assert "Baseline 0.12" in words
    assert "increase to 0.55" in words
    assert "rollback available" in words


def test_months_are_listed_newest_first(figures: Figures) -> None:
    """Each month with its state and its own figures."""
    words = text(figures, figures.support, tab="months")
    assert words.index("2025-12") < words.index("2025-01")
    assert "2025-01 1 closed 26,250 13,500 150,000 (137,250)" in words


def test_a_restated_cell_shows_who_when_and_why(figures: Figures) -> None:
    """Both statements stay, with their author and the reason of the correction."""
    month = date(2025, 5, 1)
    ledger.record(
        figures.cast.portfolio,
        [money(figures.support, month, "model_api", "7350")],
        writing=Writing(
            source="actuals",
            now=datetime.now(UTC),
            actor=figures.cast.people["fiona"],
            reason="Invoice corrected.",
        ),
    )
    words = text(figures, figures.support, tab="ledger", year="2025")
    assert "7,350 R restated" in words
    account = re.search(
        r"account=(\d+)&amp;month=2025-05[^>]*>\s*<span[^>]*>7,350",
        source(figures, figures.support, tab="ledger", year="2025"),
    )
    assert account
    history = text(figures, figures.support, tab="ledger", account=account[1], month="2025-05")
    assert "7,350.00 USD actuals fiona" in history
    assert "Invoice corrected." in history
    assert "6,000.00 USD actuals finn" in history


def test_alerts_name_value_threshold_and_what_opened(figures: Figures) -> None:
    """An episode says since when, what was measured against what, and what it asks for."""
    words = text(figures, figures.losing, tab="alerts")
    assert "Negative ROI 2025-03 open decommissioning review fired 2025-03 (21,000) against 0" in words
    assert "maintain or replace" in words
    assert "Under the hurdle 2025-12 Firing breach (77.8%) 12.0%" in words


def test_a_number_is_explained_by_the_numbers_it_is_made_of(figures: Figures) -> None:
    """Formula, inputs and totals agree with the figure shown."""
    words = text(figures, figures.support, tab="explain")
    assert "315,000 − 312,000 312,000 = 3,000 312,000 = 1.0%" in words
    assert "To date 315,000 all cost 312,000" in words
    assert "Asserted share 100.0%" in words
    for title in ("Knowledge", "Engine version", "Fingerprint of the inputs", "Discount rate 10.0%"):
        assert title in words
    earlier = text(figures, figures.support, tab="explain", month="2025-06")
    assert "ROI to date, 2025-06" in earlier
    assert "157,500 − 231,000" in earlier
    incremental = text(figures, figures.support, tab="explain", figure="incremental_roi")
    assert "78,750 − 40,500 40,500 = 38,250 40,500 = 94.4%" in incremental


@pytest.mark.parametrize(
    "query",
    [
        {"tab": "nonsense"},
        {"tab": "explain", "month": "x", "basis": "y"},
        {"tab": "ledger", "year": "abc", "account": "-1", "month": "9999-99"},
    ],
)
def test_addresses_with_nonsense_show_the_default(figures: Figures, query: dict[str, str]) -> None:
    """A hand-edited address never breaks the page."""
    assert "Support automation" in text(figures, figures.support, **query)


def test_open_months_are_marked_provisional(figures: Figures) -> None:
    """A month that is not closed is shown, but headline figures stay with the closed ones."""
    figures.cast.record(money(figures.support, date(2026, 1, 1), "model_api", "100"))
    snapshots.recompute(now=datetime.now(UTC))
    assert "open, provisional" in text(figures, figures.support, tab="months")
    assert "End of 2025-12" in text(figures, figures.support)


@pytest.mark.parametrize("tab", TABS)
def test_strangers_get_404_like_for_a_missing_one(figures: Figures, tab: str) -> None:
    """A foreign investment answers as one that does not exist."""
    client = figures.cast.client("mallory")
    address = reverse("admin:portfolio_investment_change", args=[figures.support.pk])
    missing = reverse("admin:portfolio_investment_change", args=[10**9])
    assert client.get(address, {"tab": tab}).status_code == 404
    assert client.get(missing, {"tab": tab}).status_code == 404
    assert (
        client.get(reverse("admin:portfolio_investment_history", args=[figures.support.pk])).status_code
        == 404
    )
