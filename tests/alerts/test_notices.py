"""The outbox rows of an evaluation: evidence copied, ids that come out the same, and who is told."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from alerts import evaluate
from alerts.models import Event, Notification, Target
from portfolio.models import Investment, Portfolio
from roi.models import Snapshot
from tests import factories
from tests.factories import close, fact, month, now, record, running

LOSING = {"model_api": 9000, "labor_savings": 2000}
EARNING = {"model_api": 2000, "labor_savings": 9000}


@pytest.fixture
def portfolio(db: None) -> Portfolio:
    return factories.make_portfolio(rate="0.10")


@pytest.fixture
def support(portfolio: Portfolio) -> Investment:
    return factories.make_investment(portfolio, "SUP-1", owner=factories.make_user("olivia"))


def test_evidence_is_copied_and_stays(support: Investment) -> None:
    record(support.portfolio, *running(support, LOSING, last=4))
    close(support.portfolio, last=4)
    evaluate.advance(now=now())
    event = Event.objects.get(episode__rule="negative_roi")
    message = Notification.objects.get(event=event, channel="email").message
    assert event.evidence["figures"]["tco"] == "36000.000000" == message["figures"]["tco"]
    assert (event.evidence["policy_version"], event.evidence["window"]) == (1, 3)
    assert Decimal(event.evidence["firing_value"]) == Decimal(-21_000)
    assert event.point.knowledge == event.evidence["knowledge"]
    assert (message["currency"], message["since"], message["data_through"]) == ("USD", "2024-03", "2024-04")
    before = dict(event.evidence)
    record(support.portfolio, fact(support, month(1), "model_api", 1), reason="Corrected.")
    evaluate.advance(now=now())
    event.refresh_from_db()
    assert event.evidence == before
    assert Snapshot.objects.get(month_number=1).tco == 1


def test_ids_are_unique_and_come_out_the_same(support: Investment) -> None:
    record(support.portfolio, *running(support, LOSING))
    close(support.portfolio, last=12)
    evaluate.advance(now=now())
    events, messages = set(Event.objects.values_list("pk")), set(Notification.objects.values_list("pk"))
    assert len(messages) == Notification.objects.count() > len(events) > 0


def test_only_those_told_of_the_beginning_hear_of_the_end(support: Investment) -> None:
    portfolio = support.portfolio
    ops = Target.objects.create(portfolio=portfolio, channel="slack", address="#ops", label="Ops")
    record(portfolio, *running(support, LOSING, last=4))
    close(portfolio, last=4)
    evaluate.advance(now=now())
    Target.objects.create(portfolio=portfolio, channel="slack", address="#late", label="Late")
    Notification.objects.filter(address=ops.address).update(state="dead")
    record(portfolio, *running(support, EARNING, first=5, last=8))
    close(portfolio, first=5, last=8)
    evaluate.advance(now=now())
    ended = Notification.objects.filter(event__kind="resolved", event__episode__rule="negative_roi")
    assert {(n.channel, n.address) for n in ended} == {("email", "olivia@example.com")}


def _mailed(investment: Investment) -> set[str]:
    record(investment.portfolio, *running(investment, LOSING, last=4))
    close(investment.portfolio, last=4)
    evaluate.advance(now=now())
    mails = Notification.objects.filter(channel="email", event__episode__rule="negative_roi")
    return {n.address for n in mails}


def test_without_an_owner_to_write_to_the_sponsor_is_told(portfolio: Portfolio) -> None:
    silent, sponsor = factories.make_user("silent", email=""), factories.make_user("sam")
    investment = factories.make_investment(portfolio, owner=silent, sponsor=sponsor)
    assert _mailed(investment) == {"sam@example.com"}


def test_without_both_the_administrators_are_told(portfolio: Portfolio) -> None:
    gone = factories.make_user("gone", is_active=False)
    for name, role in (("ada", "admin"), ("ben", "admin"), ("vera", "viewer")):
        factories.join(factories.make_user(name), portfolio, role)
    factories.join(factories.make_user("left", is_active=False), portfolio, "admin")
    investment = factories.make_investment(portfolio, owner=gone, sponsor=gone)
    assert _mailed(investment) == {"ada@example.com", "ben@example.com"}


@pytest.mark.parametrize(
    ("targets", "told"),
    [
        ([], {("slack", "")}),
        ([{"address": "#a"}], {("slack", "#a")}),
        ([{"address": "#a", "is_active": False}], set()),
        ([{"address": "#a", "rules": ["hurdle_rate"]}], set()),
        (
            [{"address": "#a", "rules": ["negative_roi"]}, {"address": "#b"}],
            {("slack", "#a"), ("slack", "#b")},
        ),
        ([{"channel": "email", "address": "l@x.org"}], {("email", "l@x.org"), ("slack", "")}),
    ],
)
def test_shared_targets_are_told_what_they_want(
    support: Investment, targets: list[dict[str, Any]], told: set[tuple[str, str]]
) -> None:
    for target in targets:
        Target.objects.create(portfolio=support.portfolio, label="x", **({"channel": "slack"} | target))
    _mailed(support)
    rows = Notification.objects.filter(event__episode__rule="negative_roi", user=None)
    assert {(n.channel, n.address) for n in rows} == told
