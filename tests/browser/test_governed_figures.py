"""Portfolio view, bridge, scorecard and their forms in real Chromium: they fit, full and empty, in every light."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.urls import reverse

from portfolio.facts import Fact
from portfolio.models import Account, Portfolio
from portfolio.terms import add_months
from roi import benefit_pools
from roi.benefit_pools import Membership
from roi.engine.pools import SharingRule
from tests.browser.test_alerts import _fits
from tests.browser.test_console_a import CHROMIUM, PHONE, Site, browser, chart_library, site
from tests.reports.cast import money
from tests.reports.figures_cast import FIRST, LAST, Figures

__all__ = ["chart_library", "site"]  # fixtures

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="Chromium is not installed (/usr/bin/chromium)."),
]
WIDE = {"width": 1440, "height": 900}


def _count(figures: Figures, number: int, account: str, value: int) -> Fact:
    key = Account.objects.get(code=account).pk
    return Fact(figures.support.pk, add_months(FIRST, number), key, quantity=Decimal(value))


def furnish(figures: Figures) -> dict[str, str]:
    """Let use grow, December be restated, a pool overlap; return the pages by name."""
    cast = figures.cast
    cast.record(
        *(_count(figures, number, "conversations", 1000 + 50 * number**2) for number in range(12)),
        money(figures.support, add_months(LAST, -1), "infrastructure", "4000"),
        money(figures.support, LAST, "infrastructure", "6500"),
        money(figures.support, LAST, "labor_savings", "26000"),
        reason="Invoices.",
    )
    Portfolio.objects.filter(pk=cast.portfolio.pk).update(yearly_budget=400_000, exploration_share="0.1")
    benefit_pools.set_terms(
        cast.portfolio,
        "Agents of the service desk",
        monthly_cap=Decimal(20_000),
        rule=SharingRule.SHAPLEY,
        members=[Membership(one, date(2025, 6, 1)) for one in (figures.support, figures.losing)],
        now=datetime.now(UTC),
    )
    of_support = reverse("admin:portfolio_investment_change", args=[figures.support.pk])
    return {
        "portfolio-view": f"{reverse('admin:reports_portfolio_view')}?by=treatment",
        "bridge": f"{of_support}?tab=bridge",
        "scorecard": f"{of_support}?tab=scorecard",
        "thresholds": reverse("admin:reports_thresholds", args=["CX"]),
        "pool": reverse("admin:reports_pool", args=["CX", "Agents of the service desk"]),
    }


def _signed_in(site: Site, name: str) -> str:
    morsel = site.figures.cast.client(name).cookies["session"]
    site.cookies[name] = {"name": "session", "value": morsel.value, "url": site.address}
    return name


@pytest.mark.parametrize(
    ("scheme", "viewport"),
    [("light", WIDE), ("dark", PHONE), ("light", PHONE), ("dark", WIDE)],
    ids=["wide", "dark", "phone", "dark-wide"],
)
def test_pages_of_governed_figures_fit(site: Site, scheme: Any, viewport: Any) -> None:
    paths, name = furnish(site.figures), _signed_in(site, "adam")
    coding = reverse("admin:portfolio_investment_change", args=[site.figures.cast.coding.pk])
    paths |= {"no-bridge": f"{coding}?tab=bridge", "no-scorecard": f"{coding}?tab=scorecard"}
    with browser(site, name, viewport=viewport, color_scheme=scheme) as context:
        page = site.watch(context.new_page())
        for title, path in paths.items():
            page.goto(site.address + path)
            page.wait_for_function("!document.documentElement.hasAttribute('x-cloak')")
            _fits(page, f"{scheme}-{viewport['width']}-{title}")
    assert site.wrong == []
