"""The reallocation in real Chromium: one asks, keeps and asks for approval, another person approves; and it fits."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from portfolio.models import InvestmentDependency, Portfolio
from tests.browser.test_alerts import _fits
from tests.browser.test_console_a import CHROMIUM, PHONE, Site, browser, chart_library, site
from tests.browser.test_governed_figures import WIDE, _signed_in
from tests.factories import enter
from tests.reports.figures_cast import SAVED, SUPPORT, Figures, run

__all__ = ["chart_library", "site"]  # fixtures

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="Chromium is not installed (/usr/bin/chromium)."),
]


def furnish(figures: Figures) -> None:
    """Let two investments run and one wait that earns more; a budget that is enough for two."""
    cast = figures.cast
    run(cast, cast.portfolio, "DOC-003", "Document search", "60000", SUPPORT, SAVED | {"quality": "9000"})
    InvestmentDependency.objects.create(investment=figures.losing, needs=figures.support)
    for one in (figures.support, figures.losing):
        enter(one, "scaled")
    terms = {"yearly_budget": 300_000, "exploration_share": "0", "capacity_person_months": 40}
    Portfolio.objects.filter(pk=cast.portfolio.pk).update(**terms)


def _opened(site: Site, page: Page, path: str) -> Page:
    page.goto(site.address + path)
    page.wait_for_function("!document.documentElement.hasAttribute('x-cloak')")
    return page


def test_one_proposes_and_another_approves(site: Site) -> None:
    furnish(site.figures)
    with browser(site, _signed_in(site, "olivia"), viewport=WIDE) as context:
        page = _opened(site, site.watch(context.new_page()), reverse("admin:reports_portfolio_view"))
        page.get_by_role("main").get_by_role("link", name="Reallocation").or_(
            page.locator("form.hp-bar").get_by_role("link", name="Reallocation")
        ).first.click()
        expect(page.get_by_label("Budget", exact=True)).to_have_value("300000")
        page.get_by_label("Budget", exact=True).fill("200000")
        page.get_by_role("button", name="What adds most?").click()
        expect(page.get_by_text("Against today it adds DOC-003 and drops SUM-002, SUP-001.")).to_be_visible()
        page.wait_for_selector("[data-chart][data-drawn]")
        page.get_by_label("Why").fill("Document search earns more.")
        page.get_by_role("button", name="Keep as a proposal").click()
        expect(page.get_by_text("It moves no budget.", exact=False).first).to_be_visible()
        kept = page.url
        page.get_by_role("button", name="Ask for approval").click()
        expect(page.get_by_text("Waits for approval")).to_be_visible()
        _fits(page, "realloc-kept")
        request = page.get_by_role("link", name="Show the request").get_attribute("href")
    with browser(site, _signed_in(site, "fiona"), viewport=WIDE) as context:
        page = _opened(site, site.watch(context.new_page()), str(request))
        expect(page.get_by_text("SUM-002, SUP-001")).to_be_visible()
        page.get_by_label("Reason").fill("Agreed in the board.")
        page.get_by_role("button", name="Approve").click()
        page.goto(kept)
        expect(page.locator(".hp-facts .hp-pill")).to_have_text("Approved")
    assert site.wrong == []


@pytest.mark.parametrize(
    ("scheme", "viewport"),
    [("light", WIDE), ("dark", WIDE), ("light", PHONE), ("dark", PHONE)],
    ids=["light", "dark", "phone", "dark-phone"],
)
def test_the_page_fits_and_reads(site: Site, scheme: Any, viewport: Any) -> None:
    furnish(site.figures)
    address = reverse("admin:reports_reallocation")
    paths = {
        "empty": address,
        "answer": f"{address}?budget=200000&stated_costs=AI-001%204000",
        "conflict": f"{address}?budget=1&stated_costs=AI-001%204000",
        "error": f"{address}?budget=9&stated_costs=many",
    }
    with browser(site, _signed_in(site, "adam"), viewport=viewport, color_scheme=scheme) as context:
        page = site.watch(context.new_page())
        for title, path in paths.items():
            _opened(site, page, path)
            if title == "answer":
                page.wait_for_selector("[data-chart][data-drawn]")
            _fits(page, f"realloc-{scheme}-{viewport['width']}-{title}")
    assert site.wrong == []
