"""Who hears of an alert: routes in their order, access at routing and at sending, and why somebody does not."""

from __future__ import annotations

from typing import Any

import pytest

from alerts import delivery, evaluate, routing
from alerts.models import Notification, Route, Target
from alerts.routing import Directory
from portfolio import investments
from portfolio.models import Absence, Investment, Membership, Portfolio, User
from tests import factories
from tests.alerts.histories import LOSING, THIN, live
from tests.factories import now

RULE = "negative_roi"


@pytest.fixture
def portfolio(db: None) -> Portfolio:
    return factories.make_portfolio()


@pytest.fixture
def olivia(portfolio: Portfolio) -> User:
    return factories.make_user("olivia")


@pytest.fixture
def fred(portfolio: Portfolio) -> User:
    return factories.join(factories.make_user("fred"), portfolio, "finance")


@pytest.fixture
def support(portfolio: Portfolio, olivia: User) -> Investment:
    return factories.make_investment(portfolio, "SUP-1", owner=olivia, use_case="support")


def route(portfolio: Portfolio, *recipients: dict[str, Any], **terms: Any) -> Route:
    position = Route.objects.filter(portfolio=portfolio).count() + 1
    given = {"name": f"route {position}", "position": position} | terms
    return Route.objects.create(portfolio=portfolio, recipients=list(recipients), **given)


def _known(investment: Investment) -> Directory:
    return routing.directory([investment], on=now().date())


def _told(investment: Investment, rule: str = RULE, severity: str = "") -> dict[str, str]:
    found = routing.recipients(investment, rule, _known(investment), severity=severity)
    return {one.name: one.mode for one in found}


def test_without_routes_the_defaults_hold(support: Investment) -> None:
    assert _told(support) == {"olivia": "immediate", "default channel": "immediate"}


def test_routes_name_roles_people_and_targets(portfolio: Portfolio, fred: User, support: Investment) -> None:
    paula = factories.join(factories.make_user("paula"), portfolio, "viewer")
    target = Target.objects.create(
        portfolio=portfolio, channel="email", address="cfo@example.com", label="CFO"
    )
    route(portfolio, {"role": "finance"}, {"user": paula.pk}, {"target": target.pk}, mode="daily")
    assert _told(support) == {"fred": "daily", "paula": "daily", "CFO": "daily"}


def test_matchers_choose_and_a_route_may_end_the_list(
    portfolio: Portfolio, fred: User, support: Investment
) -> None:
    route(portfolio, {"role": "finance"}, severities=["critical"], goes_on=False)
    route(portfolio, {"role": "owner"}, use_cases=["support"])
    assert set(_told(support, severity="critical")) == {"fred"}
    assert set(_told(support, severity="warning")) == {"olivia"}


def test_reached_by_two_routes_the_soonest_counts(portfolio: Portfolio, support: Investment) -> None:
    route(portfolio, {"role": "owner"}, mode="weekly")
    route(portfolio, {"role": "owner"}, mode="daily")
    assert _told(support) == {"olivia": "daily"}


def test_an_alert_that_no_route_delivers_goes_by_the_defaults(
    portfolio: Portfolio, support: Investment
) -> None:
    route(portfolio, {"role": "owner"}, rules=["hurdle_rate"])
    route(portfolio, {"role": "board"}, rules=[RULE])
    assert set(_told(support)) == {"olivia", "default channel"}


def test_whoever_has_no_access_is_not_told(portfolio: Portfolio, support: Investment) -> None:
    stranger = factories.make_user("stranger")
    route(portfolio, {"user": stranger.pk}, {"role": "owner"})
    assert set(_told(support)) == {"olivia"}
    factories.join(stranger, portfolio, "viewer")
    assert set(_told(support)) == {"stranger", "olivia"}


def test_standing_in_opens_nothing(portfolio: Portfolio, olivia: User, support: Investment) -> None:
    dan = factories.make_user("dan")
    today = now().date()
    Absence.objects.create(user=olivia, delegate=dan, first_day=today, last_day=today)
    assert "olivia" in _told(support)
    factories.join(dan, portfolio, "viewer")
    assert "dan" in _told(support)
    assert "olivia" not in _told(support)


def test_a_change_of_routes_counts_from_the_next_event(
    portfolio: Portfolio, fred: User, support: Investment
) -> None:
    route(portfolio, {"role": "finance"}, rules=[RULE])
    live(support, LOSING, first=1, last=4)
    told = Notification.objects.filter(event__episode__rule=RULE)
    assert [(n.user and n.user.username, n.state) for n in told] == [("fred", "pending")]


def test_case_34_an_alert_of_a_moved_investment_keeps_its_key_and_is_routed_anew(
    portfolio: Portfolio, olivia: User, support: Investment
) -> None:
    live(support, LOSING, first=1, last=4)
    before = Notification.objects.get(event__episode__rule=RULE, channel="email")
    other = factories.make_portfolio("OTHER")
    other_fred = factories.join(factories.make_user("other-fred"), other, "finance")
    route(other, {"role": "finance"})
    support.portfolio, support.code = other, "SUP-9"
    investments.put(support, now=now())
    moved = Investment.objects.select_related("portfolio", "owner", "sponsor").get(pk=support.pk)
    assert set(_told(moved)) == {other_fred.username}
    assert before.thread_key == f"hurdle:{moved.public_id}:{RULE}:1"


def test_access_is_asked_again_when_the_message_leaves(
    portfolio: Portfolio, fred: User, support: Investment
) -> None:
    route(portfolio, {"role": "finance"}, rules=[RULE])
    live(support, LOSING, first=1, last=4)
    Membership.objects.filter(user=fred).delete()
    while delivery.drain(limit=20):
        pass
    left = Notification.objects.get(event__episode__rule=RULE, user=fred)
    assert (left.state, left.suppressed_by) == ("suppressed", "no_access")
    assert "no access" in left.state_reason


def test_the_investments_own_people_need_no_membership(support: Investment) -> None:
    live(support, LOSING, first=1, last=4)
    while delivery.drain(limit=20):
        pass
    assert Notification.objects.get(event__episode__rule=RULE, channel="email").state in ("sent", "logged")


def test_the_owner_before_is_told_nothing_more(support: Investment) -> None:
    live(support, LOSING, first=1, last=4)
    Investment.objects.filter(pk=support.pk).update(owner=factories.make_user("next"))
    while delivery.drain(limit=20):
        pass
    assert Notification.objects.get(event__episode__rule=RULE, channel="email").suppressed_by == "no_access"


def test_it_says_why_somebody_does_not_hear_of_an_alert(
    portfolio: Portfolio, olivia: User, fred: User, support: Investment
) -> None:
    def why(user: User) -> str:
        return routing.explain(support, RULE, "critical", _known(support), user)[1]

    assert why(olivia) == ""
    assert "no routes" in why(fred)
    route(portfolio, {"role": "owner"}, name="Owners")
    assert why(fred) == "The routes taken (“Owners”) name somebody else."
    assert "no access" in why(factories.make_user("stranger"))
    way, _ = routing.explain(support, RULE, "critical", _known(support), fred)
    assert [step.is_taken for step in way.steps] == [True]


def test_missing_actuals_are_asked_of_the_data_owner_or_finance(
    portfolio: Portfolio, fred: User, support: Investment
) -> None:
    assert "fred" in _told(support, "missing_actuals")
    assert "olivia" not in _told(support, "missing_actuals")
    dora = factories.make_user("dora")
    Investment.objects.filter(pk=support.pk).update(data_owner=dora)
    again = Investment.objects.select_related("portfolio", "owner", "sponsor").get(pk=support.pk)
    assert "dora" in _told(again, "missing_actuals")
    assert "fred" not in _told(again, "missing_actuals")


def test_routing_reads_the_same_number_of_queries_for_any_number_of_investments(
    portfolio: Portfolio, fred: User, support: Investment, django_assert_max_num_queries: Any
) -> None:
    many = [support, *(factories.make_investment(portfolio) for _ in range(5))]
    route(portfolio, {"user": fred.pk})
    with django_assert_max_num_queries(7):
        known = routing.directory(many, on=now().date())
        for investment in many:
            routing.recipients(investment, RULE, known)


def test_a_hurdle_alert_follows_its_own_severity(
    portfolio: Portfolio, fred: User, support: Investment
) -> None:
    route(portfolio, {"role": "finance"}, severities=["warning"], goes_on=False)
    route(portfolio, {"role": "owner"})
    live(support, THIN, first=1, last=4)
    assert evaluate.advance(now=now()).notifications == 0
    told = Notification.objects.filter(event__episode__rule="hurdle_rate", event__kind="fired")
    assert {n.user.username for n in told if n.user} == {"fred"}
