"""Monte Carlo: the published case's percentiles, the same answer everywhere, and nothing dropped in silence."""

import json
import subprocess
import sys
from collections.abc import Mapping
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roi.engine import monte_carlo
from roi.engine.correlations import CorrelationError, Correlations
from roi.engine.distributions import Distribution, Fixed, Normal, Uniform, plus_minus
from roi.engine.flows import Flows
from roi.engine.monte_carlo import Simulation, SimulationError, Spread
from roi.engine.result import Floats, Reason
from tests.benchmarks import monte_carlo as benchmark
from tests.roi.engine import published

SEEDS = range(20_260, 20_270)


def drivers(base: Mapping[str, float]) -> dict[str, Distribution]:
    return {name: plus_minus(value, share=0.2) for name, value in base.items()}


@cache
def support(seed: int, *, months: int = 12) -> Simulation:
    case = published.support(months)
    return monte_carlo.run(case.model, drivers(case.base), seed=seed, discount_rate=0.10, hurdle_rate=0.15)


def simulated(
    model: monte_carlo.Model, given: Mapping[str, Distribution], *, log2_draws: int = 10
) -> Simulation:
    return monte_carlo.run(model, given, seed=1, discount_rate=0.1, hurdle_rate=0.1, log2_draws=log2_draws)


def flat(d: Mapping[str, Floats]) -> Flows:
    """Return four months of benefit against a one-time cost in month 1."""
    first = np.array([[1.0, 0, 0, 0]])
    return Flows(d["benefit"], d["run"], d["one_time"] * first, 4)


@pytest.mark.parametrize("seed", SEEDS)
def test_published_case_gives_its_percentiles_with_any_seed(seed: int) -> None:
    found = support(seed)
    assert found.draws == 16_384
    assert isinstance(found.roi, Spread)
    assert found.p_roi_positive * 100 == pytest.approx(53.2, abs=0.5)
    assert found.roi.p5 * 100 == pytest.approx(-15.97, abs=0.3)
    assert found.roi.p50 * 100 == pytest.approx(0.96, abs=0.3)
    assert found.roi.p95 * 100 == pytest.approx(20.51, abs=0.3)
    assert found.net_benefit.mean == pytest.approx(3_000, abs=1)  # exact on balanced points
    assert found.npv.mean == pytest.approx(-4_644, abs=1)
    assert found.npv_at_hurdle.mean < found.npv.mean


def test_agrees_with_a_script_written_for_the_case_alone() -> None:
    benchmark.check()


def test_seeds_differ_and_are_kept() -> None:
    first, second = support(SEEDS[0]), support(SEEDS[1])
    assert first.net_benefit != second.net_benefit
    assert first.seed == SEEDS[0]


def fingerprint(found: Simulation) -> list[float]:
    assert isinstance(found.roi, Spread)
    return [
        found.p_roi_positive,
        found.roi.p5,
        found.npv.p90,
        found.npv_at_hurdle.mean,
        *found.cumulative_net.p10,
    ]


ELSEWHERE = """
import json
from tests.roi.engine import test_monte_carlo as t
print(json.dumps(t.fingerprint(t.support(t.SEEDS[0]))))
"""


def test_another_process_gives_the_same_answer_to_the_last_digit() -> None:
    done = subprocess.run(
        [sys.executable, "-c", ELSEWHERE], check=True, stdout=subprocess.PIPE, text=True, timeout=120
    )
    assert json.loads(done.stdout) == fingerprint(support(SEEDS[0]))


def test_order_of_drivers_and_neighboring_runs_change_nothing() -> None:
    case = published.support()
    turned = dict(reversed(drivers(case.base).items()))
    simulated(case.model, turned)
    found = monte_carlo.run(case.model, turned, seed=SEEDS[0], discount_rate=0.10, hurdle_rate=0.15)
    assert fingerprint(found) == fingerprint(support(SEEDS[0]))


def test_the_stated_number_of_draws_is_the_number_run() -> None:
    seen: list[int] = []

    def counting(d: Mapping[str, Floats]) -> Flows:
        seen.append(d["benefit"].shape[0])
        return flat(d)

    given = {"benefit": Uniform(1, 2), "run": Fixed(0), "one_time": Fixed(4)}
    found = simulated(counting, given, log2_draws=8)
    assert seen == [256] == [found.draws]


def test_breakeven_is_a_probability_by_month_that_only_rises() -> None:
    found = support(SEEDS[0], months=36)
    assert found.p_breakeven_by.shape == (36,)
    assert (np.diff(found.p_breakeven_by) >= 0).all()
    assert found.p_breakeven_by[:6].max() == 0
    assert found.p_breakeven == found.p_breakeven_by[-1] > 0.9
    assert found.p_breakeven_by[11] == pytest.approx(support(SEEDS[0]).p_roi_positive, abs=1e-4)


def test_breakeven_once_reached_is_not_taken_back() -> None:
    def dips(d: Mapping[str, Floats]) -> Flows:
        return Flows(d["benefit"], np.array([[1.0, 0, 9, 0]]), np.zeros((1, 1)), 4)

    found = simulated(dips, {"benefit": Uniform(1.5, 2)})
    assert list(found.p_breakeven_by) == [1, 1, 1, 1]
    assert found.p_roi_positive == 0


def test_equality_is_breakeven_but_no_positive_return() -> None:
    """Ten months of 0.1 add up to a little less than 1 in binary."""

    def tie(d: Mapping[str, Floats]) -> Flows:
        return Flows(d["benefit"], np.zeros((1, 1)), np.eye(1, 10), 10)

    found = simulated(tie, {"benefit": Fixed(0.1)})
    assert found.p_breakeven_by[-2:] == pytest.approx([0, 1])
    assert found.p_roi_positive == 0
    at_zero = monte_carlo.run(
        tie, {"benefit": Fixed(0.1)}, seed=1, discount_rate=0, hurdle_rate=0, log2_draws=6
    )
    assert (at_zero.p_npv_covered, at_zero.p_npv_at_hurdle_covered) == (1, 1)


def test_draws_without_cost_are_counted_and_shown() -> None:
    given = {"benefit": Fixed(5), "run": Uniform(-1, 3), "one_time": Fixed(0)}
    found = simulated(flat, given)
    assert found.undefined_roi_share == pytest.approx(0.25, abs=0.002)
    assert found.p_roi_positive == pytest.approx(0.75, abs=0.002)
    assert found.p_breakeven == pytest.approx(0.75, abs=0.002)
    assert isinstance(found.roi, Spread)
    assert found.roi.p5 == pytest.approx(5 / (3 * 0.95) - 1, rel=0.02)


def test_a_case_without_any_cost_has_no_roi_but_a_reason() -> None:
    found = simulated(flat, {"benefit": Uniform(1, 2), "run": Fixed(0), "one_time": Fixed(0)})
    assert found.roi is Reason.NON_POSITIVE_BASE
    assert (found.undefined_roi_share, found.p_roi_positive, found.p_breakeven) == (1, 0, 0)
    assert found.net_benefit.p50 == pytest.approx(6, rel=0.01)


def test_drivers_that_change_nothing_still_give_all_draws() -> None:
    def constant(d: Mapping[str, Floats]) -> Flows:
        return Flows(np.full((1, 1), 2.0), np.zeros((1, 1)), np.array([[6.0, 0, 0, 0]]), 4)

    found = simulated(constant, {"unused": Uniform(0, 1)})
    assert found.draws == 1024
    assert found.net_benefit == Spread(2, 2, 2, 2, 2, 2, 2, 2)
    assert list(found.cumulative_net.p50) == [-4, -2, 0, 2]


def test_correlation_widens_what_moves_together() -> None:
    case = published.support()
    pairs = Correlations({("labor_savings_monthly", "revenue_impact_monthly"): 0.8})
    against = Correlations({("labor_savings_monthly", "api_monthly"): 0.8})
    together, hedged = (
        monte_carlo.run(
            case.model, drivers(case.base), seed=1, discount_rate=0.1, hurdle_rate=0.1, correlations=each
        )
        for each in (pairs, against)
    )
    free = support(SEEDS[0]).net_benefit
    assert together.net_benefit.p95 - together.net_benefit.p5 > free.p95 - free.p5 + 1_000
    assert hedged.net_benefit.p95 - hedged.net_benefit.p5 < free.p95 - free.p5 - 1_000
    with pytest.raises(CorrelationError, match="no distribution for tokens"):
        monte_carlo.draw(
            {"a": Uniform(0, 1)}, seed=1, correlations=Correlations({("a", "tokens"): 0.5}), log2_draws=6
        )


def test_drawn_values_can_be_drawn_again_from_the_seed() -> None:
    given = {"b": Normal(0, 1), "a": Uniform(0, 1)}
    first, again = (monte_carlo.draw(given, seed=7, log2_draws=8) for _ in range(2))
    assert list(first) == ["a", "b"]
    assert first["b"].shape == (256, 1)
    assert all((first[name] == again[name]).all() for name in given)


def test_risk_adjusted_npv_takes_a_share_of_the_downside() -> None:
    found = support(SEEDS[0])
    downside = found.npv.mean - found.npv.p10
    assert found.risk_adjusted_npv() == pytest.approx(found.npv.mean - 0.5 * downside)
    assert found.risk_adjusted_npv(0) == found.npv.mean
    assert found.risk_adjusted_npv(1) == pytest.approx(found.npv.p10)
    with pytest.raises(SimulationError, match="aversion must be at or above 0; -1 is not"):
        found.risk_adjusted_npv(-1)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"drivers": {}}, "give at least one driver a distribution"),
        ({"seed": -1}, "A seed is a whole number at or above 0; -1 is not"),
        ({"log2_draws": 5}, r"power of two from 2\^6 to 2\^16; 2\^5 is not"),
        ({"log2_draws": 17}, r"2\^17 is not"),
    ],
)
def test_what_cannot_be_drawn_is_refused(changes: dict[str, object], sentence: str) -> None:
    asked: dict[str, object] = {"drivers": {"a": Uniform(0, 1)}, "seed": 1, "log2_draws": 8} | changes
    with pytest.raises(SimulationError, match=sentence):
        monte_carlo.draw(**asked)  # type: ignore[arg-type]


def test_amounts_that_are_not_finite_are_refused_with_their_number() -> None:
    def dividing(d: Mapping[str, Floats]) -> Flows:
        return Flows(1 / np.maximum(d["volume"], 0), np.ones((1, 1)), np.zeros((1, 1)), 4)

    with pytest.raises(SimulationError, match=r"In 512 of 1,024 draws .* give them bounds"):
        simulated(dividing, {"volume": Uniform(-1, 1)})


@settings(max_examples=40, deadline=None)
@given(st.floats(1, 1e6), st.floats(0.01, 0.9), st.integers(0, 2**31), st.floats(0.01, 1000))
def test_figures_follow_the_unit_of_money(benefit: float, share: float, seed: int, scale: float) -> None:
    """Percentiles are in order, and a case in cents has the same returns and a hundredfold of everything else."""
    given = {
        "benefit": plus_minus(benefit, share=share),
        "run": Fixed(benefit / 3),
        "one_time": Fixed(benefit),
    }

    def scaled(d: Mapping[str, Floats]) -> Flows:
        flows = flat(d)
        return Flows(flows.benefit * scale, flows.run * scale, flows.one_time * scale, 4)

    asked = {"seed": seed, "discount_rate": 0.1, "hurdle_rate": 0.2, "log2_draws": 6}
    one = monte_carlo.run(flat, given, **asked)  # type: ignore[arg-type]
    other = monte_carlo.run(scaled, given, **asked)  # type: ignore[arg-type]
    assert isinstance(one.roi, Spread)
    assert isinstance(other.roi, Spread)
    ordered = [one.npv.p5, one.npv.p10, one.npv.p25, one.npv.p50, one.npv.p75, one.npv.p90, one.npv.p95]
    assert ordered == sorted(ordered)
    assert other.npv.p90 == pytest.approx(one.npv.p90 * scale, rel=1e-9, abs=1e-6 * scale)
    assert other.roi.mean == pytest.approx(one.roi.mean, abs=1e-9)
