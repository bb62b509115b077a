"""Alerts in real Chromium: the pages fit a phone, have no accessibility faults, and a mail's link needs no sign-in."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.db import connection
from django.urls import reverse
from playwright.sync_api import Page

from alerts import links
from alerts.models import Acknowledgment, Episode
from tests.browser.test_console_a import CHROMIUM, PHONE, Site, browser, chart_library, site

__all__ = ["chart_library", "site"]  # fixtures

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="Chromium is not installed (/usr/bin/chromium)."),
]


def _fits(page: Page, name: str) -> None:
    """Nothing is wider than the screen, and axe finds nothing."""
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa"]})
    assert found.violations_count == 0, found.generate_report()
    if folder := os.environ.get("HURDLE_SHOTS"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)


def _answers() -> int:
    """Return how many have answered, over a connection of its own."""
    try:
        return Acknowledgment.objects.count()
    finally:
        connection.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_an_alert_is_answered_on_a_phone(site: Site, scheme: str) -> None:
    """List, alert, messages; then the page of a mail's link, which acknowledges by its button alone."""
    episode = Episode.objects.get(rule="negative_roi", closed_at=None)
    olivia = site.figures.cast.people["olivia"]
    paths = {
        "list": reverse("admin:reports_alerts"),
        "alert": reverse("admin:reports_alert", args=[episode.public_id]),
        "messages": reverse("admin:reports_alert_messages", args=[episode.public_id]),
    }
    payload = {"e": str(episode.public_id), "u": str(olivia.public_id), "n": "1"}
    expires = datetime.now(UTC) + timedelta(days=1)
    paths["link"] = f"/alerts/ack/{links.sign('acknowledge', payload, expires=expires)}"
    with browser(site, viewport=PHONE, color_scheme=scheme) as context:
        page = site.watch(context.new_page())
        for name, path in paths.items():
            if name == "link":
                context.clear_cookies()
            page.goto(site.address + path)
            if name != "link":
                page.wait_for_function("!document.documentElement.hasAttribute('x-cloak')")
            _fits(page, f"{scheme}-{name}")
        with ThreadPoolExecutor(1) as aside:  # the browser's loop may not ask the database itself
            assert aside.submit(_answers).result() == 0
        page.get_by_role("button", name="Acknowledge").click()
        page.get_by_role("heading", name="Acknowledged").wait_for()
        _fits(page, f"{scheme}-done")
    assert Acknowledgment.objects.get().user == olivia
    assert site.wrong == []
