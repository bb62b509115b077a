"""What gaps, open months, missing FX rates, short windows and huge amounts do to figures."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from portfolio.terms import MICRO, Basis
from roi.engine import metrics
from roi.engine.result import REASON_CODES, Column, Reason
from tests.roi.engine.build import computed, flags, flat, micros, series

CUMULATIVE = (
    "roi",
    "breakeven_index",
    "breakeven_last",
    "payback",
    "npv",
    "npv_hurdle",
    "discounted_payback",
    "mirr",
)
MATRICES = (
    *("run", "avoidable_run", "one_time", "usage", "length", "closed", "complete", "missing_fx"),
    *("horizon_months", "hurdle_rate", "discount_rate"),
)


def reasons(column: Column) -> list[Reason | None]:
    """Return the reasons of the first row."""
    return [column.at((0, month)).reason for month in range(column.reason.shape[1])]


def test_gap_makes_every_cumulative_figure_undefined_until_filled() -> None:
    filled = flat(dev=20, run=10, benefit=25, months=6)
    gap = replace(filled, complete=flags(1, 1, 1, 0, 1, 1))
    _, basis = computed(gap, all_months_irr=True)
    for name in (*CUMULATIVE, "irr"):
        column = getattr(basis, name)
        assert reasons(column)[3:] == [Reason.MISSING_ACTUALS] * 3, name
        assert Reason.MISSING_ACTUALS not in reasons(column)[:3], name
    _, again = computed(filled, all_months_irr=True)
    assert reasons(again.roi) == [None] * 6


def test_gap_leaves_sums_as_recorded() -> None:
    gap = replace(flat(dev=20, run=10, benefit=25, months=6), complete=flags(1, 1, 1, 0, 1, 1))
    figures, basis = computed(gap)
    assert figures.tco[0].tolist() == [30 * MICRO + 10 * MICRO * month for month in range(6)]
    assert basis.cumulative_benefit[0, -1] == 150 * MICRO


def test_window_skips_the_gap_and_is_undefined_in_it() -> None:
    given = series(
        benefit=[1, 2, 4, 999, 8, 16], run=[1] * 6, one_time=[0] * 6, complete=flags(1, 1, 1, 0, 1, 1)
    )
    _, basis = computed(given)
    assert reasons(basis.incremental_roi) == [
        Reason.WINDOW_INCOMPLETE,
        Reason.WINDOW_INCOMPLETE,
        None,
        Reason.MISSING_ACTUALS,
        None,
        None,
    ]
    assert basis.window_benefit[0, 4] == (2 + 4 + 8) * MICRO
    assert basis.operating_margin.at((0, 5)).value == (4 + 8 + 16 - 3) * MICRO


def test_open_months_are_provisional_with_the_window_of_closed_ones() -> None:
    given = series(
        benefit=[10, 20, 30, 40, 1000],
        run=[5] * 5,
        one_time=[50, 0, 0, 0, 0],
        closed=flags(1, 1, 1, 1, 0),
        complete=flags(1, 1, 1, 1, 0),
    )
    figures, basis = computed(given)
    assert basis.window_benefit[0, 4] == basis.window_benefit[0, 3] == 90 * MICRO
    assert basis.roi.at((0, 4)).value == pytest.approx((1100 - 75) / 75)
    assert figures.last_closed.tolist() == [4]
    assert basis.irr.at((0, 3)).reason is not Reason.NOT_COMPUTED
    assert reasons(basis.irr)[4] is Reason.NOT_COMPUTED


def test_irr_is_computed_for_the_last_closed_month_unless_all_are_asked() -> None:
    given = flat(dev=20, run=10, benefit=25, months=6)
    _, last = computed(given)
    assert reasons(last.irr) == [Reason.NOT_COMPUTED] * 5 + [None]
    _, every = computed(given, all_months_irr=True)
    assert reasons(every.irr) == [None] * 6
    assert every.irr.at((0, 5)) == last.irr.at((0, 5))


def test_no_closed_month_means_no_irr() -> None:
    given = flat(dev=20, run=10, benefit=25, months=2, closed=flags(0, 0), complete=flags(0, 0))
    figures, basis = computed(given)
    assert figures.last_closed.tolist() == [0]
    assert reasons(basis.irr) == [Reason.NOT_COMPUTED] * 2
    assert reasons(basis.incremental_roi) == [Reason.WINDOW_INCOMPLETE] * 2


def test_missing_fx_rate_reaches_cumulative_figures_for_good_and_windows_while_inside() -> None:
    given = flat(dev=20, run=10, benefit=25, months=6, missing_fx=flags(0, 1, 0, 0, 0, 0))
    _, basis = computed(given)
    for name in CUMULATIVE:
        assert reasons(getattr(basis, name))[1:] == [Reason.MISSING_FX_RATE] * 5, name
    assert reasons(basis.operating_margin)[2:] == [Reason.MISSING_FX_RATE, Reason.MISSING_FX_RATE, None, None]


def test_overflow_is_named_before_any_sum_wraps() -> None:
    huge = 2**61
    given = replace(flat(dev=1, run=1, benefit=1, months=3), benefit={Basis.SUPPORTED: np.full((1, 3), huge)})
    figures, basis = computed(given)
    for name in (*CUMULATIVE, "incremental_roi", "operating_margin", "irr"):
        assert set(reasons(getattr(basis, name))) == {Reason.OVERFLOW}, name
    assert (figures.cumulative_reason == REASON_CODES[Reason.OVERFLOW]).all()


def test_overflow_of_one_investment_leaves_the_others_alone() -> None:
    small = flat(dev=1, run=1, benefit=2, months=3)
    twice: dict[str, Any] = {name: np.repeat(getattr(small, name), 2, axis=0) for name in MATRICES}
    benefit = {Basis.SUPPORTED: np.array([[2 * MICRO] * 3, [2**61] * 3])}
    both = replace(small, benefit=benefit, **twice)
    _, basis = computed(both)
    assert basis.roi.at((0, 2)).value is not None
    assert basis.roi.at((1, 2)).reason is Reason.OVERFLOW


def test_amounts_just_inside_the_limit_are_computed() -> None:
    given = replace(
        flat(dev=0, run=1, benefit=1, months=3), benefit={Basis.SUPPORTED: np.full((1, 3), 2**60)}
    )
    _, basis = computed(given)
    assert basis.cumulative_benefit[0, -1] == 3 * 2**60
    assert basis.roi.at((0, 2)).reason is None


def test_roi_base_of_zero_or_credits_is_undefined() -> None:
    given = series(benefit=[5, 5, 5], run=[0, -3, 10], one_time=[0, 0, 0])
    _, basis = computed(given)
    assert reasons(basis.roi) == [Reason.NO_COST_YET, Reason.NON_POSITIVE_BASE, None]


def test_incremental_roi_needs_avoidable_run_cost() -> None:
    given = flat(dev=20, run=10, benefit=25, months=3, avoidable_run=micros([0, 0, 0]))
    figures, basis = computed(given)
    assert basis.incremental_roi.at((0, 2)).reason is Reason.NON_POSITIVE_BASE
    assert basis.operating_margin.at((0, 2)).value == 75 * MICRO
    assert figures.window_run[0, 2] == 30 * MICRO


def test_window_size_is_the_series_own() -> None:
    given = flat(dev=0, run=10, benefit=25, months=4, window=4)
    _, basis = computed(given)
    assert reasons(basis.incremental_roi)[2:] == [Reason.WINDOW_INCOMPLETE, None]


def test_equality_counts_as_breakeven_and_both_crossings_are_kept() -> None:
    given = series(benefit=[0, 30, 0, 40], run=[10, 10, 15, 10], one_time=[10, 0, 0, 0])
    _, basis = computed(given)
    assert basis.breakeven_index.value[0].tolist() == [0, 2, 2, 2]
    assert basis.breakeven_last.value[0].tolist() == [0, 2, 2, 4]
    assert basis.payback.at((0, 1)).value == 2.0


def test_benefit_before_any_cost_is_not_breakeven() -> None:
    _, basis = computed(series(benefit=[10, 0, 0], run=[0, 4, 0], one_time=[0, 0, 0]))
    assert basis.breakeven_index.value[0].tolist() == [0, 2, 2]
    assert basis.payback.at((0, 2)).value == 2.0


def test_one_time_cost_in_the_crossing_month_counts_in_its_payback() -> None:
    _, basis = computed(series(benefit=[0, 40], run=[0, 0], one_time=[10, 10]))
    assert basis.payback.at((0, 1)).value == pytest.approx(1.5)


def test_payback_of_a_sliver_still_rounds_up_to_the_breakeven_month() -> None:
    sliver = np.array([[0, 0, 10**17]])
    given = series(benefit=[0, 0, 0], run=[0, 0, 0], one_time=[0, 0, 0])
    given = replace(given, benefit={Basis.SUPPORTED: sliver}, one_time=np.array([[1, 0, 0]]))
    _, basis = computed(given)
    payback = basis.payback.at((0, 2)).value
    assert payback is not None
    assert 2 < payback < 2.0000001


def test_discounted_payback_needs_a_cost_to_pay_back() -> None:
    _, basis = computed(series(benefit=[10, 0, 0], run=[0, 4, 0], one_time=[0, 0, 0]))
    assert basis.discounted_payback.at((0, 0)).reason is Reason.NOT_REACHED
    assert basis.discounted_payback.at((0, 2)).value == 2.0


def test_negative_rate_that_grows_flows_beyond_the_limit_is_overflow() -> None:
    given = flat(dev=0, run=10**9, benefit=0, months=36, discount_rate=np.array([-0.9999]))
    _, basis = computed(given)
    assert basis.npv.at((0, 35)).reason is Reason.OVERFLOW
    assert basis.npv_hurdle.at((0, 35)).reason is None


def test_mirr_without_any_inflow_is_undefined() -> None:
    _, basis = computed(flat(dev=20, run=10, benefit=0, months=3))
    assert basis.mirr.at((0, 2)).reason is Reason.IRR_NO_SIGN_CHANGE


def test_npv_discounts_one_time_cost_from_the_start_of_its_month() -> None:
    given = series(benefit=[0, 121], run=[0, 0], one_time=[0, 100], rate=0.10)
    _, basis = computed(given)
    growth = 1.10 ** (1 / 12)
    expected = 121e6 / growth**2 - 100e6 / growth
    assert basis.npv.at((0, 1)).value == pytest.approx(expected, abs=1)


def test_hurdle_and_discount_rate_are_kept_apart() -> None:
    given = flat(dev=100, run=0, benefit=20, months=6, hurdle_rate=np.array([5.0]))
    _, basis = computed(given)
    assert basis.npv.value[0, -1] > basis.npv_hurdle.value[0, -1]


def test_equal_bases_are_computed_once() -> None:
    given = flat(dev=20, run=10, benefit=25, months=3)
    benefit = given.benefit[Basis.SUPPORTED]
    same = replace(
        given, benefit={Basis.CLAIMED: benefit, Basis.SUPPORTED: benefit.copy(), Basis.CASHABLE: benefit // 2}
    )
    figures = metrics.compute(same)
    assert figures.by_basis[Basis.CLAIMED] is figures.by_basis[Basis.SUPPORTED]
    assert figures.by_basis[Basis.CASHABLE] is not figures.by_basis[Basis.CLAIMED]


def test_no_investments_give_empty_arrays() -> None:
    given = flat(dev=20, run=10, benefit=25, months=3, volume={"query": [1, 2, 3]})
    none: dict[str, Any] = {name: getattr(given, name)[:0] for name in MATRICES}
    volume = {"query": given.volume["query"][:0]}
    empty = replace(
        given, benefit={Basis.SUPPORTED: given.benefit[Basis.SUPPORTED][:0]}, volume=volume, **none
    )
    figures, basis = computed(empty)
    assert figures.tco.shape == (0, 3)
    assert basis.irr.value.shape == (0, 3)
