"""Sobol indices: known functions, the published case, reproducible, and refused where they mean nothing."""

import subprocess
import sys
from collections.abc import Mapping
from math import pi

import numpy as np
import pytest

from roi.engine import sobol
from roi.engine.correlations import Correlations
from roi.engine.distributions import Distribution, Fixed, Uniform, plus_minus
from roi.engine.flows import Flows
from roi.engine.result import Floats, Reason
from roi.engine.sensitivity import SensitivityError
from roi.engine.sobol import SobolIndices
from tests.roi.engine import published

ONE = np.ones((1, 1))
NOTHING = np.zeros((1, 1))


def ishigami(d: Mapping[str, Floats]) -> Flows:
    """Return the textbook function whose indices are known, a = 7 and b = 0.1, as the net benefit of one month."""
    value = np.sin(d["a"]) + 7 * np.sin(d["b"]) ** 2 + 0.1 * d["c"] ** 4 * np.sin(d["a"])
    return Flows(value, ONE, NOTHING, 1)


def test_a_function_with_known_indices() -> None:
    spread: dict[str, Distribution] = {name: Uniform(-pi, pi) for name in "abc"}
    found = sobol.sobol_indices(ishigami, spread, seed=3)
    assert isinstance(found.net_benefit, SobolIndices)
    assert found.net_benefit.points == 4096
    assert found.net_benefit.evaluations == 4096 * 5
    by_name = {each.driver: each for each in found.net_benefit.drivers}
    assert [by_name[name].first_order for name in "abc"] == pytest.approx([0.3139, 0.4424, 0], abs=0.01)
    assert [by_name[name].total for name in "abc"] == pytest.approx([0.5576, 0.4424, 0.2437], abs=0.01)
    assert [each.driver for each in found.net_benefit.drivers] == ["a", "b", "c"]
    assert found.net_benefit.joint_share == pytest.approx(0.2437, abs=0.01)


def test_published_case_is_additive_in_money_and_nearly_so_in_roi() -> None:
    case = published.support()
    spread = {name: plus_minus(value, share=0.2) for name, value in case.base.items()}
    found = sobol.sobol_indices(case.model, spread, seed=11)
    assert isinstance(found.net_benefit, SobolIndices)
    assert isinstance(found.roi, SobolIndices)
    months = {name: value * (1 if name == "dev_cost" else 12) for name, value in case.base.items()}
    total = sum(value**2 for value in months.values())
    for each in found.net_benefit.drivers:
        share = months[each.driver] ** 2 / total
        assert (each.first_order, each.total) == pytest.approx((share, share), abs=0.003)
    assert found.net_benefit.joint_share == pytest.approx(0, abs=0.002)
    assert 0.001 < found.roi.joint_share < 0.02
    assert found.net_benefit.is_settled
    assert found.roi.note().startswith("Doubling to 4,096 points moved no index by more than 0.0")


def test_too_few_points_are_said_to_be_too_few() -> None:
    spread: dict[str, Distribution] = {name: Uniform(-pi, pi) for name in "abc"}
    found = sobol.sobol_indices(ishigami, spread, seed=3, n=64).net_benefit
    assert isinstance(found, SobolIndices)
    assert not found.is_settled
    assert found.note().endswith("they have not settled: ask for more points.")


def test_one_driver_alone_explains_everything() -> None:
    case = published.support()

    def alone(d: Mapping[str, Floats]) -> Flows:
        return case.model(
            {name: np.full_like(d["dev_cost"], value) for name, value in case.base.items()} | dict(d)
        )

    found = sobol.sobol_indices(alone, {"dev_cost": Uniform(100_000, 200_000)}, seed=1, n=1024).net_benefit
    assert isinstance(found, SobolIndices)
    (only,) = found.drivers
    assert (only.first_order, only.total) == pytest.approx((1, 1), abs=0.01)


def test_figures_that_do_not_vary_or_do_not_exist_have_reasons() -> None:
    def free(d: Mapping[str, Floats]) -> Flows:
        return Flows(d["a"], NOTHING, NOTHING, 1)

    def idle(d: Mapping[str, Floats]) -> Flows:
        return Flows(ONE, ONE / 3, NOTHING, 7)

    def lost(d: Mapping[str, Floats]) -> Flows:
        return Flows(1 / np.maximum(d["a"], 0), ONE, NOTHING, 1)

    given = {"a": Uniform(-1, 1), "b": Fixed(2)}
    without_cost = sobol.sobol_indices(free, given, seed=1, n=64)
    assert without_cost.roi is Reason.NON_POSITIVE_BASE
    assert isinstance(without_cost.net_benefit, SobolIndices)
    assert [(each.driver, each.total) for each in without_cost.net_benefit.drivers][1] == ("b", 0)
    still = sobol.sobol_indices(idle, given, seed=1, n=64)
    assert (still.net_benefit, still.roi) == (Reason.NO_SPREAD, Reason.NO_SPREAD)
    assert sobol.sobol_indices(lost, given, seed=1, n=64).net_benefit is Reason.OVERFLOW


SCRIPT = "from tests.roi.engine import test_sobol as t; print(repr(t.seeded()))"


def seeded() -> object:
    case = published.support()
    spread = {name: plus_minus(value, share=0.2) for name, value in reversed(case.base.items())}
    return sobol.sobol_indices(case.model, spread, seed=5, n=256)


def test_the_same_seed_gives_the_same_indices_in_another_process() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], check=True, stdout=subprocess.PIPE, text=True, timeout=120
    )
    assert done.stdout.strip() == repr(seeded())


def test_what_means_nothing_is_refused() -> None:
    given = {"a": Uniform(0, 1), "b": Uniform(0, 1)}
    with pytest.raises(SensitivityError, match=r"independent drivers\. Leave the correlations out"):
        sobol.sobol_indices(ishigami, given, seed=1, correlations=Correlations({("a", "b"): 0.5}))
    for n in (1000, 32, 32_768, 0):
        with pytest.raises(SensitivityError, match="power of two from 64 to 16,384"):
            sobol.sobol_indices(ishigami, given, seed=1, n=n)
    with pytest.raises(SensitivityError, match="at least one driver"):
        sobol.sobol_indices(ishigami, {}, seed=1)
    with pytest.raises(SensitivityError, match="at or above 0; -4 is not"):
        sobol.sobol_indices(ishigami, given, seed=-4)
    uncorrelated = Correlations({("a", "b"): 0.0})
    product = sobol.sobol_indices(
        lambda d: Flows(d["a"] * d["b"], ONE, NOTHING, 1), given, seed=1, n=64, correlations=uncorrelated
    )
    assert isinstance(product.net_benefit, SobolIndices)
