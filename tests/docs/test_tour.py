"""The README's tour leads where it says, and the files it shows can be imported."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from alerts import evaluate
from alerts.models import Episode, Event, Notification
from portfolio import importers, ingest, investments, months
from portfolio.models import ImportRun, Investment, Membership, Portfolio, User
from portfolio.terms import add_months
from roi.models import Snapshot
from tests.docs.pages import DOCS, ROOT, blocks

README = ROOT / "README.md"
HOW_TO = DOCS / "how-to" / "import-actuals.md"
START = date(2026, 1, 1)


def only_csv(page: Path) -> str:
    (_, text), *others = blocks(page, "csv")
    assert not others
    return text


@pytest.fixture
def notes(db: None) -> Investment:
    """Return the tour's investment, in a portfolio of its own, with Olivia as its owner."""
    olivia = User.objects.create(username="olivia", email="olivia@example.org")
    lab = Portfolio.objects.create(code="LAB", name="Lab")
    Membership.objects.create(user=olivia, portfolio=lab, role="owner")
    investment = Investment(
        portfolio=lab,
        code="LAB-NOTES",
        name="Meeting notes",
        owner=olivia,
        start_month=START,
        live_month=START,
    )
    return investments.put(investment, now=timezone.now())


@pytest.fixture
def closed(notes: Investment, tmp_path: Path) -> Investment:
    """Return the investment after steps 3 to 5: imported by command, six months closed, judged."""
    file = tmp_path / "notes.csv"
    file.write_text(only_csv(README))
    call_command("import_actuals", str(file), commit=True)
    assert months.close(notes.portfolio, [add_months(START, i) for i in range(6)], now=timezone.now())
    evaluate.advance(now=timezone.now())
    return notes


def test_the_preview_counts_what_the_tour_says(notes: Investment) -> None:
    run = ingest.stage(only_csv(README).encode(), file_name="notes.csv", user=notes.owner, now=timezone.now())
    assert (run.new_count, run.rejected_count) == (13, 0)
    assert "13 new values" in README.read_text()


def test_the_figures_are_those_of_the_tour(closed: Investment) -> None:
    newest = Snapshot.objects.filter(investment=closed).latest("month")
    assert (newest.tco, newest.cumulative_benefit_supported) == (Decimal(54_000), Decimal(36_000))
    assert (newest.window_benefit_supported, newest.window_avoidable_run_cost) == (10_000, 12_000)
    assert f"{newest.roi_supported:.1%}".replace("-", "−") == "−33.3%"
    assert f"{newest.incremental_roi_supported:.1%}".replace("-", "−") == "−16.7%"
    for words in (
        "TCO 54,000, benefit 36,000, ROI (33.3%)",
        "(16.7%)",
        "10,000 came in and\n12,000 went out",
    ):
        assert words in README.read_text()


def test_one_alert_is_told_by_email_and_slack(closed: Investment) -> None:
    episode = Episode.objects.get(investment=closed)
    assert (episode.rule, episode.fired_month) == ("negative_roi", date(2026, 6, 1))
    told = Notification.objects.order_by("channel").values_list("channel", "address")
    assert list(told) == [("email", "olivia@example.org"), ("slack", "")]


def test_the_correction_asks_why_and_retracts(closed: Investment) -> None:
    corrected = only_csv(README).replace("2500", "5500")
    run = ingest.stage(corrected.encode(), file_name="notes.csv", user=closed.owner, now=timezone.now())
    assert (run.new_count, run.changed_count, run.rows.filter(is_restatement=True).count()) == (0, 1, 1)
    with pytest.raises(ingest.IngestError, match="reason"):
        ingest.commit(run, user=closed.owner, now=timezone.now())
    ingest.commit(run, user=closed.owner, now=timezone.now(), reason="Hours of June were counted late.")
    evaluate.advance(now=timezone.now())
    assert list(Event.objects.order_by("kind").values_list("kind", flat=True)) == ["fired", "retracted"]
    assert Notification.objects.filter(message__kind="retracted").count() == 2


@pytest.mark.parametrize(("line", "text"), list(blocks(HOW_TO, "csv")))
def test_files_shown_are_read_without_a_rejected_value(line: int, text: str) -> None:
    parsed = importers.parse(text.encode())
    assert parsed.is_clean, parsed.errors
    assert not parsed.warnings


def test_the_console_takes_every_step(db: None) -> None:
    """Steps 1 to 5 and 8 as a browser sends them: forms open, buttons work, the words are on the page."""
    olivia = User.objects.create(username="olivia", email="olivia@example.org", is_staff=True)
    admin = User.objects.create(username="admin", is_staff=True, is_superuser=True)
    browser = Client()
    browser.force_login(admin)
    send(browser, "portfolio_portfolio_add", SETTINGS | lines("memberships") | lines("targets"))
    lab = Portfolio.objects.get(code="LAB")
    member = lines("memberships", {"user": olivia.pk, "role": "owner"}) | lines("targets")
    send(browser, "portfolio_portfolio_change", SETTINGS | member, lab.pk)
    terms = TERMS | lines("hypotheses") | lines("deployments") | {"portfolio": lab.pk, "owner": olivia.pk}
    send(browser, "portfolio_investment_add", terms)
    page = uploaded(browser, only_csv(README))
    assert "Ready: 13 new and 0 changed" in page
    commit(browser)
    chosen = [f"2026-{number:02d}" for number in range(1, 7)]
    months_page = reverse("admin:reports_months_change")
    browser.post(months_page, {"portfolio": "LAB", "month": chosen, "act": "close", "reason": ""})
    evaluate.advance(now=timezone.now())
    assert Episode.objects.get(investment__code="LAB-NOTES").rule == "negative_roi"
    assert "Why do closed months change?" in uploaded(browser, only_csv(README).replace("2500", "5500"))


SETTINGS: dict[str, object] = {
    "code": "LAB",
    "name": "Lab",
    "reporting_currency": "USD",
    "time_zone": "UTC",
    "fiscal_year_start_month": 1,
    "close_day": 10,
    "norm_band_start_months": 9,
    "norm_band_end_months": 24,
    "exploration_share": 0,
    "materiality_threshold": 100_000,
    "digest_hour": 8,
    "weekend": "56",
    "review_cadence_months": "3",
    "review_business_days": "10",
    "risk_aversion": "0.5",
}
TERMS: dict[str, object] = {
    "code": "LAB-NOTES",
    "name": "Meeting notes",
    "value_category": "cost_savings",
    "stage": "pilot",
    "start_month": "2026-01-01",
    "live_month": "2026-01-01",
    "horizon_months": 36,
}


def lines(name: str, *filled: dict[str, object]) -> dict[str, object]:
    """Return the lines of an inline form."""
    form: dict[str, object] = {f"{name}-TOTAL_FORMS": len(filled), f"{name}-INITIAL_FORMS": 0}
    for number, line in enumerate(filled):
        form |= {f"{name}-{number}-{key}": value for key, value in line.items()}
    return form


def send(browser: Client, page: str, form: dict[str, object], *args: int) -> None:
    answer = browser.post(reverse(f"admin:{page}", args=args), form)
    assert answer.status_code == 302, answer.content.decode()


def uploaded(browser: Client, text: str) -> str:
    answers = {"notation": "point", "month_format": "YYYY-MM", "book": "actual", "source": "actuals"}
    file = SimpleUploadedFile("notes.csv", text.encode())
    page = browser.post(reverse("admin:reports_imports"), answers | {"file": file}, follow=True)
    return page.content.decode()


def commit(browser: Client) -> None:
    run = ImportRun.objects.latest("pk")
    browser.post(reverse("admin:reports_import_commit", args=[run.public_id]), {"reason": ""})
    run.refresh_from_db()
    assert (run.status, run.new_count) == ("committed", 13)
