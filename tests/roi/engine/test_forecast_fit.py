"""The fit of damped trends: what it recovers exactly, what gaps and scale do to it, and the draws paths are made of."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roi.engine import forecast_draws as draws
from roi.engine import forecast_fit, forecast_history, forecast_paths
from roi.engine.forecast_fit import Fit
from roi.engine.result import Bools, Floats

MONTHS = forecast_history.LONGEST_HISTORY


def fitted(values: list[float], observed: list[int] | None = None) -> tuple[Fit, Bools]:
    """Return the fit of one series that ends in the last column."""
    padded = np.zeros((1, MONTHS))
    padded[0, -len(values) :] = values
    shown = np.zeros((1, MONTHS), dtype=np.bool_)
    shown[0, -len(values) :] = observed or [1] * len(values)
    return forecast_fit.fit(padded, shown), shown


def middle(values: list[float], observed: list[int] | None = None) -> Floats:
    """Return the average path of twelve months."""
    fit, shown = fitted(values, observed)
    seed = np.array([7], dtype=np.uint64)
    lent = forecast_paths.month_draws(seed, count=shown.sum(axis=1), horizon=12, paths=4_000)
    path = forecast_paths.simulate(fit, shown, months=lent, seed=seed, series=0)
    return np.asarray(path[0].mean(axis=1))


def direct(
    values: list[float], *, level: float, trend: float, damping: float, start: tuple[float, float]
) -> Floats:
    """Return the one-step errors of a damped trend, by its recursion written out."""
    state, slope = start
    errors = []
    for value in values:
        expected = state + damping * slope
        errors.append(value - expected)
        state, slope = expected + level * errors[-1], damping * slope + trend * errors[-1]
    return np.array(errors)


def test_the_solved_start_beats_every_other_start() -> None:
    random = np.random.default_rng(3)
    values = list(100 + np.cumsum(random.standard_normal(20)))
    fit, _ = fitted(values)
    for model in range(18):
        if fit.power[model]:
            continue
        level, trend, damping = fit.level[model], fit.trend[model], fit.damping[model]

        def cost(
            start: tuple[float, float], terms: tuple[float, float, float] = (level, trend, damping)
        ) -> float:
            errors = direct(values, level=terms[0], trend=terms[1], damping=terms[2], start=start)
            return float((errors**2).sum() + start[1] ** 2 + 1e-6 * start[0] ** 2)

        best = fit.noise[0, model] ** 2
        nearby = min(cost((values[0] + d, b)) for d in np.linspace(-3, 3, 25) for b in np.linspace(-1, 1, 9))
        assert best <= nearby + 0.2


def test_weights_add_up_and_a_noisy_level_prefers_to_be_smoothed() -> None:
    random = np.random.default_rng(4)
    fit, _ = fitted(list(100 + 5 * random.standard_normal(36)))
    assert fit.weight.sum() == pytest.approx(1)
    assert fit.weight[0, fit.level <= 0.2].sum() > 0.9
    walk, _ = fitted(list(100 + np.cumsum(5 * random.standard_normal(36))))
    assert walk.weight[0, walk.level >= 0.5].sum() > 0.7


def test_noise_in_proportion_is_told_from_constant_noise() -> None:
    random = np.random.default_rng(5)
    growing = [100 * 1.08**m * (1 + 0.1 * random.standard_normal()) for m in range(30)]
    fit, _ = fitted(growing)
    assert fit.weight[0, fit.power == 1].sum() > 0.95


def test_too_short_a_history_has_no_wave() -> None:
    wave = [100 + 30 * np.sin(2 * np.pi * m / 12) for m in range(36)]
    long, _ = fitted(wave)
    short, _ = fitted(wave[-forecast_fit.FEWEST_FOR_WAVE + 1 :])
    cosine, _, sine, _ = long.state[0, long.weight[0].argmax(), 2:]
    assert np.hypot(cosine, sine) == pytest.approx(30, rel=0.1)
    assert (short.state[..., 2:] == 0).all()


def test_a_missing_month_is_neither_zero_nor_a_break() -> None:
    values = [100.0 + 2 * m for m in range(24)]
    holed = [value if m not in (5, 17) else 0.0 for m, value in enumerate(values)]
    shown = [int(m not in (5, 17)) for m in range(24)]
    assert middle(holed, shown) == pytest.approx(middle(values), rel=0.02)


@settings(max_examples=25, deadline=None)
@given(
    factor=st.floats(1e-3, 1e9),
    values=st.lists(st.floats(50, 150), min_size=6, max_size=30),
)
def test_currency_does_not_matter(factor: float, values: list[float]) -> None:
    # A prior on the level that is as weak as this one leaves a trace of one part in a million.
    assert middle([factor * v for v in values]) == pytest.approx(factor * middle(values), rel=1e-3)


@settings(max_examples=25, deadline=None)
@given(values=st.lists(st.sampled_from([0.0, -5.0, 1.0, 1e9]), min_size=6, max_size=30))
def test_any_history_has_finite_paths(values: list[float]) -> None:
    assert np.isfinite(middle(values)).all()


def test_draws_belong_to_their_seed_and_stream() -> None:
    seeds = np.array([5, 6], dtype=np.uint64)
    both = draws.words(seeds, stream=1, count=8)
    assert np.array_equal(both[1], draws.words(seeds[1:], stream=1, count=8)[0])
    assert np.array_equal(both[:, :3], draws.words(seeds, stream=1, count=3))
    assert not np.intersect1d(both[0], both[1]).size
    assert not np.intersect1d(both, draws.words(seeds, stream=2, count=8)).size


def test_draws_have_the_distributions_they_name() -> None:
    seed = np.array([9], dtype=np.uint64)
    normal = draws.normals(seed, stream=1, count=100_000)
    assert normal.mean() == pytest.approx(0, abs=0.015)
    assert normal.std() == pytest.approx(1, abs=0.01)
    assert (np.abs(normal) < 1.2816).mean() == pytest.approx(0.8, abs=0.005)
    chi = draws.chi_squares(seed, stream=2, count=100_000, freedom=np.array([7.0]))
    assert (chi.mean(), chi.var()) == pytest.approx((7, 14), rel=0.03)
    index = draws.indices(seed, stream=3, count=90_000, below=np.array([9]))
    assert np.bincount(index[0], minlength=9) == pytest.approx(np.full(9, 10_000), rel=0.06)
    uniform = draws.uniforms(seed, stream=4, count=100_000)
    assert 0 < uniform.min() < uniform.max() < 1
    assert uniform.mean() == pytest.approx(0.5, abs=0.005)
