"""The overview and the investment pages in real Chromium: they draw, they fit, and nothing is refused."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.servers.basehttp import ThreadedWSGIServer
from django.core.wsgi import get_wsgi_application
from django.test.testcases import QuietWSGIRequestHandler
from django.urls import reverse
from playwright.sync_api import BrowserContext, Page, sync_playwright
from pytest_django import Settings

from portfolio.models import Membership
from tests import servers
from tests.reports.figures_cast import Figures, assemble_with_figures

CHROMIUM = Path("/usr/bin/chromium")
ROOT = Path(__file__).resolve().parents[2]
PHONE = {"width": 390, "height": 844}
TABS = ("figures", "months", "ledger", "alerts", "explain", "edit")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="Chromium is not installed (/usr/bin/chromium)."),
]


@dataclass
class Site:
    """The running site, and everything that went wrong in the browser."""

    address: str
    figures: Figures
    cookies: dict[str, dict[str, Any]]
    wrong: list[str] = field(default_factory=list)

    def watch(self, page: Page) -> Page:
        """Collect what the browser refuses or fails to load."""
        page.on("console", lambda m: self.wrong.append(m.text) if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        page.on("response", lambda r: self.wrong.append(f"{r.status} {r.url}") if r.status >= 400 else None)
        return page

    def investment(self, tab: str = "figures") -> str:
        """Return the address of the support investment."""
        path = reverse("admin:portfolio_investment_change", args=[self.figures.support.pk])
        return f"{self.address}{path}?tab={tab}"


@pytest.fixture(scope="session")
def chart_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the chart library once, in a process of its own: its engine must not live where others fork."""
    into = tmp_path_factory.mktemp("static")
    command = [sys.executable, "manage.py", "build_static", "--into", str(into)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return into


@pytest.fixture
def site(fresh_database: servers.TestDatabase, chart_library: Path, settings: Settings) -> Iterator[Site]:
    """Serve the site over a database of its own; everything is loaded before a browser starts."""
    settings.STATICFILES_DIRS = [chart_library]
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    }
    settings.WHITENOISE_AUTOREFRESH = True
    figures = assemble_with_figures()
    nobody = figures.cast.people["mallory"]
    Membership.objects.filter(user=nobody).delete()
    server = ThreadedWSGIServer(("127.0.0.1", 0), QuietWSGIRequestHandler)
    # Waited for at the end: a thread still at work would hold the database that is about to go.
    server.daemon_threads = False
    server.set_app(StaticFilesHandler(get_wsgi_application()))
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    address = f"http://127.0.0.1:{server.server_address[1]}"
    cookies = {}
    for name in ("olivia", "vera", "mallory"):
        morsel = figures.cast.client(name).cookies["session"]
        cookies[name] = {"name": "session", "value": morsel.value, "url": address}
    yield Site(address, figures, cookies)
    server.shutdown()
    server.server_close()
    thread.join()


@contextmanager
def browser(site: Site, name: str = "olivia", **options: Any) -> Iterator[BrowserContext]:
    """Open Chromium signed in as one of the cast."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        context = chromium.new_context(**{"viewport": {"width": 1440, "height": 900}} | options)
        context.set_default_timeout(15_000)
        context.add_cookies([site.cookies[name]])  # type: ignore[list-item]
        yield context
        chromium.close()


def open_page(site: Site, page: Page, address: str) -> None:
    """Open an address and wait until it is shown, its chart included."""
    page.goto(address)
    page.wait_for_function("!document.documentElement.hasAttribute('x-cloak')")
    if page.locator("[data-chart]").count():
        page.wait_for_selector("[data-drawn] svg")


def test_the_chart_is_drawn_and_follows_the_theme(site: Site) -> None:
    """Under the site's own security policy, in light and dark, with its sentence for screen readers."""
    with browser(site) as context:
        page = site.watch(context.new_page())
        open_page(site, page, site.investment())
        page.wait_for_selector("[data-drawn=light] svg")
        sentence = page.get_by_role("img", name="Breakeven was reached in 2025-12.")
        assert sentence.locator("svg").count() == 1
        assert "Jan 25" in page.locator("[data-chart]").inner_text()
        page.evaluate("document.documentElement.classList.add('dark')")
        page.wait_for_selector("[data-drawn=dark] svg")
    assert site.wrong == []


def test_months_carry_their_own_names_west_of_greenwich(site: Site) -> None:
    """January is not December in New York."""
    with browser(site, timezone_id="America/New_York") as context:
        page = site.watch(context.new_page())
        open_page(site, page, site.investment())
        page.wait_for_selector("[data-drawn=light] svg")
        words = page.locator("[data-chart]").inner_text()
        assert "Jan 25" in words
        assert "Dec 24" not in words


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_is_clean_and_accessible(site: Site, scheme: str) -> None:
    """No refused script, no missing file, no error; our part of each page passes the accessibility rules."""
    pages = [
        f"{site.address}{reverse('admin:index')}",
        f"{site.address}{reverse('admin:portfolio_investment_changelist')}",
        f"{site.address}{reverse('admin:portfolio_investment_add')}",
        *(site.investment(tab) for tab in TABS),
    ]
    if scheme == "dark":
        # The markup is the same: only pages with every tone of color are looked at again.
        pages = [pages[0], site.investment("figures"), site.investment("alerts")]
    found: list[str] = []
    with browser(site, color_scheme=scheme) as context:
        page = site.watch(context.new_page())
        for address in pages:
            open_page(site, page, address)
            if page.locator(".h-page").count():
                result = Axe().run(page, context=".h-page")
                broken = result.response["violations"]
                found += [f"{address}: {v['id']} {v['nodes'][0]['html'][:160]}" for v in broken]
    assert site.wrong == []
    assert found == []


def test_pages_fit_a_phone(site: Site) -> None:
    """At 390 pixels nothing but tables scrolls sideways."""
    with browser(site, viewport=PHONE) as context:
        page = site.watch(context.new_page())
        paths = (reverse("admin:index"), reverse("admin:portfolio_investment_changelist"))
        for address in (*(f"{site.address}{path}" for path in paths), *(site.investment(t) for t in TABS)):
            open_page(site, page, address)
            assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], address
    assert site.wrong == []


def test_somebody_without_a_portfolio_reads_what_to_do(site: Site) -> None:
    """The empty state is a sentence, and the page is clean."""
    with browser(site, "mallory") as context:
        page = site.watch(context.new_page())
        open_page(site, page, f"{site.address}{reverse('admin:index')}")
        assert "not a member of any portfolio yet" in page.inner_text(".h-page")
    assert site.wrong == []


def test_a_viewer_finds_the_way_from_the_overview_to_the_explanation(site: Site) -> None:
    """Overview, investment, explanation: by clicks alone."""
    with browser(site, "vera") as context:
        page = site.watch(context.new_page())
        open_page(site, page, f"{site.address}{reverse('admin:index')}")
        page.locator(".h-page").get_by_role("link", name="Support automation").first.click()
        page.get_by_role("link", name="explain").first.click()
        page.wait_for_selector(".h-formula")
        assert "1.0%" in page.inner_text(".h-result")
    assert site.wrong == []
