"""What a case depends on: the tornado, one driver at a time, and the two or three drivers that matter, in words.

Rows are ranked by their swing in net benefit: ranked by ROI they order differently, because cost is its base.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cmp_to_key
from math import isclose

import numpy as np

from roi.engine.changes import UNBOUNDED, Bounds, Change
from roi.engine.flows import Flows, Model
from roi.engine.result import Figure, Floats, Reason, undefined

ALWAYS_NAMED, MOST_NAMED = 2, 3
THIRD_AT_LEAST = 0.5  # of the leader's swing
_HALF_MICRO = 0.5e-6  # money is known to a micro-unit; less is rounding


class SensitivityError(ValueError):
    """A case that cannot be varied as asked; the message says what to change."""


@dataclass(frozen=True, slots=True)
class End:
    """A case with one driver at one value: net benefit in currency units, ROI as a fraction."""

    value: float
    net: float
    roi: Figure


@dataclass(frozen=True, slots=True)
class Bar:
    """One driver moved alone, the others at their base; the low end is that of the driver, not always of the net."""

    driver: str
    change: Change
    low: End
    high: End
    is_bounded: bool  # an end was moved back to the driver's own bound

    @property
    def swing(self) -> float:
        """Return the distance of the two net benefits."""
        return abs(self.high.net - self.low.net)

    @property
    def roi_swing(self) -> Figure:
        """Return the distance of the two ROIs, 0.1 for ten points; undefined where one of them is."""
        if self.low.roi.value is None or self.high.roi.value is None:
            return self.low.roi if self.low.roi.value is None else self.high.roi
        return Figure(abs(self.high.roi.value - self.low.roi.value))


@dataclass(frozen=True, slots=True)
class Tornado:
    """A case at its base, and its drivers by swing, the widest first; equal swings in the order of the changes."""

    base_net: float
    base_roi: Figure
    bars: tuple[Bar, ...]


def tornado(
    model: Model, base: Mapping[str, float], changes: Mapping[str, Change], *, bounds: Bounds | None = None
) -> Tornado:
    """Return what each change does on its own, both ways; all 2k + 1 cases are one call of the model.

    An end beyond a driver's bounds is moved to the bound, and the bar says so. Raises SensitivityError.
    """
    _require_known(changes, base)
    ends = {name: _ends(name, base, change, bounds or {}) for name, change in changes.items()}
    rows = len(changes) * 2 + 1
    varied = {name: np.full((rows, 1), float(value)) for name, value in base.items()}
    for position, name in enumerate(changes):
        varied[name][2 * position + 1 : 2 * position + 3, 0] = ends[name]
    with np.errstate(all="ignore"):  # what is not finite is refused next
        net, roi = outcomes(model(varied), rows=rows)
    _require_finite(net, ends)
    bars = [
        Bar(
            name,
            change,
            *_two_ends(ends[name], net[at:], roi[at:]),
            ends[name] != change.ends(float(base[name])),
        )
        for at, (name, change) in zip(range(1, rows, 2), changes.items(), strict=True)
    ]
    ranked = sorted(bars, key=cmp_to_key(_by_swing))
    return Tornado(float(net[0]), roi[0], tuple(ranked))


def outcomes(flows: Flows, *, rows: int) -> tuple[Floats, list[Figure]]:
    """Return the net benefit, (rows,), and the ROI of each row of flows."""
    cost = np.broadcast_to(flows.total_cost(), (rows,))
    net = np.broadcast_to(flows.total_benefit(), (rows,)) - cost
    return net, [_roi(float(n), float(c)) for n, c in zip(net, cost, strict=True)]


def named(found: Tornado) -> tuple[Bar, ...]:
    """Return the bars worth naming: the first two, and the third where its swing is at least half the first's.

    A driver that moves nothing is never named.
    """
    moving = [bar for bar in found.bars if bar.swing > _HALF_MICRO]
    third = [bar for bar in moving[ALWAYS_NAMED:MOST_NAMED] if bar.swing >= THIRD_AT_LEAST * moving[0].swing]
    return tuple(moving[:ALWAYS_NAMED] + third)


def sentence(found: Tornado, *, currency: str, labels: Mapping[str, str] | None = None) -> str:
    """Return which drivers matter and how much, in money and ROI points, and whether one alone turns the case."""
    bars = named(found)
    if not bars:
        return "No driver that was changed moves the net benefit."
    known = labels or {}
    titles = [known.get(bar.driver, bar.driver) for bar in bars]
    first = f"Most depends on {titles[0]}: {bars[0].change.in_words()} swings the net benefit by"
    parts = [f"{first} {_money(bars[0].swing, currency)}{_and_points(bars[0], ' and ROI by ')}."]
    rest = [
        f"{title} ({bar.change.in_words()}: {_money(bar.swing, currency)}{_and_points(bar, ', ')})"
        for title, bar in zip(titles[1:], bars[1:], strict=True)
    ]
    if rest:
        parts.append(f"Next {'come' if len(rest) > 1 else 'comes'} {' and '.join(rest)}.")
    return " ".join([*parts, _turning(found, bars, titles)])


def _turning(found: Tornado, bars: Sequence[Bar], titles: Sequence[str]) -> str:
    """Return which of the bars can change the sign of the net benefit."""
    covers = found.base_net >= 0
    word = "negative" if covers else "positive"
    able = [
        title
        for title, bar in zip(titles, bars, strict=True)
        if (min(bar.low.net, bar.high.net) < 0 if covers else max(bar.low.net, bar.high.net) > 0)
    ]
    if not able:
        nothing = "Alone it cannot" if len(bars) == 1 else "None of them alone can"
        return f"{nothing} make the net benefit {word}."
    return f"{' or '.join(able)} alone can make the net benefit {word}."


def _money(value: float, currency: str) -> str:
    digits = 0 if value >= 100 or value == int(value) else 2
    return f"{currency} {value:,.{digits}f}"


def _and_points(bar: Bar, joint: str) -> str:
    swing = bar.roi_swing.value
    return "" if swing is None else f"{joint}{swing * 100:,.1f} points"


def _ends(name: str, base: Mapping[str, float], change: Change, bounds: Bounds) -> tuple[float, float]:
    low, high = bounds.get(name, UNBOUNDED)
    first, second = change.ends(float(base[name]))
    return min(max(first, low), high), min(max(second, low), high)


def _by_swing(one: Bar, other: Bar) -> int:
    """Order the wider first; factors of one product differ by rounding alone, and stay as they were given."""
    if isclose(one.swing, other.swing, rel_tol=1e-9, abs_tol=_HALF_MICRO):
        return 0
    return -1 if one.swing > other.swing else 1


def _two_ends(values: tuple[float, float], net: Floats, roi: Sequence[Figure]) -> tuple[End, End]:
    low, high = values
    return End(low, float(net[0]), roi[0]), End(high, float(net[1]), roi[1])


def _roi(net: float, cost: float) -> Figure:
    if not cost > 0:
        return undefined(Reason.NO_COST_YET if cost == 0 else Reason.NON_POSITIVE_BASE)
    return Figure(net / cost) if np.isfinite(net) and np.isfinite(cost) else undefined(Reason.OVERFLOW)


def _require_known(changes: Mapping[str, Change], base: Mapping[str, float]) -> None:
    unknown = [name for name in changes if name not in base]
    if unknown:
        raise SensitivityError(f"There is no base value for {', '.join(unknown)}.")


def _require_finite(net: Floats, ends: Mapping[str, tuple[float, float]]) -> None:
    where = ["its base", *(f"{name} = {value:g}" for name, pair in ends.items() for value in pair)]
    lost = [place for place, value in zip(where, net, strict=True) if not np.isfinite(value)]
    if lost:
        raise SensitivityError(
            f"At {lost[0]} the case has no finite amount. Change the driver less, or give it bounds."
        )
