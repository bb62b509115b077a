"""Closed months that lack actuals are one standing episode, whose cause going away is its resolution."""

from dataclasses import replace

from alerts.rules import lifecycle
from alerts.rules.base import Context
from alerts.rules.reconcile import ChangeKind
from alerts.rules.trajectory import Trajectory
from tests.alerts.rules.cases import CONTEXT, Desk, facts, month, policy, states


def lacking(count: int, *numbers: int, context: Context = CONTEXT, **changes: int) -> Trajectory:
    gaps = {number: {"complete": False} for number in numbers}
    return lifecycle.fold([policy("missing_actuals", **changes)], facts([1] * count, changes=gaps), context)


def test_it_names_the_months_and_fires_since_the_first() -> None:
    trajectory = lacking(6, 3, 5)
    (firing,) = trajectory.firings
    assert firing.fired_month == month(3)
    assert firing.verdict.months == (month(3), month(5))
    assert firing.value == 2
    assert states(trajectory) == "nnFFFF"


def test_an_open_month_is_not_missing() -> None:
    months = facts([1, 1], changes={2: {"complete": False, "closed": False}})
    assert lifecycle.fold([policy("missing_actuals")], months, CONTEXT).firings == ()


def test_arrival_resolves_it_and_the_next_gap_is_a_new_episode() -> None:
    desk = Desk()
    assert desk.hear(lacking(3, 3)) == ["fired#1"]
    assert desk.hear(lacking(4, 3, 4)) == []
    assert desk.hear(lacking(5, 4)) == []
    assert desk.recorded[0].fired_month == month(4)
    assert desk.hear(lacking(5)) == ["resolved#1"]
    assert desk.hear(lacking(6)) == []
    assert desk.hear(lacking(7, 7)) == ["fired#2"]


def test_a_withdrawn_month_reopens_what_its_arrival_resolved() -> None:
    desk = Desk()
    desk.see(lacking(3, 3))
    desk.see(lacking(4))
    assert desk.hear(lacking(4, 3)) == ["reopened#1"]


def test_case_59_a_paused_or_ended_investment_is_not_asked() -> None:
    assert lacking(4, 3, context=replace(CONTEXT, paused_from=month(3))).firings == ()
    assert lacking(4, 3, context=replace(CONTEXT, ended_month=month(3))).firings == ()


def test_the_end_of_an_investment_closes_the_episode() -> None:
    for gap in (2, 4):
        desk = Desk()
        desk.see(lacking(4, gap))
        (change,) = desk.see(lacking(4, gap, context=replace(CONTEXT, ended_month=month(4))))
        assert change.kind is ChangeKind.CLOSED
        assert change.announce


def test_months_before_the_policy_are_not_missing() -> None:
    assert lacking(4, 2, armed_from_month=3).firings == ()
    late = policy("missing_actuals", effective_month=month(3))
    months = facts([1] * 4, changes={2: {"complete": False}})
    assert lifecycle.fold([late], months, CONTEXT).firings == ()
