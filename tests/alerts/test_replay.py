"""A recorded evaluation, replayed from the ledger as known then, comes to the events that it wrote."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from alerts import due, evaluate, replay
from alerts.models import EvaluationPoint, Event
from portfolio import investments, months
from portfolio.models import Investment, Portfolio
from tests import factories
from tests.alerts.histories import EARNING, LOSING, THIN, foresee, live, restate
from tests.factories import month, now


@pytest.fixture
def portfolio(db: None) -> Portfolio:
    return factories.make_portfolio(rate="0.10")


@pytest.fixture
def support(portfolio: Portfolio) -> Investment:
    return factories.make_investment(portfolio, "SUP-1", owner=factories.make_user("olivia"))


def replayed() -> list[replay.Replayed]:
    return replay.replay(list(EvaluationPoint.objects.order_by("pk")))


def assert_sound(*, points: int) -> None:
    """Every point is comparable and none differs."""
    found = replayed()
    assert len(found) == points
    assert all(r.is_comparable for r in found)
    assert not any(r.facts_differ or r.is_after_a_gap or r.differences for r in found), found
    assert sum(r.events for r in found) == Event.objects.count() > 0


def test_a_life_with_restatements_policy_changes_and_undoing(support: Investment) -> None:
    live(support, EARNING, first=1, last=4)
    live(support, LOSING, first=5, last=8)
    restate(support, EARNING, first=6, last=7)
    restate(support, LOSING, first=6, last=7)
    factories.change_policy(
        support,
        "negative_roi",
        effective_month=month(10),
        now=now(),
        actor=None,
        reason="Slower.",
        terms={"for_months": 3},
    )
    live(support, THIN, first=9, last=12)
    live(support, EARNING, first=13, last=16)
    assert_sound(points=6)


def test_moved_to_another_portfolio_closed_and_reopened(support: Investment) -> None:
    live(support, LOSING, first=1, last=4)
    other = factories.make_portfolio(rate="0.20")
    factories.close(other, last=4)
    support.portfolio = other
    investments.put(support, now=now())
    evaluate.advance(now=now())
    months.reopen(other, [month(4)], now=now(), actor=factories.make_user(), reason="Audit.")
    evaluate.advance(now=now())
    factories.close(other, first=4, last=4)
    evaluate.advance(now=now())
    support.refresh_from_db()
    factories.enter(support, "killed")
    evaluate.advance(now=now())
    found = replayed()
    assert len(found) >= 4
    assert not any(r.facts_differ or r.is_after_a_gap or r.differences for r in found), found
    assert Event.objects.filter(kind="closed").exists()


def test_several_investments_at_one_knowledge_time(portfolio: Portfolio) -> None:
    made = [factories.make_investment(portfolio) for _ in range(3)]
    factories.record(portfolio, *(f for i in made for f in factories.running(i, LOSING, last=4)))
    factories.close(portfolio, last=4)
    evaluate.advance(now=now())
    assert_sound(points=3)
    assert len({p.knowledge for p in EvaluationPoint.objects.all()}) == 1


def test_an_npv_policy(support: Investment) -> None:
    factories.change_policy(
        support,
        "hurdle_rate",
        effective_month=factories.START,
        now=now(),
        actor=None,
        reason="Judge NPV.",
        terms={"measure": "npv", "for_months": 1, "armed_from_month": 3, "margin": Decimal(0)},
    )
    live(support, LOSING, first=1, last=5)
    assert_sound(points=1)


def test_a_reminder_does_not_bring_a_restated_value_back(support: Investment) -> None:
    """What the clock tells repeats the opening's figures; the record keeps those of the last restatement."""
    live(support, LOSING, first=1, last=4)
    restate(support, LOSING | {"model_api": 9500}, first=3, last=4)
    assert Event.objects.filter(kind="restated", episode__rule="negative_roi").count() == 1
    for days in (31, 32):
        due.run_due(now=now() + timedelta(days=days))
    assert Event.objects.filter(kind="reminder", episode__rule="negative_roi").exists()
    live(support, LOSING, first=5, last=5)
    assert Event.objects.filter(kind="restated", episode__rule="negative_roi").count() == 1
    found = replayed()
    assert not any(r.differences for r in found), found


def test_an_alert_that_reopens_escalates_again(support: Investment) -> None:
    """A second time round is another event, or its notices would pass for sent."""
    live(support, LOSING, first=1, last=4)
    due.run_due(now=now() + timedelta(days=8))
    live(support, EARNING, first=5, last=8)
    restate(support, LOSING, first=5, last=8)
    assert Event.objects.filter(kind="reopened", episode__rule="negative_roi").exists()
    due.run_due(now=now() + timedelta(days=8))
    escalated = Event.objects.filter(kind="escalated", episode__rule="negative_roi")
    assert sorted(escalated.values_list("ordinal", "evidence__level")) == [(1, 1), (2, 1)]
    assert all(event.notifications.filter(state="pending").exists() for event in escalated)


def _warned(support: Investment) -> None:
    """Let an early warning fire and end, on forecasts that are made after the months were judged."""
    for number, share in ((3, 0.2), (4, 0.8), (5, 0.9), (6, 0.1)):
        live(support, EARNING, first=1 if number == 3 else number, last=number)
        foresee(support, number, share)
        evaluate.advance(now=now())


def test_early_warnings_are_judged_again_on_the_forecasts_of_then(support: Investment) -> None:
    """A forecast that comes later, also of an old month, changes nothing about what was judged before it."""
    _warned(support)
    kinds = Event.objects.filter(episode__rule="early_warning").order_by("point", "ordinal")
    assert list(kinds.values_list("kind", flat=True)) == ["fired", "resolved"]
    foresee(support, 4, 0.0)
    assert_sound(points=8)


def test_an_early_warning_that_its_forecasts_do_not_yield_is_found(support: Investment) -> None:
    _warned(support)
    points = list(EvaluationPoint.objects.order_by("pk"))
    points[3].context["forecasts"].pop()
    found = [r.differences for r in replay.replay(points) if r.differences]
    assert [sign.kind for sign in found[0]["early_warning"].phantom] == ["fired"]


def test_a_point_that_names_no_forecasts_is_replayed_without_the_early_warning(support: Investment) -> None:
    _warned(support)
    points = list(EvaluationPoint.objects.order_by("pk"))
    for point in points:
        del point.context["forecasts"]
    found = replay.replay(points)
    assert all(r.is_comparable and not r.differences for r in found)
