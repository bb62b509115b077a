"""Payback of plain lists of flows and of a plan."""

from decimal import Decimal

import pytest

from roi.engine import breakeven
from roi.engine.result import Reason


def test_payback_interpolates_inside_the_period() -> None:
    assert breakeven.payback([-100, 60, 60]).value == pytest.approx(1 + 40 / 60)


def test_payback_reached_exactly_at_a_period_end() -> None:
    assert breakeven.payback([-120, 60, 60]).value == 2.0


def test_payback_not_reached_has_a_reason() -> None:
    assert breakeven.payback([-100, 10, 10]).reason is Reason.NOT_REACHED
    assert breakeven.payback([-100]).reason is Reason.NOT_REACHED


@pytest.mark.parametrize("flows", [[], [0.0, 5.0], [10.0]])
def test_nothing_spent_has_nothing_to_pay_back(flows: list[float]) -> None:
    assert breakeven.payback(flows).reason is Reason.NO_COST_YET


def test_discounting_delays_payback() -> None:
    flows = [-150_000.0] + [12_750.0] * 24
    assert breakeven.payback(flows).value == pytest.approx(11.7647, abs=5e-5)
    discounted = breakeven.discounted_payback(flows, rate=0.0079741404289).value
    assert discounted == pytest.approx(12.40, abs=0.005)
    assert breakeven.discounted_payback(flows, rate=-1.0).reason is Reason.INVALID_RATE


def test_plan_payback_is_one_time_over_net() -> None:
    support = breakeven.plan_payback(Decimal(150_000), monthly_net=Decimal(12_750))
    assert support.value == pytest.approx(11.7647, abs=5e-5)


@pytest.mark.parametrize("net", [Decimal(0), Decimal(-1)])
def test_plan_that_earns_nothing_never_pays_back(net: Decimal) -> None:
    assert breakeven.plan_payback(Decimal(10), monthly_net=net).reason is Reason.NEVER_PAYS_BACK
