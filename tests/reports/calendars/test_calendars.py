"""Calendars: holidays pasted and removed, what is due is set anew with them, and who is away."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from alerts import due
from alerts.models import Episode, Timer
from portfolio.models import Absence, Holiday
from reports.console import calendars
from tests.reports.cast import Cast, assemble
from tests.reports.figures_cast import assemble_with_figures
from tests.reports.investments.test_page import words_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> Cast:
    return assemble()


def words(response: Any) -> str:
    return words_of(response.content.decode())


def post(cast: Cast, who: str = "adam", **answers: Any) -> Any:
    given = {"portfolio": "CX", "act": "add"} | answers
    return cast.client(who).post(reverse("admin:reports_calendars"), given, follow=True)


def stored(cast: Cast) -> list[tuple[str, str]]:
    rows = Holiday.objects.filter(portfolio=cast.portfolio)
    return [(f"{row.day}", row.name) for row in rows]


def test_many_days_are_pasted_at_once_and_renamed(cast: Cast) -> None:
    assert "No holidays" in words(cast.client("vera").get(reverse("admin:reports_calendars")))
    page = post(cast, days="2099-12-26\n\n2099-12-25 Christmas\r\n2099-01-01;New Year\n2099-05-01\tLabor Day")
    assert "4 holidays in the calendar." in words(page)
    post(cast, days="2099-12-26 Boxing Day")
    assert stored(cast) == [
        ("2099-01-01", "New Year"),
        ("2099-05-01", "Labor Day"),
        ("2099-12-25", "Christmas"),
        ("2099-12-26", "Boxing Day"),
    ]
    assert [name for name, _ in page.context["groups"]] == ["Coming"]


def test_a_line_that_is_no_day_is_named_and_nothing_is_added(cast: Cast) -> None:
    for text, sentence in (
        ("2099-01-01\n25.12.2099", "Line 2: “25.12.2099” does not begin with a day"),
        ("2099-02-30", "Line 1: there is no day 2099-02-30."),
        ("2099-01-01 " + "x" * 121, "Line 1: a name has at most 120 characters."),
        (" ", "This field is required."),
    ):
        page = post(cast, days=text)
        assert page.status_code == 400
        assert sentence in str(page.context["form"].errors["days"].as_data()) + words(page)
    assert stored(cast) == []


def test_chosen_days_are_removed_and_those_of_another_portfolio_stay(cast: Cast) -> None:
    mine, theirs = (
        Holiday.objects.create(portfolio=p, day=date(2099, 1, 1)) for p in (cast.portfolio, cast.other)
    )
    page = post(cast, act="remove", day=[str(mine.pk), str(theirs.pk), "x"])
    assert "1 holiday removed." in words(page)
    assert list(Holiday.objects.all()) == [theirs]
    assert "Choose at least one day first." in words(post(cast, act="remove"))


def test_only_administrators_change_a_calendar(cast: Cast) -> None:
    for who in ("finn", "olivia", "vera", "mallory"):
        assert post(cast, who, days="2099-01-01").status_code == 404
    page = cast.client("vera").get(reverse("admin:reports_calendars"), {"portfolio": "CX"})
    assert 'name="days"' not in page.content.decode()
    assert "Saturday and Sunday" in words(page)
    assert (
        cast.client("mallory").get(reverse("admin:reports_calendars"), {"portfolio": "CX"}).status_code == 404
    )
    assert stored(cast) == []


def _escalation(portfolio: Any) -> tuple[Timer, datetime]:
    """Return an escalation three business days after a Monday to come, and that Thursday."""
    now = timezone.now()
    monday = now + timedelta(days=7 - now.weekday())
    Timer.objects.update(state="dropped")
    episode = Episode.objects.filter(investment__portfolio=portfolio, closed_at=None).latest("pk")
    timer, _ = Timer.objects.update_or_create(
        episode=episode,
        kind="escalation",
        ordinal=1,
        defaults={"state": "waiting", "started_at": monday, "due_at": monday + timedelta(days=3)},
    )
    return timer, monday + timedelta(days=3)


def test_case_52_a_changed_calendar_moves_what_is_due_in_the_same_transaction(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    figures = assemble_with_figures()
    timer, thursday = _escalation(figures.cast.portfolio)
    wednesday = f"{thursday - timedelta(days=1):%Y-%m-%d}"
    page = post(figures.cast, days=wednesday)
    assert "One escalation is due at another time." in words(page)
    timer.refresh_from_db()
    assert timer.due_at == thursday + timedelta(days=1)
    post(figures.cast, act="remove", day=[str(Holiday.objects.get().pk)])
    timer.refresh_from_db()
    assert timer.due_at == thursday

    def fails(*_: object, **__: object) -> int:
        raise RuntimeError("The timers could not be written.")

    monkeypatch.setattr(due, "reschedule", fails)
    with pytest.raises(RuntimeError):
        calendars.add_holidays(figures.cast.portfolio, {date(2099, 1, 1): ""}, now=timezone.now())
    assert not Holiday.objects.exists(), "a holiday is stored with what it moves, or not at all"


def test_case_52_a_changed_weekend_moves_what_is_due() -> None:
    figures = assemble_with_figures()
    timer, thursday = _escalation(figures.cast.portfolio)
    client, portfolio = figures.cast.client("adam"), figures.cast.portfolio
    address = reverse("admin:portfolio_portfolio_change", args=[portfolio.pk])
    form = client.get(address).context["adminform"].form
    given = {name: "" if value is None else value for name, value in form.initial.items()}
    management = {
        "memberships-TOTAL_FORMS": "0",
        "memberships-INITIAL_FORMS": "0",
        "memberships-MIN_NUM_FORMS": "0",
        "memberships-MAX_NUM_FORMS": "0",
    }
    answer = client.post(address, given | management | {"weekend": "256", "digest_hour": "17"})
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    portfolio.refresh_from_db()
    assert (portfolio.weekend, portfolio.digest_hour) == ("256", 17)
    timer.refresh_from_db()
    assert timer.due_at == thursday + timedelta(days=1)


def absent(cast: Cast, who: str = "olivia", **answers: Any) -> Any:
    today = datetime.now(UTC).date()
    given = {
        "person": cast.people["olivia"].pk,
        "delegate": cast.people["fiona"].pk,
        "first_day": f"{today}",
        "last_day": f"{today + timedelta(days=5)}",
    }
    return cast.client(who).post(reverse("admin:reports_absences"), given | answers, follow=True)


def test_somebody_says_that_they_are_away(cast: Cast) -> None:
    page = absent(cast)
    assert "fiona is told in olivia’s place" in words(page)
    kept = Absence.objects.get()
    assert (kept.user, kept.delegate) == (cast.people["olivia"], cast.people["fiona"])
    assert "Away now" in words(page)
    assert "Nobody is away" in words(cast.client("vera").get(reverse("admin:reports_absences")))
    taken_back = cast.client("olivia").post(
        reverse("admin:reports_absence_remove", args=[kept.pk]), {"next": reverse("admin:reports_profile")}
    )
    assert taken_back.headers["Location"] == reverse("admin:reports_profile")
    assert not Absence.objects.exists()


def test_administrators_keep_anybody_s_of_their_portfolios_and_others_their_own(cast: Cast) -> None:
    assert absent(cast, "finn").status_code == 400
    assert absent(cast, "mallory").status_code == 400
    assert not Absence.objects.exists()
    assert absent(cast, "adam").status_code == 200
    kept = Absence.objects.get()
    for who in ("finn", "mallory"):
        address = reverse("admin:reports_absence_remove", args=[kept.pk])
        assert cast.client(who).post(address).status_code == 404
    assert Absence.objects.exists()


def test_an_absence_that_cannot_be_says_why(cast: Cast) -> None:
    absent(cast)
    today = datetime.now(UTC).date()
    for answers, field, sentence in (
        ({"last_day": f"{today - timedelta(days=9)}"}, "last_day", "The last day is before the first."),
        (
            {"first_day": "2020-01-01", "last_day": "2020-01-02"},
            "last_day",
            "These days are over",
        ),
        ({"delegate": cast.people["olivia"].pk}, "delegate", "Somebody else stands in."),
        ({"delegate": cast.people["mallory"].pk}, "delegate", "Select a valid choice"),
        ({"first_day": f"{today + timedelta(days=5)}"}, "last_day", ""),
        ({}, "first_day", "olivia is away from"),
    ):
        page = absent(cast, **answers)
        if sentence:
            assert page.status_code == 400
            assert sentence in str(page.context["absence_form"].errors[field])
    assert Absence.objects.count() == 1


def test_the_way_back_leads_nowhere_else(cast: Cast) -> None:
    answer = cast.client("olivia").post(
        reverse("admin:reports_absences"),
        {
            "person": cast.people["olivia"].pk,
            "delegate": cast.people["fiona"].pk,
            "first_day": "2099-01-01",
            "last_day": "2099-01-02",
            "next": "https://evil.example.com/",
        },
    )
    assert answer.headers["Location"] == reverse("admin:reports_absences")
