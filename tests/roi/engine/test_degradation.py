"""Degradation: the published scenario to the digit, retraining, and the interval that costs least."""

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolio.terms import Basis
from roi.engine import degradation, projection, retraining
from roi.engine.degradation import Path, Retraining, Shape, Streams
from roi.engine.figures import BasisFigures, Figures
from roi.engine.flows import Flows
from roi.engine.result import Reason

LINEAR = Path(((0, 0.96), (18, 0.88)))
GEOMETRIC = Path(LINEAR.points, Shape.GEOMETRIC)
FLAT = Path(((0, 0.9),))
RETRAINED = Retraining(cost=8_000)

shares = st.floats(0.05, 0.95)
months = st.integers(1, 60)


@st.composite
def paths(draw: st.DrawFn) -> Path:
    at = sorted(draw(st.sets(st.integers(1, 48), max_size=4)))
    levels = draw(st.lists(shares, min_size=len(at) + 1, max_size=len(at) + 1))
    return Path(tuple(zip([0, *at], levels, strict=True)), draw(st.sampled_from(Shape)))


def support(worthless: float, *, over: int, window: int = 3) -> tuple[Figures, BasisFigures]:
    """Return the support case on the published path, at 10 % a year."""
    streams = Streams(value=26_250, run=13_500, one_time=150_000, worthless=worthless)
    flows = degradation.flows(LINEAR, streams=streams, months=over)
    computed = projection.figures(flows, discount_rate=0.10, window=window)
    return computed, computed.by_basis[Basis.SUPPORTED]


@pytest.mark.parametrize(
    ("worthless", "over", "roi_pct"),
    [
        (0.0, 12, -2.08),
        (0.0, 24, 25.76),
        (0.0, 36, 39.13),
        (0.8, 12, -17.27),
        (0.8, 24, -10.01),
        (0.8, 36, -8.17),
    ],
)
def test_published_path_gives_the_published_roi(worthless: float, over: int, roi_pct: float) -> None:
    roi = projection.last(support(worthless, over=over)[1].roi).value
    assert roi is not None
    assert round(roi * 100, 2) == roi_pct


def test_proportional_value_breaks_even_in_month_13_instead_of_12() -> None:
    assert projection.last(support(0.0, over=36)[1].breakeven_index).value == 13
    held = degradation.flows(
        Path(((0, 0.96),)), streams=Streams(value=26_250, run=13_500, one_time=150_000), months=36
    )
    basis = projection.figures(held, discount_rate=0.10).by_basis[Basis.SUPPORTED]
    assert projection.last(basis.breakeven_index).value == 12


def test_value_above_a_worthless_accuracy_never_breaks_even_and_turns_in_month_18() -> None:
    computed, basis = support(0.8, over=36)
    assert projection.last(basis.breakeven_index).reason is Reason.NOT_REACHED
    assert projection.first_loss(computed).value == 19
    assert projection.first_loss(support(0.8, over=36, window=1)[0]).value == 18
    assert projection.first_loss(support(0.0, over=36)[0]).reason is Reason.NOT_REACHED


@pytest.mark.parametrize("over", [18, 24])
def test_its_flows_have_several_rates(over: int) -> None:
    _, basis = support(0.8, over=over)
    assert projection.last(basis.irr).reason is Reason.IRR_MULTIPLE
    assert projection.last(basis.mirr).value is not None


def test_drift_of_the_published_path() -> None:
    linear, geometric = degradation.drift(LINEAR), degradation.drift(GEOMETRIC)
    assert linear.points_per_month == pytest.approx(-0.00444, abs=5e-6)
    assert geometric.share_per_month == pytest.approx(-0.00482, abs=5e-6)
    assert (round(linear.mean, 3), round(geometric.mean, 3)) == (0.92, 0.919)


def test_geometric_path_follows_the_published_formula_and_is_held() -> None:
    found = degradation.accuracies(GEOMETRIC, months=24)
    expected = [0.96 * (0.88 / 0.96) ** (min(month, 18) / 18) for month in range(1, 25)]
    assert found == pytest.approx(expected, rel=1e-14)


def test_path_runs_through_its_dated_points() -> None:
    path = degradation.dated_path(
        [(date(2025, 12, 1), 0.95), (date(2026, 6, 1), 0.92), (date(2027, 1, 1), 0.93)]
    )
    assert path.points == ((0, 0.95), (6, 0.92), (13, 0.93))
    found = degradation.accuracies(path, months=14)
    assert found[[2, 5, 12, 13]] == pytest.approx([0.935, 0.92, 0.93, 0.93])


def test_error_rate_triples_where_accuracy_loses_eight_points() -> None:
    accuracy = np.array([0.96, 0.92, 0.88])
    assert degradation.error_factor(accuracy, initial=0.96) == pytest.approx([1, 2, 3])
    assert degradation.value_factor(accuracy, initial=0.96) == pytest.approx([1, 0.92 / 0.96, 0.88 / 0.96])


def test_value_ends_at_the_worthless_accuracy_and_does_not_turn_into_harm() -> None:
    found = degradation.value_factor(np.array([0.9, 0.85, 0.8, 0.5]), initial=0.9, worthless=0.8)
    assert found == pytest.approx([1, 0.5, 0, 0])


def test_retraining_restores_the_month_after_it_and_is_paid_in_its_own() -> None:
    streams = Streams(value=9_600, run=100, error_cost=40)
    flows = degradation.flows(LINEAR, streams=streams, months=8, retraining=RETRAINED, schedule=[3])
    aged = 0.96 - 0.08 / 18 * np.array([1, 2, 3, 1, 2, 3, 4, 5])
    assert flows.benefit[0] == pytest.approx(aged * 10_000)
    spent = np.array([0, 0, 8_000, 0, 0, 0, 0, 0])
    assert flows.run[0] == pytest.approx(100 + 40 * (1 - aged) / 0.04 + spent)
    assert flows.one_time.sum() == 0


@pytest.mark.parametrize(
    ("shape", "expected"),
    [(Shape.LINEAR, 0.98 - 0.08 / 18), (Shape.GEOMETRIC, 0.98 * (0.88 / 0.96) ** (1 / 18))],
)
def test_better_model_loses_as_much_as_the_first_one_did(shape: Shape, expected: float) -> None:
    path = Path(LINEAR.points, shape)
    assert degradation.accuracies(path, months=3, schedule=[2], restored=0.98)[2] == pytest.approx(expected)


def test_restored_accuracy_stays_between_0_and_1() -> None:
    rising = Path(((0, 0.5), (10, 0.9)))
    assert degradation.accuracies(rising, months=30, schedule=[10], restored=0.8).max() == 1.0
    falling = Path(((0, 0.9), (10, 0.1)))
    assert degradation.accuracies(falling, months=30, schedule=[10], restored=0.5).min() == 0.0


def test_every_few_months_leaves_out_the_end() -> None:
    assert degradation.every(6, months=18) == (6, 12)
    assert degradation.every(6, months=19) == (6, 12, 18)
    assert degradation.every(20, months=19) == ()


@given(paths(), months)
def test_accuracy_lies_between_the_points_of_its_path(path: Path, over: int) -> None:
    levels = [level for _, level in path.points]
    found = degradation.accuracies(path, months=over)
    assert found.min() >= min(levels) - 1e-12
    assert found.max() <= max(levels) + 1e-12


@given(st.lists(st.integers(50, 970), min_size=2, max_size=2, unique=True), st.integers(0, 40))
def test_more_accuracy_is_worth_more_and_errs_less(permille: list[int], worthless: int) -> None:
    accuracy = np.array(sorted(permille)) / 1000
    low, high = degradation.value_factor(accuracy, initial=0.97, worthless=worthless / 1000)
    assert low < high
    more, fewer = degradation.error_factor(accuracy, initial=0.97)
    assert more > fewer


@given(paths(), st.integers(1, 30), st.floats(0.1, 1000))
def test_money_scales_with_its_unit(path: Path, over: int, scale: float) -> None:
    one = degradation.flows(path, streams=Streams(value=7, run=3, error_cost=2), months=over)
    many = degradation.flows(
        path, streams=Streams(value=7 * scale, run=3 * scale, error_cost=2 * scale), months=over
    )
    assert many.net() == pytest.approx(one.net() * scale, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize(
    ("points", "shape", "sentence"),
    [
        ((), Shape.LINEAR, "starts at month 0"),
        (((1, 0.9),), Shape.LINEAR, "starts at month 0"),
        (((0, 0.9), (6, 0.8), (6, 0.7)), Shape.LINEAR, "in a month of its own"),
        (((0, 0.9), (6, 1.2)), Shape.LINEAR, "between 0 and 1"),
        (((0, 0.9), (6, 0.0)), Shape.GEOMETRIC, "cannot go through 0"),
    ],
)
def test_points_that_make_no_path_are_refused(
    points: tuple[tuple[int, float], ...], shape: Shape, sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        Path(points, shape)


def test_what_makes_no_sense_is_refused_with_a_sentence() -> None:
    accuracy = np.array([0.9])
    with pytest.raises(ValueError, match="must lie below the first accuracy"):
        degradation.value_factor(accuracy, initial=0.9, worthless=0.9)
    with pytest.raises(ValueError, match="starts without errors"):
        degradation.error_factor(accuracy, initial=1.0)
    with pytest.raises(ValueError, match="what a retraining costs"):
        degradation.flows(LINEAR, streams=Streams(value=1), months=6, schedule=[3])
    with pytest.raises(ValueError, match="month 1 or later"):
        degradation.accuracies(LINEAR, months=6, schedule=[0])
    with pytest.raises(ValueError, match="at least one month"):
        degradation.every(0, months=6)
    with pytest.raises(ValueError, match="add a second point"):
        degradation.drift(FLAT)
    with pytest.raises(ValueError, match="first measurement"):
        degradation.dated_path([])
    with pytest.raises(ValueError, match="finite number"):
        Streams(value=float("nan"))
    with pytest.raises(ValueError, match="not negative"):
        Retraining(cost=-1)
    with pytest.raises(ValueError, match="between 0 and 1"):
        Retraining(cost=1, accuracy=1.1)
    with pytest.raises(ValueError, match="finite number"):
        projection.figures(
            Flows(np.array([[np.nan]]), np.ones((1, 1)), np.zeros((1, 1)), 3), discount_rate=0.1
        )


def test_model_without_errors_needs_no_error_rate_when_errors_cost_nothing() -> None:
    perfect = Path(((0, 1.0), (10, 0.9)))
    assert degradation.flows(perfect, streams=Streams(value=10), months=10).run.sum() == 0


def test_amounts_beyond_exact_arithmetic_are_overflow() -> None:
    flows = Flows(np.full((1, 1), 1e300), np.ones((1, 1)), np.zeros((1, 1)), 3)
    basis = projection.figures(flows, discount_rate=0.1).by_basis[Basis.SUPPORTED]
    assert projection.last(basis.roi).reason is Reason.OVERFLOW


def cost_per_month(path: Path, streams: Streams, cost: float, *, interval: int) -> float:
    """Return the cost of one cycle per month, added up month by month."""
    lost = sum(
        streams.value * (1 - max(a - streams.worthless, 0) / (path.initial - streams.worthless))
        + streams.error_cost * (1 - a) / (1 - path.initial)
        for a in (float(path.at(np.array([float(age)]))[0]) for age in range(1, interval + 1))
    )
    return (lost + cost) / interval


@given(paths(), st.floats(0, 5_000), st.floats(0, 20_000))
def test_curve_is_the_cost_of_a_cycle_per_month(path: Path, errors: float, cost: float) -> None:
    streams = Streams(value=10_000, error_cost=errors, worthless=0.01)
    found = retraining.optimal_interval(path, streams=streams, retraining=Retraining(cost), max_months=20)
    expected = [cost_per_month(path, streams, cost, interval=each) for each in range(1, 21)]
    assert [each.total for each in found.curve] == pytest.approx(expected, rel=1e-9, abs=1e-6)
    assert found.best.total <= min(expected) + 1e-4
    assert found.best.total <= found.never.total + 1e-4


def test_optimum_of_a_straight_line_is_the_square_root_rule() -> None:
    """Loss s a month of age: cost per month s (k + 1) / 2 + C / k is lowest at k = sqrt(2 C / s)."""
    path = Path(((0, 0.96), (90, 0.56)))
    streams = Streams(value=9_600)
    slope = 9_600 * (0.40 / 90) / 0.96
    found = retraining.optimal_interval(
        path, streams=streams, retraining=Retraining(cost=slope * 12**2 / 2), max_months=60
    )
    assert found.best.months == 12
    assert found.best.retraining == pytest.approx(slope * 6)
    assert found.best.value_lost == pytest.approx(slope * 6.5)


def test_dear_retraining_is_never_done() -> None:
    found = retraining.optimal_interval(
        LINEAR, streams=Streams(value=26_250), retraining=Retraining(cost=100_000), max_months=36
    )
    assert found.best is found.never
    assert found.best.months is None
    assert found.saving == 0
    assert found.never.total == pytest.approx(26_250 * 0.08 / 0.96)


def test_ties_go_to_the_longer_interval() -> None:
    free = retraining.optimal_interval(
        FLAT, streams=Streams(value=100, error_cost=30), retraining=Retraining(cost=0), max_months=12
    )
    assert free.best.months is None
    falls_once = Path(((0, 0.9), (1, 0.8), (13, 0.8)))
    tied = retraining.optimal_interval(
        falls_once, streams=Streams(value=100), retraining=Retraining(cost=0), max_months=7
    )
    assert tied.best.months is None
    then_falls = Path(((0, 0.9), (6, 0.9), (12, 0.5)))
    kept = retraining.optimal_interval(
        then_falls, streams=Streams(value=100), retraining=Retraining(cost=0), max_months=12
    )
    assert kept.best.months == 6


def test_within_a_horizon_the_answer_is_that_of_its_own_flows() -> None:
    streams = Streams(value=26_250, error_cost=2_000)
    found = retraining.optimal_interval(
        LINEAR, streams=streams, retraining=RETRAINED, max_months=36, horizon_months=36
    )
    nets = {}
    for interval in range(1, 37):
        schedule = degradation.every(interval, months=36)
        flows = degradation.flows(LINEAR, streams=streams, months=36, retraining=RETRAINED, schedule=schedule)
        nets[interval] = float(flows.net().sum())
    assert found.best.months == max(nets, key=lambda each: nets[each]) == 6
    costs = {each.months: each.total for each in found.curve}
    assert costs == {k: pytest.approx(26_250 - net / 36) for k, net in nets.items()}
    assert found.curve[-1].total == pytest.approx(found.never.total)


def test_better_restored_accuracy_shortens_nothing_and_can_gain() -> None:
    found = retraining.optimal_interval(
        FLAT, streams=Streams(value=900), retraining=Retraining(cost=0, accuracy=0.95), max_months=3
    )
    assert found.best.months == 3
    assert found.best.value_lost == pytest.approx(-50)


def test_interval_and_horizon_are_at_least_a_month() -> None:
    with pytest.raises(ValueError, match="at least one month"):
        retraining.optimal_interval(FLAT, streams=Streams(value=1), retraining=RETRAINED, max_months=0)
    with pytest.raises(ValueError, match="at least one month"):
        retraining.optimal_interval(
            FLAT, streams=Streams(value=1), retraining=RETRAINED, max_months=1, horizon_months=0
        )
