"""Fits damped trends to many short series at once: a grid of smoothing parameters, each weighed by its evidence.

Written in the single source of error form, so that residuals and last state are linear in the initial state and in the
annual wave, which are then solved for exactly. What one best fit would hide stays visible as weights over the grid.
"""

from dataclasses import dataclass
from itertools import product

import numpy as np

from roi.engine.result import Bools, Floats

# Smoothing of the level, smoothing of the trend (a share of the first), damping; without damping there is no trend.
LEVELS, TRENDS, DAMPINGS = (0.0, 0.2, 0.5, 1.0), (0.0, 0.25), (0.85, 0.97)
POWERS = (0.0, 1.0)  # does noise grow with the level: not at all, or in proportion
HARMONICS = 2  # of the annual wave
YEAR = 12
TREND_PRECISION = 1.0  # prior: a trend of one month's noise per month is one standard deviation
WAVE_PRECISION = 0.25  # prior: a wave of twice the noise is one standard deviation
FEWEST_FOR_WAVE = 12
INDIFFERENCE = 0.005  # of the level: errors below it do not tell models apart
_LEVEL_PRECISION = 1e-6
_NEAR_ZERO = 1e-12
_STATES = 2  # level and trend


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """The c parameter combinations, each array (c,)."""

    level: Floats
    trend: Floats
    damping: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """k models of n series: every combination of the grid under every power of the noise, and again with a wave.

    With a wave only the combinations whose trend is not smoothed. The d = 2 + 2 * HARMONICS coefficients are level and
    trend after the last month and the wave's cosines and sines.
    """

    weight: Floats  # (n, k), rows add up to 1
    state: Floats  # (n, k, d)
    spread: Floats  # (n, k, d, d) square root of the covariance of that state, in units of the noise
    noise: Floats  # (n, k) root of the sum of squared residuals, to be divided by the root of a chi-square
    residual: Floats  # (n, k, T) standardized: their mean square over the observed months is 1
    freedom: Floats  # (n,) degrees of freedom of the noise
    scale: Floats  # (n,) the level at which noise in proportion equals `noise`
    level: Floats  # (k,) smoothing of the level
    trend: Floats  # (k,) smoothing of the trend
    damping: Floats  # (k,)
    power: Floats  # (k,)


def grid() -> Grid:
    """Return the combinations, those whose trend is not smoothed first."""
    plain = [(level, 0.0, 0.0) for level in LEVELS]
    trended = [
        (level, level * share, damping)
        for share, level, damping in product(TRENDS, LEVELS, DAMPINGS)
        if level > 0 or share == 0
    ]
    level, trend, damping = np.array(plain + trended).T
    return Grid(level, trend, damping)


def wave(first: int, last: int) -> Floats:
    """Return the wave's cosines and sines in the months first..last, month 0 being the last observed one, (t, d-2)."""
    month = np.arange(first, last + 1)[:, None]
    angle = 2 * np.pi * month * np.arange(1, HARMONICS + 1)[None, :] / YEAR
    return np.concatenate([np.cos(angle), np.sin(angle)], axis=1)


def fit(values: Floats, observed: Bools) -> Fit:
    """Return the fits of n series (n, T), the last column being the last observed month of each.

    A series starts with its first observed month; a month in between that is not observed is passed over.
    Every series needs at least three observed months. Source: Hyndman, Koehler, Ord and Snyder, "Forecasting with
    Exponential Smoothing" (2008), for the model; the weights are those of a conjugate normal linear regression.
    """
    cells = grid()
    filtered = _filter(np.where(observed, values, 0.0), observed, cells)
    level, count = _local_level(values, observed), observed.sum(axis=1)
    sets = [(len(cells.level), False)]
    if (count >= FEWEST_FOR_WAVE).any():
        sets.append((int((cells.trend == 0).sum()), True))
    parts = [
        _solve(filtered.first(members), observed, level, power=power, has_wave=has_wave)
        for power, (members, has_wave) in product(POWERS, sets)
    ]
    used = np.tile(np.concatenate([np.arange(members) for members, _ in sets]), len(POWERS))
    return Fit(
        weight=_weights(np.concatenate([part.evidence for part in parts], axis=1)),
        state=np.concatenate([part.state for part in parts], axis=1),
        spread=np.concatenate([part.spread for part in parts], axis=1),
        noise=np.concatenate([part.noise for part in parts], axis=1),
        residual=np.concatenate([part.residual for part in parts], axis=1),
        freedom=np.asarray(np.maximum(count - 1, 1), dtype=np.float64),
        scale=_geometric_mean(level, observed),
        level=cells.level[used],
        trend=cells.trend[used],
        damping=cells.damping[used],
        power=np.repeat(POWERS, len(used) // len(POWERS)),
    )


def _weights(evidence: Floats) -> Floats:
    weight = np.exp(evidence - evidence.max(axis=1, keepdims=True))
    return np.asarray(weight / weight.sum(axis=1, keepdims=True), dtype=np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class _Filtered:
    """What the recursion leaves of the data, and what d coefficients (initial state, wave) would change about it."""

    residual: Floats  # (n, c, T) from a zero state
    design: Floats  # (n, c, T, d) by which the coefficients lessen it
    state: Floats  # (n, c, 2) after the last month, from a zero state
    carry: Floats  # (n, c, d, d) what the coefficients add to it; the wave's own stay as they are

    def first(self, members: int) -> "_Filtered":
        """Return the first of the c combinations."""
        parts = (self.residual, self.design, self.state, self.carry)
        return _Filtered(*(part[:, :members] for part in parts))


def _filter(values: Floats, observed: Bools, cells: Grid) -> _Filtered:
    """Run the recursion from a zero state on the data and on each wave, and on no data from each unit state."""
    rows, months = values.shape
    started = np.logical_or.accumulate(observed, axis=1)
    waves = wave(1 - months, 0)
    lanes = 1 + _STATES + waves.shape[1]
    level = np.zeros((rows, lanes, len(cells.level)))
    trend = np.zeros_like(level)
    level[:, 1], trend[:, 2] = 1.0, 1.0
    errors = np.zeros((rows, months, lanes, len(cells.level)))
    for month in range(months):
        expected = level + cells.damping * trend
        error = -expected
        error[:, 0] += values[:, month, None]
        error[:, 1 + _STATES :] += waves[month][:, None]
        error *= observed[:, month, None, None]
        begun = started[:, month, None, None]
        level = np.where(begun, expected + cells.level * error, level)
        trend = np.where(begun, cells.damping * trend + cells.trend * error, trend)
        errors[:, month] = error
    return _as_filtered(errors, level, trend)


def _as_filtered(errors: Floats, level: Floats, trend: Floats) -> _Filtered:
    """Lay the lanes of the recursion (data, two unit states, waves) out as what the coefficients change."""
    lanes = level.shape[1]
    sign = np.where(np.arange(1, lanes) <= _STATES, 1.0, -1.0)
    carry = np.zeros((len(level), level.shape[2], lanes - 1, lanes - 1))
    carry[:, :, 0] = level[:, 1:].transpose(0, 2, 1) * sign
    carry[:, :, 1] = trend[:, 1:].transpose(0, 2, 1) * sign
    for coefficient in range(_STATES, lanes - 1):
        carry[:, :, coefficient, coefficient] = 1.0
    return _Filtered(
        residual=np.ascontiguousarray(errors[:, :, 0].transpose(0, 2, 1)),
        design=np.ascontiguousarray(-sign * errors[:, :, 1:].transpose(0, 3, 1, 2)),
        state=np.stack([level[:, 0], trend[:, 0]], axis=2),
        carry=carry,
    )


def _local_level(values: Floats, observed: Bools) -> Floats:
    """Return the average size of the five months around each, not below a tenth of the average over all, (n, T)."""
    size = np.where(observed, np.abs(values), 0.0)
    total, count = _five(size), _five(observed.astype(np.float64))
    mean = size.sum(axis=1) / observed.sum(axis=1)
    floor = np.maximum(0.1 * mean, _NEAR_ZERO)[:, None]
    return np.asarray(np.maximum(total / np.maximum(count, 1), floor), dtype=np.float64)


def _five(values: Floats) -> Floats:
    padded = np.pad(values, ((0, 0), (2, 2)))
    months = values.shape[1]
    return np.asarray(sum(padded[:, shift : shift + months] for shift in range(5)), dtype=np.float64)


def _geometric_mean(values: Floats, observed: Bools) -> Floats:
    total = np.where(observed, np.log(values), 0.0).sum(axis=1)
    return np.asarray(np.exp(total / observed.sum(axis=1)), dtype=np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class _Solution:
    state: Floats  # (n, c, d)
    spread: Floats  # (n, c, d, d)
    noise: Floats  # (n, c)
    residual: Floats  # (n, c, T)
    evidence: Floats  # (n, c)


def _solve(filtered: _Filtered, observed: Bools, level: Floats, *, power: float, has_wave: bool) -> _Solution:
    """Return the state that fits best, the root of its covariance, the noise and the evidence for the model."""
    count = observed.sum(axis=1)
    size = filtered.design.shape[3]
    used = size if has_wave else _STATES
    center = _geometric_mean(level, observed)
    inverse = np.where(observed, (center[:, None] / level) ** power, 0.0)[:, None, :]
    e, x = filtered.residual * inverse, filtered.design[..., :used] * inverse[..., None]
    prior = np.array([_LEVEL_PRECISION, TREND_PRECISION] + [WAVE_PRECISION] * (used - _STATES))
    normal = x.swapaxes(2, 3) @ x + np.diag(prior)
    cholesky = np.linalg.cholesky(normal)
    root = np.linalg.inv(cholesky).swapaxes(2, 3)
    coefficient = root @ (root.swapaxes(2, 3) @ (x.swapaxes(2, 3) @ e[..., None]))
    left = e - (x @ coefficient)[..., 0]
    squares = (left * left).sum(axis=2) + (prior[1:] * coefficient[..., 1:, 0] ** 2).sum(axis=2)
    least = _NEAR_ZERO * (e * e).sum(axis=2) + _NEAR_ZERO
    squares = np.maximum(squares, least)
    half = np.log(np.diagonal(cholesky, axis1=2, axis2=3) / np.sqrt(prior)).sum(axis=2)
    indifferent = count * (INDIFFERENCE * center) ** 2
    evidence = -0.5 * (count[:, None] - 1) * np.log(squares + indifferent[:, None]) - half
    if has_wave:
        evidence[count < FEWEST_FOR_WAVE] = -np.inf
    carry = filtered.carry[..., :used]
    state = (carry @ coefficient)[..., 0]
    state[..., :_STATES] += filtered.state
    spread = np.zeros((*e.shape[:2], size, size))
    spread[..., :used] = carry @ root
    return _Solution(
        state=state,
        spread=spread,
        noise=np.sqrt(squares),
        residual=_standardized(left, observed, least=least),
        evidence=evidence,
    )


def _standardized(residual: Floats, observed: Bools, *, least: Floats) -> Floats:
    """Return the residuals about their own mean: met again at random, a mean would be a trend that nothing damps."""
    shown, count = observed[:, None, :], observed.sum(axis=1)[:, None, None]
    centered = np.where(shown, residual - residual.sum(axis=2, keepdims=True) / count, 0.0)
    mean_square = (centered * centered).sum(axis=2, keepdims=True) / count
    return np.asarray(centered / np.sqrt(np.maximum(mean_square, least[..., None])), dtype=np.float64)
