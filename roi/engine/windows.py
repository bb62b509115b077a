"""Sums over the last closed, complete months (the window w of the definitions)."""

from dataclasses import dataclass

import numpy as np

from roi.engine.result import Bools, Floats, Ints


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """For every month m: the last `size` eligible months at or before m. Gaps are skipped, not zero."""

    eligible: Bools  # (n, T)
    rank: Ints  # (n, T) how many eligible months lie at or before m
    size: int

    def sums(self, amounts: Ints) -> Ints:
        """Return the window sums; where fewer than `size` months are eligible, the sum of those there are."""
        rows, months = amounts.shape
        total = np.cumsum(np.where(self.eligible, amounts, 0), axis=1, dtype=np.int64)
        by_rank = np.zeros((rows, months + 1), dtype=np.int64)
        row, column = np.nonzero(self.eligible)
        by_rank[row, self.rank[row, column]] = total[row, column]
        before = np.maximum(self.rank - self.size, 0)
        return np.asarray(total - np.take_along_axis(by_rank, before, axis=1), dtype=np.int64)

    def float_sums(self, quantities: Floats) -> Floats:
        """Return the window sums of floats, added month by month: a difference of totals would leave dust."""
        rows, months = quantities.shape
        by_rank = np.zeros((rows, months + 1))
        row, column = np.nonzero(self.eligible)
        by_rank[row, self.rank[row, column]] = quantities[row, column]
        total = np.zeros((rows, months))
        for back in range(self.size):
            total += np.take_along_axis(by_rank, np.maximum(self.rank - back, 0), axis=1)
        return total

    def is_full(self) -> Bools:
        """Return where the window has all its months."""
        return np.asarray(self.rank >= self.size, dtype=np.bool_)


def window_over(eligible: Bools, *, size: int) -> Window:
    """Return the window of the last `size` eligible months."""
    return Window(eligible, np.cumsum(eligible, axis=1, dtype=np.int64), size)
