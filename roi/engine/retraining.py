"""How often to retrain: the interval with the lowest cost per month on a path of accuracy, or never."""

from dataclasses import dataclass

import numpy as np

from roi.engine import degradation
from roi.engine.degradation import Path, Retraining, Streams
from roi.engine.result import Floats

_TIE = 1e-9


@dataclass(frozen=True, slots=True)
class IntervalCost:
    """What an interval costs per month, in currency units; `months` None means never to retrain.

    Value lost is measured from the value at the first accuracy and negative where a retraining makes it better.
    """

    months: int | None
    value_lost: float
    error_cost: float
    retraining: float

    @property
    def total(self) -> float:
        """Return value lost + error cost + retraining cost per month."""
        return self.value_lost + self.error_cost + self.retraining


@dataclass(frozen=True, slots=True)
class Optimum:
    """The cheapest answer, beside what never retraining costs and the whole curve by interval 1..max."""

    best: IntervalCost
    never: IntervalCost
    curve: tuple[IntervalCost, ...]

    @property
    def saving(self) -> float:
        """Return what the best answer saves per month over never retraining."""
        return self.never.total - self.best.total


def optimal_interval(
    path: Path,
    *,
    streams: Streams,
    retraining: Retraining,
    max_months: int,
    horizon_months: int | None = None,
) -> Optimum:
    """Return the interval that minimizes (value lost + error cost + retraining cost) per month; ties go to the longer.

    Without a horizon an interval costs what one of its cycles costs per month, for good, and never costs what the
    accuracy held at the end of the path costs. With one, each answer costs the months of the horizon. Whole months.
    """
    if max_months < 1 or (horizon_months is not None and horizon_months < 1):
        raise ValueError("The longest interval and the horizon are at least one month.")
    intervals = range(1, max_months + 1)
    if horizon_months is None:
        curve = tuple(_long_run(path, streams, retraining, interval=each) for each in intervals)
        never = _mean(path, streams, np.array([path.held]))
    else:
        curve = tuple(
            _within(path, streams, retraining, interval=each, months=horizon_months) for each in intervals
        )
        never = _mean(path, streams, degradation.accuracies(path, months=horizon_months))
    return Optimum(_cheapest((*curve, never)), never, curve)


def _long_run(path: Path, streams: Streams, retraining: Retraining, *, interval: int) -> IntervalCost:
    """Return the cost per month of one cycle that starts retrained."""
    two = degradation.accuracies(path, months=2 * interval, schedule=[interval], restored=retraining.accuracy)
    return _mean(path, streams, two[interval:], interval=interval, spent=retraining.cost)


def _within(
    path: Path, streams: Streams, retraining: Retraining, *, interval: int, months: int
) -> IntervalCost:
    schedule = degradation.every(interval, months=months)
    accuracy = degradation.accuracies(path, months=months, schedule=schedule, restored=retraining.accuracy)
    return _mean(path, streams, accuracy, interval=interval, spent=retraining.cost * len(schedule))


def _mean(
    path: Path, streams: Streams, accuracy: Floats, *, interval: int | None = None, spent: float = 0.0
) -> IntervalCost:
    kept = float(degradation.value(streams, accuracy, initial=path.initial).mean())
    wrong = float(degradation.error_cost(streams, accuracy, initial=path.initial).mean())
    return IntervalCost(interval, streams.value - kept, wrong, spent / len(accuracy))


def _cheapest(costs: tuple[IntervalCost, ...]) -> IntervalCost:
    """Return the last, and so the longest, of those whose total is the lowest up to rounding."""
    lowest = min(cost.total for cost in costs)
    reach = _TIE * max(1.0, abs(lowest))
    return [cost for cost in costs if cost.total <= lowest + reach][-1]
