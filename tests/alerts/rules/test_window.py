"""The live month as known at a month: what comes later does not make an earlier one live."""

from dataclasses import replace
from decimal import Decimal

import pytest

from alerts.rules import RULES
from alerts.rules.base import Context, NoData, Rule, no_data
from alerts.rules.window import Window, cumulative_fault, live_since, window_at
from tests.alerts.rules.cases import CONTEXT, START, facts, month, policy

UNSET = replace(CONTEXT, live_month=None)


def test_the_first_benefit_makes_it_live_from_its_own_month_on() -> None:
    months = facts([0, 0, 5, 7])
    assert [live_since(months, i, UNSET) for i in range(4)] == [None, None, month(3), month(3)]


def test_what_was_fixed_at_approval_goes_before_what_came() -> None:
    fixed = replace(CONTEXT, live_month=month(4))
    assert live_since(facts([5]), 0, fixed) == month(4)


def test_a_window_sums_its_own_months_alone() -> None:
    months = facts([1, 2, 4, 8, 16])
    sums = [window_at(policy(window=2), months, i, CONTEXT) for i in (1, 2, 3)]
    assert sums == [Window(benefit=benefit * 1_000_000, avoidable_run=200_000_000) for benefit in (3, 6, 12)]


def test_a_hole_in_a_later_month_does_not_reach_back() -> None:
    months = facts([1, 1, 1], changes={3: {"overflow": True}, 2: {"missing_fx": True}})
    assert cumulative_fault(months, 0) is None
    faults = [cumulative_fault(months, i) for i in (1, 2)]
    assert [fault and fault.reason for fault in faults] == ["missing_fx_rate", "overflow"]


def test_a_benefit_that_comes_later_does_not_undo_that_it_was_overdue() -> None:
    promised = replace(UNSET, planned_live_month=month(2))
    months = facts([0] * 6 + [9])
    assert isinstance(window_at(policy(window=3), months, 5, promised), Window)
    assert window_at(policy(window=3), months, 4, promised) == no_data(NoData.NOT_LIVE)
    assert window_at(policy(window=3), months, 6, promised) == no_data(NoData.NOT_LIVE)


@pytest.mark.parametrize("context", [CONTEXT, UNSET, replace(UNSET, planned_live_month=START)])
@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.name)
def test_no_rule_looks_at_a_later_month(rule: Rule, context: Context) -> None:
    changes = {3: {"complete": False}, 6: {"missing_fx": True}, 8: {"overflow": True}}
    for benefits in ([0, 0, 0, 0, 900, 9, 0, 100, 0], [500, 9, 0, 700, 0, 0, 900, 1, 0]):
        months = facts(benefits, one_time=100, changes=changes)
        terms = policy(rule.name, window=2, armed_from_month=None, hurdle=Decimal("0.1"))
        for i in range(len(months)):
            now = rule.judge(terms, months[: i + 1], i, context)
            assert rule.judge(terms, months, i, context) == now
