"""The operators' page in real Chromium, with something wrong everywhere: it fits a phone and axe finds nothing."""

from __future__ import annotations

import os
from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse

from alerts import attempts, auditor
from alerts.models import AuditFinding, EvaluationHead, Heartbeat, Notification, Timer
from portfolio.models import User
from tests.browser.test_console_a import CHROMIUM, PHONE, Site, browser, chart_library, site
from tests.factories import now

__all__ = ["chart_library", "site"]  # fixtures

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="Chromium is not installed (/usr/bin/chromium)."),
]


def _go_wrong(site: Site) -> None:
    """Put a finding, a dead letter, a quarantined investment, a silent relay and late timers there."""
    User.objects.filter(username="olivia").update(is_superuser=True)
    auditor.audit(now=now())
    found = "The event “fired” (1) of negative_roi #1 in 2025-06 should have been written and was not."
    AuditFinding.objects.create(
        key="x", kind="lost", detail=found, investment=site.figures.support, found_at=now(), seen_at=now()
    )
    auditor.audit(now=now() + timedelta(minutes=6))
    AuditFinding.objects.update(settled_at=None)
    dead = Notification.objects.first()
    if dead is not None:
        Notification.objects.filter(pk=dead.pk).update(
            state="dead", state_reason="550 5.1.1 There is no such mailbox here."
        )
    EvaluationHead.objects.filter(pk=site.figures.support.pk).update(attempts=5, failure=attempts.KILLED)
    Heartbeat.objects.create(name="relay", beat_at=now() - timedelta(minutes=7))
    Timer.objects.update(due_at=now() - timedelta(hours=3))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [{"width": 1440, "height": 900}, PHONE], ids=["desk", "phone"])
def test_the_page_with_something_wrong_everywhere(site: Site, scheme: str, viewport: dict[str, int]) -> None:
    _go_wrong(site)
    with browser(site, viewport=viewport, color_scheme=scheme) as context:
        page = site.watch(context.new_page())
        page.goto(site.address + reverse("admin:reports_operations"))
        page.wait_for_function("!document.documentElement.hasAttribute('x-cloak')")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa"]})
        assert found.violations_count == 0, found.generate_report()
        if folder := os.environ.get("HURDLE_SHOTS"):
            page.screenshot(path=f"{folder}/operations-{scheme}-{viewport['width']}.png", full_page=True)
        page.get_by_label("can be closed").first.fill("A drill.")
        page.get_by_role("button", name="Close").first.click()
        page.get_by_text("The finding is closed").wait_for()
    assert site.wrong == []
