"""What a model that loses accuracy is worth: the path of accuracy, retraining, and the streams that follow it.

Months are counted from the start: a month's accuracy is the one at its end, month 0 is the start itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from itertools import pairwise
from math import inf, isfinite, log

import numpy as np

from portfolio.terms import month_index
from roi.engine.flows import Flows
from roi.engine.result import Floats


class Shape(StrEnum):
    """How accuracy moves between two points: by equal points a month, or by an equal share a month."""

    LINEAR = "linear"
    GEOMETRIC = "geometric"


@dataclass(frozen=True, slots=True)
class Path:
    """Accuracy at the ends of months, ascending from month 0; held after the last point.

    Raises ValueError with a sentence for points that make no path.
    """

    points: tuple[tuple[int, float], ...]
    shape: Shape = Shape.LINEAR

    def __post_init__(self) -> None:
        months = [month for month, _ in self.points]
        if not months or months[0] != 0:
            raise ValueError("A path of accuracy starts at month 0.")
        if any(later <= earlier for earlier, later in pairwise(months)):
            raise ValueError("The points of a path must be in order, each in a month of its own.")
        lowest = 0.0 if self.shape is Shape.LINEAR else np.nextafter(0.0, 1.0)
        if not all(lowest <= accuracy <= 1 for _, accuracy in self.points):
            raise ValueError(
                "An accuracy is a fraction between 0 and 1; a geometric path cannot go through 0."
            )

    @property
    def initial(self) -> float:
        """Return the accuracy at the start."""
        return self.points[0][1]

    @property
    def held(self) -> float:
        """Return the accuracy from the last point on."""
        return self.points[-1][1]

    def at(self, age: Floats) -> Floats:
        """Return the accuracy at each age in months since the start, same shape."""
        months = np.array([month for month, _ in self.points], dtype=np.float64)
        levels = np.array([accuracy for _, accuracy in self.points], dtype=np.float64)
        if self.shape is Shape.GEOMETRIC:
            return np.asarray(np.exp(np.interp(age, months, np.log(levels))), dtype=np.float64)
        return np.asarray(np.interp(age, months, levels), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Drift:
    """How fast a path moves from its first to its last point."""

    points_per_month: float  # fraction: -0.0044 is 0.44 points a month
    share_per_month: float  # of the accuracy of the month before
    mean: float  # accuracy averaged over the time between, not over month ends


@dataclass(frozen=True, slots=True)
class Retraining:
    """What one retraining costs, and the accuracy it restores (None: the first of the path)."""

    cost: float
    accuracy: float | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.cost < inf:
            raise ValueError("The cost of a retraining must be a finite number, not negative.")
        if self.accuracy is not None and not 0 <= self.accuracy <= 1:
            raise ValueError("A retraining restores an accuracy between 0 and 1.")


@dataclass(frozen=True, slots=True)
class Streams:
    """Money a month at the first accuracy of the path, and where the value ends.

    `value` follows the success rate and is nothing at or below `worthless`; `error_cost` follows the error rate; `run`
    follows neither.
    """

    value: float
    run: float = 0.0
    one_time: float = 0.0
    error_cost: float = 0.0
    worthless: float = 0.0

    def __post_init__(self) -> None:
        amounts = (self.value, self.run, self.one_time, self.error_cost, self.worthless)
        if not all(isfinite(amount) for amount in amounts):
            raise ValueError("Every stream of money must be a finite number.")


def dated_path(points: Sequence[tuple[date, float]], *, shape: Shape = Shape.LINEAR) -> Path:
    """Return the path through the accuracies measured at the ends of the given months; the first is month 0."""
    if not points:
        raise ValueError("A path of accuracy needs a first measurement.")
    start = month_index(points[0][0])
    return Path(tuple((month_index(month) - start, accuracy) for month, accuracy in points), shape)


def drift(path: Path) -> Drift:
    """Return the mean speed of a path of at least two points, and its mean accuracy over time."""
    if len(path.points) < 2:
        raise ValueError("A path that never moves has no drift; add a second point.")
    months = path.points[-1][0]
    area = sum(
        (later - earlier) * _mean(start, end, path.shape)
        for (earlier, start), (later, end) in pairwise(path.points)
    )
    share = (path.held / path.initial) ** (1 / months) - 1 if path.initial > 0 else 0.0
    return Drift((path.held - path.initial) / months, share, area / months)


def every(interval: int, *, months: int) -> tuple[int, ...]:
    """Return the months of retraining every `interval` months; none at the very end, where it would serve nobody."""
    if interval < 1:
        raise ValueError("The interval between retrainings is at least one month.")
    return tuple(range(interval, months, interval))


def accuracies(
    path: Path, *, months: int, schedule: Sequence[int] = (), restored: float | None = None
) -> Floats:
    """Return the accuracy at the end of each month 1..months, (T,).

    A retraining happens at the end of its month: the month after it is the first of a path that starts from `restored`
    and loses as much as the original one, in points (linear) or as a share (geometric), within 0 and 1.
    """
    month = np.arange(1, months + 1)
    starts = np.array([0, *sorted(set(schedule))])
    if (starts[1:] < 1).any():
        raise ValueError("A retraining happens in month 1 or later.")
    since = starts[np.searchsorted(starts, month, side="left") - 1]
    fresh = path.at((month - since).astype(np.float64))
    return np.where(since > 0, _restored(fresh, path, restored), fresh)


def value_factor(accuracy: Floats, *, initial: float, worthless: float = 0.0) -> Floats:
    """Return value relative to that at the first accuracy: (a - b) / (a0 - b), never below 0; b = 0 is a / a0."""
    if not 0 <= worthless < initial:
        raise ValueError("The accuracy at which it is worth nothing must lie below the first accuracy.")
    return np.maximum((accuracy - worthless) / (initial - worthless), 0.0)


def error_factor(accuracy: Floats, *, initial: float) -> Floats:
    """Return the error rate relative to the first: (1 - a) / (1 - a0); 96 % to 88 % triples it."""
    if not initial < 1:
        raise ValueError("Error cost cannot follow the error rate of a model that starts without errors.")
    return (1 - accuracy) / (1 - initial)


def flows(
    path: Path,
    *,
    streams: Streams,
    months: int,
    retraining: Retraining | None = None,
    schedule: Sequence[int] = (),
) -> Flows:
    """Return the money of one investment over the months, retrained at the ends of the months of the schedule.

    Error cost and retraining are run cost; one-time cost falls in month 1.
    """
    if schedule and retraining is None:
        raise ValueError("A schedule of retrainings needs to know what a retraining costs.")
    restored = retraining.accuracy if retraining else None
    accuracy = accuracies(path, months=months, schedule=schedule, restored=restored)
    month = np.arange(1, months + 1)
    spent = np.isin(month, schedule) * (retraining.cost if retraining else 0.0)
    run = streams.run + error_cost(streams, accuracy, initial=path.initial) + spent
    once = np.where(month == 1, streams.one_time, 0.0)
    benefit = value(streams, accuracy, initial=path.initial)
    return Flows(benefit[None, :], run[None, :], once[None, :], months)


def value(streams: Streams, accuracy: Floats, *, initial: float) -> Floats:
    """Return the value of months at these accuracies, in currency units."""
    return streams.value * value_factor(accuracy, initial=initial, worthless=streams.worthless)


def error_cost(streams: Streams, accuracy: Floats, *, initial: float) -> Floats:
    """Return the error cost of months at these accuracies, in currency units; 0 where there is no such stream."""
    if streams.error_cost == 0:
        return np.zeros_like(accuracy)
    return streams.error_cost * error_factor(accuracy, initial=initial)


def _restored(fresh: Floats, path: Path, restored: float | None) -> Floats:
    if restored is None:
        return fresh
    if path.shape is Shape.GEOMETRIC:
        return np.clip(fresh * (restored / path.initial), 0.0, 1.0)
    return np.clip(fresh + (restored - path.initial), 0.0, 1.0)


def _mean(start: float, end: float, shape: Shape) -> float:
    """Return the mean over time between two points: of a line, or of an exponential (the logarithmic mean)."""
    if shape is Shape.LINEAR or start == end:
        return (start + end) / 2
    return (end - start) / log(end / start)
