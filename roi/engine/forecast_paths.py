"""Simulates the months to come from fitted damped trends: every path draws its model, its state and its noise."""

from dataclasses import dataclass

import numpy as np

from roi.engine import forecast_draws as draws
from roi.engine import forecast_fit
from roi.engine.crossings import QUANTILES
from roi.engine.forecast_draws import Seeds
from roi.engine.forecast_fit import Fit, wave
from roi.engine.forecast_history import BENEFIT, RUN, VOLUME, History
from roi.engine.result import Bools, Floats, Ints

_MONTH_STREAM, _SERIES_STREAM, _STREAMS_EACH = 1, 8, 4
_SMALLEST_SHARE = 0.1  # noise in proportion to the level does not vanish with it


@dataclass(frozen=True, slots=True, eq=False)
class Start:
    """What each path of one series begins with; arrays (n, P)."""

    model: Ints
    state: Floats  # (n, d, P) level, trend and the wave's coefficients
    noise: Floats


def simulate(fit: Fit, observed: Bools, *, months: Ints, seed: Seeds, series: int) -> Floats:
    """Return paths of n series, (n, H, P), in the units of the data.

    `months` (n, H, P) are the historical months whose errors are met again, as numbers from 0 among the observed
    ones: given the same to two series, their errors stay together. `series` keeps other draws apart.
    """
    rows, horizon, paths = months.shape
    first = _SERIES_STREAM + _STREAMS_EACH * series
    start = _start(fit, seed, first=first, paths=paths)
    shocks = _shocks(fit, observed, start.model)
    level, trend = start.state[:, 0], start.state[:, 1]
    waves = wave(1, horizon)
    alpha, gamma, damping = fit.level[start.model], fit.trend[start.model], fit.damping[start.model]
    power = fit.power[start.model]
    base, smallest = fit.scale[:, None], _SMALLEST_SHARE * fit.scale[:, None]
    result = np.empty((rows, horizon, paths))
    for month in range(horizon):
        trend = damping * trend
        expected = level + trend
        size = 1 + power * (np.maximum(np.abs(expected), smallest) / base - 1)
        error = shocks.ravel()[_flat(shocks, start.model, months[:, month])]
        error *= start.noise * size
        result[:, month] = expected + error + np.einsum("d,ndp->np", waves[month], start.state[:, 2:])
        level = expected + alpha * error
        trend = trend + gamma * error
    return result


def month_draws(seed: Seeds, *, count: Ints, horizon: int, paths: int) -> Ints:
    """Return for each month and path which of the `count` (n,) observed months lends its error, (n, H, P)."""
    drawn = draws.indices(seed, stream=_MONTH_STREAM, count=horizon * paths, below=count)
    return drawn.reshape(len(seed), horizon, paths)


def _start(fit: Fit, seed: Seeds, *, first: int, paths: int) -> Start:
    rows = np.arange(len(seed))[:, None]
    chance = draws.uniforms(seed, stream=first, count=paths)
    model = _picked(fit.weight, chance)
    freedom = fit.freedom
    chi = draws.chi_squares(seed, stream=first + 1, count=paths, freedom=freedom)
    noise = fit.noise[rows, model] / np.sqrt(chi)
    size = fit.state.shape[2]
    z = draws.normals(seed, stream=first + 2, count=size * paths).reshape(len(seed), size, paths)
    spread = fit.spread[rows, model]
    moved = sum(spread[..., i].swapaxes(1, 2) * z[:, i : i + 1] for i in range(size))
    state = fit.state[rows, model].swapaxes(1, 2) + moved * noise[:, None]
    return Start(model, state, noise)


def _picked(weight: Floats, chance: Floats) -> Ints:
    """Return which model each chance (n, P) falls to, by the weights (n, k)."""
    bounds = np.cumsum(weight, axis=1)
    last = weight.shape[1] - 1
    picked = [np.searchsorted(own, drawn) for own, drawn in zip(bounds, chance, strict=True)]
    return np.asarray(np.minimum(picked, last), dtype=np.int64)


def _shocks(fit: Fit, observed: Bools, model: Ints) -> Floats:
    """Return the residuals with the observed months moved to the front, (n, k, T)."""
    order = np.argsort(~observed, axis=1, kind="stable")
    return np.take_along_axis(fit.residual, order[:, None, :], axis=2)


def _flat(shocks: Floats, model: Ints, month: Ints) -> Ints:
    rows, models, months = shocks.shape
    return np.asarray((np.arange(rows)[:, None] * models + model) * months + month, dtype=np.int64)


def ahead(history: History, *, seed: Seeds, horizon: int, paths: int) -> tuple[Floats, Floats, Floats]:
    """Return paths of benefit, run cost and volume of n investments, (n, H, P) each.

    What never was negative stays so. Volume is NaN where too few months have one.
    """
    months = month_draws(seed, count=history.count, horizon=horizon, paths=paths)
    benefit, run = (_series(history, months, seed, series=series) for series in (BENEFIT, RUN))
    volume = np.full(benefit.shape, np.nan)
    counted = np.flatnonzero(history.has_volume)
    if len(counted):
        own = History(history.values[:, counted], history.observed[:, counted])
        lent = month_draws(
            seed[counted], count=own.observed[VOLUME].sum(axis=1), horizon=horizon, paths=paths
        )
        volume[counted] = _series(own, lent, seed[counted], series=VOLUME)
    return benefit, run, volume


def _series(history: History, months: Ints, seed: Seeds, *, series: int) -> Floats:
    values, observed = history.values[series], history.observed[series]
    result = simulate(forecast_fit.fit(values, observed), observed, months=months, seed=seed, series=series)
    floor = np.where((values >= 0).all(axis=1), 0.0, -np.inf)
    return np.asarray(np.maximum(result, floor[:, None, None]), dtype=np.float64)


def quantiles(values: Floats) -> Floats:
    """Return the QUANTILES over the paths of (n, H, P), (n, H, 3)."""
    ordered = np.sort(values, axis=2)
    last = values.shape[2] - 1
    return np.asarray(ordered[:, :, [round(quantile * last) for quantile in QUANTILES]], dtype=np.float64)
