"""One's own settings: stored for oneself alone, refused with a sentence."""

from __future__ import annotations

from datetime import date, time
from typing import Any

import pytest
from django.urls import reverse

from portfolio.models import Absence
from tests.reports.cast import Cast, assemble
from tests.reports.investments.test_page import words_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> Cast:
    return assemble()


def post(cast: Cast, **answers: str) -> Any:
    given = {
        "time_zone": "Europe/Berlin",
        "quiet_from": "20:00",
        "quiet_until": "07:30",
    }
    return cast.client("olivia").post(reverse("admin:reports_profile"), given | answers, follow=True)


def test_settings_are_stored_for_oneself_and_nothing_else_is(cast: Cast) -> None:
    page = post(cast, is_superuser="on", email="else@example.com", username="root", slack_id="U02ABC")
    assert "Your settings are stored" in words_of(page.content.decode())
    olivia = cast.people["olivia"]
    olivia.refresh_from_db()
    # Whoever could enter somebody else's id would answer alerts as them.
    assert (olivia.time_zone, olivia.slack_id) == ("Europe/Berlin", "")
    assert (olivia.quiet_from, olivia.quiet_until) == (time(20), time(7, 30))
    assert (olivia.username, olivia.email, olivia.is_superuser) == ("olivia", "olivia@example.com", False)
    finn = cast.people["finn"]
    finn.refresh_from_db()
    assert finn.time_zone == "UTC"


def test_quiet_hours_are_taken_away_again(cast: Cast) -> None:
    post(cast)
    post(cast, quiet_from="", quiet_until="")
    olivia = cast.people["olivia"]
    olivia.refresh_from_db()
    assert (olivia.quiet_from, olivia.quiet_until) == (None, None)


@pytest.mark.parametrize(
    ("answers", "field", "sentence"),
    [
        ({"time_zone": "Europe/Nowhere"}, "time_zone", "Select a valid choice"),
        ({"quiet_until": ""}, "quiet_until", "Quiet hours need both ends"),
        ({"quiet_from": ""}, "quiet_from", "Quiet hours need both ends"),
        ({"quiet_until": "20:00"}, "quiet_until", "Quiet hours that end when they begin"),
    ],
)
def test_what_cannot_be_says_why(cast: Cast, answers: dict[str, str], field: str, sentence: str) -> None:
    page = post(cast, **answers)
    assert page.status_code == 400
    assert sentence in str(page.context["form"].errors[field])
    olivia = cast.people["olivia"]
    olivia.refresh_from_db()
    assert (olivia.time_zone, olivia.quiet_from) == ("UTC", None)


def test_the_page_says_who_one_is_and_what_one_may(cast: Cast) -> None:
    page = words_of(cast.client("olivia").get(reverse("admin:reports_profile")).content.decode())
    assert "olivia@example.com" in page
    assert "of Customer operations" in page
    assert "You are not away" in page


def test_the_page_keeps_one_s_own_absences_alone(cast: Cast) -> None:
    for who in ("olivia", "finn"):
        Absence.objects.create(
            user=cast.people[who],
            delegate=cast.people["fiona"],
            first_day=date(2099, 1, 1),
            last_day=date(2099, 1, 9),
        )
    adam = cast.client("adam")
    assert list(adam.get(reverse("admin:reports_profile")).context["absences"]) == []
    assert len(adam.get(reverse("admin:reports_absences")).context["absences"]) == 2
    mine = cast.client("olivia").get(reverse("admin:reports_profile")).context["absences"]
    assert [absence.user for absence in mine] == [cast.people["olivia"]]
