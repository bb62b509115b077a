"""Drivers that move together: a Gaussian copula over probabilities, from stated correlations of pairs.

A correlation here is that of the normal scores; the correlation of the ranks is 6/pi asin(r/2), at most 0.018 nearer 0.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from roi.engine.result import Floats

_LEAST_EIGENVALUE = 1e-9
_EDGE = 2.0**-53


class CorrelationError(ValueError):
    """Correlations that cannot hold; the message names the pairs and what could."""


@dataclass(frozen=True, slots=True)
class Correlations:
    """Correlations of pairs of drivers; a pair that is not named is independent but for what the others imply."""

    pairs: Mapping[tuple[str, str], float]

    def __post_init__(self) -> None:
        seen: set[frozenset[str]] = set()
        for (first, second), value in self.pairs.items():
            if first == second:
                raise CorrelationError(f"{first} cannot be correlated with itself.")
            if frozenset((first, second)) in seen:
                raise CorrelationError(f"{first} and {second} are correlated twice; keep one of the two.")
            if not -1 < value < 1:
                raise CorrelationError(
                    f"The correlation of {first} and {second} must lie inside -1 to 1; {value:g} does not."
                )
            seen.add(frozenset((first, second)))
        _require_positive_definite(self)

    @property
    def names(self) -> tuple[str, ...]:
        """Return the drivers that are named, sorted."""
        return tuple(sorted({name for pair in self.pairs for name in pair}))

    def matrix(self) -> Floats:
        """Return the correlation matrix over `names`, (k, k)."""
        place = {name: index for index, name in enumerate(self.names)}
        found = np.eye(len(place))
        for (first, second), value in self.pairs.items():
            found[place[first], place[second]] = found[place[second], place[first]] = value
        return found


def from_matrix(names: Sequence[str], matrix: Sequence[Sequence[float]]) -> Correlations:
    """Return the correlations of a matrix over named drivers; raises CorrelationError."""
    values = np.asarray(matrix, dtype=np.float64)
    size = len(names)
    if values.shape != (size, size) or len(set(names)) != size:
        raise CorrelationError(
            f"{size} drivers need a matrix of {size} rows and columns, each driver named once."
        )
    if not np.array_equal(values, values.T) or not (np.diag(values) == 1).all():
        raise CorrelationError("A correlation matrix is symmetric and has 1 on its diagonal.")
    above = [
        (row, column) for row in range(size) for column in range(row + 1, size) if values[row, column] != 0
    ]
    return Correlations({(names[row], names[column]): float(values[row, column]) for row, column in above})


def parse(stated: Sequence[Mapping[str, Any]]) -> Correlations:
    """Return the correlations of values like `{"drivers": [name, name], "r": number}`; raises CorrelationError."""
    pairs: dict[tuple[str, str], float] = {}
    for each in stated:
        names, value = each.get("drivers"), each.get("r")
        if not isinstance(names, list | tuple) or len(names) != 2 or set(each) != {"drivers", "r"}:
            raise CorrelationError('A correlation is written {"drivers": [two names], "r": a number}.')
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise CorrelationError(f"The correlation of {names[0]} and {names[1]} must be a number.")
        key = (str(names[0]), str(names[1]))
        if key in pairs:
            raise CorrelationError(f"{key[0]} and {key[1]} are correlated twice; keep one of the two.")
        pairs[key] = float(value)
    return Correlations(pairs)


def correlate(u: Floats, *, names: Sequence[str], correlations: Correlations) -> Floats:
    """Return independent probabilities (n, k) made dependent; columns are `names`, others than correlated stay.

    Raises CorrelationError where a correlated driver is not among the names.
    """
    from scipy.special import ndtr, ndtri

    absent = [name for name in correlations.names if name not in names]
    if absent:
        raise CorrelationError(
            f"There is no distribution for {', '.join(absent)}, so nothing can be correlated with it."
        )
    columns = [list(names).index(name) for name in correlations.names]
    scores = ndtri(np.clip(u[:, columns], _EDGE, 1 - _EDGE))
    dependent = u.copy()
    dependent[:, columns] = ndtr(scores @ np.linalg.cholesky(correlations.matrix()).T)
    return dependent


def _require_positive_definite(correlations: Correlations) -> None:
    matrix = correlations.matrix()
    if not len(matrix):
        return
    values, vectors = np.linalg.eigh(matrix)
    if values[0] >= _LEAST_EIGENVALUE:
        return
    # With r -> k r every eigenvalue e becomes 1 + k (e - 1); rounded down, so that what is advised is accepted.
    factor = np.floor(100 * (1 - _LEAST_EIGENVALUE) / (1 - values[0]) - 1e-6) / 100
    at_fault = _pairs_at_fault(correlations, vectors[:, 0])
    listed = ", ".join(
        f"{first} and {second} {correlations.pairs[first, second]:g}" for first, second in at_fault
    )
    raise CorrelationError(
        f"These correlations cannot all hold at once: {listed}. {_way_out(correlations, at_fault[0])}"
        f"They can hold when each is multiplied by {factor:g}."
    )


def _pairs_at_fault(correlations: Correlations, direction: Floats) -> list[tuple[str, str]]:
    """Return the pairs that make the variance of this combination of drivers negative, the strongest first."""
    weight = dict(zip(correlations.names, direction, strict=True))
    # Rounded, so that pairs that pull alike stay in the order they were stated in.
    pull = {
        (first, second): round(float(weight[first] * weight[second]) * value, 9)
        for (first, second), value in correlations.pairs.items()
    }
    against = [pair for pair in pull if pull[pair] < 1e-3 * min(pull.values())]
    return sorted(against, key=lambda pair: pull[pair])


def _way_out(correlations: Correlations, pair: tuple[str, str]) -> str:
    """Return between which values one correlation could lie, the others kept, where there are such values."""
    order = [name for name in correlations.names if name not in pair]
    place = [correlations.names.index(name) for name in (*pair, *order)]
    matrix = correlations.matrix()[np.ix_(place, place)]
    rest, first, second = matrix[2:, 2:], matrix[0, 2:], matrix[1, 2:]
    if len(rest) and np.linalg.eigvalsh(rest)[0] < _LEAST_EIGENVALUE:
        return ""
    solved = np.linalg.solve(rest, np.stack([first, second], axis=1))
    room = (1 - first @ solved[:, 0]) * (1 - second @ solved[:, 1])
    if 1 - first @ solved[:, 0] <= 0 or room <= 0:
        return ""
    middle, reach = float(first @ solved[:, 1]), float(np.sqrt(room))
    low, high = np.ceil(100 * (middle - reach) + 1e-6) / 100, np.floor(100 * (middle + reach) - 1e-6) / 100
    if low > high:
        return ""
    return f"With the others as they are, {pair[0]} and {pair[1]} could lie between {low:g} and {high:g}. "
