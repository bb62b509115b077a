"""The support case at month 12: breakeven reached, the default hurdle clear, NPV at 10 % below zero."""

from dataclasses import replace
from decimal import Decimal

from alerts.rules import DEFAULTS, lifecycle
from alerts.rules.base import Context, Measure, MonthFacts, VerdictKind
from alerts.rules.trajectory import Trajectory
from tests.alerts.rules.cases import START, facts, month, policy

CONTEXT = Context(start_month=START, horizon_months=36, live_month=START)
ONE_TIME, RUN, BENEFIT = 150_000, 13_500, 26_250


def support(count: int = 12) -> list[MonthFacts]:
    """Return the case's months with NPV at 10 % a year: one-time at the start, the rest at month's end."""
    net = [(BENEFIT - RUN) / 1.1 ** (number / 12) for number in range(1, count + 1)]
    changes = {n: {"npv_hurdle": sum(net[:n]) - ONE_TIME} for n in range(1, count + 1)}
    return facts([BENEFIT] * count, run=RUN, one_time=ONE_TIME, changes=changes)


def by_default(rule: str, count: int = 12) -> Trajectory:
    defaults = DEFAULTS[rule]
    chosen = policy(
        rule,
        hurdle=Decimal("0.1"),
        margin=defaults.margin,
        for_months=defaults.for_months,
        keep_months=defaults.keep_months,
        window=defaults.window,
    )
    return lifecycle.fold([chosen], support(count), CONTEXT)


def test_breakeven_is_reached_in_month_twelve() -> None:
    assert by_default("breakeven_reached", 11).firings == ()
    (firing,) = by_default("breakeven_reached").firings
    assert (firing.fired_month, firing.value) == (month(12), Decimal(3_000))


def test_the_default_hurdle_is_clear() -> None:
    trajectory = by_default("hurdle_rate")
    assert trajectory.firings == ()
    assert trajectory.last is not None
    verdict = trajectory.last.verdict
    assert verdict.kind is VerdictKind.CLEAR
    assert verdict.value is not None
    assert round(verdict.value, 4) == Decimal("0.9444")


def test_an_npv_policy_armed_from_month_twelve_opens_one_episode() -> None:
    npv = policy(measure=Measure.NPV, hurdle=Decimal("0.1"), window=3, armed_from_month=12)
    assert lifecycle.fold([npv], support(11), CONTEXT).firings == ()
    (firing,) = lifecycle.fold([npv], support(12), CONTEXT).firings
    assert firing.fired_month == month(12)
    assert firing.value is not None
    assert round(firing.value) == -4_644
    assert firing.is_open


def test_the_npv_episode_resolves_when_the_case_has_paid_back() -> None:
    npv = policy(measure=Measure.NPV, hurdle=Decimal("0.1"), armed_from_month=12)
    (firing,) = lifecycle.fold([npv], support(24), CONTEXT).firings
    assert firing.resolved_month == month(13)


def test_nothing_else_fires() -> None:
    for rule in ("breakeven_lost", "breakeven_overdue", "negative_roi", "missing_actuals"):
        assert by_default(rule).firings == ()


def test_nothing_fires_before_the_live_month() -> None:
    waiting = facts([0] * 8 + [BENEFIT] * 4, run=RUN, one_time=ONE_TIME)
    live = replace(CONTEXT, live_month=month(9))
    for rule in DEFAULTS:
        chosen = policy(rule, hurdle=Decimal("0.1"), window=3)
        assert lifecycle.fold([chosen], waiting, live).firings == ()
