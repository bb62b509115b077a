"""Reports leave through the outbox: once a period, to whoever may see the portfolio, with what was archived."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes, policy
from types import SimpleNamespace
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from alerts import envelopes, outbox, unsubscriptions
from alerts.channels import email as email_channel
from alerts.models import Notification, Target
from alerts.outbox import Claim
from portfolio.models import Membership, User
from reports import archive, pack_mail, schedules
from reports.models import ArchivedReport, ReportFile, ReportRun, Schedule
from reports.schedules import Due, ScheduleError
from tests.reports.figures_cast import LAST, Figures, assemble_with_figures

pytestmark = pytest.mark.django_db

PICTURE = b"\x89PNG\r\n\x1a\n picture"
FILES = {"pdf": b"%PDF-1.7", "xlsx": b"PK workbook", "csv": b"code\r\n"}


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> Figures:
    """A portfolio with figures; its reports are laid out without the drawing engine, which has tests of its own."""

    def files_of(frozen: archive.Frozen, *, path: str) -> dict[str, bytes]:
        html = pack_mail.html(frozen.shown(), path=path, picture_words="", picture_at="cid:portfolio-chart")
        return {archive.MAIL: html.encode(), archive.PICTURE: PICTURE, **FILES}

    monkeypatch.setattr(archive, "files_of", files_of)
    return assemble_with_figures()


def schedule(figures: Figures, *recipients: str, audience: str = "monthly_pack", day: int = 1) -> Schedule:
    """Store a schedule that was made before everything else."""
    made = Schedule(
        portfolio=figures.cast.portfolio,
        audience=audience,
        day=day,
        hour=0,
        recipients=list(recipients),
        formats=["pdf"],
        created_at=datetime(2025, 1, 1, tzinfo=UTC),
    )
    return schedules.save(made)


def user(figures: Figures, name: str) -> str:
    """Return one of the cast as a recipient."""
    return f"user:{figures.cast.people[name].public_id}"


def claim_of(row: Notification) -> Claim:
    """Return a notification as the relay hands it on."""
    now = datetime.now(UTC)
    return Claim(
        id=row.pk,
        portfolio_id=row.portfolio_id,
        user_id=row.user_id,
        event_id=None,
        channel=row.channel,
        address=row.address,
        thread_key=row.thread_key,
        seq=row.seq,
        message=row.message,
        attempt=1,
        token=uuid4(),
        claimed_at=now,
        is_repeat=False,
        was_uncertain=False,
        created_at=row.created_at,
    )


def ask(figures: Figures, name: str = "vera", audience: str = "monthly_pack") -> ReportRun:
    """Let a report be made for one of the cast."""
    person = figures.cast.people[name]
    return schedules.ask(figures.cast.portfolio, audience, by=person, now=datetime.now(UTC), month=LAST)


def test_a_report_that_was_asked_for_is_archived_and_sent_once(figures: Figures) -> None:
    """One run, one report, one message; working off again makes nothing more."""
    run = ask(figures)
    assert schedules.run_due(now=datetime.now(UTC)) == 1
    assert schedules.run_due(now=datetime.now(UTC)) == 0
    run.refresh_from_db()
    report = ArchivedReport.objects.get()
    assert (run.state, run.report) == ("made", report)
    row = Notification.objects.get(message__kind="report")
    assert (row.user, row.channel, row.state) == (figures.cast.people["vera"], "email", "pending")
    assert row.message["content_hash"] == report.content_hash
    assert archive.derive(report).is_same


def test_the_message_carries_references_and_the_mail_the_files(figures: Figures) -> None:
    """The row names the report; the mail has text, HTML with the picture beside it, and the files asked for."""
    ask(figures)
    schedules.run_due(now=datetime.now(UTC))
    row = Notification.objects.get(message__kind="report")
    assert "%PDF" not in str(row.message)
    message = envelopes.message_of(claim_of(row))
    mail = message_from_bytes(email_channel._mail(message, row.address, None), policy=policy.default)
    parts = [(p.get_content_type(), p.get_filename(), p.get_content_disposition()) for p in mail.walk()]
    assert parts == [
        ("multipart/mixed", None, None),
        ("multipart/alternative", None, None),
        ("text/plain", None, None),
        ("multipart/related", None, None),
        ("text/html", None, None),
        ("image/png", "chart.png", "inline"),
        ("application/pdf", "CX-monthly-pack-2025-12.pdf", "attachment"),
        (
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            "CX-monthly-pack-2025-12.xlsx",
            "attachment",
        ),
    ]
    (picture,) = (p for p in mail.walk() if p.get_content_type() == "image/png")
    assert picture["Content-ID"] == "<portfolio-chart>"
    assert picture.get_content() == PICTURE
    assert next(p for p in mail.walk() if p.get_filename() == parts[6][1]).get_content() == FILES["pdf"]
    assert "cid:portfolio-chart" in message.html
    kept = envelopes.kept(email_channel.EmailChannel().describe(message, row.address), message)
    assert [each["name"] for each in kept["files"]] == [parts[6][1], parts[7][1]]


def test_chat_gets_the_headline_figures_and_the_link(figures: Figures) -> None:
    """A channel without files shows the same numbers as the mail, and leads to the report."""
    ask(figures)
    schedules.run_due(now=datetime.now(UTC))
    row, report = Notification.objects.get(message__kind="report"), ArchivedReport.objects.get()
    message = envelopes.message_of(claim_of(row))
    shown = archive.of(report).shown()
    assert dict(message.facts)["ROI to date"] == f"{shown['tiles'][3]['value']}, +2.7 pp since Nov 2025"
    assert message.link.endswith(f"/reports/{report.public_id}/")
    assert "Monthly business review of CX, Dec 2025" in message.subject


def test_who_lost_access_gets_nothing_and_the_reason_is_stored(figures: Figures) -> None:
    """A named recipient without membership is written down as suppressed; members of a role are sent to."""
    made = schedule(figures, user(figures, "vera"), "role:finance")
    Membership.objects.filter(user=figures.cast.people["vera"]).delete()
    ReportRun.objects.create(
        schedule=made,
        period="2025-12",
        portfolio=made.portfolio,
        audience=made.audience,
        month=LAST,
        recipients=made.recipients,
        next_at=datetime.now(UTC),
        created_at=datetime.now(UTC),
    )
    schedules._work_off(schedules._take(now=datetime.now(UTC)), now=datetime.now(UTC))
    rows = {r.user.username: r for r in Notification.objects.filter(message__kind="report")}
    assert set(rows) == {"vera", "finn", "fiona"}
    assert (rows["vera"].state, rows["vera"].suppressed_by) == ("suppressed", "no_access")
    assert "no member" in rows["vera"].state_reason
    assert rows["finn"].state == rows["fiona"].state == "pending"


def test_an_owner_who_is_no_member_is_barred_at_sending(figures: Figures) -> None:
    """Owning one investment opens alerts about it, and never a report about the whole portfolio."""
    ask(figures, "olivia")
    schedules.run_due(now=datetime.now(UTC))
    row = Notification.objects.get(message__kind="report")
    assert outbox.suppression(claim_of(row)) is None
    Membership.objects.filter(user=figures.cast.people["olivia"]).delete()
    barred = outbox.suppression(claim_of(row))
    assert barred is not None
    assert barred.code == "no_access"


def test_a_target_of_the_portfolio_can_be_a_recipient_and_another_one_not(figures: Figures) -> None:
    """Strangers, foreign targets and words that are nobody are refused when a schedule is stored."""
    cast = figures.cast
    mine = Target.objects.create(
        portfolio=cast.portfolio, channel="email", address="board@example.com", label="Board"
    )
    theirs = Target.objects.create(portfolio=cast.other, channel="email", address="x@example.com", label="X")
    assert schedule(figures, f"target:{mine.public_id}").pk
    for wrong in (f"target:{theirs.public_id}", user(figures, "mallory"), "role:king", "user:nobody"):
        with pytest.raises(ScheduleError, match="nobody who may see"):
            schedule(figures, wrong)
    with pytest.raises(ScheduleError, match="at least one"):
        schedule(figures)


def test_no_overdue_review_means_no_mail(figures: Figures) -> None:
    """Silence is said in the run, and nobody is written to."""
    run = ask(figures, audience="overdue_reviews")
    schedules.run_due(now=datetime.now(UTC))
    run.refresh_from_db()
    assert (run.state, run.report) == ("nothing", None)
    assert "No review is overdue" in run.reason
    assert not Notification.objects.filter(message__kind="report").exists()


def test_overdue_reviews_are_listed_with_their_owners(figures: Figures) -> None:
    """A review date that has passed without a decision leaves as a mail of its own."""
    cast = figures.cast
    type(cast.coding).objects.filter(pk=cast.coding.pk).update(review_date=date(2026, 1, 15))
    ask(figures, audience="overdue_reviews")
    schedules.run_due(now=datetime.now(UTC))
    row = Notification.objects.get(message__kind="report")
    assert row.message["title"] == "CX: 1 overdue review"
    text = envelopes.message_of(claim_of(row)).text
    assert "AI-002 Coding assistant: Regular review, due 2026-01-15" in text
    assert "olivia" in text


def test_two_beats_note_a_period_once(figures: Figures, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even when neither sees the other's row, the database keeps one."""
    made = schedule(figures, "role:viewer", audience="weekly_digest", day=0)
    now = datetime.now(UTC)
    assert schedules.note_due(now=now) == 1
    assert schedules.note_due(now=now) == 0
    monkeypatch.setattr(schedules, "_known", lambda found: set())
    schedules.note_due(now=now)
    assert ReportRun.objects.filter(schedule=made).count() == 1


def test_a_run_that_is_being_made_is_left_alone_until_its_lease_ends(figures: Figures) -> None:
    """Whoever comes second takes nothing; after the lease the run is taken over, and the first writes nothing."""
    ask(figures)
    now = datetime.now(UTC)
    first = schedules._take(now=now)
    assert first is not None
    assert schedules._take(now=now) is None
    second = schedules._take(now=now + schedules.LEASE)
    assert second is not None
    schedules._work_off(first, now=now)
    assert not ArchivedReport.objects.exists()
    schedules._work_off(second, now=now)
    assert ArchivedReport.objects.count() == 1
    assert ReportFile.objects.count() == 5


def test_a_run_that_fails_is_tried_again_and_ends_in_words(
    figures: Figures, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error is no end at once; after five tries the run says so."""

    def broken(frozen: archive.Frozen, *, path: str) -> dict[str, bytes]:
        raise OSError("no engine")

    monkeypatch.setattr(archive, "files_of", broken)
    run, now = ask(figures), datetime.now(UTC)
    for number in range(schedules.MOST_TRIES):
        run.refresh_from_db()
        assert run.state == "waiting"
        schedules.run_due(now=now + number * schedules.AGAIN)
    run.refresh_from_db()
    assert (run.state, run.attempts) == ("failed", schedules.MOST_TRIES)
    assert "OSError" in run.reason


NEW_YORK = ZoneInfo("America/New_York")


def plan(audience: str, *, day: int, hour: int = 8, made: datetime | None = None) -> SimpleNamespace:
    """Return a schedule of a portfolio in New York, without rows."""
    return SimpleNamespace(
        portfolio=SimpleNamespace(time_zone="America/New_York"),
        audience=audience,
        day=day,
        hour=hour,
        created_at=made or datetime(2026, 1, 1, tzinfo=UTC),
    )


def test_a_monthly_report_waits_for_its_day_and_for_the_close() -> None:
    """October leaves on the 12th of November at eight in New York, or when it is closed after that."""
    asked = plan("monthly_pack", day=12)
    closed = {date(2026, 10, 1): datetime(2026, 11, 5, tzinfo=UTC)}
    due = [Due("2026-10", date(2026, 10, 1))]
    early, late = (datetime(2026, 11, 12, 8, tzinfo=NEW_YORK) - timedelta(seconds=1) * n for n in (1, 0))
    assert schedules.due_of(asked, closed, now=early) == []
    assert schedules.due_of(asked, closed, now=late) == due
    assert schedules.due_of(asked, {}, now=late) == []
    closed = {date(2026, 10, 1): datetime(2026, 11, 20, tzinfo=UTC)}
    assert schedules.due_of(asked, closed, now=datetime(2026, 11, 19, tzinfo=UTC)) == []
    assert schedules.due_of(asked, closed, now=datetime(2026, 11, 20, tzinfo=UTC)) == due


def test_a_schedule_sends_nothing_of_before_it_was_made() -> None:
    """Whoever adds one in November is not sent October at once."""
    asked = plan("monthly_pack", day=12, made=datetime(2026, 11, 15, tzinfo=UTC))
    closed = {date(2026, 10, 1): datetime(2026, 11, 5, tzinfo=UTC)}
    assert schedules.due_of(asked, closed, now=datetime(2026, 11, 16, tzinfo=UTC)) == []


def test_a_weekly_report_leaves_on_its_weekday_once_a_week() -> None:
    """Monday at eight; until then it is still last week's."""
    asked = plan("weekly_digest", day=0)
    monday = datetime(2026, 11, 23, 8, tzinfo=NEW_YORK)
    assert schedules.due_of(asked, {}, now=monday) == [Due("2026-W48", None)]
    assert schedules.due_of(asked, {}, now=monday - timedelta(seconds=1)) == [Due("2026-W47", None)]
    assert schedules.due_of(asked, {}, now=monday + timedelta(days=6)) == [Due("2026-W48", None)]


def test_nobody_without_an_address_is_written_to(figures: Figures) -> None:
    """Their row says why."""
    User.objects.filter(username="vera").update(email="")
    ask(figures)
    schedules.run_due(now=datetime.now(UTC))
    row = Notification.objects.get(message__kind="report")
    assert (row.state, row.suppressed_by) == ("suppressed", "no_address")


def _run(made: Schedule) -> None:
    """Make the report of a schedule's last period."""
    ReportRun.objects.create(
        schedule=made,
        period="2025-12",
        portfolio=made.portfolio,
        audience=made.audience,
        month=LAST,
        recipients=made.recipients,
        next_at=datetime.now(UTC),
        created_at=datetime.now(UTC),
    )
    schedules._work_off(schedules._take(now=datetime.now(UTC)), now=datetime.now(UTC))


def test_who_unsubscribed_gets_no_scheduled_report_and_the_reason_is_stored(figures: Figures) -> None:
    """The report is there for them to look at; what they ask for themselves still comes, and is not barred."""
    vera, portfolio = figures.cast.people["vera"], figures.cast.portfolio
    unsubscriptions.unsubscribe(vera, portfolio, now=datetime.now(UTC))
    _run(schedule(figures, user(figures, "vera"), user(figures, "finn")))
    rows = {r.user.username: r for r in Notification.objects.filter(message__kind="report") if r.user}
    assert (rows["vera"].state, rows["vera"].suppressed_by) == ("suppressed", "unsubscribed")
    assert rows["vera"].state_reason == "They unsubscribed from mail about this portfolio."
    assert rows["finn"].state == "pending"
    ask(figures)
    schedules.run_due(now=datetime.now(UTC))
    asked = Notification.objects.get(message__kind="report", user=vera, state="pending")
    assert outbox.suppression(claim_of(asked)) is None
    assert envelopes.message_of(claim_of(asked)).unsubscribe == ""
    unsubscriptions.unsubscribe(figures.cast.people["finn"], portfolio, now=datetime.now(UTC))
    barred = outbox.suppression(claim_of(rows["finn"]))
    assert barred is not None
    assert barred.code == "unsubscribed"


def test_a_scheduled_report_says_how_to_stop_it_to_each_recipient(figures: Figures) -> None:
    """The link is the recipient's own: in the header, the text and the HTML, and kept nowhere."""
    board = Target.objects.create(
        portfolio=figures.cast.portfolio, channel="email", address="board@example.com", label="Board"
    )
    _run(schedule(figures, user(figures, "vera"), f"target:{board.public_id}"))
    found = set()
    for row in Notification.objects.filter(message__kind="report"):
        message = envelopes.message_of(claim_of(row))
        mail = message_from_bytes(email_channel._mail(message, row.address, None), policy=policy.default)
        assert mail["List-Unsubscribe"].strip() == f"<{message.unsubscribe}>"
        assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert f"Unsubscribe from mail about this portfolio: {message.unsubscribe}" in message.text
        assert f'href="{message.unsubscribe}"' in message.html
        kept = envelopes.kept(email_channel.EmailChannel().describe(message, row.address), message)
        assert "/alerts/unsubscribe/" not in str(kept)
        found.add(message.unsubscribe)
    assert len(found) == 2
    mail_file = ReportFile.objects.get(format=archive.MAIL)
    assert b"/alerts/unsubscribe/" not in bytes(mail_file.content)
