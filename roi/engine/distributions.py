"""What a driver may turn out to be: distributions by their inverse function, read from and written as plain values.

A driver's bounds truncate: the probability outside is spread over what is inside. Clipping would pile it up at a bound.
"""

from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass
from math import inf, isfinite, log
from typing import Any, ClassVar

import numpy as np

from roi.engine.result import Floats

Z95 = 1.6448536269514722  # the standard normal's 95 % point
_EDGE = 2.0**-53  # a probability of exactly 0 or 1 would be drawn as an infinite value


class DistributionError(ValueError):
    """A distribution that cannot be drawn from; the message says what to change."""


@dataclass(frozen=True, slots=True)
class Distribution(ABC):
    """A distribution of one driver, in the driver's own unit."""

    kind: ClassVar[str]

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if not isfinite(value):
                raise DistributionError(f"{name} of a {self.kind} distribution must be a finite number.")
        problem = self._problem()
        if problem:
            raise DistributionError(problem)

    def _problem(self) -> str:
        """Return why the values do not fit together, or nothing."""
        return ""

    @abstractmethod
    def ppf(self, u: Floats) -> Floats:
        """Return the value below which each probability lies, in the shape of `u`; 0 <= u <= 1."""

    @abstractmethod
    def cdf(self, value: float) -> float:
        """Return the probability of at most this value."""

    @property
    def support(self) -> tuple[float, float]:
        """Return the smallest and the largest possible value; infinite where there is none."""
        low, high = self.ppf(np.array([0.0, 1.0]))
        return float(low), float(high)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values that `parse` reads back."""
        return {"kind": self.kind} | asdict(self)


@dataclass(frozen=True, slots=True)
class Fixed(Distribution):
    """A value that is known."""

    value: float
    kind: ClassVar[str] = "fixed"

    def ppf(self, u: Floats) -> Floats:
        """Return the value everywhere."""
        return np.full(np.shape(u), float(self.value))

    def cdf(self, value: float) -> float:
        """Return 1 from the value on."""
        return 1.0 if value >= self.value else 0.0


@dataclass(frozen=True, slots=True)
class Uniform(Distribution):
    """Every value between two ends is as likely as any other."""

    low: float
    high: float
    kind: ClassVar[str] = "uniform"

    def _problem(self) -> str:
        return _range_problem(self.low, self.high)

    def ppf(self, u: Floats) -> Floats:
        """Return low + (high - low) u."""
        return self.low + (self.high - self.low) * u

    def cdf(self, value: float) -> float:
        """Return the share of the range at or below the value."""
        return _place(value, self.low, self.high)


@dataclass(frozen=True, slots=True)
class Triangular(Distribution):
    """Least, most likely and greatest value; the density rises in a straight line to the mode and falls in one."""

    low: float
    mode: float
    high: float
    kind: ClassVar[str] = "triangular"

    def _problem(self) -> str:
        return _range_problem(self.low, self.high, mode=self.mode)

    def ppf(self, u: Floats) -> Floats:
        """Return the inverse of the two parabolas that meet at the mode."""
        span, rise, fall = self.high - self.low, self.mode - self.low, self.high - self.mode
        left = self.low + np.sqrt(u * (span * rise))
        right = self.high - np.sqrt((1 - u) * (span * fall))
        return np.where(u * span < rise, left, right)

    def cdf(self, value: float) -> float:
        """Return the area of the triangle up to the value."""
        place, top = _place(value, self.low, self.high), _place(self.mode, self.low, self.high)
        if place < top:
            return place**2 / top
        return 1.0 if place == 1 else 1 - (1 - place) ** 2 / (1 - top)


@dataclass(frozen=True, slots=True)
class Pert(Distribution):
    """Least, most likely and greatest value as in project planning: a beta with mean (low + 4 mode + high) / 6."""

    low: float
    mode: float
    high: float
    kind: ClassVar[str] = "pert"

    def _problem(self) -> str:
        return _range_problem(self.low, self.high, mode=self.mode)

    @property
    def shapes(self) -> tuple[float, float]:
        """Return the beta distribution's two shapes."""
        top = _place(self.mode, self.low, self.high)
        return 1 + 4 * top, 5 - 4 * top

    def ppf(self, u: Floats) -> Floats:
        """Return the inverse of the incomplete beta function, stretched to the range."""
        from scipy.special import betaincinv

        return np.asarray(self.low + (self.high - self.low) * betaincinv(*self.shapes, u), dtype=np.float64)

    def cdf(self, value: float) -> float:
        """Return the incomplete beta function of the value's place in the range."""
        from scipy.special import betainc

        return float(betainc(*self.shapes, _place(value, self.low, self.high)))


@dataclass(frozen=True, slots=True)
class Normal(Distribution):
    """The bell curve, by mean and standard deviation."""

    mean: float
    sd: float
    kind: ClassVar[str] = "normal"

    def _problem(self) -> str:
        return (
            ""
            if self.sd > 0
            else f"A standard deviation must be above 0; {self.sd:g} is not. Use fixed instead."
        )

    @classmethod
    def from_interval(cls, p5: float, p95: float) -> "Normal":
        """Return the bell curve with 5 % below p5 and 5 % above p95."""
        problem = _range_problem(p5, p95)
        if problem:
            raise DistributionError(problem)
        return cls((p5 + p95) / 2, (p95 - p5) / 2 / Z95)

    def ppf(self, u: Floats) -> Floats:
        """Return the mean plus sd times the standard normal's point."""
        from scipy.special import ndtri

        return np.asarray(self.mean + self.sd * ndtri(np.clip(u, _EDGE, 1 - _EDGE)), dtype=np.float64)

    def cdf(self, value: float) -> float:
        """Return the standard normal probability of the value's distance from the mean."""
        from scipy.special import ndtr

        return float(ndtr((value - self.mean) / self.sd))

    @property
    def support(self) -> tuple[float, float]:
        """Return that there is no end."""
        return -inf, inf


@dataclass(frozen=True, slots=True)
class LogNormal(Distribution):
    """A positive value with a long tail upward, by its 90 % interval: its logarithm is normal."""

    p5: float
    p95: float
    kind: ClassVar[str] = "lognormal"

    def _problem(self) -> str:
        if self.p5 <= 0:
            return f"A lognormal value is above 0; its 90% interval cannot start at {self.p5:g}."
        return _range_problem(self.p5, self.p95)

    @property
    def logarithm(self) -> Normal:
        """Return the distribution of the value's logarithm."""
        return Normal.from_interval(log(self.p5), log(self.p95))

    def ppf(self, u: Floats) -> Floats:
        """Return the exponential of the logarithm's point."""
        return np.exp(self.logarithm.ppf(u))

    def cdf(self, value: float) -> float:
        """Return the logarithm's probability."""
        return self.logarithm.cdf(log(value)) if value > 0 else 0.0

    @property
    def support(self) -> tuple[float, float]:
        """Return that it is positive."""
        return 0.0, inf


KINDS: dict[str, type[Distribution]] = {
    kind.kind: kind for kind in (Fixed, Uniform, Triangular, Pert, Normal, LogNormal)
}


def plus_minus(value: float, *, share: float) -> Distribution:
    """Return the uniform distribution from value (1 - share) to value (1 + share); 0 stays fixed."""
    low, high = sorted((value * (1 - share), value * (1 + share)))
    return Uniform(low, high) if low < high else Fixed(value)


def _place(value: float, low: float, high: float) -> float:
    return min(max((value - low) / (high - low), 0.0), 1.0)


def _range_problem(low: float, high: float, *, mode: float | None = None) -> str:
    if not low < high:
        return f"The low end {low:g} must lie below the high end {high:g}. Use fixed for one value."
    if mode is not None and not low <= mode <= high:
        return f"The most likely value {mode:g} must lie between {low:g} and {high:g}."
    return ""
