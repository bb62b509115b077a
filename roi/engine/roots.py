"""Internal rates of return of many flow rows at once: every root is counted, then refined.

Everything happens in y = ln(1 + r), where net present value is a sum of exponentials. A row with one sign
change has at most one root. Other rows are scanned over a grid, and cells in which only the derivative
changes sign are searched for the two close roots, or the double one, they may hide. Source of the one
positive root: Norstrom (1972).
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from roi.engine.result import REASON_CODES, Bools, Codes, Floats, Reason, first_reason

LOWEST, HIGHEST = -60.0, 40.0  # ln(1 + r): far outside any rate a ledger in micro-units can have
_BISECTIONS = 60
_TANGENT = 1e-13  # |NPV| / sum |terms| below which an extreme of NPV counts as touching zero
TOTAL_LOSS = float(np.log(1e-5))  # scanned roots at or below -99.999 % a period are artifacts, not returns
_CHUNK = 2_000_000  # cells of a scan held at once

Indices = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Flow rows trimmed of outer zeros, read from either end so that no power overflows."""

    forward: Floats  # (n, T) the first flow that is not zero stands in column 0
    backward: Floats  # (n, T) the last flow that is not zero stands in column 0
    forward_times: Floats  # (T,)
    backward_times: Floats  # (T,)

    def take(self, rows: "Bools | Indices") -> "Rows":
        """Return the chosen rows."""
        return Rows(self.forward[rows], self.backward[rows], self.forward_times, self.backward_times)


def periodic_rows(flows: Floats) -> Rows:
    """Return the rows of an (n, T) matrix whose column t falls at the end of t; rows may end in zeros."""
    count = flows.shape[1]
    column = np.arange(count)[None, :]
    filled = flows != 0
    first = np.argmax(filled, axis=1)[:, None]
    last = count - 1 - np.argmax(filled[:, ::-1], axis=1)[:, None]
    forward = np.where(
        column + first < count, np.take_along_axis(flows, (column + first) % count, axis=1), 0.0
    )
    backward = np.where(column <= last, np.take_along_axis(flows, (last - column) % count, axis=1), 0.0)
    times = np.arange(count, dtype=np.float64)
    return Rows(forward, backward, times, times)


def dated_row(flows: Floats, times: Floats) -> Rows:
    """Return one row of flows at ascending times (years)."""
    kept = np.nonzero(flows)[0]
    if not len(kept):
        return Rows(np.zeros((1, 1)), np.zeros((1, 1)), np.zeros(1), np.zeros(1))
    part = slice(kept[0], kept[-1] + 1)
    amounts, when = flows[part], times[part]
    return Rows(amounts[None, :], amounts[None, ::-1], when - when[0], (when[-1] - when)[::-1])


def solve(rows: Rows) -> tuple[Floats, Codes]:
    """Return ln(1 + IRR) of every row and its reason code (0 = defined).

    With several roots the IRR is still defined when exactly one of them is positive and the undiscounted
    cumulative flow starts negative, changes sign once and ends positive (Norstrom's condition).
    """
    count = len(rows.forward)
    root, reason = np.full(count, np.nan), np.zeros(count, dtype=np.uint8)
    changes = _sign_changes(rows.forward)
    reason[changes == 0] = REASON_CODES[Reason.IRR_NO_SIGN_CHANGE]
    single = changes == 1
    if single.any():
        chosen = rows.take(single)
        size = len(chosen.forward)
        root[single] = _refine(chosen, np.full(size, LOWEST), np.full(size, HIGHEST))
    many = np.nonzero(changes > 1)[0]
    step = max(1, _CHUNK // len(grid_of_rates()))
    for start in range(0, len(many), step):
        part = many[start : start + step]
        root[part], reason[part] = _solve_by_scan(rows.take(part))
    return root, first_reason(reason, (_is_at_border(root), Reason.IRR_NO_ROOT))


def _is_at_border(root: Floats) -> Bools:
    return np.asarray((root <= LOWEST + 1e-6) | (root >= HIGHEST - 1e-6), dtype=np.bool_)


def _sign_changes(values: Floats) -> Floats:
    """Return how often the sign changes along each row, zeros left out."""
    signs = np.sign(values)
    filled = np.maximum.accumulate(np.where(signs != 0, np.arange(values.shape[1])[None, :], 0), axis=1)
    carried = np.take_along_axis(signs, filled, axis=1)
    changes: Floats = (carried[:, 1:] * carried[:, :-1] < 0).sum(axis=1)
    return changes


@lru_cache(maxsize=1)
def grid_of_rates() -> Floats:
    """Return the scanned values of ln(1 + r): dense around 0, coarse far out, and never 0 itself."""
    reach = np.linspace(np.arcsinh(LOWEST / 0.05), np.arcsinh(HIGHEST / 0.05), 601)
    return np.asarray(0.05 * np.sinh(reach), dtype=np.float64)


def _sides(rows: Rows, point: Floats) -> list[tuple[Bools, Floats, Floats, float]]:
    """Return (points it serves, flows, times, sign of the exponent's slope) for y >= 0 and for y < 0.

    For y >= 0 values are relative to the first flow's date, below 0 to the last one's: no term exceeds its
    flow.
    """
    above = np.asarray(point >= 0, dtype=np.bool_)
    return [
        (above, rows.forward, rows.forward_times, -1.0),
        (~above, rows.backward, rows.backward_times, 1.0),
    ]


def _evaluate(rows: Rows, point: Floats) -> tuple[Floats, Floats, Floats]:
    """Return NPV, its derivative in y, and the sum of its terms' sizes, of each row at its own point."""
    value, derivative, size = np.empty(len(point)), np.empty(len(point)), np.empty(len(point))
    for mask, flows, times, sign in _sides(rows, point):
        if mask.any():
            terms = flows[mask] * np.exp(-np.abs(point[mask])[:, None] * times[None, :])
            value[mask], size[mask] = terms.sum(axis=1), np.abs(terms).sum(axis=1)
            derivative[mask] = sign * (terms @ times)
    return value, derivative, size


def _scan(rows: Rows) -> tuple[Bools, Bools]:
    """Return where NPV and where its derivative is negative on the grid, both (n, G)."""
    grid = grid_of_rates()
    values, slopes = np.empty((len(rows.forward), len(grid))), np.empty((len(rows.forward), len(grid)))
    for mask, flows, times, sign in _sides(rows, grid):
        terms = np.exp(-np.abs(grid[mask])[None, :] * times[:, None])
        values[:, mask] = flows @ terms
        slopes[:, mask] = (flows * (sign * times)) @ terms
    return np.asarray(values < 0, dtype=np.bool_), np.asarray(slopes < 0, dtype=np.bool_)


def _refine(rows: Rows, low: Floats, high: Floats) -> Floats:
    """Return the root of NPV between low and high of every row; the signs at both ends must differ.

    Newton's step where it stays inside the bracket, else the middle, and the middle every eighth time.
    """
    rises = _evaluate(rows, low)[0] < 0
    point = np.where((low < 0) & (high > 0), 0.0, (low + high) / 2)
    active = np.ones(len(point), dtype=np.bool_)
    for turn in range(1, 8 * _BISECTIONS):
        lo, hi, now = low[active], high[active], point[active]
        value, slope, _ = _evaluate(rows.take(active), now)
        is_left = (value < 0) == rises[active]
        lo, hi = np.where(is_left, now, lo), np.where(is_left, hi, now)
        step = now - value / np.where(slope == 0, np.inf, slope)
        may_step = (step > lo) & (step < hi) & (turn % 8 != 0)
        done = (value == 0) | (np.abs(step - now) <= 2e-15 * np.maximum(1.0, np.abs(now))) & (slope != 0)
        following = np.where(done, now, np.where(may_step, step, (lo + hi) / 2))
        low[active], high[active], point[active] = lo, hi, following
        active[active] = ~done & (hi - lo > 1e-16)
        if not active.any():
            break
    return point


def _extreme(rows: Rows, low: Floats, high: Floats) -> Floats:
    """Return where the derivative of NPV changes sign between low and high, by bisection."""
    falls = _evaluate(rows, low)[1] < 0
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        is_left = (_evaluate(rows, middle)[1] < 0) == falls
        low, high = np.where(is_left, middle, low), np.where(is_left, high, middle)
    return np.asarray((low + high) / 2, dtype=np.float64)


def _all_roots(rows: Rows) -> tuple[Indices, Floats]:
    """Return (row, root) pairs of every root found on the scanned range; a double root appears once."""
    grid = grid_of_rates()
    is_negative, falls = _scan(rows)
    crossing = is_negative[:, 1:] != is_negative[:, :-1]
    # An extreme towards zero: above it a minimum, below it a maximum.
    bends = ~crossing & (falls[:, 1:] != falls[:, :-1]) & (falls[:, :-1] != is_negative[:, :-1])
    row, cell = np.nonzero(bends)
    extreme = _extreme(rows.take(row), grid[cell], grid[cell + 1])
    value, _, size = _evaluate(rows.take(row), extreme)
    touches = np.abs(value) <= _TANGENT * size
    passes = ~touches & ((value < 0) != is_negative[row, cell])
    where, at = np.nonzero(crossing)
    low = np.concatenate([grid[at], grid[cell[passes]], extreme[passes]])
    high = np.concatenate([grid[at + 1], extreme[passes], grid[cell[passes] + 1]])
    owner = np.concatenate([where, row[passes], row[passes]])
    found = _refine(rows.take(owner), low, high)
    return np.concatenate([owner, row[touches]]), np.concatenate([found, extreme[touches]])


def _solve_by_scan(rows: Rows) -> tuple[Floats, Codes]:
    """Return the root of each row with several sign changes, or the reason why there is not exactly one."""
    count = len(rows.forward)
    owner, found = _all_roots(rows)
    owner, found = owner[found > TOTAL_LOSS], found[found > TOTAL_LOSS]
    number = np.bincount(owner, minlength=count)
    positive = np.bincount(owner[found > 0], minlength=count)
    cumulative = np.cumsum(rows.forward, axis=1)
    is_unique = (number == 1) | ((positive == 1) & _is_norstrom(cumulative))
    use = (number[owner] == 1) | (found > 0)
    root = np.full(count, np.nan)
    root[owner[use]] = found[use]
    reason = first_reason(
        np.zeros(count, dtype=np.uint8), (number == 0, Reason.IRR_NO_ROOT), (~is_unique, Reason.IRR_MULTIPLE)
    )
    return np.where(reason == 0, root, np.nan), reason


def _is_norstrom(cumulative: Floats) -> Bools:
    starts_and_ends = (cumulative[:, 0] < 0) & (cumulative[:, -1] > 0)
    return np.asarray((_sign_changes(cumulative) == 1) & starts_and_ends, dtype=np.bool_)
