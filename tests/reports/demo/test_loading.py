"""Where the demo may be loaded, what the command prints, and that its figures are the same everywhere."""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.utils import timezone

from alerts import evaluate
from portfolio.models import Investment, Portfolio, User
from reports import demo, demo_cases, demo_play
from reports.demo_story import Line, values


def test_figures_are_the_same_on_every_machine() -> None:
    """The digest of all values; a change of the demo's figures shows here and has to be meant."""
    digest = hashlib.sha256()
    for book in demo.BOOKS:
        for story in book.stories:
            for line in story.lines:
                stated = values(line, code=story.code, months=story.months, step=Decimal("0.0001"))
                digest.update(f"{story.code} {line.account} {stated}\n".encode())
    assert digest.hexdigest()[:16] == "cd29041b3ab3edbe"


def test_a_line_ramps_up_stays_and_drifts() -> None:
    """Two months up, steady through month 4, one percent more a month from then on, the last one stated."""
    line = Line("speed", "1000", first=2, ramp=2, steady=4, drift=100, scatter=0, ending=("7",))
    stated = values(line, code="X", months=7, step=Decimal("0.01"))
    assert stated == [None, 500, 1000, 1000, 1010, Decimal("1020.10"), 7]


@pytest.mark.parametrize(
    ("day", "last"),
    [("2026-03-06", "2026-02-01"), ("2026-03-05", "2026-01-01"), ("2026-01-02", "2025-11-01")],
)
def test_the_history_ends_with_the_last_closed_month(day: str, last: str) -> None:
    """Finance closes on the fifth; up to that day the month before is still open."""
    assert demo.last_closed_month(date.fromisoformat(day)) == date.fromisoformat(last)


def test_a_future_day_is_refused(db: None) -> None:
    """The demo shows a past."""
    tomorrow = timezone.now().date() + timedelta(days=1)
    with pytest.raises(CommandError, match="has not come yet"):
        call_command("load_demo", at=tomorrow)


def test_an_installation_in_use_is_refused(db: None) -> None:
    """Portfolios of its own stay alone."""
    Portfolio.objects.create(code="MINE", name="My own")
    with pytest.raises(CommandError, match="has portfolios of its own"):
        call_command("load_demo")
    assert not User.objects.exists()


def test_people_of_the_same_name_are_never_touched(db: None) -> None:
    """A real administrator does not get the demo's public password."""
    mine = User.objects.create_user("admin", password="a secret of mine")
    with pytest.raises(CommandError, match="The user admin exists already"):
        call_command("load_demo")
    mine.refresh_from_db()
    assert mine.check_password("a secret of mine")


def test_a_load_that_breaks_leaves_nothing(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """All or nothing: what was written before the failure is gone, and the next load starts afresh."""

    def fail(*args: object, **kwargs: object) -> None:
        raise RuntimeError("killed")

    monkeypatch.setattr(evaluate, "advance", fail)
    with pytest.raises(RuntimeError), transaction.atomic():
        demo.load(now=timezone.now())
    for table in (User, Portfolio, Investment):
        assert not table.objects.exists()


def test_the_command_prints_the_logins_and_nothing_else(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first time and every time: the runner keeps this text and shows it."""
    monkeypatch.setattr(demo_play.Play, "run", lambda play: None)
    monkeypatch.setattr(demo_cases, "write", lambda **given: None)
    monkeypatch.setattr(demo, "is_loaded", lambda: User.objects.exists())
    texts = []
    for _ in range(2):
        out = StringIO()
        call_command("load_demo", stdout=out)
        texts.append(out.getvalue())
    assert texts == [demo.logins() + "\n"] * 2
    assert User.objects.count() == len(demo.PEOPLE)
    for person in demo.PEOPLE:
        user = User.objects.get(username=person.username)
        assert user.is_staff
        assert user.is_superuser is (person.username == "admin")
        assert {m.portfolio.code: m.role for m in user.memberships.select_related("portfolio")} == {
            code: role.value for code, role in person.roles.items()
        }
        assert f"  {person.username} " in texts[0]
    assert User.objects.get(username="vera").check_password(demo.PASSWORD)


def test_at_is_read_as_a_day(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--at 2026-06-20` plays the 24 months that end in May."""
    played: list[demo_play.Play] = []
    monkeypatch.setattr(demo_play.Play, "run", lambda play: played.append(play))
    monkeypatch.setattr(demo_cases, "write", lambda **given: None)
    call_command("load_demo", "--at", "2026-06-20", stdout=StringIO())
    (play,) = played
    assert (play.at, play.last) == (date(2026, 6, 20), date(2026, 5, 1))
    assert play.now <= datetime.now(UTC)
