"""Holds forecasts against what came: how often the interval held it, which way it missed, and how wide it was.

Cases come from generated histories, or from the ledger with every month that has enough months before it as an origin.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from portfolio.terms import MICRO, Basis
from roi.engine import forecast_history, forecast_paths, forecast_standing
from roi.engine.backtest_histories import Histories
from roi.engine.crossings import QUANTILES
from roi.engine.forecast_draws import Seeds
from roi.engine.forecast_history import BENEFIT, FEWEST_MONTHS, RUN, History
from roi.engine.result import Bools, Floats
from roi.engine.series import Series

MEASURES = ("benefit", "run_cost", "net")
ACCEPTED = (0.75, 0.85)  # coverage of an interval that is meant to hold eight of ten
_CHUNK = 32
_RECENT = 6  # months whose average is an investment's size


@dataclass(frozen=True, slots=True, eq=False)
class Cases:
    """n histories and the h months after them."""

    history: History
    actual: Floats  # (2, n, h) benefit and run cost; NaN where nothing came
    seed: Seeds  # (n,)


@dataclass(frozen=True, slots=True, eq=False)
class Trials:
    """What came of n forecasts, h months ahead: arrays (3, n, h) over MEASURES.

    `miss` is the median less the actual, `width` the upper end less the lower, both over the investment's size: the
    larger of its average benefit and run cost of the last six months.
    """

    is_known: Bools  # something came
    is_inside: Bools
    miss: Floats
    width: Floats


@dataclass(frozen=True, slots=True)
class Score:
    """Coverage (a share), bias and mean width (shares of size) over `n` forecast months; None where n is 0."""

    name: str
    n: int
    coverage: float | None
    bias: float | None
    width: float | None

    @property
    def is_accepted(self) -> bool:
        """Whether the coverage lies in the accepted range."""
        return self.coverage is not None and ACCEPTED[0] <= self.coverage <= ACCEPTED[1]


def generated(histories: Histories, *, seed: int) -> Cases:
    """Return generated histories as cases."""
    count, months = histories.benefit.shape
    column = np.arange(months)[None, :]
    history = forecast_history.aligned(
        histories.benefit,
        histories.run,
        np.full((count, months), np.nan),
        observed=column < histories.length[:, None],
    )
    after = histories.length[:, None] + np.arange(histories.ahead)[None, :]
    actual = [np.take_along_axis(part, after, axis=1) for part in (histories.benefit, histories.run)]
    return Cases(history, np.stack(actual), np.arange(count, dtype=np.uint64) + np.uint64(seed << 32))


def recorded(series: Series, *, horizon: int, seed: int, basis: Basis = Basis.SUPPORTED) -> Cases:
    """Return a case for every investment and closed, complete month in use that has enough of them up to it."""
    observed = forecast_standing.observed_months(series)
    row, origin = np.nonzero(observed)
    column = np.arange(observed.shape[1])[None, :]
    history = forecast_history.aligned(
        series.benefit[basis][row] / MICRO,
        series.run[row] / MICRO,
        np.full((len(row), observed.shape[1]), np.nan),
        observed=observed[row] & (column <= origin[:, None]),
    )
    after = origin[:, None] + 1 + np.arange(horizon)[None, :]
    at = np.minimum(after, observed.shape[1] - 1)
    came = (after < observed.shape[1]) & observed[row[:, None], at]
    actual = [
        np.where(came, part[row[:, None], at] / MICRO, np.nan) for part in (series.benefit[basis], series.run)
    ]
    in_use = (history.values[BENEFIT] != 0).any(axis=1)
    kept = np.flatnonzero(in_use & (history.count >= FEWEST_MONTHS) & came.any(axis=1))
    own = np.uint64(seed << 32) + (row * 1000 + origin).astype(np.uint64)
    return Cases(
        History(history.values[:, kept], history.observed[:, kept]), np.stack(actual)[:, kept], own[kept]
    )


def run(cases: Cases, *, paths: int) -> Trials:
    """Return what came of forecasting every case, by the same code that forecasts investments."""
    horizon = cases.actual.shape[2]
    shape = (len(MEASURES), len(cases.seed), horizon)
    interval = np.zeros((*shape, len(QUANTILES)))
    for start in range(0, len(cases.seed), _CHUNK):
        part = slice(start, start + _CHUNK)
        history = History(cases.history.values[:, part], cases.history.observed[:, part])
        benefit, cost, _ = forecast_paths.ahead(history, seed=cases.seed[part], horizon=horizon, paths=paths)
        for number, values in enumerate((benefit, cost, benefit - cost)):
            interval[number, part] = forecast_paths.quantiles(values)
    actual = np.concatenate([cases.actual, [cases.actual[BENEFIT] - cases.actual[RUN]]])
    low, middle, high = np.moveaxis(interval, 3, 0)
    size = _size(cases.history)[None, :, None]
    return Trials(
        is_known=~np.isnan(actual),
        is_inside=(actual >= low) & (actual <= high),
        miss=(middle - actual) / size,
        width=(high - low) / size,
    )


def _size(history: History) -> Floats:
    recent = np.abs(history.values[:2, :, -_RECENT:]).sum(axis=2)
    count = history.observed[:2, :, -_RECENT:].sum(axis=2)
    size = (recent / np.maximum(count, 1)).max(axis=0)
    return np.asarray(np.where(size > 0, size, 1.0), dtype=np.float64)


def score(name: str, trials: Trials, *, among: Any = ...) -> Score:
    """Return the score of the trials chosen by an index into (3, n, h), all by default."""
    chosen = np.zeros(trials.is_known.shape, dtype=np.bool_)
    chosen[among] = True
    chosen &= trials.is_known
    n = int(chosen.sum())
    if n == 0:
        return Score(name, 0, None, None, None)
    parts = (trials.is_inside, trials.miss, trials.width)
    coverage, bias, width = (float(part[chosen].mean()) for part in parts)
    return Score(name, n, coverage, bias, width)


def by_step(trials: Trials) -> list[Score]:
    """Return the score of each step ahead."""
    steps = trials.is_known.shape[2]
    return [score(str(step + 1), trials, among=np.index_exp[:, :, step]) for step in range(steps)]


def by_measure(trials: Trials) -> list[Score]:
    """Return the score of each measure."""
    return [score(name, trials, among=number) for number, name in enumerate(MEASURES)]


def by_group(trials: Trials, group: NDArray[Any], names: list[str]) -> list[Score]:
    """Return the score of each group of cases; `group` (n,) holds positions in `names`."""
    return [score(name, trials, among=np.index_exp[:, group == number]) for number, name in enumerate(names)]


def merged(parts: Sequence[Trials]) -> Trials:
    """Return several sets of trials as one."""
    return Trials(
        is_known=np.concatenate([part.is_known for part in parts], axis=1),
        is_inside=np.concatenate([part.is_inside for part in parts], axis=1),
        miss=np.concatenate([part.miss for part in parts], axis=1),
        width=np.concatenate([part.width for part in parts], axis=1),
    )


def from_step(trials: Trials, first: int) -> Trials:
    """Return the trials from a number of months ahead on."""
    return Trials(
        trials.is_known[:, :, first - 1 :],
        trials.is_inside[:, :, first - 1 :],
        trials.miss[:, :, first - 1 :],
        trials.width[:, :, first - 1 :],
    )
