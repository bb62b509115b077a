"""Choosing a file for an import in real Chromium: the other answers of the form stay what they were."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from portfolio.models import ImportRun
from tests.browser.test_console_b import CHROMIUM, Site, opened
from tests.browser.test_console_b import site as site  # the fixture

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="Chromium is not installed (/usr/bin/chromium)."),
]


def test_choosing_a_file_leaves_the_source_alone(site: Site, tmp_path: Path) -> None:
    """The admin theme copies a file's name into a text box near it; as a source it would count values twice."""
    file = tmp_path / "march.csv"
    file.write_text("investment,month,account,amount\nAI-001,2026-03,model_api,10\n")
    with opened(site, "/admin/imports/") as page:
        page.set_input_files("[name=file]", file)
        expect(page.locator("[name=source]")).to_have_value("actuals")
        page.get_by_role("button", name="Read and preview").click()
        expect(page.locator("h2", has_text="Ready: 1 new")).to_be_visible()
    assert ImportRun.objects.get().source == "actuals"
    assert site.wrong == []
