"""The value of a driver at which a case just pays for itself, the others at their base: bracketed, then narrowed."""

from collections.abc import Mapping
from math import inf, isfinite

import numpy as np

from roi.engine.changes import UNBOUNDED, Bounds
from roi.engine.flows import Model
from roi.engine.result import Figure, Floats, Reason, undefined
from roi.engine.sensitivity import SensitivityError

_STEPS = 32  # the bracket shrinks by this factor with every call of the model
_CALLS = 15
_FARTHEST = 1e4  # times the base value, where a driver has no bound


def breakeven_value(
    model: Model, base: Mapping[str, float], driver: str, *, bounds: Bounds | None = None
) -> Figure:
    """Return `breakeven_values` of one driver."""
    return breakeven_values(model, base, {driver: (bounds or {}).get(driver, UNBOUNDED)})[driver]


def breakeven_values(model: Model, base: Mapping[str, float], bounds: Bounds) -> dict[str, Figure]:
    """Return for every driver in `bounds` the value nearest its base at which net benefit turns from or to negative.

    Exact to about 1e-14 of the bracket; at a jump the covered side is returned. Without a bound the search goes to
    10,000 times the base. `no_breakeven_value` where net benefit keeps its sign. Raises SensitivityError.
    """
    unknown = [name for name in bounds if name not in base]
    if unknown:
        raise SensitivityError(f"There is no base value for {', '.join(unknown)}.")
    if not bounds:
        return {}
    names = list(bounds)
    grid = _padded([_candidates(float(base[name]), *bounds[name]) for name in names])
    bracket = np.full((len(names), 2), np.nan)
    for row, (values, covers) in enumerate(zip(grid, _covers(model, base, names, grid), strict=True)):
        bracket[row] = _nearest_turn(values, covers, near=float(base[names[row]]))
    for _ in range(_CALLS):
        grid = bracket[:, :1] + (bracket[:, 1:] - bracket[:, :1]) * np.linspace(0, 1, _STEPS + 1)
        grid[:, -1] = bracket[:, 1]
        bracket = _closed_in(grid, _covers(model, base, names, grid))
    return {
        name: Figure(float(end)) if isfinite(end) else undefined(Reason.NO_BREAKEVEN_VALUE)
        for name, end in zip(names, bracket[:, 1], strict=True)
    }


def _candidates(value: float, low: float, high: float) -> Floats:
    """Return the values to look at within the bounds: near the base, far from it, and the bounds themselves."""
    if not low <= high:
        raise SensitivityError(f"The lower bound {low:g} lies above the upper bound {high:g}.")
    size = abs(value) or 1.0
    far = size * np.geomspace(1e-4, _FARTHEST, 161)
    near = value + size * np.linspace(-2, 2, 257)
    between = np.linspace(low, high, 257) if high - low < inf else np.array([low, high])
    every = np.concatenate([-far, far, near, between, [0.0, value]])
    return np.unique(every[np.isfinite(every) & (every >= low) & (every <= high)])


def _padded(rows: list[Floats]) -> Floats:
    """Return rows of one length; the last value of a shorter one is repeated."""
    widest = max(len(row) for row in rows)
    return np.stack([np.pad(row, (0, widest - len(row)), mode="edge") for row in rows])


def _covers(model: Model, base: Mapping[str, float], names: list[str], grid: Floats) -> Floats:
    """Return whether benefit covers cost at each value, (k, g): 1 or 0, NaN where the case has no finite amount."""
    rows, width = grid.shape
    drawn = {name: np.full((rows * width, 1), float(value)) for name, value in base.items()}
    for row, name in enumerate(names):
        drawn[name][row * width : (row + 1) * width, 0] = np.where(np.isnan(grid[row]), base[name], grid[row])
    with np.errstate(all="ignore"):
        flows = model(drawn)
        net = np.broadcast_to(flows.total_benefit() - flows.total_cost(), (rows * width,)).reshape(grid.shape)
    return np.where(np.isfinite(net), (net >= 0).astype(np.float64), np.nan)


def _nearest_turn(values: Floats, covers: Floats, *, near: float) -> Floats:
    """Return the pair of neighbors between which the sign turns, nearest the base; the covered one second."""
    turns = np.abs(np.diff(covers)) == 1
    if not turns.any():
        return np.array([np.nan, np.nan])
    distance = np.maximum(np.maximum(values[:-1] - near, near - values[1:]), 0.0)
    place = int(np.argmin(np.where(turns, distance, inf)))
    pair = values[place : place + 2]
    return pair if covers[place + 1] == 1 else pair[::-1]


def _closed_in(grid: Floats, covers: Floats) -> Floats:
    """Return the neighbors between which each row first becomes covered, from its uncovered end on."""
    first = np.maximum(np.argmax(covers == 1, axis=1), 1)
    rows = np.arange(len(grid))
    return np.stack([grid[rows, first - 1], grid[rows, first]], axis=1)
