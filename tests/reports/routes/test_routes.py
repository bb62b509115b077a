"""The pages of routes: who keeps them, what they say, and who would hear of an alert."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.urls import reverse

from alerts import routebook, silences
from alerts.models import Route, Target
from alerts.rules.routes import Named
from alerts.silences import Matcher
from tests.reports.cast import Cast, assemble
from tests.reports.investments.test_page import words_of

pytestmark = pytest.mark.django_db
TERMS = {"name": "Losses", "mode": "immediate", "is_active": "on", "goes_on": "on", "roles": ["board"]}


@pytest.fixture
def cast() -> Cast:
    return assemble()


def add(cast: Cast, who: str = "adam", **answers: Any) -> Any:
    return cast.client(who).post(reverse("admin:reports_route_new", args=["CX"]), TERMS | answers)


def listed(cast: Cast, name: str = "vera", **query: str) -> Any:
    return cast.client(name).get(reverse("admin:reports_routes"), {"portfolio": "CX"} | query)


def words(response: Any) -> str:
    return words_of(response.content.decode())


def test_without_routes_the_page_says_what_holds(cast: Cast) -> None:
    assert "No routes: the defaults hold" in words(listed(cast))
    assert "The portfolio’s administrators can add routes." in words(listed(cast))
    assert "Add a route to send" in words(listed(cast, "adam"))


def test_a_route_is_added_and_read_in_words(cast: Cast) -> None:
    target = Target.objects.create(
        portfolio=cast.portfolio, channel="email", address="b@example.com", label="Board mailbox"
    )
    answers = {
        "rules": ["negative_roi"],
        "severities": ["critical"],
        "investments": "AI-002, AI-001,",
        "use_cases": "support",
        "people": [str(cast.people["fiona"].pk)],
        "targets": [str(target.pk)],
        "mode": "weekly",
        "goes_on": "",
    }
    assert add(cast, **answers).status_code == 302
    row = listed(cast).context["rows"][0]
    assert row.told == ["the governance board", "fiona", "Board mailbox"]
    assert row.matches == [
        ("Rule", "Negative ROI"),
        ("Severity", "Critical"),
        ("Use case", "support"),
        ("Investment", "AI-001, AI-002"),
    ]
    assert "Stops here" in words(listed(cast))
    page = cast.client("adam").get(reverse("admin:reports_route", args=[row.route.public_id]))
    assert page.context["form"].initial["investments"] == "AI-001, AI-002"
    assert page.context["form"].initial["people"] == [str(cast.people["fiona"].pk)]


def test_a_refusal_stands_at_its_field_and_nothing_is_kept(cast: Cast) -> None:
    for answers, field, sentence in (
        ({"roles": []}, "roles", "Name somebody: a role, a person or a shared target."),
        ({"investments": "XX-001"}, "investments", "There is no XX-001: not in this portfolio."),
        ({"place": "7"}, "place", "The places are 1 to 1."),
        ({"people": [str(cast.people["mallory"].pk)]}, "people", "Select a valid choice"),
    ):
        response = add(cast, **answers)
        assert response.status_code == 400
        assert sentence in str(response.context["form"].errors[field])
    assert not Route.objects.exists()


def test_a_route_is_moved_up_and_removed(cast: Cast) -> None:
    add(cast)
    add(cast, name="Second")
    second = Route.objects.get(name="Second")
    client, page = cast.client("adam"), reverse("admin:reports_route", args=[second.public_id])
    assert client.post(page, TERMS | {"name": "Second", "place": "1"}).status_code == 302
    assert [row.route.name for row in listed(cast).context["rows"]] == ["Second", "Losses"]
    removed = client.post(reverse("admin:reports_route_remove", args=[second.public_id]), follow=True)
    assert "“Second” was removed" in words(removed)
    assert list(Route.objects.values_list("name", "position")) == [("Losses", 1)]


@pytest.mark.parametrize("name", ["finn", "olivia", "vera", "mallory"])
def test_only_administrators_keep_routes_and_a_stranger_finds_nothing(cast: Cast, name: str) -> None:
    add(cast)
    route, client = Route.objects.get(), cast.client(name)
    assert listed(cast, name).status_code == (404 if name == "mallory" else 200)
    assert add(cast, name, name="Mine").status_code == 404
    for page in ("", "_remove"):
        address = reverse(f"admin:reports_route{page}", args=[route.public_id])
        assert client.post(address, TERMS | {"name": "Mine"}).status_code == 404
    assert client.get(reverse("admin:reports_route", args=[route.public_id])).status_code == 404
    assert [one.name for one in Route.objects.all()] == ["Losses"]


def test_nothing_is_removed_by_looking(cast: Cast) -> None:
    add(cast)
    address = reverse("admin:reports_route_remove", args=[Route.objects.get().public_id])
    assert cast.client("adam").get(address).status_code == 405


def test_the_page_answers_who_would_hear(cast: Cast) -> None:
    asked = {"investment": "AI-001", "rule": "negative_roi"}
    default = listed(cast, **asked)
    assert [one.name for one, _ in default.context["answer"]["told"]] == ["olivia", "default channel"]
    assert "The portfolio has no routes; the defaults hold." in words(default)
    terms = routebook.Terms(name="Warnings", severities=["warning"], recipients=[Named("role", "owner")])
    routebook.put(cast.portfolio, terms)
    named = [Named("user", str(cast.people["fiona"].pk))]
    routebook.put(cast.portfolio, routebook.Terms(name="Losses", recipients=named, mode="daily"))
    way = listed(cast, **asked | {"severity": "critical"})
    assert [(one.name, mode) for one, mode in way.context["answer"]["told"]] == [
        ("fiona", "In a daily digest")
    ]
    assert "this route wants warning" in words(way)
    assert "fiona@example.com" not in words(way)


def test_the_answer_says_that_a_silence_would_keep_it_back(cast: Cast) -> None:
    now = datetime.now(UTC)
    silences.create(
        Matcher(portfolio=cast.portfolio, rule="negative_roi"),
        starts_at=now,
        ends_at=now + timedelta(days=3),
        comment="Known outage.",
        author=cast.people["olivia"],
        now=now,
    )
    asked = {"investment": "AI-001", "rule": "negative_roi"}
    assert "Known outage." in words(listed(cast, **asked))
    assert "Known outage." not in words(listed(cast, **asked | {"rule": "hurdle_rate"}))


def test_a_question_about_a_foreign_investment_has_no_answer(cast: Cast) -> None:
    page = listed(cast, investment="XX-001", rule="negative_roi")
    assert page.context["answer"] is None
    assert "Secret project" not in words(page)
