"""Late, repeated, withdrawn and restated months, from the ledger to the record: cases 19, 23, 27 and 28."""

from __future__ import annotations

from typing import Any

import pytest

from alerts import evaluate, replay
from alerts.models import AlertState, Episode, EvaluationPoint, Event, Notification
from portfolio.models import Cell, Entry, Investment
from tests import factories
from tests.alerts.histories import EARNING, LOSING, live, restate
from tests.factories import START, close, month, now, record, running, withdrawn


@pytest.fixture
def support(db: None) -> Investment:
    return factories.make_investment(factories.make_portfolio(rate="0.10"), "SUP-1")


def counts() -> dict[str, int]:
    models = (Entry, Cell, EvaluationPoint, Episode, Event, Notification)
    return {model.__name__: model._default_manager.count() for model in models}


@pytest.fixture
def reference(db: None) -> list[tuple[Any, ...]]:
    """What five months in order come to."""
    return outcome([1, 2, 3, 4, 5])


def outcome(order: list[int]) -> list[tuple[Any, ...]]:
    """Return the episodes that stand, and the states, once five closed months have come in this order."""
    investment = factories.make_investment(factories.make_portfolio(rate="0.10"))
    for rule in ("negative_roi", "hurdle_rate"):
        factories.change_policy(
            investment,
            rule,
            effective_month=START,
            now=now(),
            actor=None,
            reason="Month by month.",
            terms={"window": 1, "keep_months": 1},
        )
    close(investment.portfolio, last=5)
    for at in order:
        lines = LOSING if at in (2, 3, 5) else EARNING
        record(investment.portfolio, *running(investment, lines, first=at, last=at))
        evaluate.advance(now=now())
    standing = Episode.objects.filter(investment=investment).exclude(closed_reason="retracted")
    states = AlertState.objects.filter(investment=investment).order_by("rule")
    return [
        *standing.filter(rule__in=["negative_roi", "hurdle_rate"])
        .order_by("rule", "fired_month")
        .values_list("rule", "fired_month", "resolved_month", "closed_reason"),
        *states.values_list("rule", "state", "count", "month", "verdict", "value"),
    ]


@pytest.mark.parametrize("order", [[5, 4, 3, 2, 1], [1, 2, 4, 5, 3], [3, 1, 5, 2, 4]])
def test_case_19_months_that_come_late_end_where_months_in_time_do(
    reference: list[tuple[Any, ...]], order: list[int]
) -> None:
    assert ("negative_roi", month(2), month(4), "resolved") in reference
    assert outcome(order) == reference


def test_case_23_the_same_values_again_are_no_fact_and_no_event(support: Investment) -> None:
    live(support, LOSING, first=1, last=4)
    before = counts()
    done = record(support.portfolio, *running(support, LOSING, last=4))
    assert (done.batch, done.unchanged) == (None, 8)
    assert evaluate.advance(now=now()) == evaluate.Evaluated()
    assert counts() == before
    record(support.portfolio, *running(support, EARNING, last=4), reason="All wrong.")
    assert evaluate.advance(now=now()).events > 0


def test_case_27_a_month_that_is_deleted_says_no_data_and_takes_nothing_away(support: Investment) -> None:
    live(support, LOSING, first=1, last=4)
    before = list(Entry.objects.order_by("pk").values())
    gone = [withdrawn(support, month(4), code) for code in LOSING]
    record(support.portfolio, *gone, reason="Booked for somebody else.")
    evaluate.advance(now=now())
    kept = list(Entry.objects.order_by("pk").values())
    assert kept[: len(before)] == before
    assert [entry["kind"] for entry in kept[len(before) :]] == ["withdrawn"] * 2
    state = AlertState.objects.get(rule="negative_roi")
    assert (state.state, state.verdict, state.reason) == ("firing", "nodata", "missing_actuals")
    assert Episode.objects.get(rule="negative_roi").closed_at is None
    assert Episode.objects.get(rule="missing_actuals").fired_month == month(4)
    assert not Event.objects.filter(kind__in=["retracted", "resolved"]).exists()


def test_case_28_as_of_before_a_restatement_the_old_alert_is_still_there(support: Investment) -> None:
    live(support, LOSING, first=1, last=4)
    told = list(Notification.objects.order_by("seq").values("id", "message"))
    said = list(Event.objects.order_by("id").values("id", "kind", "month", "evidence"))
    restate(support, EARNING, first=1, last=4)
    assert Episode.objects.get(rule="negative_roi").closed_reason == "retracted"
    then, since = EvaluationPoint.objects.order_by("pk")
    assert list(Event.objects.filter(point=then).order_by("id").values(*said[0])) == said
    ids = [notification["id"] for notification in told]
    assert list(Notification.objects.filter(pk__in=ids).order_by("seq").values("id", "message")) == told
    for point, kinds in ((then, {"fired"}), (since, {"retracted"})):
        (found,) = replay.replay([point])
        assert found.is_comparable
        assert not found.facts_differ
        assert not found.differences
        pair = Event.objects.filter(point=point, episode__rule__in=["negative_roi", "hurdle_rate"])
        assert set(pair.values_list("kind", flat=True)) == kinds
