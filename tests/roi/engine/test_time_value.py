"""Scalar time value of money: the traps of root finding, and agreement with an independent library."""

from datetime import date

import numpy as np
import pytest
import pyxirr
from hypothesis import given, settings
from hypothesis import strategies as st

from roi.engine import roots, time_value
from roi.engine.result import Reason


def test_monthly_rate_is_effective_not_a_twelfth() -> None:
    assert time_value.monthly_rate(0.10) == pytest.approx(0.00797414042890, abs=1e-14)
    assert time_value.annualize(time_value.monthly_rate(0.37)) == pytest.approx(0.37, rel=1e-14)


@pytest.mark.parametrize(
    ("flows", "reason"),
    [
        ([], Reason.IRR_NO_SIGN_CHANGE),
        ([0.0, 0.0], Reason.IRR_NO_SIGN_CHANGE),
        ([-100.0, 0.0, 0.0], Reason.IRR_NO_SIGN_CHANGE),
        ([1000.0, -3000.0, 2500.0], Reason.IRR_NO_ROOT),
        ([-1e-10, 1e10], Reason.IRR_NO_ROOT),  # a rate of 10^22 % is no rate
        ([-1600.0, 10000.0, -10000.0], Reason.IRR_MULTIPLE),
        ([-1000.0, 2300.0, -1320.0], Reason.IRR_MULTIPLE),
        ([-1000.0, 6000.0, -11000.0, 6000.0], Reason.IRR_MULTIPLE),
    ],
)
def test_irr_says_why_there_is_none(flows: list[float], reason: Reason) -> None:
    found = time_value.irr(flows)
    assert found.value is None
    assert found.reason is reason


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e8, 1e15])
def test_irr_does_not_depend_on_magnitude(scale: float) -> None:
    found = time_value.irr([-150_000 * scale] + [12_750 * scale] * 36)
    assert found.value == pytest.approx(time_value.monthly_rate(1.5071861294), abs=1e-11)


def test_irr_finds_a_root_deep_below_zero() -> None:
    assert time_value.irr([-100.0, 1e-6]).value == pytest.approx(-0.99999999, abs=1e-15)


def test_irr_finds_a_double_root_that_changes_no_sign() -> None:
    assert time_value.irr([-1000.0, 2200.0, -1210.0]).value == pytest.approx(0.1, abs=1e-9)


def test_two_roots_within_one_scanned_cell_are_both_counted() -> None:
    near, far = 1.1, 1.1004
    flows = [-1000.0, 1000.0 * (near + far), -1000.0 * near * far]
    assert time_value.irr(flows).reason is Reason.IRR_MULTIPLE


def test_late_cost_leaves_the_one_positive_rate() -> None:
    """A clean-up cost at the end adds a root near -100 %; Norstrom's condition names the meant one."""
    flows = [-1678.87, 771.96, 1814.05, 3520.3, 3552.95, 3584.99, -1.0]
    assert time_value.irr(flows).value == pytest.approx(0.9688775470209261, abs=1e-9)


def test_positive_root_without_the_condition_is_not_preferred() -> None:
    """Roots -79.8 % and +260.6 %, but cumulative flow turns three times: nothing says which is meant."""
    assert time_value.irr([-1.0, 7.0, -17.0, 18.0, -3.0]).reason is Reason.IRR_MULTIPLE


def test_roots_near_total_loss_are_not_counted_beside_others() -> None:
    """NPV is built from the factors 1.1 and 0.000001, a loss of 99.9999 % every period."""
    flows = [float(c) for c in -np.poly([1.1, 1e-6])]
    assert flows[0] < 0 < flows[1]
    assert time_value.irr(flows).value == pytest.approx(0.1, abs=1e-9)
    assert time_value.irr([-flow for flow in flows]).value == pytest.approx(0.1, abs=1e-9)


def test_xirr_adds_up_flows_of_one_day_and_takes_any_order() -> None:
    days = [date(2025, 1, 1), date(2026, 1, 1), date(2025, 1, 1)]
    found = time_value.xirr([-60.0, 110.0, -40.0], dates=days)
    assert found.value == pytest.approx(0.10, abs=1e-12)


def test_xirr_of_month_ends_differs_from_annualized_irr_as_measured() -> None:
    days = [date(2023 + month // 12, month % 12 + 1, 28) for month in range(37)]
    assert time_value.xirr([-150_000.0] + [12_750.0] * 36, dates=days).value == pytest.approx(1.51, abs=0.02)
    with pytest.raises(ValueError, match="need as many dates"):
        time_value.xirr([1.0, 2.0], dates=days[:1])


def test_rates_that_discount_nothing_are_refused() -> None:
    assert time_value.npv(-1.0, [1.0, 2.0]).reason is Reason.INVALID_RATE
    assert time_value.npv(-1 + 1e-12, [1.0] * 60).reason is Reason.OVERFLOW
    assert time_value.mirr([-1.0, 2.0], finance_rate=-1, reinvest_rate=0.1).reason is Reason.INVALID_RATE
    assert time_value.mirr([-1.0, 2.0], finance_rate=0.1, reinvest_rate=-12).value is not None
    lost = time_value.mirr([-50.0, 25.0, 30.0], finance_rate=0.5, reinvest_rate=-12)
    assert lost.reason is Reason.INVALID_RATE
    spent = time_value.mirr([-1.0] * 9, finance_rate=0.1, reinvest_rate=0.1)
    assert spent.reason is Reason.IRR_NO_SIGN_CHANGE


def test_amounts_beyond_floats_are_overflow() -> None:
    far = time_value.mirr([-1.0] * 60 + [1.0], finance_rate=-1 + 1e-12, reinvest_rate=0.1)
    assert far.reason is Reason.OVERFLOW
    assert time_value.npv(0.0, [1e308, 1e308]).reason is Reason.OVERFLOW


@pytest.mark.parametrize("rate", [999_999.0, 12_345_678.0])
def test_very_large_rates_keep_their_digits(rate: float) -> None:
    assert time_value.irr([-1.0, 1 + rate]).value == pytest.approx(rate, rel=2e-16)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.integers(1, 10_000), min_size=1, max_size=36), st.integers(1, 200_000))
def test_irr_agrees_with_pyxirr_where_one_root_exists(gains: list[int], outlay: int) -> None:
    flows = [-float(outlay), *map(float, gains)]
    theirs = pyxirr.irr([flow / max(map(abs, flows)) for flow in flows], silent=True)
    ours = time_value.irr(flows)
    assert ours.value is not None
    if theirs is not None and -0.9 < theirs < 10:  # beyond that its absolute tolerance shows
        assert ours.value == pytest.approx(theirs, rel=1e-6, abs=1e-8)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from([0.5, 0.8, 1.05, 1.5, 3.0, 9.0]), min_size=1, max_size=5, unique=True))
def test_every_constructed_root_is_counted(factors: list[float]) -> None:
    """NPV is built as the product of (1+r - f), so its roots are known."""
    flows = [float(c) for c in np.poly(factors)]
    found = time_value.irr(flows)
    positive = [factor for factor in factors if factor > 1]
    if len(factors) == 1:
        assert found.value == pytest.approx(factors[0] - 1, abs=1e-9)
    elif found.value is not None:
        assert len(positive) == 1
        assert found.value == pytest.approx(positive[0] - 1, abs=1e-7)
    else:
        assert found.reason is Reason.IRR_MULTIPLE


def test_rows_of_different_length_are_solved_together() -> None:
    flows = np.array([[-100.0, 110, 0, 0, 0], [0, 0, -100, 120, 0], [-1000, 2300, -1320, 0, 0], [0.0] * 5])
    root, reason = roots.solve(roots.periodic_rows(flows))
    assert np.expm1(root[:2]) == pytest.approx([0.1, 0.2], abs=1e-12)
    assert (reason[:2] == 0).all()
    assert (reason[2:] != 0).all()
    assert np.isnan(root[2:]).all()
