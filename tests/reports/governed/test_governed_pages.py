"""The portfolio view, the bridge and the scorecard as people read them, and the forms behind them."""

from __future__ import annotations

from datetime import date

import pytest
from django.urls import reverse

from portfolio.models import Investment, ScorecardThresholds
from portfolio.terms import Basis
from roi import benefit_pools, bridges
from roi.engine.bridge import Bridge
from roi.models import PoolTerms
from tests.reports.cast import money
from tests.reports.figures_cast import Figures, assemble_with_figures
from tests.reports.investments.test_page import words_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def figures() -> Figures:
    """Return investments with a year of actuals."""
    return assemble_with_figures()


def words(figures: Figures, address: str, name: str = "vera", **query: str) -> str:
    """Return what a person reads on a page."""
    response = figures.cast.client(name).get(address, query)
    assert response.status_code == 200
    return words_of(response.content.decode())


def tab(figures: Figures, investment: Investment, name: str, **query: str) -> str:
    address = reverse("admin:portfolio_investment_change", args=[investment.pk])
    return words(figures, address, tab=name, **query)


VIEW = reverse("admin:reports_portfolio_view")


def test_the_portfolio_is_added_up_by_what_is_asked(figures: Figures) -> None:
    told = words(figures, VIEW, by="stage")
    # 150,000 + 162,000 and 40,000 + 108,000 of cost; 315,000 and 24,000 of benefit.
    assert "Total" in told
    assert "460,000" in told
    assert "339,000" in told
    assert "(121,000)" in told
    assert "Business unit" in words(figures, VIEW, by="luck")
    assert "Development" not in told


def test_the_portfolio_names_over_investment_and_what_waiting_costs(figures: Figures) -> None:
    told = words(figures, VIEW)
    assert "Incremental ROI (77.8%) against a hurdle of 12.0%" in told
    # A loss of 7,000 a month is 230.26 a day.
    assert "Cost of waiting" in told
    assert "230" in told
    assert "The portfolio states no budget of the fiscal year." in told


def test_a_portfolio_of_somebody_else_is_not_there(figures: Figures) -> None:
    assert figures.cast.client("vera").get(VIEW, {"portfolio": "OT"}).status_code == 404
    for address in (
        reverse("admin:reports_thresholds", args=["CX"]),
        reverse("admin:reports_pool_new", args=["CX"]),
    ):
        assert figures.cast.client("vera").get(address).status_code == 404
        assert figures.cast.client("olivia").post(address, {}).status_code == 404


def test_an_administrator_makes_and_changes_a_pool(figures: Figures) -> None:
    adam, new = figures.cast.client("adam"), reverse("admin:reports_pool_new", args=["CX"])
    body = {
        "name": "Agents / one team",
        "monthly_cap": "20000",
        "rule": "pro_rata",
        "members": [figures.support.pk, figures.losing.pk],
        "since": "2025-01",
        "is_active": "on",
        "reason": "Board.",
    }
    assert adam.post(new, body | {"since": "2025"}).status_code == 200
    assert adam.post(new, body | {"members": [figures.cast.foreign.pk]}).status_code == 200
    assert not PoolTerms.objects.exists()
    assert adam.post(new, body).status_code == 302
    # 26,250 + 2,000 are claimed of 20,000, twelve times.
    assert "(99,000)" in words(figures, VIEW)
    held = reverse("admin:reports_pool", args=["CX", "Agents / one team"])
    assert "20000" in adam.get(held).content.decode()
    changed = body | {"since": "2025-07", "monthly_cap": "10000", "members": [figures.support.pk]}
    assert adam.post(held, changed).status_code == 302
    terms = benefit_pools.in_force(figures.cast.portfolio, knowledge=None)[0]
    assert [(one.investment_id, one.since) for one in terms.members.all()] == [
        (figures.support.pk, date(2025, 1, 1))
    ]
    twice = adam.post(new, body | {"name": "Second"})
    assert "shares this benefit in the pool" in words_of(twice.content.decode())


def test_an_administrator_changes_thresholds(figures: Figures) -> None:
    adam, address = figures.cast.client("adam"), reverse("admin:reports_thresholds", args=["CX"])
    form = adam.get(address).context["form"]
    body = {name: str(field.value()) for name, field in ((f.name, f) for f in form) if name != "reason"}
    assert adam.post(address, body).status_code == 200
    assert not ScorecardThresholds.objects.exists()
    assert adam.post(address, body | {"quality_tolerance": "10", "reason": "Board."}).status_code == 302
    stated = ScorecardThresholds.objects.get().thresholds
    assert (stated["quality_tolerance"], stated["way_to_target"], stated["importance"]) == (0.1, 0.8, 4)
    assert "by more than 10%" in tab(figures, figures.support, "scorecard")


def test_a_bridge_is_told_in_words_and_numbers(figures: Figures) -> None:
    # Known since the close: December cost 1,000 more.
    figures.cast.record(money(figures.support, date(2025, 12, 1), "model_api", "7000"), reason="Invoice.")
    told = tab(figures, figures.support, "bridge")
    assert "Net benefit of the month fell by 1,000 from 2025-11 to 2025-12; main cause: no quantity." in told
    assert "2025-11, as first shown" in told
    assert "From 2025-11 to 2025-12" in told
    assert "(1,000) (1,000) −0.32 pp" in told
    found = bridges.explain(figures.support, basis=Basis.SUPPORTED)
    assert isinstance(found.to_date, Bridge)
    assert found.to_date.end.net == 2_000_000_000
    february = tab(figures, figures.support, "bridge", month="2025-02", basis="cashable")
    assert (
        "Net benefit of the month rose by 150,000 from 2025-01 to 2025-02; main cause: one-time cost."
        in february
    )
    none = tab(figures, figures.support, "bridge", month="2025-01")
    assert "This month, or the one before it, is not closed and complete." in none


def test_an_investment_without_two_months_has_no_bridge(figures: Figures) -> None:
    assert "There are no two of them yet." in tab(figures, figures.cast.coding, "bridge")


def test_a_scorecard_shows_inputs_thresholds_and_what_is_undefined(figures: Figures) -> None:
    told = tab(figures, figures.support, "scorecard")
    assert "The criteria propose: continue" in told
    assert "Value did not change and run cost did not change" in told
    assert "Not judged, and neither for nor against: Unit cost falls with volume" in told
    assert "Change thresholds" not in told
