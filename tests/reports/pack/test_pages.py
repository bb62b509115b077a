"""The reports pages and their addresses in the API: members see their portfolio's reports, strangers none of them."""

from __future__ import annotations

import pytest
from django.urls import reverse

from portfolio.models import User
from reports.models import ReportRun, Schedule
from tests.reports.figures_cast import Figures, assemble_with_figures
from tests.reports.pack.cast import archived

pytestmark = pytest.mark.django_db

MAIL = b"<p>Mail with <img src='cid:portfolio-chart'></p>"
FILES = {"html": MAIL, "png": b"\x89PNG", "pdf": b"%PDF-1.7", "xlsx": b"PK", "csv": b"code\r\n"}


@pytest.fixture
def figures() -> Figures:
    """A portfolio with figures."""
    return assemble_with_figures()


def test_members_see_reports_and_strangers_do_not(figures: Figures) -> None:
    """Pages, downloads and API answer a member, and a stranger as if nothing were there."""
    report = archived(figures, FILES)
    mine, theirs = figures.cast.client("vera"), figures.cast.client("mallory")
    page = reverse("admin:reports_report", args=[report.public_id])
    download = reverse("admin:reports_report_download", args=[report.public_id, "pdf"])
    api = f"/api/v1/reports/{report.public_id}"
    for address in (page, download, api, f"{api}/derivation", f"{api}/files/pdf"):
        assert mine.get(address).status_code == 200, address
        assert theirs.get(address).status_code == 404, address
    assert mine.get(download).content == FILES["pdf"]
    assert "data:image/png;base64," in mine.get(page).content.decode()
    inner = reverse("admin:reports_report_download", args=[report.public_id, "html"])
    assert mine.get(inner).status_code == 404
    assert theirs.get("/api/v1/reports").json()["results"] == []
    (row,) = mine.get("/api/v1/reports").json()["results"]
    assert (row["content_hash"], row["formats"]) == (report.content_hash, ["pdf", "xlsx", "csv"])
    told = mine.get(f"{api}/derivation").json()
    assert told == {"is_same": True, "content_hash": report.content_hash, "differences": []}
    said = mine.get(api).json()
    assert said["content"] == report.content
    shown = mine.post(reverse("admin:reports_report_derive", args=[report.public_id]), follow=True)
    assert "to the same hash" in shown.content.decode()


def test_the_page_lists_the_archive_and_offers_schedules_to_finance(figures: Figures) -> None:
    """Everybody reads; only finance and administrators set what leaves by the calendar."""
    report = archived(figures, FILES)
    address = reverse("admin:reports_reports")
    seen = figures.cast.client("vera").get(address).content.decode()
    assert report.content_hash[:12] in seen
    assert "Add a schedule" not in seen
    client = figures.cast.client("finn")
    assert "Add a schedule" in client.get(address).content.decode()
    answers = {
        "portfolio": "CX",
        "audience": "weekly_digest",
        "day": "12",
        "weekday": "2",
        "hour": "7",
        "recipients": ["role:viewer"],
        "formats": ["pdf"],
    }
    assert figures.cast.client("vera").post(reverse("admin:reports_schedule_new"), answers).status_code == 404
    stored = client.post(reverse("admin:reports_schedule_new"), answers, follow=True).content.decode()
    assert "Wednesdays, 07:00 UTC" in stored
    schedule = Schedule.objects.get()
    assert (schedule.day, schedule.hour, schedule.author) == (2, 7, User.objects.get(username="finn"))
    refused = client.post(reverse("admin:reports_schedule_new"), answers | {"hour": "25"}, follow=True)
    assert "The hour lies between 0 and 23." in refused.content.decode()
    client.post(reverse("admin:reports_schedule_switch", args=[schedule.public_id]))
    schedule.refresh_from_db()
    assert not schedule.is_active


def test_a_preview_stores_nothing_and_shows_what_would_be_sent(figures: Figures) -> None:
    """The preview has the figures of the pack; only “Send to me” makes a run, and for nobody else."""
    client = figures.cast.client("vera")
    address = reverse("admin:reports_report_preview")
    shown = client.get(address, {"portfolio": "CX", "audience": "monthly_pack"}).content.decode()
    assert "(26.3%)" in shown
    assert "+2.7 pp" in shown
    assert not ReportRun.objects.exists()
    sent = {"portfolio": "CX", "audience": "monthly_pack", "month": "2025-12", "formats": ["pdf"]}
    client.post(reverse("admin:reports_report_send"), sent)
    run = ReportRun.objects.get()
    assert run.recipients == [f"user:{figures.cast.people['vera'].public_id}"]
    assert (run.state, f"{run.month:%Y-%m}", run.formats) == ("waiting", "2025-12", ["pdf"])
    for wrong in ({"audience": "novel"}, {"audience": "monthly_pack", "month": "2025-13"}):
        assert client.get(address, {"portfolio": "CX", **wrong}).status_code == 404
    stranger = figures.cast.client("mallory")
    assert stranger.get(address, {"portfolio": "CX", "audience": "monthly_pack"}).status_code == 404
    assert stranger.post(reverse("admin:reports_report_send"), sent).status_code == 404


def test_a_portfolio_without_a_closed_month_says_what_to_do(figures: Figures) -> None:
    """The page is empty in words, and a preview is refused with a sentence."""
    client = figures.cast.client("mallory")
    assert "Close a month first" in client.get(reverse("admin:reports_reports")).content.decode()
    asked = {"portfolio": "OT", "audience": "monthly_pack"}
    answer = client.get(reverse("admin:reports_report_preview"), asked, follow=True).content.decode()
    assert "No month of OT is closed yet" in answer
