"""Business cases in real Chromium: from the wizard to a driver that moves the figures, to a version of the plan."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse
from playwright.sync_api import Page, expect

from roi import cases
from roi.models import BusinessCase
from roi.usecases.base import HiddenCosts
from roi.usecases.drivers import drivers_of
from tests.browser.test_console_a import CHROMIUM, PHONE, Site, browser, chart_library, open_page, site

__all__ = ["chart_library", "site"]  # fixtures

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="Chromium is not installed (/usr/bin/chromium)."),
]
expect.set_options(timeout=20_000)  # the first draws of a process load their library
RANGES = {
    "deflection_rate": {"kind": "uniform", "low": 0.4, "high": 0.6},
    "dev_cost": {"kind": "triangular", "low": 120_000, "mode": 150_000, "high": 220_000},
}


def write(site: Site, **content: Any) -> str:
    """Create a case of the support investment, and return its address."""
    base = {
        "template": "customer_support",
        "title": "Support, second wave",
        "months": 36,
        "drivers": {"deflection_rate": 0.5, "dev_cost": 150_000},
        "hidden_costs": {one.name: {"none": "No."} for one in drivers_of(HiddenCosts)},
    }
    figures = site.figures
    made = cases.create(
        figures.cast.portfolio,
        {**base, **content},
        now=datetime.now(UTC),
        actor=figures.cast.people["olivia"],
        investment=figures.support,
    )
    return f"{site.address}{reverse('admin:reports_case', args=[made.public_id])}"


def tile(page: Page, title: str) -> Any:
    """Return the value of a headline figure."""
    return page.locator(".h-tile", has_text=title).first.locator(".h-tile-value")


def next_step(page: Page, name: str) -> None:
    """Go to a step of the wizard and wait until it is shown."""
    page.get_by_role("button", name="Next").last.click()
    page.wait_for_url(f"**/cases/new/{name}/")
    page.wait_for_function("!document.documentElement.hasAttribute('x-cloak')")


def test_from_the_wizard_to_a_version_of_the_plan(site: Site) -> None:
    """A case is written, a driver is moved, a scenario kept, the case submitted: the plan tab shows the version."""
    with browser(site) as context:
        page = site.watch(context.new_page())
        tab = site.investment("what-if")
        open_page(site, page, tab)
        page.get_by_role("link", name="Start a case").click()
        page.wait_for_url("**/cases/new/start/")
        page.get_by_label("Customer support").check()
        page.get_by_label("Horizon, months").fill("36")
        next_step(page, "drivers")
        before = tile(page, "ROI").inner_text()
        page.get_by_label("Deflection", exact=True).fill("60")
        expect(tile(page, "ROI")).not_to_have_text(before)
        next_step(page, "costs")
        page.get_by_role("button", name="Next").last.click()
        expect(page.get_by_text("Empty is no answer").first).to_be_visible()
        for field in page.locator("input[name$=_none]").all():
            field.fill("The platform team has it.")
        page.get_by_label("Legal review", exact=True).fill("500")
        expect(page.locator("[data-live=build-up]")).to_contain_text("18,000")
        next_step(page, "ranges")
        page.get_by_role("button", name="Every driver ±20%").click()
        expect(tile(page, "Chance of ROI")).to_be_visible()
        next_step(page, "review")
        page.get_by_role("button", name="Create the case").click()
        page.wait_for_url(re.compile(r"/cases/[0-9a-f-]{36}/$"))
        play(page)
        keep_a_scenario(page)
        submit(page)
        expect(page.locator(".h-page")).to_contain_text("Versions of the plan")
        expect(page.locator("tbody").first).to_contain_text("not approved")
    refused = [text for text in site.wrong if "400" not in text]
    assert refused == []
    assert BusinessCase.objects.get().submissions.get().version == 1


def play(page: Page) -> None:
    """Move a driver by its slider's keys: figures, chart and sentence move at once, and reset moves them back."""
    page.wait_for_selector("[data-chart=cash][data-drawn] svg")
    roi, sentence = tile(page, "ROI").inner_text(), page.locator(".c-sentence").inner_text()
    curve = page.locator("[data-chart=cash] svg").inner_html()
    page.get_by_label("Deflection, %, slider").focus()
    for _ in range(10):
        page.keyboard.press("ArrowLeft")
    expect(tile(page, "ROI")).not_to_have_text(roi)
    expect(page.locator(".c-sentence")).not_to_have_text(sentence)
    page.wait_for_function(
        "old => document.querySelector('[data-chart=cash] svg').innerHTML !== old", arg=curve
    )
    expect(page.locator("#state")).to_have_text("1 unsaved change")
    expect(page.locator("#spoken")).to_contain_text("net benefit")
    page.get_by_role("button", name="Reset Deflection").click()
    expect(tile(page, "ROI")).to_have_text(roi)
    expect(page.locator("#state")).to_have_text("Nothing unsaved")
    page.get_by_label("Deflection", exact=True).fill("160")
    error = page.locator("[data-errors=d-deflection_rate]")
    expect(error).to_have_text("Deflection must lie between 0 and 100; 160 does not.")
    expect(page.get_by_label("Deflection", exact=True)).to_have_attribute("aria-invalid", "true")
    page.get_by_role("button", name="Reset Deflection").click()
    expect(error).to_be_empty()


def keep_a_scenario(page: Page) -> None:
    """Keep what differs beside the case."""
    page.get_by_label("Deflection", exact=True).fill("30")
    page.get_by_label("Save the changed drivers as").fill("Slow start")
    page.get_by_role("button", name="Save as scenario").click()
    page.wait_for_url("**scenario=Slow*")
    expect(page.get_by_role("columnheader", name="Slow start")).to_be_visible()
    page.get_by_role("button", name="Reset all").click()
    expect(page.locator("#state")).to_have_text("Nothing unsaved")


def submit(page: Page) -> None:
    """Submit the case as a plan, the version being shown before."""
    page.get_by_role("button", name="Submit as plan").click()
    page.wait_for_url("**/submit/")
    expect(page.locator(".hp-facts")).to_contain_text("version 1 of the plan")
    page.get_by_label("Reason").fill("Round of spring.")
    page.get_by_role("button", name="Write version 1").click()
    page.wait_for_url("**tab=plan")


def test_late_answers_never_replace_newer_ones(site: Site) -> None:
    """Of two looks the later counts, also when the first comes back last."""
    address = write(site)
    with browser(site) as context:
        page = context.new_page()
        open_page(site, page, address)
        first = [True]

        def slow(route: Any) -> None:
            if first.pop() if first else False:
                page.wait_for_timeout(600)
            route.continue_()

        page.route("**/figures/", slow)
        page.get_by_label("Deflection", exact=True).fill("10")
        page.wait_for_timeout(250)
        page.get_by_label("Deflection", exact=True).fill("90")
        expect(page.locator(".h-tile").first).not_to_contain_text("(", timeout=10_000)
        page.wait_for_timeout(900)
        assert "(" not in tile(page, "ROI").inner_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_are_clean_and_accessible(site: Site, scheme: str) -> None:
    """The list, a case with and without ranges, its submission, the tab and the wizard pass the accessibility rules."""
    plain, drawn = write(site), write(site, title="With ranges", distributions=RANGES)
    pages = [f"{site.address}{reverse('admin:reports_cases')}", drawn]
    if scheme == "light":
        wizard = f"{site.address}{reverse('admin:reports_case_new')}"
        pages += [plain, f"{drawn}submit/", site.investment("what-if"), wizard]
    found: list[str] = []
    with browser(site, color_scheme=scheme) as context:
        page = site.watch(context.new_page())
        for address in pages:
            open_page(site, page, address)
            page.evaluate("document.querySelectorAll('.h-page details').forEach((one) => (one.open = true))")
            broken = Axe().run(page, context=".h-page").response["violations"]
            found += [f"{address}: {v['id']} {v['nodes'][0]['html'][:160]}" for v in broken]
    assert site.wrong == []
    assert found == []


def test_the_pages_fit_a_phone(site: Site) -> None:
    """At 390 pixels nothing but tables scrolls sideways, and the figures stay in sight."""
    address = write(site, title="A title that goes on and on, " * 8, distributions=RANGES)
    with browser(site, viewport=PHONE) as context:
        page = site.watch(context.new_page())
        paths = (reverse("admin:reports_cases"), reverse("admin:reports_case_new"))
        for each in (address, f"{address}submit/", *(f"{site.address}{path}" for path in paths)):
            open_page(site, page, each)
            assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], each
        open_page(site, page, address)
        page.get_by_label("Deflection", exact=True).fill("55")
        expect(page.locator(".c-brief")).to_be_in_viewport()
    assert site.wrong == []
