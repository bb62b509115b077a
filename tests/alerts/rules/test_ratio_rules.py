"""The hurdle and the negative rule: windows, arming, undefined bases, and the three measures."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from alerts.rules import DEFAULTS, RULES, lifecycle
from alerts.rules.base import Context, Measure, MonthFacts, NoData, Policy, Verdict, VerdictKind
from alerts.rules.hurdle_rate import HURDLE_RATE, default_margin
from alerts.rules.negative_roi import NEGATIVE_ROI
from tests.alerts.rules.cases import CONTEXT, facts, month, policy

RATIO_RULES = [HURDLE_RATE, NEGATIVE_ROI]


def hurdle(months: list[MonthFacts], i: int, context: Context = CONTEXT, **changes: Any) -> Verdict:
    return HURDLE_RATE.judge(policy(**({"window": 3} | changes)), months, i, context)


def reasons(rule: str, months: list[MonthFacts], context: Context, **changes: Any) -> list[str | None]:
    trajectory = lifecycle.fold([policy(rule, **({"window": 3} | changes))], months, context)
    return [point.verdict.reason and point.verdict.reason.value for point in trajectory.months]


def test_incremental_roi_is_of_the_window_over_avoidable_run_cost() -> None:
    months = facts([1000, 100, 120, 110])
    verdict = hurdle(months, 3, hurdle=Decimal("0.1"))
    assert verdict.value == Decimal("0.1")
    assert verdict.kind is VerdictKind.CLEAR
    assert (verdict.numerator, verdict.denominator) == (30_000_000, 300_000_000)
    assert hurdle(months, 3, hurdle=Decimal("0.10000001")).kind is VerdictKind.BREACH


def test_a_gap_is_skipped_by_the_window() -> None:
    months = facts([100, 200, 0, 300, 400], changes={3: {"complete": False}})
    assert hurdle(months, 4).numerator == 600_000_000
    assert hurdle(months, 2).reason is NoData.MISSING_ACTUALS


def test_an_open_month_is_no_part_of_a_window() -> None:
    months = facts([100, 200, 999, 300], changes={3: {"closed": False}})
    assert hurdle(months, 3).numerator == 300_000_000


@pytest.mark.parametrize("run", [0, -5])
def test_case_13_a_base_of_zero_or_below_is_no_data(run: int) -> None:
    verdict = hurdle(facts([0, 0, 0], run=run), 2)
    assert (verdict.kind, verdict.reason) == (VerdictKind.NODATA, NoData.NON_POSITIVE_BASE)


@pytest.mark.parametrize(
    "reason", [NoData.IRR_NO_ROOT, NoData.IRR_MULTIPLE, NoData.IRR_NO_SIGN_CHANGE, NoData.UNDEFINED]
)
def test_case_14_an_undefined_irr_is_no_data_with_its_reason(reason: NoData) -> None:
    code = "something_new" if reason is NoData.UNDEFINED else reason.value
    months = facts([100], changes={1: {"irr_reason": code}})
    assert hurdle(months, 0, measure=Measure.IRR, armed_from_month=1).reason is reason
    assert hurdle(facts([1]), 0, measure=Measure.IRR, armed_from_month=1).reason is NoData.UNDEFINED


def test_irr_and_npv_are_judged_where_the_policy_asks() -> None:
    months = facts([100], changes={1: {"irr": 0.0999, "npv_hurdle": -0.5}})
    irr = {"measure": Measure.IRR, "armed_from_month": 1, "hurdle": Decimal("0.1")}
    assert hurdle(months, 0, **irr).kind is VerdictKind.BREACH
    assert hurdle(months, 0, **(irr | {"hurdle": Decimal("0.09")})).kind is VerdictKind.CLEAR
    npv = {"measure": Measure.NPV, "armed_from_month": 1, "hurdle": Decimal("0.1")}
    assert hurdle(months, 0, **npv).kind is VerdictKind.BREACH
    assert hurdle(facts([100]), 0, **npv).reason is NoData.UNDEFINED
    holed = facts([100], changes={1: {"npv_hurdle": -0.5, "missing_fx": True}})
    assert hurdle(holed, 0, **npv).reason is NoData.MISSING_FX_RATE


def test_case_15_a_figure_that_is_not_finite_is_an_error() -> None:
    months = facts([100], changes={1: {"irr": float("nan")}})
    assert hurdle(months, 0, measure=Measure.IRR, armed_from_month=1).kind is VerdictKind.ERROR


def test_case_16_a_credit_keeps_its_sign() -> None:
    months = facts([100, 100, 100], changes={3: {"avoidable_run": -50_000_000}})
    assert hurdle(months, 2).denominator == 150_000_000
    assert NEGATIVE_ROI.judge(policy("negative_roi", window=3), months, 2, CONTEXT).numerator == 150_000_000


@pytest.mark.parametrize("rule", RATIO_RULES, ids=lambda rule: rule.name)
def test_case_17b_nothing_before_the_live_month_and_a_whole_window(rule: Any) -> None:
    months = facts([0, 0, 0, 0, 50, 50])
    live = replace(CONTEXT, live_month=month(4))
    assert reasons(rule.name, months, live) == ["not_live"] * 5 + [None]
    short = replace(CONTEXT, live_month=month(1))
    assert reasons(rule.name, months, short) == ["window_incomplete"] * 2 + [None] * 4


@pytest.mark.parametrize("rule", RATIO_RULES, ids=lambda rule: rule.name)
def test_case_17b_the_live_month_is_by_default_the_first_with_a_benefit(rule: Any) -> None:
    unset = replace(CONTEXT, live_month=None)
    assert reasons(rule.name, facts([0, 0, 5, 0, 0, 0]), unset) == ["not_live"] * 4 + [None] * 2
    assert reasons(rule.name, facts([0] * 9), unset) == ["not_live"] * 9


@pytest.mark.parametrize("rule", RATIO_RULES, ids=lambda rule: rule.name)
def test_a_live_month_long_overdue_arms_it_anyway(rule: Any) -> None:
    promised = replace(CONTEXT, live_month=None, planned_live_month=month(2))
    assert reasons(rule.name, facts([0] * 7), promised) == ["not_live"] * 5 + [None] * 2
    assert reasons(rule.name, facts([0, 0, 0, 0, 0, 9, 0]), promised)[5:] == ["not_live"] * 2


def test_a_live_month_fixed_at_approval_and_long_overdue_arms_it_anyway() -> None:
    gaps = {number: {"complete": False} for number in (3, 4, 5, 6)}
    fixed = replace(CONTEXT, live_month=month(3))
    assert reasons("negative_roi", facts([0] * 7, changes=gaps), fixed)[6] is None
    assert reasons("negative_roi", facts([0] * 6 + [9], changes=gaps), fixed)[6] == "not_live"


@pytest.mark.parametrize("rule", RATIO_RULES, ids=lambda rule: rule.name)
def test_a_policy_may_say_from_when_it_is_armed(rule: Any) -> None:
    late = replace(CONTEXT, live_month=month(9))
    assert reasons(rule.name, facts([0] * 5), late, armed_from_month=4) == ["not_armed"] * 3 + [None] * 2
    assert reasons(rule.name, facts([0] * 3), late, armed_from_month=1) == ["window_incomplete"] * 2 + [None]


def test_npv_is_armed_from_the_planned_discounted_payback_else_the_horizon() -> None:
    months = facts([0] * 6, changes={n: {"npv_hurdle": -1.0} for n in range(1, 7)})
    planned = replace(CONTEXT, planned_discounted_payback_month=month(5))
    assert reasons("hurdle_rate", months, planned, measure=Measure.NPV) == ["not_armed"] * 4 + [None] * 2
    horizon = replace(CONTEXT, horizon_months=6)
    assert reasons("hurdle_rate", months, horizon, measure=Measure.NPV) == ["not_armed"] * 5 + [None]


@pytest.mark.parametrize("rule", RATIO_RULES, ids=lambda rule: rule.name)
@pytest.mark.parametrize("at", [1, 2, 3])
def test_case_18_a_month_without_a_rate_in_the_window_is_no_data(rule: Any, at: int) -> None:
    months = facts([1, 1, 1, 1], changes={at: {"missing_fx": True}})
    found = rule.judge(policy(rule.name, window=3), months, 3, CONTEXT).reason
    assert found is (NoData.MISSING_FX_RATE if at > 1 else None)


def test_negative_roi_needs_run_cost_above_benefit() -> None:
    rule = policy("negative_roi", window=3)
    judge = NEGATIVE_ROI.judge
    assert judge(rule, facts([100, 100, 100]), 2, CONTEXT).kind is VerdictKind.CLEAR
    below = judge(rule, facts([100, 100, 99]), 2, CONTEXT)
    assert (below.kind, below.value) == (VerdictKind.BREACH, Decimal(-1))
    assert judge(rule, facts([0, 0, 0], run=0), 2, CONTEXT).kind is VerdictKind.CLEAR
    roomy = policy("negative_roi", window=3, margin=Decimal("0.1"))
    assert judge(roomy, facts([100, 100, 129]), 2, CONTEXT).kind is VerdictKind.BAND
    assert judge(roomy, facts([100, 100, 130]), 2, CONTEXT).kind is VerdictKind.CLEAR


def test_a_policy_that_is_off_or_not_yet_in_force_says_so() -> None:
    months = facts([0, 0])
    assert hurdle(months, 1, enabled=False).reason is NoData.NOT_IN_FORCE
    assert hurdle(months, 0, effective_month=month(2)).reason is NoData.NOT_IN_FORCE


def test_the_defaults_are_those_of_the_definitions() -> None:
    shown = {name: (d.for_months, d.keep_months, d.window) for name, d in DEFAULTS.items()}
    assert shown == {
        "breakeven_reached": (1, 1, 3),
        "breakeven_lost": (2, 2, 3),
        "breakeven_overdue": (1, 1, 3),
        "hurdle_rate": (2, 2, 3),
        "negative_roi": (1, 2, 3),
        "missing_actuals": (1, 1, 3),
        "early_warning": (1, 1, 3),
    }
    assert DEFAULTS["hurdle_rate"].margin == Decimal("0.01")
    assert [str(default_margin(measure)) for measure in Measure] == ["0.01", "0", "0.01"]
    assert all(RULES[name].name == name for name in RULES)
    assert Policy.__dataclass_fields__["window"].default == 3
