"""The value of a driver at which a case just pays for itself."""

from collections.abc import Mapping
from math import inf

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roi.engine.driver_breakeven import breakeven_value, breakeven_values
from roi.engine.flows import Flows
from roi.engine.result import Floats, Reason
from roi.engine.sensitivity import SensitivityError
from tests.roi.engine import published

NOTHING = np.zeros((1, 1))


def test_published_agent_needs_a_deflection_of_5_7_percent() -> None:
    case = published.agent()
    found = breakeven_value(case.model, case.base, "deflection_rate", bounds={"deflection_rate": (0, 1)})
    assert found.value == pytest.approx((181_200 - 36_000) / (25_000 * 12 * 8.5), rel=1e-12)
    assert found.value == pytest.approx(0.057, abs=0.0005)


def test_all_drivers_at_once_by_hand() -> None:
    case = published.support()
    found = breakeven_values(case.model, case.base, dict.fromkeys(case.base, (0, inf)))
    expected = {name: value + (250 if name in published.COSTS else -250) for name, value in case.base.items()}
    expected["dev_cost"] = 153_000
    assert {name: figure.value for name, figure in found.items()} == pytest.approx(expected, rel=1e-11)


def test_there_may_be_none_within_the_bounds() -> None:
    case = published.agent()
    assert (
        breakeven_value(
            case.model,
            case.base,
            "csat_revenue_impact_monthly",
            bounds={"csat_revenue_impact_monthly": (0, inf)},
        ).reason
        is Reason.NO_BREAKEVEN_VALUE
    )
    free = breakeven_value(case.model, case.base, "csat_revenue_impact_monthly")
    assert free.value == pytest.approx(3_000 - 1_002_300 / 12, rel=1e-11)
    capped = breakeven_value(case.model, case.base, "infra_monthly", bounds={"infra_monthly": (0, 80_000)})
    assert capped.reason is Reason.NO_BREAKEVEN_VALUE


def test_a_driver_without_effect_has_none() -> None:
    def idle(d: Mapping[str, Floats]) -> Flows:
        return Flows(np.ones((1, 1)), np.ones((1, 1)), NOTHING, 1)

    assert breakeven_value(idle, {"a": 1.0}, "a").reason is Reason.NO_BREAKEVEN_VALUE


def test_of_several_the_nearest_to_the_base_is_meant() -> None:
    def between(d: Mapping[str, Floats]) -> Flows:
        return Flows(-(d["x"] - 2) * (d["x"] - 10), NOTHING, NOTHING, 1)

    assert breakeven_value(between, {"x": 3.0}, "x").value == pytest.approx(2, rel=1e-12)
    assert breakeven_value(between, {"x": 9.0}, "x").value == pytest.approx(10, rel=1e-12)
    assert breakeven_value(between, {"x": -50.0}, "x").value == pytest.approx(2, rel=1e-12)


def test_at_a_jump_the_side_that_pays_is_returned() -> None:
    """Each started block of 10 costs 9: at 10.0 exactly it is covered, just above no more, from 18 on again."""

    def steps(d: Mapping[str, Floats]) -> Flows:
        return Flows(d["x"], 9 * np.ceil(d["x"] / 10), NOTHING, 1)

    assert breakeven_value(steps, {"x": 9.5}, "x", bounds={"x": (0, 100)}).value == pytest.approx(9)
    jump = breakeven_value(steps, {"x": 11.0}, "x", bounds={"x": (0, 100)}).value
    assert jump == pytest.approx(10)
    assert jump <= 10


def test_bounds_far_from_the_base_are_searched_too() -> None:
    def far(d: Mapping[str, Floats]) -> Flows:
        return Flows(d["x"], np.full((1, 1), 7e8), NOTHING, 1)

    assert breakeven_value(far, {"x": 1.0}, "x").reason is Reason.NO_BREAKEVEN_VALUE
    assert breakeven_value(far, {"x": 1.0}, "x", bounds={"x": (0, 1e9)}).value == pytest.approx(7e8, rel=1e-9)
    assert breakeven_value(far, {"x": 0.0}, "x", bounds={"x": (0, 1e9)}).value == pytest.approx(7e8, rel=1e-9)


def test_values_without_a_finite_amount_are_passed_over() -> None:
    def root(d: Mapping[str, Floats]) -> Flows:
        return Flows(np.sqrt(d["x"]), np.full((1, 1), 3.0), NOTHING, 1)

    assert breakeven_value(root, {"x": 4.0}, "x").value == pytest.approx(9, rel=1e-12)


def test_the_edge_of_what_is_finite_is_no_breakeven() -> None:
    def root(d: Mapping[str, Floats]) -> Flows:
        return Flows(1 + np.sqrt(d["x"]), NOTHING, NOTHING, 1)

    assert breakeven_value(root, {"x": 4.0}, "x").reason is Reason.NO_BREAKEVEN_VALUE


def test_a_stretch_that_pays_between_far_bounds_is_found() -> None:
    def stretch(d: Mapping[str, Floats]) -> Flows:
        return Flows(-(d["x"] - 4e8) * (d["x"] - 6e8), NOTHING, NOTHING, 1)

    assert breakeven_value(stretch, {"x": 1.0}, "x", bounds={"x": (0, 1e9)}).value == pytest.approx(
        4e8, rel=1e-9
    )


def test_what_cannot_be_asked_is_refused() -> None:
    case = published.support()
    assert breakeven_values(case.model, case.base, {}) == {}
    with pytest.raises(SensitivityError, match="no base value for tokens"):
        breakeven_value(case.model, case.base, "tokens")
    with pytest.raises(SensitivityError, match="lower bound 2 lies above the upper bound 1"):
        breakeven_values(case.model, case.base, {"dev_cost": (2, 1)})


@settings(max_examples=80, deadline=None)
@given(
    st.floats(0.01, 1e5), st.floats(0.5, 1.9), st.floats(-100, 100).filter(lambda slope: abs(slope) > 0.01)
)
def test_a_line_crosses_where_it_should(base: float, place: float, slope: float) -> None:
    root = base * place

    def line(d: Mapping[str, Floats]) -> Flows:
        return Flows(slope * (d["x"] - root), NOTHING, NOTHING, 1)

    assert breakeven_value(line, {"x": base}, "x").value == pytest.approx(root, rel=1e-11)
