"""Signed links: for one purpose, one person, a time, and once; a page opened changes nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client

from alerts import acknowledgments, answers, channels, delivery, evaluate, links, targets
from alerts.channels.base import Accepted, Message
from alerts.envelopes import WITHHELD
from alerts.links import LinkError
from alerts.models import Acknowledgment, Episode, Notification, Target, UsedNonce
from portfolio.models import Portfolio, User
from tests import factories
from tests.alerts.delivery.cases import FakeChannel
from tests.factories import close, now, record, running

LOSING = {"model_api": 9000, "labor_savings": 2000}
EARNING = {"model_api": 2000, "labor_savings": 9000}


@pytest.fixture(autouse=True)
def _unlimited() -> None:
    cache.clear()


@pytest.fixture
def portfolio(db: None) -> Portfolio:
    return factories.make_portfolio("CX", rate="0.10")


@pytest.fixture
def olivia(portfolio: Portfolio) -> User:
    return factories.join(factories.make_user("olivia"), portfolio, "owner")


@pytest.fixture
def episode(portfolio: Portfolio, olivia: User) -> Episode:
    investment = factories.make_investment(portfolio, "SUP-1", owner=olivia, name="<b>Support</b>")
    record(portfolio, *running(investment, LOSING, first=1, last=4))
    close(portfolio, first=1, last=4)
    evaluate.advance(now=now())
    return Episode.objects.get(rule="negative_roi")


def _path(episode: Episode, user: User, *, days: float = 1, purpose: str = "acknowledge") -> str:
    payload = {"e": str(episode.public_id), "u": str(user.public_id), "n": uuid4().hex}
    return f"/alerts/ack/{links.sign(purpose, payload, expires=now() + timedelta(days=days))}"


def _recover(episode: Episode) -> None:
    record(episode.investment.portfolio, *running(episode.investment, EARNING, first=5, last=9))
    close(episode.investment.portfolio, first=5, last=9)
    evaluate.advance(now=now())


def test_opening_the_page_changes_nothing_and_the_button_acknowledges(episode: Episode, olivia: User) -> None:
    path, client = _path(episode, olivia), Client()
    for method in (client.get, client.head, client.get):
        assert method(path).status_code == 200
    page = client.get(path)
    assert "&lt;b&gt;Support&lt;/b&gt;" in page.content.decode()
    assert "no-store" in page.headers["Cache-Control"]
    assert not Acknowledgment.objects.exists()
    assert not UsedNonce.objects.exists()
    assert client.post(path).status_code == 200
    made = Acknowledgment.objects.get()
    assert (made.user, made.episode, made.via) == (olivia, episode, "email")


def test_the_button_needs_the_page(episode: Episode, olivia: User) -> None:
    """Another site's form cannot press it, though nobody is signed in."""
    strict = Client(enforce_csrf_checks=True)
    assert strict.post(_path(episode, olivia)).status_code == 403
    assert not Acknowledgment.objects.exists()


def test_a_link_works_once(episode: Episode, olivia: User) -> None:
    path, client = _path(episode, olivia), Client()
    assert client.post(path).status_code == 200
    again = client.post(path)
    assert again.status_code == 410
    assert "Done already" in again.content.decode()
    assert Acknowledgment.objects.count() == 1


def test_case_42_two_links_of_one_person_make_one_record(episode: Episode, olivia: User) -> None:
    for path in (_path(episode, olivia), _path(episode, olivia)):
        assert Client().post(path).status_code == 200
    assert Acknowledgment.objects.count() == 1


def test_case_41_over_the_link_what_is_over_is_refused(episode: Episode, olivia: User) -> None:
    path = _path(episode, olivia)
    _recover(episode)
    for ask in (Client().get, Client().post):
        answer = ask(path)
        assert answer.status_code == 409
        assert "This alert is over" in answer.content.decode()
    assert not Acknowledgment.objects.exists()
    assert not UsedNonce.objects.exists()


@pytest.mark.parametrize("purpose", ["answer", "unsubscribe", "other"])
def test_a_value_signed_for_something_else_opens_nothing(
    episode: Episode, olivia: User, purpose: str
) -> None:
    for path in (_path(episode, olivia, purpose=purpose), _path(episode, olivia) + "x", "/alerts/ack/x"):
        assert Client().post(path).status_code == 404
    assert not Acknowledgment.objects.exists()


def test_an_old_link_says_so(episode: Episode, olivia: User) -> None:
    answer = Client().post(_path(episode, olivia, days=-0.001))
    assert answer.status_code == 410
    assert "too old" in answer.content.decode()
    assert not Acknowledgment.objects.exists()


def test_a_link_gives_no_right_that_its_person_has_lost(episode: Episode, olivia: User) -> None:
    path = _path(episode, olivia)
    olivia.is_active = False
    olivia.save()
    assert Client().post(path).status_code == 403
    assert not Acknowledgment.objects.exists()


def test_links_are_not_tried_out(episode: Episode, olivia: User) -> None:
    client = Client()
    codes = [client.get(f"/alerts/ack/x{n}").status_code for n in range(61)]
    assert codes == [404] * 60 + [429]


def test_nonces_are_forgotten_when_their_time_is_over(db: None) -> None:
    links.spend("a", "1", now=now(), keep=timedelta(seconds=10))
    with pytest.raises(LinkError) as refused:
        links.spend("a", "1", now=now() + timedelta(seconds=9))
    assert refused.value.code == "used"
    links.spend("a", "1", now=now() + timedelta(seconds=11))
    assert UsedNonce.objects.count() == 1


class _Whole(FakeChannel):
    """Hands the whole message to the outbox to keep."""

    def describe(self, message: Message, address: str) -> dict[str, Any]:
        return {"subject": message.subject, "text": message.text, "html": message.html}


def _sent(monkeypatch: pytest.MonkeyPatch) -> Message:
    fake = _Whole(Accepted("250"))
    kind = replace(channels.CHANNELS["email"], make=lambda options: fake)
    monkeypatch.setitem(channels.CHANNELS, "email", kind)
    delivery.drain(limit=9, only=["email"])
    return fake.handed[-1]


def test_a_mail_carries_its_reader_s_link_and_the_outbox_does_not(
    episode: Episode, olivia: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = _sent(monkeypatch)
    (address,) = message.private
    assert address in message.text
    assert address in message.html
    assert answers.asked_by(address.rpartition("/")[2], now=now()).user == olivia
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM alerts_notification n WHERE n::text LIKE %s", ["%/alerts/ack/%"])
        assert cursor.fetchone() == (0,)
    assert WITHHELD in Notification.objects.get(state="sent", user=olivia).rendered["text"]


def test_who_cannot_act_gets_no_link(episode: Episode, portfolio: Portfolio) -> None:
    vera = factories.join(factories.make_user("vera"), portfolio, "viewer")
    event = episode.events.earliest("ordinal")
    assert not acknowledgments.may_act(vera, episode)
    found = answers.carried_by(uuid4(), event_id=event.pk, user_id=vera.pk, target=None, now=now())
    assert "acknowledge" not in found


def test_a_shared_address_is_unsubscribed_by_one_click(
    episode: Episode, olivia: User, portfolio: Portfolio
) -> None:
    target = Target.objects.create(
        portfolio=portfolio, channel="email", address="all@example.com", label="Everybody"
    )
    event = episode.events.earliest("ordinal")
    ask: dict[str, Any] = {"event_id": event.pk, "now": now()}
    assert "unsubscribe" not in answers.carried_by(uuid4(), user_id=olivia.pk, target=None, **ask)
    found = answers.carried_by(uuid4(), user_id=None, target=target, **ask)["unsubscribe"]
    path = "/" + found.partition("//")[2].partition("/")[2]
    strict = Client(enforce_csrf_checks=True)
    assert strict.get(path).status_code == 200
    target.refresh_from_db()
    assert target.is_active
    for _ in range(2):
        assert strict.post(path, {"List-Unsubscribe": "One-Click"}).status_code == 200
    target.refresh_from_db()
    assert not target.is_active
    assert targets.why_switched_off(target) == "Unsubscribed by the link in a mail."
