"""Unit costs over the window, cost per prediction, and the scale elasticity with its interval."""

import math

import numpy as np
import pytest

from portfolio.terms import MICRO
from roi.engine import student, unit_cost
from roi.engine.result import Reason
from tests.roi.engine.build import computed, flags, flat, micros

NAN = math.nan


def test_loaded_cost_spreads_one_time_cost_over_the_horizon_only() -> None:
    given = flat(dev=60, run=10, benefit=0, months=6, horizon=4, volume={"query": [5] * 6})
    figures, _ = computed(given)
    loaded = figures.unit_costs["query"].loaded
    assert loaded.at((0, 2)).value == pytest.approx((30 + 60 * 3 / 4) / 15 * MICRO)
    assert loaded.at((0, 4)).value == pytest.approx((30 + 60 * 2 / 4) / 15 * MICRO)
    assert loaded.at((0, 5)).value == pytest.approx((30 + 60 * 1 / 4) / 15 * MICRO)


def test_marginal_cost_is_the_usage_driven_part() -> None:
    given = flat(dev=0, run=10, benefit=0, months=3, usage=micros([2, 2, 2]), volume={"query": [4] * 3})
    costs = computed(given)[0].unit_costs["query"]
    assert costs.marginal.at((0, 2)).value == 0.5 * MICRO
    assert costs.run.at((0, 2)).value == 2.5 * MICRO


@pytest.mark.parametrize(
    ("volume", "reason"),
    [
        ([NAN, NAN, NAN], Reason.NO_VOLUME),
        ([0, 0, 0], Reason.NO_VOLUME),
        ([5, -9, 1], Reason.NO_VOLUME),
        ([5, NAN, 5], Reason.MISSING_ACTUALS),
    ],
)
def test_unit_cost_without_usable_volume_is_undefined(volume: list[float], reason: Reason) -> None:
    given = flat(dev=0, run=10, benefit=0, months=3, volume={"query": volume})
    assert computed(given)[0].unit_costs["query"].run.at((0, 2)).reason is reason


def test_volume_of_a_gap_month_is_left_out() -> None:
    given = flat(
        dev=0, run=10, benefit=0, months=4, complete=flags(1, 1, 0, 1), volume={"query": [1, 1, NAN, 1]}
    )
    assert computed(given)[0].unit_costs["query"].run.at((0, 3)).value == 10 * MICRO


def test_window_of_fractional_volumes_leaves_no_dust() -> None:
    given = flat(dev=0, run=1, benefit=0, months=6, volume={"query": [1e15 / 3, 0.1, 0.2, 0, 0, 0]})
    assert computed(given)[0].unit_costs["query"].run.at((0, 5)).reason is Reason.NO_VOLUME


def test_fractional_volumes_count_in_full() -> None:
    given = flat(dev=0, run=1, benefit=0, months=3, volume={"query": [0.5, 0.5, 0.5]})
    assert computed(given)[0].unit_costs["query"].run.at((0, 2)).value == 2 * MICRO


def test_cost_per_next_to_nothing_is_overflow() -> None:
    given = flat(dev=0, run=10**6, benefit=0, months=3, volume={"query": [1e-300] * 3})
    assert computed(given)[0].unit_costs["query"].run.at((0, 2)).reason is Reason.OVERFLOW


def test_one_time_cost_without_a_horizon_has_no_loaded_unit_cost() -> None:
    given = flat(dev=60, run=10, benefit=0, months=3, horizon=0, volume={"query": [5] * 3})
    costs = computed(given)[0].unit_costs["query"]
    assert costs.loaded.at((0, 2)).reason is Reason.NO_HORIZON
    assert costs.run.at((0, 2)).value == 2 * MICRO


def test_cost_per_prediction() -> None:
    found = unit_cost.cost_per_prediction(2.5, throughput_per_hour=10_000, utilization=0.5)
    assert found.value == pytest.approx(0.0005)


@pytest.mark.parametrize(("throughput", "utilization"), [(0, 0.5), (100, 0), (-5, 0.5), (NAN, 1)])
def test_cost_per_prediction_needs_throughput(throughput: float, utilization: float) -> None:
    found = unit_cost.cost_per_prediction(2.5, throughput_per_hour=throughput, utilization=utilization)
    assert found.reason is Reason.NON_POSITIVE_THROUGHPUT


def test_elasticity_recovers_an_exact_power_law() -> None:
    volumes = [100.0, 150, 220, 400, 700, 1000, 1500]
    found = unit_cost.elasticity(volumes, unit_costs=[3 * v**-0.3 for v in volumes])
    assert isinstance(found, unit_cost.Elasticity)
    assert found.slope == pytest.approx(-0.3, abs=1e-12)
    assert found.high - found.low < 1e-10
    assert found.is_falling


def test_elasticity_interval_matches_the_textbook_formula() -> None:
    generator = np.random.default_rng(7)
    x = np.linspace(1, 3, 12)
    y = 0.5 - 0.2 * x + generator.normal(0, 0.1, 12)
    found = unit_cost.elasticity(np.exp(x).tolist(), unit_costs=np.exp(y).tolist())
    assert isinstance(found, unit_cost.Elasticity)
    slope, intercept = np.polyfit(x, y, 1)
    residual = y - intercept - slope * x
    error = math.sqrt(residual @ residual / 10 / ((x - x.mean()) ** 2).sum())
    assert found.slope == pytest.approx(slope)
    assert (found.low, found.high) == pytest.approx((slope - 2.228139 * error, slope + 2.228139 * error))
    assert found.months == 12


def test_elasticity_needs_six_usable_months() -> None:
    found = unit_cost.elasticity([1, 2, 3, 4, 5, 0, NAN], unit_costs=[1, 1, 1, 1, 1, 1, 1])
    assert found is Reason.TOO_FEW_MONTHS


def test_elasticity_needs_volume_that_varies() -> None:
    assert unit_cost.elasticity([5.0] * 8, unit_costs=[1, 2, 1, 2, 1, 2, 1, 2]) is Reason.NO_SPREAD


def test_rising_unit_cost_is_not_falling() -> None:
    volumes = [1.0, 2, 3, 4, 5, 6]
    found = unit_cost.elasticity(volumes, unit_costs=[v**0.2 for v in volumes])
    assert isinstance(found, unit_cost.Elasticity)
    assert not found.is_falling


@pytest.mark.parametrize(
    ("probability", "freedom", "expected"),
    [
        (0.975, 1, 12.706204736),
        (0.975, 2, 4.302652730),
        (0.975, 4, 2.776445105),
        (0.975, 10, 2.228138852),
        (0.975, 30, 2.042272456),
        (0.995, 5, 4.032142984),
        (0.95, 22, 1.717144374),
        (0.9995, 3, 12.923978637),
        (0.975, 1_000_000, 1.959966358),
        (0.6, 8, 0.261921098),
    ],
)
def test_t_quantiles_of_the_printed_tables(probability: float, freedom: int, expected: float) -> None:
    assert student.quantile(probability, freedom=freedom) == pytest.approx(expected, rel=2e-8)
    assert student.quantile(1 - probability, freedom=freedom) == pytest.approx(-expected, rel=2e-8)


def test_t_with_one_degree_of_freedom_is_cauchy() -> None:
    for probability in (0.51, 0.7, 0.9, 0.999, 0.999999):
        exact = math.tan(math.pi * (probability - 0.5))
        assert student.quantile(probability, freedom=1) == pytest.approx(exact, rel=1e-9)


@pytest.mark.parametrize(("probability", "freedom"), [(0.0, 3), (1.0, 3), (0.5, 0)])
def test_t_quantile_refuses_nonsense(probability: float, freedom: int) -> None:
    with pytest.raises(ValueError, match="needs a probability"):
        student.quantile(probability, freedom=freedom)
