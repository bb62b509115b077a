"""The README's tour leads where it says, and the files it shows can be imported."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.management import call_command
from django.utils import timezone

from alerts import evaluate
from alerts.models import Episode, Event, Notification
from portfolio import importers, ingest, investments, months
from portfolio.models import Investment, Membership, Portfolio, User
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
        "TCO 54,000, benefit 36,000, ROI −33.3 %",
        "−16.7 %",
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
