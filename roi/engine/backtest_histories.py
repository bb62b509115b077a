"""Generates histories of stated processes, with the months that follow: what a forecast is tested on.

None of the processes is the forecast's own model; parameters are drawn anew for every history.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from roi.engine.result import Bools, Floats, Ints

SHORTEST, LONGEST = 6, 48
SHIFTED_SHARE = 0.10
_FLOOR = 0.02  # of the typical level: a month earns or costs something


class Process(StrEnum):
    """How the months of a history come about."""

    LINEAR_TREND = "linear_trend"
    DAMPED_TREND = "damped_trend"
    SATURATING_GROWTH = "saturating_growth"
    RANDOM_WALK_WITH_DRIFT = "random_walk_with_drift"
    MULTIPLICATIVE_NOISE = "multiplicative_noise"
    AUTOREGRESSIVE_NOISE = "autoregressive_noise"
    SEASON = "season"


@dataclass(frozen=True, slots=True, eq=False)
class Histories:
    """n histories of benefit and run cost, (n, LONGEST + ahead), in currency units; row i begins at column 0."""

    process: Ints  # (n,) position in `Process`
    is_shifted: Bools  # (n,)
    length: Ints  # (n,) months that are history; the `ahead` months after them are what came
    benefit: Floats
    run: Floats
    ahead: int


def generate(count: int, *, seed: int, ahead: int) -> Histories:
    """Return `count` histories of SHORTEST to LONGEST months, the processes in turn, a level shift in one of ten.

    The errors of benefit and run cost are correlated by a coefficient drawn from -0.2 to 0.8.
    """
    random = np.random.default_rng(seed)
    process = np.arange(count) % len(Process)
    length = random.integers(SHORTEST, LONGEST + 1, count)
    shock = _shocks((2, count, LONGEST + ahead), random)
    size = np.exp(random.normal(np.log(20_000), 1.0, (count, 1)))
    benefit = size * _shapes(process, shock[0], random)
    run = size * random.uniform(0.3, 1.2, (count, 1)) * _shapes(process, shock[1], random)
    is_shifted = random.permutation(count) < round(SHIFTED_SHARE * count)
    at = (random.uniform(0.1, 1.0, count) * (length + ahead)).astype(np.int64)
    run_too = is_shifted & (random.random(count) < 0.5)
    return Histories(
        process=process,
        is_shifted=is_shifted,
        length=length,
        benefit=_shifted(benefit, is_shifted, at, random),
        run=_shifted(run, run_too, at, random),
        ahead=ahead,
    )


def _shocks(shape: tuple[int, int, int], random: np.random.Generator) -> Floats:
    """Return standard normal numbers, the second of each pair correlated with the first."""
    shock = random.standard_normal(shape)
    together = random.uniform(-0.2, 0.8, (shape[1], 1))
    shock[1] = together * shock[0] + np.sqrt(1 - together**2) * shock[1]
    return shock


def _shapes(process: Ints, shock: Floats, random: np.random.Generator) -> Floats:
    """Return each history around level 1."""
    shapes = np.empty_like(shock)
    for number, name in enumerate(Process):
        members = process == number
        shapes[members] = _SHAPE[name](shock[members], random)
    return np.asarray(np.maximum(shapes, _FLOOR), dtype=np.float64)


def _time(shock: Floats) -> Floats:
    return np.arange(shock.shape[1], dtype=np.float64)[None, :]


def _between(low: float, high: float, shock: Floats, random: np.random.Generator) -> Floats:
    return random.uniform(low, high, (len(shock), 1))


def _line(shock: Floats, random: np.random.Generator) -> Floats:
    return 1 + _between(-0.012, 0.03, shock, random) * _time(shock)


def _linear_trend(shock: Floats, random: np.random.Generator) -> Floats:
    return _line(shock, random) + _between(0.02, 0.15, shock, random) * shock


def _damped_trend(shock: Floats, random: np.random.Generator) -> Floats:
    gain, pace = _between(-0.4, 1.0, shock, random), _between(4, 18, shock, random)
    curve = 1 + gain * (1 - np.exp(-_time(shock) / pace))
    return np.asarray(curve + _between(0.02, 0.12, shock, random) * shock, dtype=np.float64)


def _saturating_growth(shock: Floats, random: np.random.Generator) -> Floats:
    middle, pace = _between(2, 14, shock, random), _between(1.5, 5, shock, random)
    curve = 0.1 + 0.9 / (1 + np.exp(-(_time(shock) - middle) / pace))
    return curve + _between(0.01, 0.08, shock, random) * shock


def _random_walk_with_drift(shock: Floats, random: np.random.Generator) -> Floats:
    drift, step = _between(-0.01, 0.02, shock, random), _between(0.02, 0.08, shock, random)
    return np.exp(np.cumsum(drift + step * shock, axis=1))


def _multiplicative_noise(shock: Floats, random: np.random.Generator) -> Floats:
    factor = np.exp(_between(0.03, 0.2, shock, random) * shock)
    return np.asarray(np.maximum(_line(shock, random), 0.2) * factor, dtype=np.float64)


def _autoregressive_noise(shock: Floats, random: np.random.Generator) -> Floats:
    memory, step = _between(0.3, 0.8, shock, random), _between(0.02, 0.08, shock, random)
    noise = np.zeros_like(shock)
    noise[:, :1] = step * shock[:, :1] / np.sqrt(1 - memory**2)
    for month in range(1, shock.shape[1]):
        noise[:, month] = (memory * noise[:, month - 1 : month] + step * shock[:, month : month + 1])[:, 0]
    return np.asarray(_line(shock, random) + noise, dtype=np.float64)


def _season(shock: Floats, random: np.random.Generator) -> Floats:
    """Return a line times twelve factors of its own: every calendar month differs, and one stands out."""
    months = shock.shape[1]
    factor = random.normal(0, 1, (len(shock), 12))
    factor += 0.7 * (np.roll(factor, 1, axis=1) + np.roll(factor, -1, axis=1))
    factor[:, 11] += random.choice([0.0, 2.0], len(shock))
    factor -= factor.mean(axis=1, keepdims=True)
    wave = 1 + _between(0.03, 0.1, shock, random) * factor / factor.std(axis=1, keepdims=True)
    turn = random.integers(0, 12, (len(shock), 1))
    cycle = np.take_along_axis(wave, (np.arange(months)[None, :] + turn) % 12, axis=1)
    return np.asarray(_line(shock, random) * cycle + _between(0.01, 0.06, shock, random) * shock)


def _shifted(values: Floats, which: Bools, at: Ints, random: np.random.Generator) -> Floats:
    """Return the values with the chosen rows 15 to 50 percent higher or lower from month `at` on."""
    size = random.uniform(0.15, 0.5, len(values)) * random.choice([-1.0, 1.0], len(values))
    later = (np.arange(values.shape[1])[None, :] >= at[:, None]) & which[:, None]
    return np.asarray(np.where(later, values * (1 + size[:, None]), values), dtype=np.float64)


_SHAPE: dict[Process, Callable[[Floats, np.random.Generator], Floats]] = {
    Process.LINEAR_TREND: _linear_trend,
    Process.DAMPED_TREND: _damped_trend,
    Process.SATURATING_GROWTH: _saturating_growth,
    Process.RANDOM_WALK_WITH_DRIFT: _random_walk_with_drift,
    Process.MULTIPLICATIVE_NOISE: _multiplicative_noise,
    Process.AUTOREGRESSIVE_NOISE: _autoregressive_noise,
    Process.SEASON: _season,
}
