"""The agenda in real Chromium: it fits a phone and paper, in light and dark, and has no accessibility faults."""

from __future__ import annotations

import os
from typing import Any

import pytest
from django.urls import reverse

from tests.browser.test_alerts import _fits
from tests.browser.test_console_a import CHROMIUM, PHONE, Site, browser, chart_library, site
from tests.browser.test_governed_figures import furnish

__all__ = ["chart_library", "site"]  # fixtures

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="Chromium is not installed (/usr/bin/chromium)."),
]
WIDE = {"width": 1440, "height": 900}


@pytest.mark.parametrize(
    ("scheme", "viewport"), [("light", WIDE), ("dark", PHONE)], ids=["light-wide", "dark-phone"]
)
def test_the_agenda_fits_the_screen_and_paper(site: Site, scheme: Any, viewport: Any) -> None:
    furnish(site.figures)
    with browser(site, viewport=viewport, color_scheme=scheme) as context:
        page = site.watch(context.new_page())
        page.goto(site.address + reverse("admin:reports_agenda"))
        page.wait_for_function("!document.documentElement.hasAttribute('x-cloak')")
        _fits(page, f"agenda-{scheme}-{viewport['width']}")
        assert page.get_by_role("heading", name="Waits for a decision").is_visible()
        page.emulate_media(media="print")
        assert not page.get_by_role("button", name="Show").first.is_visible()
        assert page.get_by_role("heading", name="Waits for a decision").is_visible()
        if folder := os.environ.get("HURDLE_SHOTS"):
            page.set_viewport_size({"width": 794, "height": 1123})
            page.screenshot(path=f"{folder}/agenda-print-{scheme}.png", full_page=True)
    assert site.wrong == []
