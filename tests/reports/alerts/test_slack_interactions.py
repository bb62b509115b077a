"""Slack's buttons: signed, fresh, once, and as the person who pressed."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.test import Client
from pytest_django import Settings
from pytest_httpserver import HTTPServer

from alerts import evaluate, links
from alerts.models import Acknowledgment, Episode, Snooze
from portfolio.models import User
from tests import factories
from tests.factories import close, now, record, running

SECRET = "a signing secret of a test"
PATH = "/integrations/slack/interactions"
LOSING = {"model_api": 9000, "labor_savings": 2000}


@pytest.fixture(autouse=True)
def signing(settings: Settings, httpserver: HTTPServer) -> None:
    settings.SLACK_SIGNING_SECRET = SECRET
    settings.SLACK_API_URL = httpserver.url_for("/api/")
    httpserver.expect_request("/reply").respond_with_data("ok")


@pytest.fixture
def olivia(db: None) -> User:
    return factories.make_user("olivia", slack_id="U123")


@pytest.fixture
def episode(olivia: User) -> Episode:
    portfolio = factories.make_portfolio(rate="0.10")
    investment = factories.make_investment(portfolio, "SUP-1", owner=olivia)
    record(portfolio, *running(investment, LOSING, last=4))
    close(portfolio, last=4)
    evaluate.advance(now=now())
    return Episode.objects.get(rule="negative_roi")


def _body(episode: Episode, httpserver: HTTPServer, **changes: Any) -> bytes:
    value = links.sign(links.ANSWER, {"e": str(episode.public_id)}, expires=now() + timedelta(days=1))
    payload = {
        "type": "block_actions",
        "user": {"id": "U123"},
        "trigger_id": "1.2.3",
        "response_url": httpserver.url_for("/reply"),
        "actions": [{"action_id": "hurdle_acknowledge", "value": value}],
    } | changes
    return urlencode({"payload": json.dumps(payload)}).encode()


def _post(body: bytes, *, age: int = 0, secret: str = SECRET) -> int:
    stamp = str(int(now().timestamp()) - age)
    digest = hmac.new(secret.encode(), b"v0:" + stamp.encode() + b":" + body, hashlib.sha256).hexdigest()
    answer = Client().post(
        PATH,
        data=body,
        content_type="application/x-www-form-urlencoded",
        headers={"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={digest}"},
    )
    return answer.status_code


def _told(httpserver: HTTPServer) -> list[str]:
    return [json.loads(request.data)["text"] for request, _ in httpserver.log]


def test_a_press_acknowledges_as_the_person_who_pressed(
    episode: Episode, olivia: User, httpserver: HTTPServer
) -> None:
    assert _post(_body(episode, httpserver)) == 200
    made = Acknowledgment.objects.get()
    assert (made.user, made.via, made.episode) == (olivia, "slack", episode)
    assert _told(httpserver)[0].startswith("Acknowledged: nobody is reminded until")


def test_case_43_a_press_that_is_replayed_is_refused(episode: Episode, httpserver: HTTPServer) -> None:
    body = _body(episode, httpserver)
    assert _post(body, age=301) == 401
    assert not Acknowledgment.objects.exists()
    assert [_post(body), _post(body)] == [200, 200]
    assert Acknowledgment.objects.count() == 1
    assert _told(httpserver)[1] == "This link was used already."


@pytest.mark.parametrize("secret", ["another", ""])
def test_what_slack_did_not_sign_does_nothing(episode: Episode, httpserver: HTTPServer, secret: str) -> None:
    assert _post(_body(episode, httpserver), secret=secret) == 401
    assert not Acknowledgment.objects.exists()


@pytest.mark.parametrize("signature", ["v0=é", "", "v0=", "é" * 300])
def test_a_signature_of_any_characters_is_refused(
    episode: Episode, httpserver: HTTPServer, signature: str
) -> None:
    answer = Client().post(
        PATH,
        data=_body(episode, httpserver),
        content_type="application/x-www-form-urlencoded",
        headers={"X-Slack-Request-Timestamp": str(int(now().timestamp())), "X-Slack-Signature": signature},
    )
    assert answer.status_code == 401


@pytest.mark.parametrize("changes", [{"user": {"id": "U1\0"}}, {"trigger_id": "1\0"}])
def test_what_no_table_can_hold_is_no_press(
    episode: Episode, httpserver: HTTPServer, changes: dict[str, Any]
) -> None:
    assert _post(_body(episode, httpserver, **changes)) == 400


@pytest.mark.parametrize("said", ["U123", "@olivia", "u123", "X1"])
def test_a_member_id_is_one_persons(olivia: User, said: str) -> None:
    eve = factories.make_user("eve")
    eve.slack_id = said
    with pytest.raises(ValidationError, match=r"somebody else's|capital letters and digits"):
        eve.full_clean(exclude=["password"])
    if said == "U123":
        with pytest.raises(IntegrityError), transaction.atomic():
            User.objects.filter(pk=eve.pk).update(slack_id=said)


def test_without_a_secret_there_is_no_such_page(
    episode: Episode, httpserver: HTTPServer, settings: Settings
) -> None:
    settings.SLACK_SIGNING_SECRET = ""
    assert _post(_body(episode, httpserver)) == 404


def test_an_unknown_member_is_told_so(episode: Episode, httpserver: HTTPServer) -> None:
    assert _post(_body(episode, httpserver, user={"id": "U999"})) == 200
    assert not Acknowledgment.objects.exists()
    assert "belongs to nobody here" in _told(httpserver)[0]


def test_the_other_button_snoozes_for_a_week(episode: Episode, httpserver: HTTPServer) -> None:
    value = links.sign(links.ANSWER, {"e": str(episode.public_id)}, expires=now() + timedelta(days=1))
    assert _post(_body(episode, httpserver, actions=[{"action_id": "hurdle_snooze", "value": value}])) == 200
    assert Snooze.objects.get().until > now() + timedelta(days=6)


def test_a_forged_value_and_a_strange_address_change_nothing(
    episode: Episode, httpserver: HTTPServer
) -> None:
    forged = [{"action_id": "hurdle_acknowledge", "value": "eyJlIjoiMSJ9:forged"}]
    assert _post(_body(episode, httpserver, actions=forged)) == 200
    assert (
        _post(_body(episode, httpserver, actions=forged, response_url="https://elsewhere.example/x")) == 200
    )
    assert not Acknowledgment.objects.exists()
    assert _told(httpserver) == ["This link is not complete, or it was not made here."]


@pytest.mark.parametrize("body", [b"payload=%7B%7D", b"payload=nonsense", b"other=1"])
def test_what_is_no_press_is_refused(db: None, body: bytes) -> None:
    assert _post(body) == 400
