"""Routes, silences, approvals, calendars, the profile and prices in real Chromium: they fit, and are usable by all."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from tests.browser.governing_cast import count_units, furnish
from tests.browser.test_alerts import _fits
from tests.browser.test_console_a import CHROMIUM, PHONE, Site, browser, chart_library, site

__all__ = ["chart_library", "site"]  # fixtures

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="Chromium is not installed (/usr/bin/chromium)."),
]
WIDE = {"width": 1440, "height": 900}


def _signed_in(site: Site, name: str) -> str:
    morsel = site.figures.cast.client(name).cookies["session"]
    site.cookies[name] = {"name": "session", "value": morsel.value, "url": site.address}
    return name


@pytest.mark.parametrize(
    ("scheme", "viewport"),
    [("light", WIDE), ("dark", PHONE), ("light", PHONE)],
    ids=["wide", "dark", "phone"],
)
def test_pages_fit_with_something_on_them(site: Site, scheme: Any, viewport: Any) -> None:
    paths, name = furnish(site.figures), _signed_in(site, "adam")
    with browser(site, name, viewport=viewport, color_scheme=scheme) as context:
        page = site.watch(context.new_page())
        for title, path in paths.items():
            page.goto(site.address + path)
            page.wait_for_function("!document.documentElement.hasAttribute('x-cloak')")
            _fits(page, f"{scheme}-{viewport['width']}-{title}")
    assert site.wrong == []


def test_pages_fit_with_nothing_on_them(site: Site) -> None:
    names = ("routes", "silences", "approvals", "calendars", "absences", "prices")
    with browser(site, _signed_in(site, "adam"), viewport=PHONE) as context:
        page = site.watch(context.new_page())
        for name in names:
            page.goto(site.address + reverse(f"admin:reports_{name}"))
            page.wait_for_function("!document.documentElement.hasAttribute('x-cloak')")
            _fits(page, f"empty-{name}")
    assert site.wrong == []


@pytest.mark.parametrize(
    ("scheme", "viewport"),
    [("light", WIDE), ("dark", PHONE), ("light", PHONE)],
    ids=["wide", "dark", "phone"],
)
def test_the_tabs_forecast_and_unit_cost_fit(site: Site, scheme: Any, viewport: Any) -> None:
    count_units(site.figures)
    with browser(site, viewport=viewport, color_scheme=scheme) as context:
        # A forecast is computed while its tab is asked for.
        context.set_default_timeout(60_000)
        page = site.watch(context.new_page())
        for tab in ("forecast", "unit-cost", "alerts", "edit"):
            page.goto(site.investment(tab))
            page.wait_for_function("!document.documentElement.hasAttribute('x-cloak')")
            if page.locator("[data-chart]").count():
                page.wait_for_selector("[data-drawn] svg")
            _fits(page, f"{scheme}-{viewport['width']}-tab-{tab}")
    assert site.wrong == []
