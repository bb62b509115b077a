"""Planned flows become exact amounts, judged by the engine that judges the actuals."""

import numpy as np
import pytest

from portfolio.terms import Basis
from roi.engine import projection
from roi.engine.flows import Flows
from roi.engine.result import Column, Figure, Floats
from tests.roi.engine.build import computed, flat

SUPPORT = Flows(
    benefit=np.array([[26_250.0]]),
    run=np.array([[13_500.0]]),
    one_time=np.array([[150_000.0] + [0.0] * 35]),
    months=36,
)


def test_flows_give_the_figures_of_the_same_amounts_as_actuals() -> None:
    actual, actual_basis = computed(flat(dev=150_000, run=13_500, benefit=26_250, months=36))
    planned = projection.figures(SUPPORT, discount_rate=0.10)
    basis = planned.by_basis[Basis.SUPPORTED]
    for name in (
        "roi",
        "npv",
        "npv_hurdle",
        "payback",
        "irr",
        "mirr",
        "discounted_payback",
        "breakeven_index",
    ):
        assert projection.last(getattr(basis, name)) == projection.last(getattr(actual_basis, name)), name
    assert (planned.tco == actual.tco).all()


def test_a_plan_has_one_benefit_and_its_hurdle_may_differ() -> None:
    found = projection.figures(SUPPORT, discount_rate=0.10, hurdle_rate=0.30)
    assert found.by_basis[Basis.CLAIMED] is found.by_basis[Basis.SUPPORTED] is found.by_basis[Basis.CASHABLE]
    basis = found.by_basis[Basis.CLAIMED]
    npv, at_hurdle = projection.last_money(basis.npv).value, projection.last_money(basis.npv_hurdle).value
    assert npv == pytest.approx(247_627, abs=0.5)
    assert at_hurdle is not None
    assert at_hurdle < npv


def test_money_is_rounded_half_even_once_per_month() -> None:
    benefit: Floats = np.array([[0.0000005, 0.0000015, 1 / 3]])
    found = projection.figures(Flows(benefit, np.zeros((1, 1)), np.zeros((1, 1)), 3), discount_rate=0.1)
    assert found.by_basis[Basis.SUPPORTED].benefit.tolist() == [[0, 2, 333_333]]


def test_rows_are_read_one_by_one() -> None:
    flows = Flows(np.array([[1.0], [2.0]]), np.array([[3.0], [1.0]]), np.zeros((1, 1)), 2)
    found = projection.figures(flows, discount_rate=0.1, window=1)
    net = Column(found.by_basis[Basis.SUPPORTED].cumulative_net, found.cumulative_reason)
    assert [projection.last_money(net, row=row) for row in (0, 1)] == [Figure(-4.0), Figure(2.0)]
    assert projection.first_loss(found, row=0).value == 1
    assert projection.first_loss(found, row=1).value is None


def test_earning_exactly_what_it_costs_is_no_loss() -> None:
    even = Flows(np.array([[5.0]]), np.array([[5.0]]), np.zeros((1, 1)), 4)
    assert projection.first_loss(projection.figures(even, discount_rate=0.1)).value is None
