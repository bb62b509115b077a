"""Money over draws and months in floating point: what uncertainty and sensitivity are computed on.

Figures that are shown as facts come from `metrics.compute` on exact amounts; a share of draws needs no micro-units.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from roi.engine.result import Floats
from roi.engine.time_value import monthly_rate


@dataclass(frozen=True, slots=True, eq=False)
class Flows:
    """Benefit, run cost and one-time cost of n draws over T months, in currency units, signs as recorded.

    Each array is broadcastable to (n, T): what does not change over time stays (n, 1), what does not differ between
    draws (1, T). Run cost and benefit fall at the end of their month, one-time cost at its start.
    """

    benefit: Floats
    run: Floats
    one_time: Floats
    months: int

    @property
    def draws(self) -> int:
        """Return n."""
        return int(np.broadcast_shapes(self.benefit.shape, self.run.shape, self.one_time.shape)[0])

    def net(self) -> Floats:
        """Return benefit less run and one-time cost by month, (n, T)."""
        return np.broadcast_to(self.benefit - self.run - self.one_time, (self.draws, self.months))

    def cumulative_net(self) -> Floats:
        """Return the net to date by month, (n, T)."""
        return np.cumsum(self.net(), axis=1)

    def total_benefit(self) -> Floats:
        """Return the benefit of all months, (n,)."""
        return _total(self.benefit, self)

    def total_cost(self) -> Floats:
        """Return run and one-time cost of all months, (n,)."""
        return _total(self.run, self) + _total(self.one_time, self)

    def present_value(self, annual_rate: float) -> Floats:
        """Return the NPV of all months at an effective annual rate, (n,). Raises ValueError at -100 % or below."""
        if annual_rate <= -1:
            raise ValueError("An annual rate must be above -100%.")
        factor: Floats = (1 + monthly_rate(annual_rate)) ** -np.arange(self.months + 1, dtype=np.float64)
        operating = self.benefit - self.run
        upfront = _weighted(self.one_time, factor[:-1], self)
        return np.asarray(_weighted(operating, factor[1:], self) - upfront, dtype=np.float64)


# Called with one (n, 1) array per driver.
Model = Callable[[Mapping[str, Floats]], Flows]


def _total(amounts: Floats, flows: Flows) -> Floats:
    return _weighted(amounts, np.ones(flows.months), flows)


def _weighted(amounts: Floats, weights: Floats, flows: Flows) -> Floats:
    """Return the weighted sum over the months, (n,), without spreading what does not change over time."""
    total = amounts[:, 0] * weights.sum() if amounts.shape[1] == 1 else amounts @ weights
    return np.broadcast_to(total, (flows.draws,))
