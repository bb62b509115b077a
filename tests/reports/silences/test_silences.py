"""The pages of silences: what is listed, what a new one would mute, who makes and ends one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from alerts import silences
from alerts.models import Episode, Silence
from alerts.silences import Matcher
from tests.reports.figures_cast import Figures, assemble_with_figures
from tests.reports.investments.test_page import words_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def figures() -> Figures:
    return assemble_with_figures()


def day(days: int) -> str:
    return f"{datetime.now(UTC) + timedelta(days=days):%Y-%m-%d}"


def ask(figures: Figures, who: str = "olivia", **answers: str) -> Any:
    given = {"rule": "negative_roi", "ends": day(10), "comment": "Migration.", "act": "make"} | answers
    return figures.cast.client(who).post(reverse("admin:reports_silence_new", args=["CX"]), given)


def listed(figures: Figures, who: str = "vera") -> dict[str, list[Any]]:
    page = figures.cast.client(who).get(reverse("admin:reports_silences"), {"portfolio": "CX"})
    return {name: [row["silence"] for row in rows] for name, rows in page.context["groups"]}


def make(figures: Figures, *, starts: int = 0, days: int = 5, rule: str = "hurdle_rate") -> Silence:
    now = datetime.now(UTC)
    return silences.create(
        Matcher(portfolio=figures.cast.portfolio, rule=rule),
        starts_at=now + timedelta(days=starts),
        ends_at=now + timedelta(days=starts + days),
        comment="Known.",
        author=figures.cast.people["olivia"],
        now=now,
    )


def test_a_silence_is_made_for_a_rule_of_an_investment(figures: Figures) -> None:
    assert ask(figures, investment="SUM-002", starts=day(2)).status_code == 302
    made = Silence.objects.get()
    assert (made.investment, made.rule, made.comment) == (figures.losing, "negative_roi", "Migration.")
    assert (f"{made.starts_at:%Y-%m-%d %H:%M}", f"{made.ends_at:%Y-%m-%d}") == (f"{day(2)} 00:00", day(10))
    assert listed(figures) == {"Coming or waiting": [made]}


def test_a_silence_from_today_holds_at_once(figures: Figures) -> None:
    ask(figures, starts=day(0))
    assert listed(figures) == {"In force": [Silence.objects.get()]}


def test_the_preview_shows_what_it_mutes_and_makes_nothing(figures: Figures) -> None:
    shown = ask(figures, investment="SUM-002", ends="", comment="", act="preview")
    assert shown.status_code == 200
    assert [episode.rule for episode, _ in shown.context["muted"]] == ["negative_roi"]
    assert f"{shown.context['preview'].unsent} notice" in words_of(shown.content.decode())
    assert ask(figures, investment="SUP-001", act="preview").context["muted"] == []
    assert not Silence.objects.exists()


def test_the_button_of_an_alert_brings_it_along(figures: Figures) -> None:
    episode = Episode.objects.get(rule="negative_roi", investment=figures.losing)
    address = reverse("admin:reports_alert", args=[episode.public_id])
    link = figures.cast.client("olivia").get(address).context["silence_it"]
    page = figures.cast.client("olivia").get(link)
    assert page.context["form"]["investment"].value() == "SUM-002"
    assert page.context["form"]["rule"].value() == "negative_roi"
    assert [e for e, _ in page.context["muted"]] == [episode]
    assert figures.cast.client("vera").get(address).context["silence_it"] == ""
    Episode.objects.filter(pk=episode.pk).update(closed_at=datetime.now(UTC), closed_reason="resolved")
    assert figures.cast.client("olivia").get(address).context["silence_it"] == ""


@pytest.mark.parametrize(
    ("answers", "sentence"),
    [
        ({"rule": ""}, "Name an alert or an investment"),
        ({"comment": " "}, "This field is required."),
        ({"ends": day(-1)}, "A silence ends after it starts, and not in the past."),
        ({"ends": day(400)}, "A silence lasts twelve months at most."),
        ({"investment": "XX-001"}, "Select a valid choice"),
    ],
)
def test_a_silence_that_cannot_be_says_why(figures: Figures, answers: dict[str, str], sentence: str) -> None:
    response = ask(figures, **answers)
    assert response.status_code == 400
    assert sentence in str(response.context["form"].errors)
    assert not Silence.objects.exists()


def test_a_long_one_of_negative_roi_goes_to_a_second_person(figures: Figures) -> None:
    ask(figures, ends=day(60))
    made = Silence.objects.select_related("approval").get()
    assert made.approval is not None
    assert listed(figures) == {"Coming or waiting": [made]}, "it does not hold yet"
    page = figures.cast.client("vera").get(reverse("admin:reports_silences"), {"portfolio": "CX"})
    assert reverse("admin:reports_approval", args=[made.approval.public_id]) in page.content.decode()
    silences.decide(made, approver=figures.cast.people["finn"], is_allowed=True, now=datetime.now(UTC))
    assert listed(figures) == {"In force": [made]}


def test_a_refused_one_is_over_before_its_time(figures: Figures) -> None:
    ask(figures, ends=day(60))
    made = Silence.objects.get()
    silences.decide(made, approver=figures.cast.people["finn"], is_allowed=False, now=datetime.now(UTC))
    assert listed(figures) == {"Ended or refused": [made]}
    page = figures.cast.client("olivia").get(reverse("admin:reports_silences"), {"portfolio": "CX"})
    assert "Refused by finn" in words_of(page.content.decode())


def test_it_is_ended_by_who_records_and_by_nobody_else(figures: Figures) -> None:
    made = make(figures)
    address = reverse("admin:reports_silence_end", args=[made.public_id])
    refused = figures.cast.client("vera").post(address, follow=True)
    assert "Only who records in the portfolio ends its silences." in words_of(refused.content.decode())
    assert figures.cast.client("mallory").post(address).status_code == 404
    assert figures.cast.client("olivia").get(address).status_code == 405
    assert listed(figures) == {"In force": [made]}
    figures.cast.client("olivia").post(address)
    assert listed(figures) == {"Ended or refused": [made]}
    again = figures.cast.client("olivia").post(address, follow=True)
    assert "This silence is over already." in words_of(again.content.decode())


def test_a_viewer_makes_none_and_a_stranger_finds_nothing(figures: Figures) -> None:
    for who in ("vera", "mallory"):
        assert ask(figures, who).status_code == 404
    address = reverse("admin:reports_silences")
    assert figures.cast.client("mallory").get(address, {"portfolio": "CX"}).status_code == 404
    page = figures.cast.client("vera").get(address, {"portfolio": "CX"})
    assert "Nothing is silenced" in page.content.decode()
    assert reverse("admin:reports_silence_new", args=["CX"]) not in page.content.decode()


def test_the_list_asks_as_often_for_many_as_for_one(figures: Figures, django_assert_num_queries: Any) -> None:
    client, address = figures.cast.client("vera"), reverse("admin:reports_silences") + "?portfolio=CX"
    make(figures)
    client.get(address)
    with CaptureQueriesContext(connection) as few:
        client.get(address)
    for number in range(4):
        make(figures, starts=number)
    with django_assert_num_queries(len(few)):
        client.get(address)
