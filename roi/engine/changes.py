"""How far a driver is moved: by a share of its value, by points, or to stated ends. Three types, never mixed up."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from math import inf, isfinite
from typing import Any

import numpy as np

from roi.engine.distributions import Distribution

Bounds = Mapping[str, tuple[float, float]]
UNBOUNDED = (-inf, inf)


class ChangeError(ValueError):
    """A change that cannot be made; the message says what to state instead."""


@dataclass(frozen=True, slots=True)
class Change(ABC):
    """A change of one driver."""

    @abstractmethod
    def ends(self, value: float) -> tuple[float, float]:
        """Return the lower and the higher value when the driver is moved both ways."""

    @abstractmethod
    def in_words(self) -> str:
        """Return how far, both ways."""


@dataclass(frozen=True, slots=True)
class Relative(Change):
    """By a share of the value: 0.1 makes 0.45 into 0.495."""

    by: float

    def __post_init__(self) -> None:
        _require_finite(self.by, "share")

    def applied_to(self, value: float) -> float:
        """Return value (1 + by)."""
        return value * (1 + self.by)

    def ends(self, value: float) -> tuple[float, float]:
        """Return value (1 - |by|) and value (1 + |by|), the lower first."""
        return _ordered(value * (1 - self.by), value * (1 + self.by))

    def in_words(self) -> str:
        """Return "±10%"."""
        return f"±{abs(self.by) * 100:.6g}%"


@dataclass(frozen=True, slots=True)
class Points(Change):
    """By an amount in the driver's own unit; of a fraction, percentage points: 0.1 makes 0.45 into 0.55."""

    by: float

    def __post_init__(self) -> None:
        _require_finite(self.by, "number of points")

    def applied_to(self, value: float) -> float:
        """Return value + by."""
        return value + self.by

    def ends(self, value: float) -> tuple[float, float]:
        """Return value - |by| and value + |by|."""
        return _ordered(value - self.by, value + self.by)

    def in_words(self) -> str:
        """Return "±10 points" for 0.1 of a fraction, "±500" for an amount."""
        return f"±{abs(self.by) * 100:.6g} points" if abs(self.by) <= 1 else f"±{abs(self.by):,.6g}"


@dataclass(frozen=True, slots=True)
class Range(Change):
    """To two stated values, whatever the driver's own is."""

    low: float
    high: float

    def __post_init__(self) -> None:
        if not -inf < self.low <= self.high < inf:
            raise ChangeError(
                f"A range goes from a low to a high number; {self.low:g} to {self.high:g} does not."
            )

    def ends(self, value: float) -> tuple[float, float]:
        """Return the two values."""
        return self.low, self.high

    def in_words(self) -> str:
        """Return "from 3 to 5"."""
        return f"from {self.low:,.6g} to {self.high:,.6g}"


def parse(stated: Mapping[str, Any]) -> Change:
    """Return the change of plain values: {"relative": 0.1}, {"points": 0.1} or {"low": 3, "high": 5}."""
    try:
        numbers = {name: float(value) for name, value in stated.items() if not isinstance(value, bool)}
    except (TypeError, ValueError):
        numbers = {}
    if len(numbers) == len(stated) and set(numbers) == {"relative"}:
        return Relative(numbers["relative"])
    if len(numbers) == len(stated) and set(numbers) == {"points"}:
        return Points(numbers["points"])
    if len(numbers) == len(stated) and set(numbers) == {"low", "high"}:
        return Range(numbers["low"], numbers["high"])
    raise ChangeError('A change is written {"relative": 0.1}, {"points": 0.1} or {"low": 3, "high": 5}.')


def likely_ranges(distributions: Mapping[str, Distribution], *, share: float = 0.8) -> dict[str, Change]:
    """Return for every driver the middle range that holds this share of its probability."""
    if not 0 < share < 1:
        raise ChangeError(f"The share of probability in a range lies between 0 and 1; {share:g} does not.")
    tails = np.array([(1 - share) / 2, (1 + share) / 2])
    ends = {name: distribution.ppf(tails) for name, distribution in distributions.items()}
    return {name: Range(float(low), float(high)) for name, (low, high) in ends.items()}


def _ordered(first: float, second: float) -> tuple[float, float]:
    return min(first, second), max(first, second)


def _require_finite(value: float, what: str) -> None:
    if not isfinite(value):
        raise ChangeError(f"The {what} by which a driver is changed must be a finite number.")
