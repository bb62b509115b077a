"""The pages of alerts: who sees and answers them, what they say, and why somebody got no message."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from alerts import explain
from alerts.models import Acknowledgment, Episode, Notification, Snooze
from reports.console import alerts_messages
from reports.console.outbox import STATE_MARKS, STATE_WORDS
from tests.reports.figures_cast import Figures, assemble_with_figures
from tests.reports.investments.test_page import words_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def figures() -> Figures:
    """Return investments of which one loses money."""
    return assemble_with_figures()


@pytest.fixture
def episode(figures: Figures) -> Episode:
    """Return the open alert about the loss."""
    return Episode.objects.get(rule="negative_roi", investment=figures.losing)


def _at(episode: Episode, name: str = "") -> str:
    return reverse(f"admin:reports_alert{name}", args=[episode.public_id])


def _words(response: Any) -> str:
    return words_of(response.content.decode())


def _answer(client: Client, episode: Episode, **body: str) -> Any:
    return client.post(_at(episode, "_answer"), body, follow=True)


def _day(days: int) -> str:
    return f"{datetime.now(UTC) + timedelta(days=days):%Y-%m-%d}"


def test_pages_of_a_foreign_alert_are_not_there(figures: Figures, episode: Episode) -> None:
    for name in ("", "_messages"):
        assert figures.cast.client("vera").get(_at(episode, name)).status_code == 200
        assert figures.cast.client("mallory").get(_at(episode, name)).status_code == 404
    assert figures.cast.client("mallory").post(_at(episode, "_answer")).status_code == 404
    assert not Acknowledgment.objects.exists()


def test_the_list_shows_what_is_open_and_on_request_what_was(figures: Figures, episode: Episode) -> None:
    client, address = figures.cast.client("vera"), reverse("admin:reports_alerts")

    def shown(**asked: str) -> set[str]:
        return {row["episode"].rule for row in client.get(address, asked).context["rows"]}

    assert "negative_roi" in shown()
    assert shown(rule="hurdle_rate") <= {"hurdle_rate"}
    assert shown(portfolio="OT") == set()
    Episode.objects.filter(pk=episode.pk).update(
        closed_at=datetime.now(UTC), closed_reason="resolved", resolved_month=episode.fired_month
    )
    assert "negative_roi" not in shown()
    assert "negative_roi" in shown(state="all")
    assert figures.cast.client("mallory").get(address).context["rows"] == []


def test_an_alert_is_acknowledged_with_a_note(figures: Figures, episode: Episode) -> None:
    client = figures.cast.client("olivia")
    assert "Nobody has answered yet" in _words(client.get(_at(episode)))
    page = _words(_answer(client, episode, act="acknowledge", note="Supplier is on it."))
    assert "Acknowledged; olivia leads" in page
    assert "Supplier is on it." in page
    assert Acknowledgment.objects.get().via == "console"
    again = _words(_answer(figures.cast.client("finn"), episode, act="acknowledge"))
    assert "Somebody else answered first and leads." in again
    listed = figures.cast.client("vera").get(reverse("admin:reports_alerts"))
    assert "Acknowledged by olivia" in _words(listed)


def test_an_alert_is_snoozed_and_woken(figures: Figures, episode: Episode) -> None:
    client = figures.cast.client("olivia")
    page = _words(_answer(client, episode, act="snooze", until=_day(20), reason="Contract ends."))
    assert f"Snoozed by olivia until {_day(20)}: Contract ends." in page
    assert "End of the snooze" in page
    assert "The snooze is over." in _words(_answer(client, episode, act="end_snooze"))
    assert Snooze.objects.get().ended_at is not None


def test_a_snooze_that_cannot_be_says_why(figures: Figures, episode: Episode) -> None:
    client = figures.cast.client("olivia")
    assert "A snooze ends within 90 days from now." in _words(
        _answer(client, episode, act="snooze", until=_day(120), reason="Later.")
    )
    response = client.post(_at(episode, "_answer"), {"act": "snooze", "until": "soon", "reason": ""})
    assert response.status_code == 400
    assert response.context["form"].errors.keys() == {"until", "reason"}
    assert not Snooze.objects.exists()


def test_a_viewer_reads_and_does_not_answer(figures: Figures, episode: Episode) -> None:
    client = figures.cast.client("vera")
    page = client.get(_at(episode)).content.decode()
    assert 'value="acknowledge"' not in page
    told = _words(_answer(client, episode, act="acknowledge"))
    assert "Only the investment's owner and sponsor" in told.replace("’", "'").replace("&#x27;", "'")
    assert not Acknowledgment.objects.exists()


def test_case_41_in_the_console_what_is_over_is_not_answered(figures: Figures, episode: Episode) -> None:
    Episode.objects.filter(pk=episode.pk).update(closed_at=datetime.now(UTC), closed_reason="resolved")
    client = figures.cast.client("olivia")
    assert 'value="acknowledge"' not in client.get(_at(episode)).content.decode()
    for act in ("acknowledge", "end_snooze"):
        assert "This alert is over" in _words(_answer(client, episode, act=act))
    assert not Acknowledgment.objects.exists()


def test_nothing_is_answered_by_looking(figures: Figures, episode: Episode) -> None:
    assert figures.cast.client("olivia").get(_at(episode, "_answer")).status_code == 405


def test_who_asks_is_answered_first(figures: Figures, episode: Episode) -> None:
    Notification.objects.filter(event__episode=episode, user=figures.cast.people["olivia"]).update(
        state="sent", sent_at=datetime.now(UTC)
    )
    mine = _words(figures.cast.client("olivia").get(_at(episode, "_messages")))
    assert (
        "1 notice of this alert went your way, because you are owner of the investment; 1 reached you."
        in mine
    )
    theirs = _words(figures.cast.client("vera").get(_at(episode, "_messages")))
    assert "None was addressed to you. The portfolio has no routes" in theirs


def test_every_outcome_and_every_state_has_its_mark() -> None:
    assert alerts_messages.OUTCOME_MARKS.keys() == set(explain.OUTCOMES)
    states = {state for state, _ in Notification.STATES}
    assert STATE_MARKS.keys() == STATE_WORDS.keys() == states


def test_names_stay_text(figures: Figures, episode: Episode) -> None:
    type(figures.losing).objects.filter(pk=figures.losing.pk).update(name="<script>alert(1)</script>")
    client = figures.cast.client("olivia")
    _answer(client, episode, act="acknowledge", note="<script>alert(2)</script>")
    for address in (_at(episode), _at(episode, "_messages"), reverse("admin:reports_alerts")):
        page = client.get(address).content.decode()
        assert "<script>alert(" not in page
