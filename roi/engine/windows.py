"""Sums over the last closed, complete months (the window w of the definitions)."""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from roi.engine.result import Bools, Ints

Number = TypeVar("Number", np.int64, np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """For every month m: the last `size` eligible months at or before m. Gaps are skipped, not zero."""

    eligible: Bools  # (n, T)
    rank: Ints  # (n, T) how many eligible months lie at or before m
    size: int

    def sums(self, amounts: NDArray[Number]) -> NDArray[Number]:
        """Return the window sums; where fewer than `size` months are eligible, the sum of those there are."""
        rows, months = amounts.shape
        total = np.cumsum(np.where(self.eligible, amounts, 0), axis=1, dtype=amounts.dtype)
        by_rank = np.zeros((rows, months + 1), dtype=amounts.dtype)
        row, column = np.nonzero(self.eligible)
        by_rank[row, self.rank[row, column]] = total[row, column]
        before = np.maximum(self.rank - self.size, 0)
        sums: NDArray[Number] = total - np.take_along_axis(by_rank, before, axis=1)
        return sums

    def is_full(self) -> Bools:
        """Return where the window has all its months."""
        return np.asarray(self.rank >= self.size, dtype=np.bool_)


def window_over(eligible: Bools, *, size: int) -> Window:
    """Return the window of the last `size` eligible months."""
    return Window(eligible, np.cumsum(eligible, axis=1, dtype=np.int64), size)
