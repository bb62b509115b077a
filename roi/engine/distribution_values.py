"""Distributions as plain values, as a form or a request states them, and within a driver's bounds."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from math import inf
from typing import Any, ClassVar

import numpy as np

from roi.engine.distributions import KINDS, Distribution, DistributionError, Normal
from roi.engine.result import Floats

LEAST_SHARE_INSIDE = 0.5
_BOUNDS = ("at_least", "at_most")


@dataclass(frozen=True, slots=True)
class Truncated(Distribution):
    """A distribution given that the value lies within bounds: F^-1(F(low) + u (F(high) - F(low)))."""

    of: Distribution
    at_least: float
    at_most: float
    kind: ClassVar[str] = "truncated"

    def __post_init__(self) -> None:
        low, high = self.of.support
        if high < self.at_least or low > self.at_most or self.share_inside < LEAST_SHARE_INSIDE:
            raise DistributionError(
                f"At least half of the {self.of.kind} distribution must lie {_between(self.at_least, self.at_most)},"
                f" the driver's bounds; {max(self.share_inside, 0.0):.0%} does. Move it, or narrow it."
            )

    @property
    def share_inside(self) -> float:
        """Return the probability that lies within the bounds before truncation."""
        return self.of.cdf(self.at_most) - self._below

    @property
    def _below(self) -> float:
        return self.of.cdf(self.at_least) if self.at_least > self.of.support[0] else 0.0

    def ppf(self, u: Floats) -> Floats:
        """Return the points of the part within the bounds."""
        points = self.of.ppf(self._below + u * self.share_inside)
        return np.clip(points, self.at_least, self.at_most)  # only rounding can lie outside

    def cdf(self, value: float) -> float:
        """Return the probability of at most this value, of what lies within the bounds."""
        if value >= self.at_most:
            return 1.0
        return (
            max(self.of.cdf(value) - self._below, 0.0) / self.share_inside if value >= self.at_least else 0.0
        )

    @property
    def support(self) -> tuple[float, float]:
        """Return the narrower of both ranges."""
        low, high = self.of.support
        return max(low, self.at_least), min(high, self.at_most)

    def as_dict(self) -> dict[str, Any]:
        """Return the distribution's own values and the finite ones of the bounds."""
        bounds = zip(_BOUNDS, (self.at_least, self.at_most), strict=True)
        return self.of.as_dict() | {name: value for name, value in bounds if abs(value) < inf}


def truncate(distribution: Distribution, *, low: float = -inf, high: float = inf) -> Distribution:
    """Return the distribution within a driver's bounds, itself where it never leaves them.

    Raises DistributionError where less than half of it lies inside: what is drawn would not be what was stated.
    """
    if not low <= high:
        raise DistributionError(f"The lower bound {low:g} lies above the upper bound {high:g}.")
    least, most = distribution.support
    return distribution if low <= least and most <= high else Truncated(distribution, low, high)


def parse(stated: Mapping[str, Any]) -> Distribution:
    """Return the distribution of plain values: `kind`, its numbers, and the bounds `at_least` and `at_most` if any.

    A normal distribution takes `mean` and `sd`, or its 90 % interval `p5` and `p95`. Raises DistributionError.
    """
    values = dict(stated)
    kind = values.pop("kind", None)
    if kind not in KINDS:
        raise DistributionError(f"There is no distribution {kind!r}; there are {', '.join(KINDS)}.")
    low, high = (_number(values.pop(name), name) if name in values else None for name in _BOUNDS)
    found = _of_kind(kind, {name: _number(value, name) for name, value in values.items()})
    return truncate(found, low=-inf if low is None else low, high=inf if high is None else high)


def _of_kind(kind: str, numbers: dict[str, float]) -> Distribution:
    if kind == Normal.kind and set(numbers) == {"p5", "p95"}:
        return Normal.from_interval(**numbers)
    wanted = [field.name for field in fields(KINDS[kind])]
    missing = [name for name in wanted if name not in numbers]
    unknown = [name for name in numbers if name not in wanted]
    if missing or unknown:
        or_interval = ", or p5 and p95" if kind == Normal.kind else ""
        says = f"lacks {', '.join(missing)}" if missing else f"does not know {', '.join(unknown)}"
        raise DistributionError(f"A {kind} distribution {says}: it takes {', '.join(wanted)}{or_interval}.")
    return KINDS[kind](**numbers)


def _number(value: Any, name: str) -> float:
    try:
        if isinstance(value, bool):
            raise TypeError
        return float(value)
    except (TypeError, ValueError):
        raise DistributionError(f"{name} must be a number; {str(value)[:40]!r} is not.") from None


def _between(low: float, high: float) -> str:
    if high == inf:
        return f"at or above {low:g}"
    return f"at or below {high:g}" if low == -inf else f"between {low:g} and {high:g}"
