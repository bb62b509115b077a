"""Sobol indices: which share of the variance of a case's figures each driver explains, alone and with the others."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from roi.engine.correlations import Correlations
from roi.engine.distributions import Distribution
from roi.engine.flows import Model
from roi.engine.result import Floats, Reason
from roi.engine.sensitivity import SensitivityError

DEFAULT_POINTS = 4096
LEAST_POINTS, MOST_POINTS = 64, 16_384
SETTLED = 0.02  # doubling the points moved no index by more than this
_NO_SPREAD = 1e-12  # of the figure's size


@dataclass(frozen=True, slots=True)
class DriverIndices:
    """Shares of variance: `first_order` by the driver alone, `total` with everything it takes part in.

    Estimates: a driver that does nothing may come out a little below 0.
    """

    driver: str
    first_order: float
    total: float


@dataclass(frozen=True, slots=True)
class SobolIndices:
    """The indices of one figure, the greatest total first, and how far they had settled."""

    drivers: tuple[DriverIndices, ...]
    points: int
    evaluations: int
    largest_move: float  # of any index, when the points were doubled to `points`

    @property
    def is_settled(self) -> bool:
        """Return whether more points would hardly change the indices."""
        return self.largest_move <= SETTLED

    @property
    def joint_share(self) -> float:
        """Return the share of variance that no driver explains alone; an estimate, so it may lie a little below 0."""
        return 1 - sum(each.first_order for each in self.drivers)

    def note(self) -> str:
        """Return in a sentence whether the indices can be relied on."""
        says = "they have settled" if self.is_settled else "they have not settled: ask for more points"
        return (
            f"Doubling to {self.points:,} points moved no index by more than {self.largest_move:.3f}; {says}."
        )


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """Sobol indices of net benefit and of ROI; a reason where there are none."""

    net_benefit: SobolIndices | Reason
    roi: SobolIndices | Reason


def sobol_indices(
    model: Model,
    distributions: Mapping[str, Distribution],
    *,
    seed: int,
    n: int = DEFAULT_POINTS,
    correlations: Correlations | None = None,
) -> Sensitivity:
    """Return first-order and total indices by the estimators of Saltelli et al. (2010), n (k + 2) evaluations.

    `no_spread` where no driver moves the figure, `non_positive_base` for ROI where a draw has no positive cost. The
    indices divide variance among independent drivers: with correlations SensitivityError is raised.
    """
    _require_sensible(distributions, seed, n, correlations)
    found = _evaluated(model, distributions, seed=seed, n=n)
    points, half = _estimates(found), _estimates([each[:, : n // 2] for each in found])
    moves = np.abs(points - half).max(axis=(0, 2))
    names = sorted(distributions)
    figures: list[SobolIndices | Reason] = []
    for figure, reason in enumerate((Reason.OVERFLOW, Reason.NON_POSITIVE_BASE)):
        values = np.concatenate([each[figure] for each in found])
        if not np.isfinite(values).all():
            figures.append(reason)
        elif np.ptp(values) <= _NO_SPREAD * np.abs(values).max():
            figures.append(Reason.NO_SPREAD)
        else:
            figures.append(_ranked(names, points[:, figure], points=n, move=float(moves[figure])))
    return Sensitivity(*figures)


def _evaluated(model: Model, distributions: Mapping[str, Distribution], *, seed: int, n: int) -> list[Floats]:
    """Return net benefit and ROI, (2, n) each, of points A, of points B, and of A with one driver each from B."""
    from scipy.stats import qmc

    names = sorted(distributions)
    u = np.ascontiguousarray(qmc.Sobol(2 * len(names), rng=seed).random(n).T).reshape(2, len(names), n)
    first, second = (
        {name: distributions[name].ppf(column)[:, None] for name, column in zip(names, half, strict=True)}
        for half in u
    )
    mixed = [first | {name: second[name]} for name in names]
    return [_figures(model, drawn, n) for drawn in (first, second, *mixed)]


def _figures(model: Model, drawn: Mapping[str, Floats], n: int) -> Floats:
    with np.errstate(all="ignore"):  # what is not finite becomes a reason
        flows = model(drawn)
        cost = np.broadcast_to(flows.total_cost(), (n,))
        net = np.broadcast_to(flows.total_benefit(), (n,)) - cost
        figures = np.stack([net, np.where(cost > 0, net / np.where(cost > 0, cost, 1.0), np.nan)])
        return np.where(np.isfinite(figures), figures, np.nan)  # infinities would spoil the library's sums


def _estimates(found: list[Floats]) -> Floats:
    """Return (first order or total, figure, driver) of evaluations as `_evaluated` orders them."""
    from scipy.stats import sobol_indices as estimate

    first, second, *mixed = found
    result = estimate(func={"f_A": first, "f_B": second, "f_AB": np.stack(mixed)}, n=first.shape[1])
    shape = (len(first), len(mixed))  # with one driver the library drops that dimension
    return np.stack([np.reshape(result.first_order, shape), np.reshape(result.total_order, shape)])


def _ranked(names: list[str], shares: Floats, *, points: int, move: float) -> SobolIndices:
    each = [
        DriverIndices(name, float(alone), float(total))
        for name, alone, total in zip(names, *shares, strict=True)
    ]
    ranked = sorted(each, key=lambda one: -one.total)
    return SobolIndices(tuple(ranked), points, points * (len(names) + 2), move)


def _require_sensible(
    distributions: Mapping[str, Distribution], seed: int, n: int, correlations: Correlations | None
) -> None:
    if correlations is not None and any(correlations.pairs.values()):
        raise SensitivityError(
            "Sobol indices divide variance among independent drivers. Leave the correlations out,"
            " or use Monte Carlo, which keeps them."
        )
    if not distributions:
        raise SensitivityError("There is nothing to vary: give at least one driver a distribution.")
    if seed < 0:
        raise SensitivityError(f"A seed is a whole number at or above 0; {seed} is not.")
    if n & (n - 1) or not LEAST_POINTS <= n <= MOST_POINTS:
        raise SensitivityError(
            f"The number of points is a power of two from {LEAST_POINTS} to {MOST_POINTS:,}; {n:,} is not."
        )
