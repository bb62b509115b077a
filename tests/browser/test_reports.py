"""The reports in real Chromium: a schedule is stored, a pack is previewed, sent, and opened from the archive."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse

from portfolio.models import Membership
from reports import archive, pack_mail, schedules
from reports.models import ReportRun, Schedule
from tests.browser.test_alerts import _fits
from tests.browser.test_console_a import CHROMIUM, PHONE, Site, browser, chart_library, open_page, site
from tests.factories import now

__all__ = ["chart_library", "site"]  # fixtures

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="Chromium is not installed (/usr/bin/chromium)."),
]
WIDE = {"width": 1440, "height": 900}
FILES = {"pdf": b"%PDF-1.7 pack", "xlsx": b"PK workbook"}


def _files_of(frozen: archive.Frozen, *, path: str) -> dict[str, bytes]:
    """Return a pack's files without the drawing engine, which must not live where others fork."""
    mail = pack_mail.html(frozen.shown(), path=path, picture_words="", picture_at="")
    return {archive.MAIL: mail.encode(), **FILES}


@pytest.mark.parametrize(
    ("scheme", "viewport"), [("light", WIDE), ("dark", PHONE)], ids=["light-wide", "dark-phone"]
)
def test_a_pack_is_scheduled_previewed_sent_and_opened(
    site: Site, scheme: Any, viewport: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "files_of", _files_of)
    Membership.objects.filter(user=site.figures.cast.people["olivia"]).update(role="finance")
    address = site.address + reverse("admin:reports_reports")
    with browser(site, viewport=viewport, color_scheme=scheme) as context:
        page = site.watch(context.new_page())
        open_page(site, page, address)
        assert page.get_by_role("heading", name="No report yet").is_visible()
        page.get_by_label("Weekday").select_option("Wednesday")
        form = page.locator("form", has=page.get_by_role("button", name="Store"))
        form.get_by_label("Report").select_option("weekly_digest")
        form.get_by_role("checkbox", name="Viewer").check()
        form.get_by_role("button", name="Store").click()
        page.get_by_text("The schedule is stored").wait_for()
        assert page.get_by_role("cell", name="Wednesdays").is_visible()
        _fits(page, f"reports-{scheme}-{viewport['width']}")
        page.get_by_role("button", name="Preview").click()
        page.wait_for_selector("[data-drawn] svg")
        mail = page.frame_locator("iframe[title='The report as mail']")
        assert mail.get_by_text("(26.3%)").first.is_visible()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.get_by_role("button", name="Send to me").click()
        page.get_by_text("sent to olivia@example.com").wait_for()
        assert page.get_by_text("Waiting").is_visible()
    assert (Schedule.objects.get().audience, Schedule.objects.get().day) == ("weekly_digest", 2)
    assert schedules.run_due(now=now()) == 1
    assert ReportRun.objects.get().state == "made"
    with browser(site, viewport=viewport, color_scheme=scheme) as context:
        page = site.watch(context.new_page())
        open_page(site, page, address)
        page.get_by_role("region", name="Archive").get_by_role("link").first.click()
        mail = page.frame_locator("iframe[title='The report as it was mailed']")
        assert mail.get_by_text("(26.3%)").first.is_visible()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        with page.expect_download() as waiting:
            page.get_by_role("link", name="PDF").click()
        assert Path(waiting.value.path()).read_bytes() == FILES["pdf"]
        page.get_by_role("button", name="Derive again").click()
        page.get_by_text("to the same hash").wait_for()
    assert site.wrong == []
