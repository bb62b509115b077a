"""The forecast tab: the fan and its words, probabilities, crossings with reasons, and the button that makes one."""

from __future__ import annotations

import html
import re

import pytest
from django.urls import reverse

from reports.console.investment_forecast import in_words
from roi import forecasts
from roi.models import Forecast
from tests import factories
from tests.factories import now
from tests.reports.figures_cast import SAVED, SUPPORT, Figures, assemble_with_figures
from tests.reports.plans.test_plans import a_year, plan

pytestmark = pytest.mark.django_db


@pytest.fixture
def figures() -> Figures:
    """Return investments with a year of actuals."""
    return assemble_with_figures()


def words(figures: Figures, name: str = "vera") -> str:
    """Return what a person reads on the tab of the support case."""
    address = reverse("admin:portfolio_investment_change", args=[figures.support.pk])
    response = figures.cast.client(name).get(address, {"tab": "forecast"})
    assert response.status_code == 200
    page = re.sub(r"<(script|style|select)\b.*?</\1>", " ", response.content.decode(), flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


def ask(figures: Figures, name: str) -> int:
    """Press the button; returns the status."""
    address = reverse("admin:reports_forecast_now", args=[figures.support.code])
    return figures.cast.client(name).post(address).status_code


def test_before_the_first_forecast_it_says_when_there_will_be_one(figures: Figures) -> None:
    """The button is there for those who record, and for nobody else."""
    told = words(figures)
    assert "No forecast yet" in told
    assert "every hour" in told
    assert "Forecast now" not in told
    assert "Forecast now" in words(figures, "olivia")
    assert "Actual 3,000 at the end of 2025-12." in told
    assert "No scores yet" in told


def test_the_button_makes_one_for_those_who_record(figures: Figures) -> None:
    """A viewer and a stranger find no such page; asking twice makes nothing more."""
    assert (ask(figures, "vera"), ask(figures, "mallory")) == (404, 404)
    assert not Forecast.objects.exists()
    olivia, address = figures.cast.client("olivia"), reverse("admin:reports_forecast_now", args=["SUP-001"])
    told = [olivia.post(address, follow=True).content.decode() for _ in range(2)]
    assert "it stands on 12 closed, complete months" in told[0]
    assert "Nothing was made: the facts have not changed" in told[1]
    assert Forecast.objects.count() == 1


def test_a_get_makes_nothing(figures: Figures) -> None:
    """A link that is followed never writes."""
    address = reverse("admin:reports_forecast_now", args=[figures.support.code])
    assert figures.cast.client("olivia").get(address).status_code == 405


def test_a_forecast_is_told_in_figures_and_in_words(figures: Figures) -> None:
    """Twelve equal months: the rest is as good as certain, and what is crossed says so."""
    forecasts.refresh([figures.support.pk], now=now())
    told = words(figures)
    assert "Extrapolated from the closed, complete months by damped trends" in told
    assert "ROI is at least 0 by 2027-12 100.0% as good as certain" in told
    assert "Breakeven is reached n/a (It was crossed already.)" in told
    assert "In nine of ten paths it does not happen before the end of the forecast." in told
    assert re.search(r"From facts of version \d+", told)
    # 156,000 after two years, 309,000 after three: 12,750 a month on top of 3,000.
    assert re.search(r"2 years 2026-12 n/a [^/]+ n/a [^/]+ 15\d,\d{3} 15[56],\d{3} 15\d,\d{3}", told)
    assert "One-time cost is a tenth of the first year’s cost or more" in told


def test_the_plan_stands_beside_the_actuals(figures: Figures) -> None:
    """Cost 10,000 above plan is worse; the net shows the same, in parentheses."""
    plan(figures, *a_year(figures.support, "140000", SUPPORT, SAVED))
    factories.approve_plan(figures.support, 1, reason="Board.")
    figures.support.refresh_from_db()
    told = words(figures)
    assert "Cost 302,000 312,000 (10,000)" in told
    assert "Benefit 315,000 315,000 –" in told
    assert "Net 13,000 3,000 (10,000)" in told
    assert "Plan 13,000 at the end of 2025-12." in told


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (None, ""),
        (0.0, "as good as excluded"),
        (0.05, "very unlikely"),
        (0.2, "unlikely"),
        (0.5, "about as likely as not"),
        (0.8, "likely"),
        (0.95, "very likely"),
        (1.0, "as good as certain"),
    ],
)
def test_shares_have_words(share: float | None, words: str) -> None:
    """Nothing is said of what has no share."""
    assert in_words(share) == words
