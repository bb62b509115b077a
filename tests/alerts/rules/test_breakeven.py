"""Breakeven reached once, lost and regained, and overdue against the plan or the norm band."""

from dataclasses import replace

import pytest

from alerts.rules import lifecycle
from alerts.rules.base import MonthFacts, NoData, Verdict, VerdictKind
from alerts.rules.breakeven import BREAKEVEN_LOST, BREAKEVEN_OVERDUE, BREAKEVEN_REACHED
from alerts.rules.trajectory import ClosedReason, Trajectory
from tests.alerts.rules.cases import CONTEXT, facts, month, policy, states

REACH = [100, 100, 150, 150]  # with run cost 100 and 100 once: reached exactly in month 4


def reached(months: list[MonthFacts]) -> Trajectory:
    return lifecycle.fold([policy("breakeven_reached")], months, CONTEXT)


def overdue(i: int, months: list[MonthFacts], **changes: int | None) -> Verdict:
    context = replace(CONTEXT, planned_breakeven_month=month(3))
    return BREAKEVEN_OVERDUE.judge(policy("breakeven_overdue", **changes), months, i, context)


def test_equality_is_reached_and_fires_once() -> None:
    trajectory = reached(facts([*REACH, 0, 500], one_time=100))
    (firing,) = trajectory.firings
    assert (firing.fired_month, firing.resolved_month) == (month(4), month(4))
    assert firing.closed_reason is ClosedReason.ONE_SHOT
    assert firing.value == 0
    assert states(trajectory) == "nnnnnn"


def test_one_micro_unit_short_is_not_reached() -> None:
    months = facts(REACH, one_time=100)
    months[3] = replace(months[3], cumulative_benefit=months[3].cumulative_benefit - 1)
    assert reached(months).firings == ()


def test_case_13_nothing_spent_is_no_breakeven() -> None:
    months = facts([0, 0], run=0)
    for rule in (BREAKEVEN_REACHED, BREAKEVEN_LOST, BREAKEVEN_OVERDUE):
        verdict = rule.judge(policy(rule.name, armed_from_month=1), months, 1, CONTEXT)
        assert (verdict.kind, verdict.reason) == (VerdictKind.NODATA, NoData.NO_COST_YET)


def test_credits_beyond_all_cost_are_no_breakeven() -> None:
    assert reached(facts([10, 10], run=-5)).firings == ()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({2: {"complete": False}}, NoData.MISSING_ACTUALS),
        ({2: {"missing_fx": True}}, NoData.MISSING_FX_RATE),
        ({2: {"overflow": True}}, NoData.OVERFLOW),
    ],
)
def test_case_18_sums_with_a_hole_are_not_judged(changes: dict[int, dict[str, bool]], reason: NoData) -> None:
    months = facts([*REACH, 500], one_time=100, changes=changes)
    for rule in (BREAKEVEN_REACHED, BREAKEVEN_LOST, BREAKEVEN_OVERDUE):
        verdict = rule.judge(policy(rule.name, armed_from_month=1), months, 4, CONTEXT)
        assert verdict.reason is reason
        assert not verdict.has_data
    assert reached(months).firings == ()


def test_lost_needs_to_have_been_reached_and_two_months() -> None:
    months = facts([*REACH, 50, 50, 300, 100], one_time=100)
    trajectory = lifecycle.fold([policy("breakeven_lost", for_months=2, keep_months=2)], months, CONTEXT)
    assert trajectory.months[2].verdict.reason is NoData.NOT_REACHED
    assert states(trajectory) == "nnnnpFRn"
    (firing,) = trajectory.firings
    assert (firing.first_breach_month, firing.fired_month) == (month(5), month(6))
    assert firing.value == -100
    assert firing.resolved_month == month(8)


def test_an_incomplete_or_open_month_is_no_proof_of_breakeven() -> None:
    for change in ({"complete": False, "cumulative_known": True}, {"closed": False}):
        months = facts([*REACH, 50], one_time=100, changes={4: change})
        months[4] = replace(months[4], cumulative_known=True)
        assert BREAKEVEN_LOST.judge(policy("breakeven_lost"), months, 4, CONTEXT).reason is NoData.NOT_REACHED


def test_overdue_from_the_close_of_the_planned_month() -> None:
    months = facts([50, 50, 50, 50, 500], one_time=100)
    assert overdue(1, months).reason is NoData.NOT_ARMED
    assert overdue(2, months).kind is VerdictKind.BREACH
    assert overdue(2, months).months == (month(3),)
    assert overdue(3, months).kind is VerdictKind.BREACH
    assert overdue(4, months).kind is VerdictKind.CLEAR


def test_overdue_is_answered_by_reaching_it_even_when_it_is_lost_again() -> None:
    months = facts([300, 0, 0, 0], one_time=100)
    assert overdue(3, months).kind is VerdictKind.CLEAR


def test_overdue_without_a_plan_waits_for_the_norm_band() -> None:
    months = facts([50] * 24)
    rule = policy("breakeven_overdue")
    assert BREAKEVEN_OVERDUE.judge(rule, months, 22, CONTEXT).reason is NoData.NOT_ARMED
    assert BREAKEVEN_OVERDUE.judge(rule, months, 23, CONTEXT).kind is VerdictKind.BREACH


def test_a_policy_may_say_from_when_it_is_armed() -> None:
    months = facts([50] * 5, one_time=100)
    assert overdue(3, months, armed_from_month=5).reason is NoData.NOT_ARMED
    assert overdue(4, months, armed_from_month=5).kind is VerdictKind.BREACH
    for rule in (BREAKEVEN_REACHED, BREAKEVEN_LOST):
        late = policy(rule.name, armed_from_month=5)
        assert rule.judge(late, months, 3, CONTEXT).reason is NoData.NOT_ARMED
        assert rule.judge(late, months, 4, CONTEXT).reason is not NoData.NOT_ARMED
