"""Policies, rates and plans in real Chromium: they are changed through their forms, and fit every screen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Thread
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.servers.basehttp import ThreadedWSGIServer
from django.core.wsgi import get_wsgi_application
from django.db import connection
from django.test.testcases import QuietWSGIRequestHandler
from django.urls import reverse
from playwright.sync_api import expect
from pytest_django import Settings

from roi import snapshots
from tests import factories, servers
from tests.browser.test_console_b import CHROMIUM, PHONE, Site, opened
from tests.reports.figures_cast import SAVED, SUPPORT, Figures, assemble_with_figures
from tests.reports.plans.test_plans import a_year, plan

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="Chromium is not installed (/usr/bin/chromium)."),
]


@pytest.fixture
def figures(fresh_database: servers.TestDatabase) -> Figures:
    """Return investments with a year of actuals, two versions of a plan, and the first approved."""
    made = assemble_with_figures()
    plan(made, *a_year(made.support, "100000", SUPPORT | {"licenses": "700"}, SAVED | {"revenue": "1000"}))
    plan(made, *a_year(made.support, "120000", SUPPORT, SAVED), version=2)
    at = datetime.now(UTC)
    factories.approve_plan(made.support, 1, reason="Board of March.")
    snapshots.recompute(now=at)
    return made


@pytest.fixture
def site(figures: Figures, settings: Settings) -> Iterator[Site]:
    """Serve the site over a database of its own."""
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    }
    settings.WHITENOISE_AUTOREFRESH = True
    server = ThreadedWSGIServer(("127.0.0.1", 0), QuietWSGIRequestHandler)
    # Waited for at the end: a thread still at work would hold the database that is about to go.
    server.daemon_threads = False
    server.set_app(StaticFilesHandler(get_wsgi_application()))
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    cookies = {name: figures.cast.client(name).cookies["session"].value for name in ("adam", "vera")}
    yield Site(f"http://127.0.0.1:{server.server_address[1]}", figures.cast, cookies)
    server.shutdown()
    server.server_close()
    thread.join()


def tab(figures: Figures, name: str) -> str:
    """Return the path of a tab of the support investment."""
    return f"{reverse('admin:portfolio_investment_change', args=[figures.support.pk])}?tab={name}"


def allowed() -> None:
    """Allow the newest request as the second person, over a connection of its own."""
    factories.allow_last()
    connection.close()


def apart(act: Callable[[], None]) -> None:
    """Do something to the rows in a thread: the browser's loop lets nothing else wait."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(act).result()


def test_a_policy_a_rate_and_a_plan_are_changed_through_their_forms(site: Site, figures: Figures) -> None:
    """Each from its tab, back to its tab, with what was entered on record; a refusal stands at its field."""
    with opened(site, tab(figures, "policies"), "adam") as page:
        page.get_by_role("link", name="Change policy Under the hurdle").click()
        page.get_by_label("Hurdle, %").fill("20")
        page.get_by_label("Takes effect in").fill("2025-06")
        page.get_by_label("Reason").fill("The board asks for more.")
        page.get_by_role("button", name="Ask for it").click()
        expect(page.get_by_role("alert")).to_contain_text("after 2025-12 at the earliest")
        site.wrong.clear()  # the refused form itself
        page.get_by_label("Takes effect in").fill("2026-01")
        page.get_by_role("button", name="Ask for it").click()
        expect(page.get_by_text("once somebody else")).to_be_visible()
        apart(allowed)
        page.goto(site.address + tab(figures, "policies"))
        expect(page.get_by_text("Incremental ROI is below 20%")).to_be_visible()
        page.goto(site.address + tab(figures, "rates"))
        page.get_by_role("link", name="Change rates", exact=True).click()
        page.get_by_label("Discount rate").fill("8.5")
        page.get_by_label("Reason").fill("Cheaper money.")
        page.get_by_role("button", name="Put in force").click()
        expect(
            page.get_by_role("row", name="Discount rate, per year 8.5% the investment 10%")
        ).to_be_visible()
        page.goto(site.address + tab(figures, "plan"))
        page.get_by_role("link", name="Approve version 2").click()
        page.get_by_label("Reason").fill("Board of May.")
        page.get_by_role("button", name="Ask for version 2").click()
        expect(page.get_by_text("once somebody else")).to_be_visible()
        apart(allowed)
        page.goto(site.address + tab(figures, "plan"))
        expect(page.get_by_role("cell", name="Board of May.")).to_be_visible()
    assert site.wrong == []


def test_every_page_fits_and_can_be_read(site: Site, figures: Figures) -> None:
    """No sideways scrolling, no violation of the policy, no barrier; in light, and in the dark on a phone."""
    code = figures.support.code
    paths = (
        *(tab(figures, name) for name in ("policies", "rates", "plan")),
        "/admin/policies/?portfolio=CX",
        "/admin/policies/?portfolio=CX&rule=hurdle_rate",
        f"/admin/investments/{code}/policies/hurdle_rate/",
        f"/admin/investments/{code}/rates/",
        f"/admin/investments/{code}/plan/2/approve/",
    )
    looks: tuple[dict[str, Any], ...] = ({}, {"viewport": PHONE, "color_scheme": "dark"})
    wide, barriers = [], []
    for options in looks:
        with opened(site, paths[0], "adam", **options) as page:
            for path in paths:
                page.goto(site.address + path)
                page.wait_for_function("!document.documentElement.hasAttribute('x-cloak')")
                width = page.evaluate(
                    "document.documentElement.scrollWidth - document.documentElement.clientWidth"
                )
                wide += [(path, options, width)] if width > 0 else []
                found = Axe().run(page, context=".h-page, .hp-card, .hp-scroll").response["violations"]
                barriers += [f"{path}: {v['id']} {v['nodes'][0]['html'][:160]}" for v in found]
    assert wide == []
    assert barriers == []
    assert site.wrong == []
