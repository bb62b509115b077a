"""How the values of drivers are written on pages and read from them: percent for fractions, thousands in commas."""

import re
from dataclasses import dataclass
from decimal import Decimal
from math import inf, isfinite
from typing import Final

from roi.usecases.drivers import Driver, Unit

_FRACTIONS: Final = {
    Unit.FRACTION: "%",
    Unit.FRACTION_PER_MONTH: "%/month",
    Unit.FRACTION_PER_YEAR: "%/year",
}
_PERCENT = Decimal(100)
_WRITTEN = re.compile(r"[+-]?(\d{1,3}(,\d{3})+|\d+)?(\.\d*)?")
_LARGEST = Decimal(10) ** 15
_SLIDER_STEPS = 200
# How far a slider of yearly and monthly changes reaches at least, in percent: their bounds are no guide.
_NEAR = {Unit.FRACTION_PER_YEAR: Decimal(50), Unit.FRACTION_PER_MONTH: Decimal(10)}


@dataclass(frozen=True, slots=True)
class Slider:
    """The range of a slider in the unit of the page: 55 stands for 55 %."""

    low: str
    high: str
    step: str


def is_percent(one: Driver) -> bool:
    """Return whether a driver is a fraction, which pages show as percent."""
    return one.unit in _FRACTIONS


def unit_words(one: Driver, currency: str) -> str:
    """Return a driver's unit as it stands beside the input."""
    if one.unit in _FRACTIONS:
        return _FRACTIONS[one.unit]
    return (
        ""
        if one.is_text
        else one.unit.value.replace("currency", currency).replace(" per ", "/").removeprefix("count")
    )


def text(one: Driver, value: float | str | None) -> str:
    """Return a value as the page writes it; None is an empty input."""
    if value is None or isinstance(value, str):
        return value or ""
    return plain(_shown(one, Decimal(repr(float(value)))))


def plain(number: Decimal) -> str:
    """Return a number with commas at the thousands and no trailing zeros."""
    return f"{number.normalize():,f}" if number else "0"


def number(one: Driver, written: str) -> float:
    """Return the value of what was typed; raises ValueError with a sentence that names the driver and its bounds."""
    value = number_of(one, written)
    shown = plain(_shown(one, Decimal(repr(value))))
    if one.is_whole and value != int(value):
        raise ValueError(f"{one.label} is a whole number of {one.unit.value}; {shown} is not.")
    if not one.low <= value <= one.high:
        raise ValueError(f"{one.label} must lie {bounds_words(one)}; {shown} does not.")
    return value


def number_of(one: Driver, written: str) -> float:
    """Return a number in a driver's unit, whatever the driver's bounds; raises ValueError with a sentence."""
    clean = re.sub(r"\s", "", written)
    if is_percent(one):
        clean = clean.removesuffix("%")
    if not clean:
        raise ValueError(f"{one.label} needs a number.")
    if not _WRITTEN.fullmatch(clean) or not any(map(str.isdigit, clean)):
        raise ValueError(f"{one.label}: “{written.strip()[:40]}” is not a number; write it like 1,250.5.")
    typed = Decimal(clean.replace(",", ""))
    if abs(typed) > _LARGEST:
        raise ValueError(f"{one.label}: {plain(typed)} is out of range.")
    return float(typed / _PERCENT) if is_percent(one) else float(typed)


def bounds_words(one: Driver) -> str:
    """Return a driver's bounds in the unit of the page."""
    low, high = (
        plain(_shown(one, Decimal(repr(end)))) if isfinite(end) else "" for end in (one.low, one.high)
    )
    if not high:
        return f"at or above {low}" if low else f"within {plain(_LARGEST)}"
    return f"between {low} and {high}"


def slider(one: Driver, *, around: float | str | None) -> Slider | None:
    """Return the range a slider runs over: the driver's bounds where they are near, else from 0 to twice the value.

    None where neither says how far: a text, or a value of 0 without an upper bound.
    """
    if one.is_text or isinstance(around, str):
        return None
    near = abs(_shown(one, Decimal(repr(float(around or 0))))) * 2
    widest = max(near, _NEAR.get(one.unit, near)) or None
    high = _shown(one, Decimal(repr(one.high))) if one.high < inf else None
    if high is None or (one.unit is not Unit.FRACTION and not one.is_whole):
        high = min(high, widest) if high and widest else widest
    if high is None:
        return None
    low = max(_shown(one, Decimal(repr(one.low))), -high) if one.low > -inf else -high
    step = Decimal(1) if one.is_whole else _nice((high - low) / _SLIDER_STEPS)
    return Slider(*(f"{end.normalize():f}" for end in (low, -(-high // step) * step, step)))


def _shown(one: Driver, value: Decimal) -> Decimal:
    return value * _PERCENT if is_percent(one) else value


def _nice(step: Decimal) -> Decimal:
    """Return the next 1, 2 or 5 times a power of ten at or above a step."""
    power = Decimal(10) ** (step.adjusted())
    return next(power * digit for digit in (1, 2, 5, 10) if power * digit >= step)
