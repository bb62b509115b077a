"""Who unsubscribed from mail about a portfolio: who is told in their place, what still comes, and a mail's link."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from email.message import EmailMessage
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from pytest_django import Settings

from alerts import channels, delivery, links, routing, unsubscriptions
from alerts.channels.base import Accepted
from alerts.envelopes import WITHHELD
from alerts.models import Notification, Route, Target, Unsubscription
from alerts.routing import Recipient
from alerts.rules.attention import Rung
from portfolio.models import Absence, Investment, Portfolio, User
from tests import factories
from tests.alerts.channels.mail_servers import mailbox, use
from tests.alerts.delivery.cases import FakeChannel
from tests.alerts.histories import EARNING, LOSING, live
from tests.factories import now

RULE = "negative_roi"
ALL_THE_SAME = "nobody else can be told, so this is sent although they unsubscribed"
ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture(autouse=True)
def _unlimited() -> None:
    cache.clear()


@pytest.fixture
def portfolio(db: None) -> Portfolio:
    return factories.make_portfolio("CX")


@pytest.fixture
def olivia(portfolio: Portfolio) -> User:
    return factories.make_user("olivia")


@pytest.fixture
def sam(portfolio: Portfolio) -> User:
    return factories.make_user("sam")


@pytest.fixture
def ada(portfolio: Portfolio) -> User:
    return factories.join(factories.make_user("ada"), portfolio, "admin")


@pytest.fixture
def support(portfolio: Portfolio, olivia: User, sam: User, ada: User) -> Investment:
    return factories.make_investment(portfolio, "SUP-1", owner=olivia, sponsor=sam)


def leave(portfolio: Portfolio, *people: User) -> None:
    for user in people:
        unsubscriptions.unsubscribe(user, portfolio, now=now())


def told(investment: Investment, rule: str = RULE) -> list[Recipient]:
    known = routing.directory([investment], on=now().date())
    return [one for one in routing.recipients(investment, rule, known) if one.user]


def names(investment: Investment, rule: str = RULE) -> list[str]:
    return [one.name for one in told(investment, rule)]


def escalated(investment: Investment, rung: Rung) -> tuple[list[tuple[str, bool]], bool]:
    found, is_empty = routing.escalation(investment, rung, routing.directory([investment], on=now().date()))
    return [(one.name, one.must_hear) for one in found], is_empty


def path_for(user: User, portfolio: Portfolio, *, days: float = 365, purpose: str = "unsubscribe") -> str:
    payload = {"u": str(user.public_id), "p": str(portfolio.public_id)}
    return f"/alerts/unsubscribe/{links.sign(purpose, payload, expires=now() + timedelta(days=days))}"


def is_out(user: User, portfolio: Portfolio) -> bool:
    return (user.pk, portfolio.pk) in unsubscriptions.of([portfolio.pk])


def drained(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Deliver all mail there is; returns the addresses it went to."""
    fake = FakeChannel(Accepted("250"))
    monkeypatch.setitem(
        channels.CHANNELS, "email", replace(channels.CHANNELS["email"], make=lambda options: fake)
    )
    while delivery.drain(limit=20):
        pass
    return fake.addresses


# Who is told.


def test_the_next_in_line_is_told_in_place_of_who_unsubscribed(
    portfolio: Portfolio, support: Investment, olivia: User, sam: User
) -> None:
    assert names(support) == ["olivia"]
    leave(portfolio, olivia)
    assert names(support) == ["sam"]
    leave(portfolio, sam)
    assert names(support) == ["ada"]
    assert not any(one.must_hear for one in told(support))


def test_where_everybody_unsubscribed_the_first_is_told_all_the_same(
    portfolio: Portfolio, support: Investment, olivia: User, sam: User, ada: User
) -> None:
    leave(portfolio, olivia, sam, ada)
    (one,) = told(support)
    assert (one.name, one.must_hear) == ("olivia", True)
    assert one.why == f"owner of the investment; {ALL_THE_SAME}"


def test_a_shared_address_that_somebody_reads_is_enough(
    portfolio: Portfolio, support: Investment, olivia: User, sam: User, ada: User, settings: Settings
) -> None:
    leave(portfolio, olivia, sam, ada)
    target = Target.objects.create(
        portfolio=portfolio, channel="email", address="all@example.com", label="All", rules=["hurdle_rate"]
    )
    settings.HAS_EMAIL = True
    assert names(support) == ["olivia"]
    target.rules = []
    target.save()
    assert names(support) == []
    settings.HAS_EMAIL = False
    assert names(support) == ["olivia"]


def test_nobody_is_told_in_place_of_who_has_no_address(portfolio: Portfolio, ada: User) -> None:
    ada.email = ""
    ada.save()
    orphan = factories.make_investment(portfolio, "SUP-2", owner=factories.make_user("otto", email=""))
    assert told(orphan) == []
    leave(portfolio, ada)
    assert told(orphan) == []


def test_a_route_skips_who_unsubscribed_and_falls_back_where_it_reaches_nobody(
    portfolio: Portfolio, support: Investment, olivia: User, sam: User, ada: User
) -> None:
    paula = factories.join(factories.make_user("paula"), portfolio, "viewer")
    fred = factories.join(factories.make_user("fred"), portfolio, "finance")
    Route.objects.create(
        portfolio=portfolio, name="r", position=1, recipients=[{"user": paula.pk}, {"role": "finance"}]
    )
    assert names(support) == ["paula", "fred"]
    leave(portfolio, paula)
    assert names(support) == ["fred"]
    leave(portfolio, fred)
    assert names(support) == ["olivia"]


def test_missing_actuals_are_asked_of_the_next(
    portfolio: Portfolio, support: Investment, olivia: User
) -> None:
    fred = factories.join(factories.make_user("fred"), portfolio, "finance")
    dora = factories.make_user("dora")
    support.data_owner = dora
    assert names(support, "missing_actuals") == ["dora"]
    leave(portfolio, dora)
    assert names(support, "missing_actuals") == ["fred"]
    leave(portfolio, fred)
    assert names(support, "missing_actuals") == ["olivia"]


def test_a_delegate_who_unsubscribed_stands_in_for_nobody(
    portfolio: Portfolio, support: Investment, olivia: User
) -> None:
    dan = factories.join(factories.make_user("dan"), portfolio, "viewer")
    today = now().date()
    Absence.objects.create(user=olivia, delegate=dan, first_day=today, last_day=today)
    assert names(support) == ["dan"]
    leave(portfolio, dan)
    assert names(support) == ["olivia"]


def test_who_must_hear_and_is_away_is_stood_in_for_by_who_wants_mail(
    portfolio: Portfolio, support: Investment, olivia: User, sam: User, ada: User
) -> None:
    dan = factories.join(factories.make_user("dan"), portfolio, "viewer")
    today = now().date()
    Absence.objects.create(user=olivia, delegate=dan, first_day=today, last_day=today)
    leave(portfolio, olivia, sam, ada)
    (one,) = told(support)
    assert (one.name, one.must_hear) == ("dan", False)
    assert one.why == "stands in for olivia, owner of the investment"


def test_another_portfolio_is_another_wish(portfolio: Portfolio, support: Investment, olivia: User) -> None:
    leave(factories.make_portfolio("OTHER"), olivia)
    assert names(support) == ["olivia"]


def test_an_escalation_goes_on_to_the_administrators_and_is_lost_to_nobody(
    portfolio: Portfolio, support: Investment, olivia: User, sam: User, ada: User
) -> None:
    assert escalated(support, Rung.SPONSOR) == ([("sam", False)], False)
    leave(portfolio, sam)
    assert escalated(support, Rung.SPONSOR) == ([("ada", False)], True)
    leave(portfolio, ada)
    assert escalated(support, Rung.SPONSOR) == ([("sam", True)], False)
    assert escalated(support, Rung.BOARD) == ([("ada", True)], True)


def test_it_says_why_they_were_not_told(portfolio: Portfolio, support: Investment, olivia: User) -> None:
    leave(portfolio, olivia)
    known = routing.directory([support], on=now().date())
    _, why = routing.explain(support, RULE, "critical", known, olivia)
    assert why == "They unsubscribed from mail about this portfolio."


# What is sent.


def test_who_must_hear_is_sent_to_and_the_message_says_why(
    portfolio: Portfolio,
    support: Investment,
    olivia: User,
    sam: User,
    ada: User,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    leave(portfolio, olivia, sam, ada)
    live(support, LOSING, first=1, last=4)
    assert drained(monkeypatch) == ["olivia@example.com"]
    row = Notification.objects.get(event__episode__rule=RULE, user=olivia)
    assert row.state == "sent"
    assert row.message["recipient"] == {
        "name": "olivia",
        "why": f"owner of the investment; {ALL_THE_SAME}",
        "must_hear": True,
    }


def test_others_carry_no_mark(support: Investment, olivia: User) -> None:
    live(support, LOSING, first=1, last=4)
    row = Notification.objects.get(event__episode__rule=RULE, user=olivia)
    assert row.message["recipient"] == {"name": "olivia", "why": "owner of the investment"}


def test_the_end_is_not_mailed_to_who_unsubscribed_since_and_that_is_recorded(
    portfolio: Portfolio, support: Investment, olivia: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    live(support, LOSING, first=1, last=4)
    assert drained(monkeypatch) == ["olivia@example.com"]
    leave(portfolio, olivia)
    live(support, EARNING, first=5, last=9)
    assert "olivia@example.com" not in drained(monkeypatch)
    end = Notification.objects.get(event__episode__rule=RULE, event__kind="resolved", channel="email")
    assert (end.user, end.state, end.suppressed_by) == (olivia, "suppressed", "unsubscribed")


def test_who_subscribed_again_is_told(portfolio: Portfolio, support: Investment, olivia: User) -> None:
    for _ in range(2):
        leave(portfolio, olivia)
    assert Unsubscription.objects.count() == 1
    for _ in range(2):
        unsubscriptions.subscribe(olivia, portfolio, now=now())
    ended = Unsubscription.objects.get().ended_at
    assert ended is not None
    assert names(support) == ["olivia"]
    leave(portfolio, olivia)
    assert Unsubscription.objects.count() == 2
    assert names(support) == ["sam"]


# The link.


def _mailed(settings: Settings) -> EmailMessage:
    with mailbox() as box:
        use(settings, box.port)
        delivery.drain(limit=9, only=["email"])
    (mail,) = box.mails
    return mail


def test_a_mail_to_a_person_says_twice_how_to_stop_it(
    portfolio: Portfolio, support: Investment, olivia: User, settings: Settings
) -> None:
    live(support, LOSING, first=1, last=4)
    mail = _mailed(settings)
    address = str(mail["List-Unsubscribe"]).strip().strip("<>")
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert address.startswith("https://hurdle.example.com/alerts/unsubscribe/")
    for form in ("plain", "html"):
        body: Any = mail.get_body((form,))
        assert address in body.get_content()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM alerts_notification n WHERE n::text LIKE %s", ["%/unsubscribe/%"]
        )
        assert cursor.fetchone() == (0,)
    kept = Notification.objects.get(state="sent").rendered
    assert f"Unsubscribe from mail about this portfolio: {WITHHELD}" in kept["text"]
    strict = Client(enforce_csrf_checks=True)
    assert strict.post(urlsplit(address).path, ONE_CLICK).status_code == 200
    assert is_out(olivia, portfolio)
    assert names(support) == ["sam"]


def test_who_must_hear_is_offered_no_link_that_would_change_nothing(
    portfolio: Portfolio, support: Investment, olivia: User, sam: User, ada: User, settings: Settings
) -> None:
    leave(portfolio, olivia, sam, ada)
    live(support, LOSING, first=1, last=4)
    mail = _mailed(settings)
    assert mail["List-Unsubscribe"] is None
    body: Any = mail.get_body(("plain",))
    assert "although they unsubscribed" in " ".join(body.get_content().split())
    assert "/alerts/unsubscribe/" not in body.get_content()


def test_opening_the_page_changes_nothing_and_posting_does(portfolio: Portfolio, olivia: User) -> None:
    path, strict = path_for(olivia, portfolio), Client(enforce_csrf_checks=True)
    for ask in (strict.get, strict.head, strict.get):
        assert ask(path).status_code == 200
    page = strict.get(path)
    shown = re.sub(r"\s+", " ", page.content.decode())
    assert "are then no longer mailed to you" in shown
    assert "olivia" in shown
    assert "Portfolio CX" in shown
    assert "no-store" in page.headers["Cache-Control"]
    assert not is_out(olivia, portfolio)
    for _ in range(2):
        done = Client(enforce_csrf_checks=True).post(path, ONE_CLICK)
        assert done.status_code == 200
        assert "no longer mailed to you" in done.content.decode()
    assert Unsubscription.objects.count() == 1
    assert is_out(olivia, portfolio)
    again = strict.get(path).content.decode()
    assert "You unsubscribed already" in again
    assert "<button" not in again


@pytest.mark.parametrize("purpose", ["acknowledge", "answer", "other"])
def test_a_value_signed_for_something_else_stops_nothing(
    portfolio: Portfolio, olivia: User, purpose: str
) -> None:
    good = path_for(olivia, portfolio)
    for path in (path_for(olivia, portfolio, purpose=purpose), good + "x", "/alerts/unsubscribe/x"):
        assert Client().post(path, ONE_CLICK).status_code == 404
    assert not Unsubscription.objects.exists()


def test_a_link_without_its_portfolio_or_too_old_stops_nothing(portfolio: Portfolio, olivia: User) -> None:
    half = links.sign("unsubscribe", {"u": str(olivia.public_id)}, expires=now() + timedelta(days=1))
    assert Client().post(f"/alerts/unsubscribe/{half}").status_code == 404
    assert Client().post(path_for(olivia, portfolio, days=-0.001)).status_code == 410
    assert not Unsubscription.objects.exists()


def test_one_click_stops_it_for_one_person_and_one_portfolio(portfolio: Portfolio, olivia: User) -> None:
    other, paula = factories.make_portfolio("OTHER"), factories.make_user("paula")
    Client().post(path_for(olivia, portfolio), ONE_CLICK)
    assert unsubscriptions.of([portfolio.pk, other.pk]) == {(olivia.pk, portfolio.pk)}
    assert not is_out(paula, portfolio)
