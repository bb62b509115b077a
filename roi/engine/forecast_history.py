"""What a forecast extrapolates: the closed, complete months of each investment, its last one in the last column."""

from dataclasses import dataclass

import numpy as np

from roi.engine.result import Bools, Floats, Ints

FEWEST_MONTHS = 6
LONGEST_HISTORY = 36  # older months are not looked at
BENEFIT, RUN, VOLUME = range(3)


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """n investments over LONGEST_HISTORY months, the last column being the last observed month of each."""

    values: Floats  # (3, n, LONGEST_HISTORY) benefit, run cost (currency units) and volume (its own unit)
    observed: Bools  # (3, n, LONGEST_HISTORY) what is extrapolated; benefit and run cost share their months

    @property
    def count(self) -> Ints:
        """Return how many months of benefit and run cost are extrapolated, (n,)."""
        return np.asarray(self.observed[BENEFIT].sum(axis=1), dtype=np.int64)

    @property
    def has_volume(self) -> Bools:
        """Return where the volume of the last observed month is known, and of enough months to extrapolate it, (n,)."""
        volume = self.observed[VOLUME]
        return np.asarray((volume.sum(axis=1) >= FEWEST_MONTHS) & volume[:, -1], dtype=np.bool_)


def origin(observed: Bools) -> Ints:
    """Return the number of the last observed month of each row of (n, T), 0 where there is none."""
    months = np.arange(1, observed.shape[1] + 1, dtype=np.int64)
    return np.asarray(np.where(observed, months, 0).max(axis=1, initial=0), dtype=np.int64)


def aligned(benefit: Floats, run: Floats, volume: Floats, *, observed: Bools) -> History:
    """Return the history of n investments, given as (n, T) from month 1 on; volume is NaN where nothing was counted.

    It starts with the first observed benefit; months before an investment was in use say nothing of what comes. Where
    there never was a benefit it starts with the first run cost.
    """
    last = origin(observed)
    column = last[:, None] - LONGEST_HISTORY + np.arange(LONGEST_HISTORY)[None, :]
    inside = (column >= 0) & (last[:, None] > 0)
    at = np.clip(column, 0, observed.shape[1] - 1)
    values = np.stack([np.take_along_axis(series, at, axis=1) for series in (benefit, run, volume)])
    used = inside & np.take_along_axis(observed, at, axis=1)
    used &= np.logical_or.accumulate(
        used & _in_use(benefit, run, observed)[np.arange(len(at))[:, None], at], axis=1
    )
    counted = used & ~np.isnan(values[VOLUME])
    shown = np.stack([used, used, counted])
    return History(np.where(shown, values, 0.0), shown)


def _in_use(benefit: Floats, run: Floats, observed: Bools) -> Bools:
    """Return the months from the first observed benefit on, or from the first run cost where there is no benefit."""
    earns, costs = observed & (benefit != 0), observed & (run != 0)
    since_benefit = np.logical_or.accumulate(earns, axis=1)
    since_cost = np.logical_or.accumulate(costs, axis=1)
    return np.asarray(np.where(earns.any(axis=1)[:, None], since_benefit, since_cost), dtype=np.bool_)


def first(condition: Bools) -> Ints:
    """Return the number of the first month of each row of (n, T) that meets a condition, 0 where none does."""
    return np.asarray(np.where(condition.any(axis=1), condition.argmax(axis=1) + 1, 0), dtype=np.int64)
