"""Keeping a portfolio's routes: their places, and every refusal with its field."""

from __future__ import annotations

from typing import Any

import pytest

from alerts import routebook
from alerts.models import Route, Target
from alerts.routebook import RouteError
from alerts.rules.routes import Named
from portfolio.models import Portfolio
from tests import factories

OWNER = (Named("role", "owner"),)


@pytest.fixture
def portfolio(db: None) -> Portfolio:
    return factories.make_portfolio()


def put(portfolio: Portfolio, name: str, *, route: Route | None = None, **terms: Any) -> Route:
    return routebook.put(
        portfolio, routebook.Terms(**{"name": name, "recipients": OWNER} | terms), route=route
    )


def order(portfolio: Portfolio) -> list[tuple[int, str]]:
    return list(Route.objects.filter(portfolio=portfolio).values_list("position", "name"))


def test_a_new_route_is_last_or_where_it_is_asked_for(portfolio: Portfolio) -> None:
    put(portfolio, "a")
    put(portfolio, "b")
    assert put(portfolio, "first", place=1).position == 1
    assert put(portfolio, "third", place=3).position == 3
    assert order(portfolio) == [(1, "first"), (2, "a"), (3, "third"), (4, "b")]


def test_a_route_that_changes_stays_or_moves_both_ways(portfolio: Portfolio) -> None:
    a, b, c = (put(portfolio, name) for name in "abc")
    assert put(portfolio, "b2", route=b).position == 2
    put(portfolio, "a", route=a, place=3)
    assert order(portfolio) == [(1, "b2"), (2, "c"), (3, "a")]
    put(portfolio, "a", route=Route.objects.get(pk=a.pk), place=1)
    assert order(portfolio) == [(1, "a"), (2, "b2"), (3, "c")]
    put(portfolio, "c", route=c, recipients=(Named("role", "finance"),))
    assert Route.objects.get(name="c").recipients == [{"role": "finance"}]


def test_those_behind_a_removed_route_move_up_and_other_portfolios_stay(portfolio: Portfolio) -> None:
    elsewhere = factories.make_portfolio()
    put(elsewhere, "theirs")
    kept = [put(portfolio, name) for name in "abc"]
    routebook.remove(kept[0])
    assert order(portfolio) == [(1, "b"), (2, "c")]
    assert order(elsewhere) == [(1, "theirs")]


def test_gaps_left_by_an_earlier_order_are_closed(portfolio: Portfolio) -> None:
    for position in (7, 3):
        Route.objects.create(
            portfolio=portfolio, name=f"at {position}", position=position, recipients=[{"role": "owner"}]
        )
    put(portfolio, "new", place=2)
    assert order(portfolio) == [(1, "at 3"), (2, "new"), (3, "at 7")]


def test_matchers_and_recipients_are_kept_once_each(portfolio: Portfolio) -> None:
    stored = put(
        portfolio, " a ", rules=["negative_roi", "hurdle_rate", "negative_roi"], recipients=OWNER * 2
    )
    assert (stored.name, stored.rules, stored.recipients) == (
        "a",
        ["hurdle_rate", "negative_roi"],
        [{"role": "owner"}],
    )


@pytest.mark.parametrize(
    ("terms", "field", "words"),
    [
        ({"name": " "}, "name", "needs a name"),
        ({"name": "taken"}, "name", "Another route has this name"),
        ({"mode": "yearly"}, "mode", "immediate, daily, weekly"),
        ({"place": 3}, "place", "The places are 1 to 2."),
        ({"place": 0}, "place", "The places are 1 to 2."),
        ({"rules": ["no_rule"]}, "rules", "There is no no_rule"),
        ({"severities": ["loud"]}, "severities", "There is no loud"),
        ({"investments": ["NOT-HERE"]}, "investments", "There is no NOT-HERE"),
        ({"recipients": ()}, "recipients", "Name somebody"),
        ({"recipients": (Named("role", "king"),)}, "recipients", "The roles are owner"),
    ],
)
def test_what_cannot_be_kept_says_why(
    portfolio: Portfolio, terms: dict[str, Any], field: str, words: str
) -> None:
    put(portfolio, "taken")
    with pytest.raises(RouteError, match=words) as refused:
        put(portfolio, **{"name": "new"} | terms)
    assert refused.value.field == field
    assert Route.objects.count() == 1


def test_only_the_portfolio_s_own_people_investments_and_targets_are_named(portfolio: Portfolio) -> None:
    elsewhere = factories.make_portfolio()
    stranger = factories.join(factories.make_user("stranger"), elsewhere, "admin")
    foreign = factories.make_investment(elsewhere, "THEIRS")
    target = Target.objects.create(portfolio=elsewhere, channel="email", address="x@example.com", label="x")
    for named in (Named("user", str(stranger.pk)), Named("target", str(target.pk))):
        with pytest.raises(RouteError):
            put(portfolio, "new", recipients=(named,))
    with pytest.raises(RouteError, match="There is no THEIRS"):
        put(portfolio, "new", investments=[foreign.code])
    sponsor = factories.make_user("sponsor")
    factories.make_investment(portfolio, "OURS", sponsor=sponsor)
    stored = put(portfolio, "new", recipients=(Named("user", str(sponsor.pk)),), investments=["OURS"])
    assert stored.recipients == [{"user": sponsor.pk}]


def test_a_portfolio_has_so_many_routes_and_no_more(
    portfolio: Portfolio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routebook, "MOST_ROUTES", 1)
    first = put(portfolio, "a")
    put(portfolio, "a renamed", route=first)
    with pytest.raises(RouteError, match="at most 1 routes"):
        put(portfolio, "b")
