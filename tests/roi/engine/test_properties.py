"""Properties of the engine: equal to a slow oracle, parts equal totals, undefined has a reason."""

import math
from dataclasses import fields
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from portfolio.terms import Basis
from roi.engine import metrics, rates, time_value
from roi.engine.figures import BasisFigures, Figures
from roi.engine.result import NO_AMOUNT, REASON_OF_CODE, Column
from roi.engine.series import Series
from tests.roi.engine import oracle

MONTHS = 14
money = st.one_of(st.integers(-50, 400), st.just(0), st.integers(-(10**13), 10**14))


@st.composite
def rows(draw: st.DrawFn) -> oracle.Row:
    length = draw(st.integers(1, MONTHS))
    amounts = st.lists(money, min_size=length, max_size=length)
    return oracle.Row(
        benefit=draw(amounts),
        run=draw(amounts),
        one_time=draw(amounts),
        complete=draw(st.lists(st.integers(0, 9).map(bool), min_size=length, max_size=length)),
    )


portfolios = st.lists(rows(), min_size=1, max_size=5)


def padded(lists: list[list[Any]], *, filler: Any) -> np.ndarray[Any, Any]:
    return np.array([values + [filler] * (MONTHS - len(values)) for values in lists])


def as_series(portfolio: list[oracle.Row]) -> Series:
    """Return the rows as one series; beyond each row's length stand amounts that must not be read."""
    closed = np.ones((len(portfolio), MONTHS), dtype=np.bool_)
    run = padded([row.run for row in portfolio], filler=777)
    benefit = padded([row.benefit for row in portfolio], filler=999)
    return Series(
        benefit={Basis.CLAIMED: benefit, Basis.SUPPORTED: benefit - 1, Basis.CASHABLE: benefit},
        run=run,
        avoidable_run=run,
        one_time=padded([row.one_time for row in portfolio], filler=555),
        usage=run // 2,
        volume={"query": np.full(run.shape, 4.0)},
        length=np.array([len(row.run) for row in portfolio]),
        closed=closed,
        complete=padded([row.complete for row in portfolio], filler=True),
        missing_fx=~closed,
        horizon_months=np.full(len(portfolio), 12),
        hurdle_rate=np.full(len(portfolio), 0.15),
        discount_rate=np.full(len(portfolio), 0.10),
    )


def cell(column: Column, row: int, month: int) -> float | str:
    figure = column.at((row, month - 1))
    return figure.value if figure.value is not None else str(figure.reason)


def agree(found: float | str, expected: Any) -> bool:
    if isinstance(found, str) or isinstance(expected, str):
        return bool(found == expected)
    return math.isclose(found, float(expected), rel_tol=1e-12, abs_tol=1e-12)


@settings(max_examples=150, deadline=None)
@given(portfolios)
def test_vectorized_equals_the_slow_oracle(portfolio: list[oracle.Row]) -> None:
    part = metrics.compute(as_series(portfolio)).by_basis[Basis.CLAIMED]
    pairs = (
        (part.roi, oracle.roi),
        (part.breakeven_index, oracle.breakeven),
        (part.breakeven_last, oracle.last_crossing),
        (part.payback, oracle.payback),
        (part.incremental_roi, oracle.incremental_roi),
        (part.operating_margin, oracle.operating_margin),
    )
    for number, row in enumerate(portfolio):
        for month in range(1, len(row.run) + 1):
            for column, slow in pairs:
                found, expected = cell(column, number, month), slow(row, month)
                assert agree(found, expected), (slow.__name__, row, month, found, expected)


@settings(max_examples=100, deadline=None)
@given(portfolios)
def test_npv_equals_the_slow_oracle_at_both_rates(portfolio: list[oracle.Row]) -> None:
    part = metrics.compute(as_series(portfolio)).by_basis[Basis.CLAIMED]
    for number, row in enumerate(portfolio):
        size = sum(map(abs, row.run + row.benefit + row.one_time)) + 1
        for month in range(1, len(row.run) + 1):
            for column, rate in ((part.npv, 0.10), (part.npv_hurdle, 0.15)):
                found, expected = cell(column, number, month), oracle.npv(row, month, rate)
                if isinstance(found, str) or isinstance(expected, str):
                    assert found == expected
                else:
                    assert math.isclose(found, expected, rel_tol=1e-11, abs_tol=1 + 1e-12 * size)


@settings(max_examples=100, deadline=None)
@given(portfolios)
def test_payback_rounds_up_to_the_breakeven_month(portfolio: list[oracle.Row]) -> None:
    part = metrics.compute(as_series(portfolio)).by_basis[Basis.CLAIMED]
    assert (part.payback.reason == part.breakeven_index.reason).all()
    reached = part.payback.reason == 0
    assert (np.ceil(part.payback.value[reached]) == part.breakeven_index.value[reached]).all()


@settings(max_examples=100, deadline=None)
@given(portfolios)
def test_every_undefined_cell_has_a_reason_and_no_number(portfolio: list[oracle.Row]) -> None:
    figures = metrics.compute(as_series(portfolio), all_months_irr=True)
    columns = [column for part in figures.by_basis.values() for column in _columns(part)]
    columns += [column for costs in figures.unit_costs.values() for column in _columns(costs)]
    for column in columns:
        defined = column.reason == 0
        assert set(np.unique(column.reason[~defined]).tolist()) <= set(REASON_OF_CODE)
        if column.value.dtype == np.float64:
            assert np.isfinite(column.value[defined]).all()
            assert np.isnan(column.value[~defined]).all()
        else:
            assert np.isin(column.value[~defined], (NO_AMOUNT, 0)).all()
    for number, row in enumerate(portfolio):
        for column in columns:
            assert (column.reason[number, len(row.run) :] != 0).all()


def _columns(part: Any) -> list[Column]:
    return [value for field in fields(part) if isinstance(value := getattr(part, field.name), Column)]


@settings(max_examples=100, deadline=None)
@given(portfolios)
def test_sums_of_parts_equal_totals_to_the_micro_unit(portfolio: list[oracle.Row]) -> None:
    figures = metrics.compute(as_series(portfolio))
    part = figures.by_basis[Basis.CLAIMED]
    assert (figures.cumulative_run + figures.cumulative_one_time == figures.tco).all()
    assert (part.cumulative_benefit - figures.tco == part.cumulative_net).all()
    assert (np.cumsum(part.net, axis=1) == part.cumulative_net).all()
    for number, row in enumerate(portfolio):
        assert int(figures.tco[number, -1]) == sum(row.run) + sum(row.one_time)
        assert int(part.cumulative_benefit[number, -1]) == sum(row.benefit)


@settings(max_examples=60, deadline=None)
@given(portfolios)
def test_one_investment_and_many_take_the_same_road(portfolio: list[oracle.Row]) -> None:
    together = metrics.compute(as_series(portfolio), all_months_irr=True)
    for number, row in enumerate(portfolio):
        alone = metrics.compute(as_series([row]), all_months_irr=True)
        for basis in Basis:
            for name in (field.name for field in fields(BasisFigures)):
                _assert_same(
                    getattr(together.by_basis[basis], name), getattr(alone.by_basis[basis], name), number
                )
        for name in ("tco", "window_run", "cumulative_reason", "window_reason", "last_closed"):
            _assert_same(getattr(together, name), getattr(alone, name), number)


def _assert_same(many: Any, one: Any, number: int) -> None:
    if isinstance(many, Column):
        assert (many.reason[number] == one.reason[0]).all()
        np.testing.assert_allclose(many.value[number], one.value[0], rtol=1e-9, atol=1e-12)
    else:
        np.testing.assert_array_equal(many[number], one[0])


@settings(max_examples=100, deadline=None)
@given(rows())
def test_irr_of_the_matrices_equals_irr_of_the_flows(row: oracle.Row) -> None:
    figures = metrics.compute(as_series([row]), all_months_irr=True)
    column = figures.by_basis[Basis.CLAIMED].irr
    for month in range(1, len(row.run) + 1):
        flows = rates.as_flows(
            np.array(row.benefit[:month]),
            run=np.array(row.run[:month]),
            one_time=np.array(row.one_time[:month]),
        )
        assert flows == [float(flow) for flow in oracle.flows(row, month)]
        if not all(row.complete[:month]):
            assert cell(column, 0, month) == "missing_actuals"
            continue
        monthly, found = time_value.irr(flows), cell(column, 0, month)
        if monthly.value is None:
            assert found == str(monthly.reason)
        elif not isinstance(found, str):  # a rate too large to state per year is `overflow`
            assert math.isclose(found, time_value.annualize(monthly.value), rel_tol=1e-6, abs_tol=1e-9)


flow_lists = st.lists(st.integers(-1000, 1000).map(float), min_size=2, max_size=12)


@settings(max_examples=200, deadline=None)
@given(flow_lists, st.floats(1e-9, 1e12))
def test_irr_does_not_depend_on_the_unit_of_money(flows: list[float], scale: float) -> None:
    plain, scaled = time_value.irr(flows), time_value.irr([flow * scale for flow in flows])
    if plain.value is not None and scaled.value is not None:
        assert math.isclose(plain.value, scaled.value, rel_tol=1e-6, abs_tol=1e-6)
    elif plain.reason is not scaled.reason:
        assert _has_nearly_double_root(flows)


def _has_nearly_double_root(flows: list[float]) -> bool:
    """Return whether rounding alone decides between no root, one and two: NPV nearly touches zero."""
    sizes = [abs(flow) for flow in flows]
    for rate in np.expm1(np.linspace(-11.6, 12, 1001)):
        worth, size = time_value.npv(rate, flows).value, time_value.npv(rate, sizes).value
        if worth is not None and size and abs(worth) < 1e-3 * size:
            return True
    return False


@settings(max_examples=200, deadline=None)
@given(flow_lists)
def test_npv_is_zero_at_the_irr(flows: list[float]) -> None:
    found = time_value.irr(flows)
    if found.value is not None and found.value > -0.99:
        worth = time_value.npv(found.value, flows)
        size = time_value.npv(found.value, [abs(flow) for flow in flows])
        assert worth.value is not None
        assert size.value is not None
        assert abs(worth.value) <= 1e-9 * size.value


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)), min_size=1, max_size=40),
    st.floats(-0.5, 3),
)
def test_npv_adds_up(pairs: list[tuple[float, float]], rate: float) -> None:
    left, right = [a for a, _ in pairs], [b for _, b in pairs]
    parts = [time_value.npv(rate, flows).value or 0.0 for flows in (left, right)]
    whole = time_value.npv(rate, [a + b for a, b in pairs]).value or 0.0
    size = time_value.npv(rate, [abs(a) + abs(b) for a, b in pairs]).value or 0.0
    assert math.isclose(sum(parts), whole, rel_tol=1e-9, abs_tol=1e-9 * size + 1e-9)


def test_figures_are_not_changed_by_the_order_of_investments() -> None:
    portfolio = [
        oracle.Row([5, 9, 9, 9], [1, 2, 2, 2], [10, 0, 0, 0], [True] * 4),
        oracle.Row([0, 1], [1, 1], [3, 0], [True, False]),
    ]
    forward: Figures = metrics.compute(as_series(portfolio))
    backward: Figures = metrics.compute(as_series(portfolio[::-1]))
    for name in ("tco", "window_run", "last_closed"):
        np.testing.assert_array_equal(getattr(forward, name), getattr(backward, name)[::-1])
