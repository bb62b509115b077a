"""The engine's input: month-aligned matrices of n investments x T months, in micro-units of one currency."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from portfolio.terms import Basis
from roi.engine.result import Bools, Floats, Ints

VOLUME_KEYS = ("query", "user", "conversation", "outcome", "successful_outcome")


class SeriesError(ValueError):
    """The matrices of a series do not fit together; the message says which."""


# How many closed, complete months the figures of the window add up.
WINDOW_MONTHS = 3


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """n investments over T months; column 0 is each investment's month 1 (its start month).

    Rows are ragged: only the first `length[i]` columns of row i are history; the rest is ignored.
    Signs as recorded: costs and benefits positive, credits negative. Rates are effective and annual.
    """

    benefit: Mapping[Basis, Ints]
    run: Ints  # all run cost
    avoidable_run: Ints  # its part that stops when the investment stops
    one_time: Ints
    usage: Ints  # its part that follows usage (for the marginal unit cost)
    volume: Mapping[str, Floats]  # keys of VOLUME_KEYS; NaN = no entry
    length: Ints  # (n,) months of history, 1..T
    closed: Bools  # (n, T)
    complete: Bools  # (n, T) closed, and every expected account has an entry
    missing_fx: Bools  # (n, T) a foreign amount of the month has no rate
    horizon_months: Ints  # (n,)
    hurdle_rate: Floats  # (n,)
    discount_rate: Floats  # (n,)
    window: int = WINDOW_MONTHS

    def __post_init__(self) -> None:
        self._check_shapes()
        rows, months = self.run.shape
        if rows and (self.length.min() < 1 or self.length.max() > months):
            raise SeriesError(f"Every length must lie between 1 and the {months} months of the matrices.")
        if self.window < 1:
            raise SeriesError("The window needs at least one month.")
        if (self.complete & ~self.closed).any():
            raise SeriesError("A month can only be complete once it is closed.")
        if rows and min(self.hurdle_rate.min(), self.discount_rate.min()) <= -1:
            raise SeriesError("An annual rate must be above -100%.")

    def _check_shapes(self) -> None:
        shape = self.run.shape
        if len(shape) != 2 or shape[1] < 1:
            raise SeriesError("A series needs matrices of investments x months with at least one month.")
        cells = {"avoidable_run": self.avoidable_run, "one_time": self.one_time, "usage": self.usage}
        cells |= {f"benefit {basis}": array for basis, array in self.benefit.items()}
        for name, money in {"run": self.run, **cells}.items():
            if money.dtype != np.int64:
                raise SeriesError(f"The {name} matrix must hold int64 micro-units.")
        flags = {"closed": self.closed, "complete": self.complete, "missing_fx": self.missing_fx}
        volumes = {f"volume {key}": array for key, array in self.volume.items()}
        for name, array in {**cells, **flags, **volumes}.items():
            if array.shape != shape:
                raise SeriesError(f"The {name} matrix has shape {array.shape}, but run cost has {shape}.")
        for name in ("length", "horizon_months", "hurdle_rate", "discount_rate"):
            if getattr(self, name).shape != shape[:1]:
                raise SeriesError(f"{name} needs one value for each of the {shape[0]} investments.")

    def within(self) -> Bools:
        """Return the (n, T) mask of the months that are history."""
        months = np.arange(self.run.shape[1])
        return np.asarray(months[None, :] < self.length[:, None], dtype=np.bool_)
