"""Distributions: what is drawn is what was stated, within bounds, and plain values come back as they went."""

from math import inf
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from roi.engine import distribution_values
from roi.engine.distribution_values import Truncated, parse, truncate
from roi.engine.distributions import (
    Distribution,
    DistributionError,
    Fixed,
    LogNormal,
    Normal,
    Pert,
    Triangular,
    Uniform,
    plus_minus,
)

U = np.linspace(0.001, 0.999, 999)
SPREAD: list[tuple[Distribution, Any]] = [
    (Uniform(-2, 6), stats.uniform(-2, 8)),
    (Triangular(1, 2, 6), stats.triang(0.2, 1, 5)),
    (Triangular(1, 1, 6), stats.triang(0.0, 1, 5)),
    (Triangular(1, 6, 6), stats.triang(1.0, 1, 5)),
    (Pert(0, 3, 12), stats.beta(2, 4, 0, 12)),
    (Normal(5, 2), stats.norm(5, 2)),
    (LogNormal(10, 40), stats.lognorm(np.log(4) / 2 / stats.norm.ppf(0.95), scale=20)),
]
names = [f"{each.kind}{index}" for index, (each, _) in enumerate(SPREAD)]


@pytest.mark.parametrize(("ours", "theirs"), SPREAD, ids=names)
def test_points_and_probabilities_agree_with_an_independent_library(ours: Distribution, theirs: Any) -> None:
    points = ours.ppf(U)
    assert points == pytest.approx(theirs.ppf(U), rel=1e-9, abs=1e-9)
    assert [ours.cdf(float(point)) for point in points[::100]] == pytest.approx(list(U[::100]), abs=1e-9)
    low, high = ours.support
    assert (low, high) == pytest.approx(theirs.support())
    assert ours.cdf(max(low, -1e9) - 1) == pytest.approx(0, abs=1e-12)
    assert ours.cdf(min(high, 1e9) + 1) == pytest.approx(1)


@pytest.mark.parametrize(("ours", "_"), SPREAD, ids=names)
def test_certain_probabilities_are_finite_values(ours: Distribution, _: Any) -> None:
    assert np.isfinite(ours.ppf(np.array([0.0, 1.0]))).all()


def test_ninety_percent_interval_holds_ninety_percent() -> None:
    for interval in (Normal.from_interval(10, 40), LogNormal(10, 40)):
        assert interval.ppf(np.array([0.05, 0.95])) == pytest.approx([10, 40])
    assert LogNormal(10, 40).ppf(np.array(0.5)) == pytest.approx(20)  # the geometric middle


def test_pert_has_the_mean_project_planning_expects() -> None:
    u = (np.arange(200_000) + 0.5) / 200_000
    assert Pert(2, 3, 10).ppf(u).mean() == pytest.approx((2 + 4 * 3 + 10) / 6, rel=1e-6)


def test_fixed_is_the_same_everywhere() -> None:
    assert (Fixed(3).ppf(U) == 3).all()
    assert (Fixed(3).cdf(2.9), Fixed(3).cdf(3), Fixed(3).support) == (0, 1, (3, 3))


@pytest.mark.parametrize(
    ("build", "sentence"),
    [
        (lambda: Uniform(2, 2), "The low end 2 must lie below the high end 2. Use fixed for one value."),
        (lambda: Triangular(3, 2, 1), "must lie below"),
        (lambda: Triangular(1, 5, 3), "The most likely value 5 must lie between 1 and 3."),
        (lambda: Pert(1, 0, 3), "The most likely value 0 must lie between 1 and 3."),
        (lambda: Normal(1, 0), "A standard deviation must be above 0"),
        (lambda: Normal.from_interval(5, 5), "must lie below"),
        (lambda: LogNormal(0, 5), "its 90% interval cannot start at 0"),
        (lambda: LogNormal(5, 4), "must lie below"),
        (lambda: Fixed(inf), "value of a fixed distribution must be a finite number"),
        (lambda: Uniform(0, float("nan")), "high of a uniform distribution must be a finite number"),
    ],
)
def test_values_that_do_not_fit_are_refused_with_a_sentence(build: Any, sentence: str) -> None:
    with pytest.raises(DistributionError, match=sentence):
        build()


def test_plus_minus_keeps_its_order_below_zero_and_zero_stays() -> None:
    assert plus_minus(10, share=0.2) == Uniform(8, 12)
    assert plus_minus(-10, share=0.2) == Uniform(-12, -8)
    assert plus_minus(0, share=0.2) == Fixed(0)


@pytest.mark.parametrize(
    ("of", "theirs"),
    [(Normal(0.9, 0.1), stats.truncnorm(-9, 1, 0.9, 0.1)), (Uniform(-0.2, 0.8), stats.uniform(0, 0.8))],
)
def test_truncation_spreads_what_lies_outside(of: Distribution, theirs: Any) -> None:
    inside = truncate(of, low=0, high=1)
    assert inside.ppf(U) == pytest.approx(theirs.ppf(U), abs=1e-9)
    assert [inside.cdf(x) for x in (-0.1, 0.3, 0.75, 1.1)] == pytest.approx(
        theirs.cdf([-0.1, 0.3, 0.75, 1.1])
    )
    assert inside.support == pytest.approx(theirs.support())


def test_nothing_piles_up_at_a_bound() -> None:
    drawn = truncate(Normal(0.9, 0.1), low=0, high=1).ppf((np.arange(4096) + 0.5) / 4096)
    assert drawn.max() < 1
    assert len(np.unique(drawn)) == 4096


def test_rounding_leaves_no_bound() -> None:
    ends = np.array([0.0, 1.0])
    for step in range(1, 200):
        low, high = 10 + step / 101, 40 - step / 103
        drawn = truncate(LogNormal(9, 41), low=low, high=high).ppf(ends)
        assert low <= drawn.min()
        assert drawn.max() <= high


def test_what_never_leaves_the_bounds_stays_itself() -> None:
    within = Uniform(0.2, 0.8)
    assert truncate(within, low=0, high=1) is within
    assert truncate(Fixed(1), low=0, high=1) == Fixed(1)
    assert truncate(LogNormal(1, 2), low=0) == LogNormal(1, 2)


@pytest.mark.parametrize(
    ("of", "low", "high"),
    [
        (Normal(1.2, 0.1), 0, 1),
        (Uniform(2, 3), 0, 1),
        (Fixed(1.5), 0, 1),
        (Uniform(-3, -2), 0, inf),
        (Fixed(-1), 0, inf),
    ],
)
def test_a_distribution_that_lies_mostly_outside_is_refused(
    of: Distribution, low: float, high: float
) -> None:
    with pytest.raises(DistributionError, match=r"At least half of .* driver's bounds; \d+% does"):
        truncate(of, low=low, high=high)


def test_half_inside_is_enough() -> None:
    assert isinstance(truncate(Uniform(0, 2), low=0, high=1), Truncated)
    assert isinstance(truncate(Uniform(0, 2), high=1), Truncated)
    with pytest.raises(DistributionError, match=r"at or below 0\.99"):
        truncate(Uniform(0, 2), high=0.99)
    with pytest.raises(DistributionError, match="lies above the upper bound"):
        truncate(Uniform(0, 2), low=1, high=0)


plain = st.one_of(
    st.builds(Fixed, st.floats(-1e6, 1e6)),
    st.tuples(st.floats(-1e6, 1e6), st.floats(1, 1e6)).map(lambda ends: Uniform(ends[0], ends[0] + ends[1])),
    st.tuples(st.floats(0, 1e6), st.floats(1, 1e3), st.floats(0, 1)).map(
        lambda t: Pert(t[0], min(t[0] + t[1] * t[2], t[0] + t[1]), t[0] + t[1])
    ),
    st.builds(Normal, st.floats(-1e6, 1e6), st.floats(0.01, 1e6)),
    st.tuples(st.floats(0.01, 1e3), st.floats(1.1, 10)).map(lambda t: LogNormal(t[0], t[0] * t[1])),
)


@settings(max_examples=60, deadline=None)
@given(plain, st.floats(0.05, 0.2), st.floats(0.75, 0.9))
def test_plain_values_come_back_as_they_went(of: Distribution, below: float, above: float) -> None:
    assert parse(of.as_dict()) == of
    low, high = (float(each) for each in of.ppf(np.array([below, above])))
    bounded = truncate(of, low=low, high=high)
    assert parse(bounded.as_dict()) == bounded
    points = bounded.ppf(U)
    assert points.min() >= low
    assert points.max() <= high
    assert (np.diff(points) >= 0).all()


def test_one_bound_alone_is_written_without_the_other() -> None:
    bounded = truncate(Normal(0, 1), high=1)
    assert bounded.as_dict() == {"kind": "normal", "mean": 0, "sd": 1, "at_most": 1}
    assert parse(bounded.as_dict()) == bounded
    assert parse({"kind": "normal", "p5": 1, "p95": 3}) == Normal.from_interval(1, 3)
    assert parse({"kind": "uniform", "low": "1", "high": 2.5}) == Uniform(1, 2.5)


@pytest.mark.parametrize(
    ("stated", "sentence"),
    [
        ({}, "There is no distribution None; there are fixed, uniform"),
        ({"kind": "cauchy"}, "There is no distribution 'cauchy'"),
        ({"kind": "uniform", "low": 1}, "A uniform distribution lacks high: it takes low, high."),
        ({"kind": "uniform", "low": 1, "high": 2, "mode": 3}, "does not know mode: it takes low, high."),
        ({"kind": "normal", "p5": 1}, "lacks mean, sd: it takes mean, sd, or p5 and p95."),
        ({"kind": "fixed", "value": "many"}, "value must be a number; 'many' is not."),
        ({"kind": "fixed", "value": True}, "value must be a number; 'True' is not."),
        ({"kind": "fixed", "value": None}, "value must be a number"),
        ({"kind": "uniform", "low": 0, "high": 1, "at_least": "x"}, "at_least must be a number"),
        ({"kind": "uniform", "low": 0, "high": 1, "at_least": 0.9}, "at or above 0.9, the driver's bounds; 10% does"),
    ],
)  # fmt: skip
def test_plain_values_that_make_no_distribution_are_refused(stated: dict[str, Any], sentence: str) -> None:
    with pytest.raises(DistributionError, match=sentence):
        distribution_values.parse(stated)
