"""The month grid and the pages around it in real Chromium: paste, keys, errors, saving; nothing refused."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.servers.basehttp import ThreadedWSGIServer
from django.core.wsgi import get_wsgi_application
from django.test.testcases import QuietWSGIRequestHandler
from playwright.sync_api import Page, expect, sync_playwright
from pytest_django import Settings

from portfolio import months
from portfolio.models import Batch, Cell, Membership
from tests import servers
from tests.reports.cast import START, Cast, assemble, money
from tests.reports.outbox.test_outbox import put

CHROMIUM = Path("/usr/bin/chromium")
PHONE = {"width": 390, "height": 844}
GRID = "/admin/grid/?portfolio=CX&account=model_api&year=2026"
FEBRUARY = date(2026, 2, 1)
MAIL = "<table><tr><td style='color:#333'><a href='http://x.test/'>Open</a><script>bad()</script></td></tr></table>"

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="Chromium is not installed (/usr/bin/chromium)."),
]


@dataclass
class Site:
    """The running site, who is signed in how, and everything that went wrong in the browser."""

    address: str
    cast: Cast
    cookies: dict[str, str]
    wrong: list[str] = field(default_factory=list)

    def watch(self, page: Page) -> Page:
        """Collect what the browser refuses or fails to load."""
        page.on("console", lambda m: self.wrong.append(m.text) if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        return page


@pytest.fixture
def site(fresh_database: servers.TestDatabase, settings: Settings) -> Iterator[Site]:
    """Serve the site over a database of its own; January is locked, February closed."""
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    }
    settings.WHITENOISE_AUTOREFRESH = True
    cast = assemble()
    cast.record(
        money(cast.support, START, "model_api", "100"), money(cast.support, FEBRUARY, "model_api", "200")
    )
    cast.record(money(cast.support, FEBRUARY, "model_api", "50"), source="api")
    cast.close(START, FEBRUARY)
    months.lock(cast.portfolio, [START], now=datetime.now(UTC), actor=cast.people["finn"])
    Membership.objects.filter(user=cast.people["mallory"]).delete()
    server = ThreadedWSGIServer(("127.0.0.1", 0), QuietWSGIRequestHandler)
    server.daemon_threads = True
    server.set_app(StaticFilesHandler(get_wsgi_application()))
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    cookies = {name: cast.client(name).cookies["session"].value for name in ("finn", "vera", "mallory")}
    yield Site(f"http://127.0.0.1:{server.server_address[1]}", cast, cookies)
    server.shutdown()
    server.server_close()
    thread.join()


@contextmanager
def opened(site: Site, path: str, name: str = "finn", **options: Any) -> Iterator[Page]:
    """Open an address in Chromium, signed in as one of the cast."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        context = chromium.new_context(**{"viewport": {"width": 1440, "height": 900}} | options)
        context.set_default_timeout(15_000)
        context.add_cookies([{"name": "session", "value": site.cookies[name], "url": site.address}])
        page = site.watch(context.new_page())
        page.goto(site.address + path)
        yield page
        chromium.close()


def box(page: Page, code: str, month: str) -> Any:
    """Return the box of an investment and a month."""
    column = page.locator("thead th[data-month]").evaluate_all(
        "(heads, month) => heads.findIndex((each) => each.dataset.month === month)", month
    )
    return page.locator(f"tr[data-investment={code}] input").nth(column)


def paste(page: Page, target: Any, text: str) -> None:
    """Paste a text into a box as a spreadsheet would give it."""
    target.evaluate(
        """(input, text) => {
            const data = new DataTransfer();
            data.setData("text/plain", text);
            input.focus();
            const options = { clipboardData: data, bubbles: true, cancelable: true };
            input.dispatchEvent(new ClipboardEvent("paste", options));
        }""",
        text,
    )


def test_a_block_is_pasted_checked_and_saved(site: Site) -> None:
    """Four cells in, one wrong: nothing is saved until it is right; then one batch holds them all."""
    with opened(site, GRID) as page:
        paste(page, box(page, "AI-001", "2026-03"), "1,000\t(2,000)\r\n3,000.5\t4.000,00\r\n")
        expect(page.locator("#unsaved")).to_have_text("● 4 unsaved changes")
        expect(page.locator("#status")).to_contain_text("1 cannot be read")
        expect(box(page, "AI-002", "2026-04")).to_have_attribute("aria-invalid", "true")
        page.click("#save")
        expect(page.locator("#status")).to_contain_text("Nothing was saved: 1 of 4")
        expect(page.locator("#errors")).to_contain_text("AI-002, 2026-04: The separators do not fit")
        site.wrong.clear()  # the refused save itself
        box(page, "AI-002", "2026-04").fill("4,000")
        expect(page.locator("#understood")).to_contain_text("understood “4,000” as 4000")
        page.keyboard.press("Control+s")
        expect(page.locator("#status")).to_have_text("Saved: 4 new, 0 changed.")
        expect(page.locator("#unsaved")).to_be_hidden()
        expect(box(page, "AI-002", "2026-03")).to_have_value("3,000.50")
        page.reload()
        expect(box(page, "AI-001", "2026-04")).to_have_value("(2,000)")
    assert site.wrong == []
    last = Batch.objects.latest("id")
    assert sorted(Cell.objects.filter(batch=last).values_list("amount", flat=True)) == [
        -2000,
        1000,
        3000.5,
        4000,
    ]


def test_keys_move_and_take_back(site: Site) -> None:
    """Enter and arrows move, Esc takes one cell back, the button all of them."""
    with opened(site, GRID) as page:
        first = box(page, "AI-001", "2026-03")
        first.fill("7")
        page.keyboard.press("Enter")
        expect(box(page, "AI-002", "2026-03")).to_be_focused()
        page.keyboard.type("8")
        page.keyboard.press("ArrowRight")
        expect(box(page, "AI-002", "2026-04")).to_be_focused()
        page.keyboard.press("ArrowUp")
        expect(box(page, "AI-001", "2026-04")).to_be_focused()
        first.focus()
        page.keyboard.press("Escape")
        expect(first).to_have_value("")
        expect(page.locator("#unsaved")).to_have_text("● 1 unsaved change")
        page.click("#revert")
        expect(box(page, "AI-002", "2026-03")).to_have_value("")
        expect(page.locator("#save")).to_be_disabled()
    assert site.wrong == []


def test_shut_months_closed_months_and_nil(site: Site) -> None:
    """A locked cell resists the paste, a closed one asks why, a cleared one says that it becomes nil."""
    with opened(site, GRID) as page:
        paste(page, box(page, "AI-001", "2026-01"), "9\t")
        expect(page.locator("#status")).to_contain_text("1 left as they were")
        expect(box(page, "AI-001", "2026-01")).to_have_value("100")
        expect(page.locator("#understood")).to_contain_text("2026-01 is locked")
        closed = box(page, "AI-001", "2026-02")
        closed.focus()
        expect(page.locator("#understood")).to_contain_text("recorded as nil")
        page.fill("#reason", "It was another project's.")
        page.click("#save")
        expect(page.locator("#status")).to_have_text("Saved: 0 new, 1 changed, 1 restated.")
        expect(closed).to_have_value("nil")
    assert site.wrong == []
    assert Batch.objects.latest("id").reason == "It was another project's."


def test_every_page_fits_in_light_dark_and_on_a_phone(site: Site) -> None:
    """No violation of the policy, no error, no sideways scrolling, also where there is nothing yet."""
    mail = put(site.cast.portfolio, rendered={"subject": "S", "text": "t", "html": MAIL})
    Membership.objects.create(user=site.cast.people["finn"], portfolio=site.cast.portfolio, role="admin")
    paths = (
        GRID,
        "/admin/grid/?portfolio=CX&by=investment&investment=AI-001",
        "/admin/imports/",
        "/admin/months/",
        "/admin/outbox/",
        f"/admin/outbox/{mail.pk}/",
        "/admin/outbox/test/",
        "/admin/targets/CX/",
        "/admin/targets/CX/new/webhook/",
        "/admin/exchange-rates/",
        "/admin/rates/",
        "/admin/portfolio/portfolio/",
    )
    looks: tuple[dict[str, Any], ...] = ({}, {"viewport": PHONE, "color_scheme": "dark"})
    wide = []
    for options in looks:
        with opened(site, "/admin/months/", **options) as page:
            for path in paths:
                page.goto(site.address + path, wait_until="networkidle")
                width = page.evaluate(
                    "document.documentElement.scrollWidth - document.documentElement.clientWidth"
                )
                wide += [(path, options, width)] if width > 0 else []
    with opened(site, "/admin/grid/", "mallory") as page:
        for path in ("/admin/grid/", "/admin/imports/", "/admin/months/", "/admin/outbox/"):
            page.goto(site.address + path)
            expect(page.locator(".hp-empty")).to_be_visible()
    assert wide == []
    # The frame around a mail may not run its scripts, and the browser says so: that one sentence is wanted.
    assert [each for each in site.wrong if "about:srcdoc" not in each] == []


def test_a_mail_in_its_frame_is_drawn(site: Site) -> None:
    """The policy lets the mail be seen, and its script not run."""
    mail = put(site.cast.portfolio, rendered={"subject": "S", "text": "t", "html": MAIL})
    with opened(site, f"/admin/outbox/{mail.pk}/", "vera") as page:
        frame = page.frame_locator("iframe")
        expect(frame.get_by_text("Open")).to_be_visible()
        assert frame.locator("td").evaluate("(cell) => getComputedStyle(cell).color") == "rgb(51, 51, 51)"
