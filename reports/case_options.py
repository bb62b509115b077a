"""What-ifs as a command line states them: pairs, percent, points, scenarios, draws; each problem is a sentence."""

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from math import isfinite
from typing import Any

from roi import sensitivities
from roi.questions import SCENARIO_KINDS
from roi.usecases.base import Case

Plain = dict[str, Any]


class OptionError(ValueError):
    """An option that cannot be read; the message says how to state it."""


def pairs(stated: Sequence[str], option: str) -> dict[str, str]:
    """Return name=value pairs as they were stated."""
    found: dict[str, str] = {}
    for one in stated:
        name, _, value = (part.strip() for part in one.partition("="))
        if not (name and value):
            raise OptionError(f"{option} takes name=value; {one!r} is not that.")
        if name in found:
            raise OptionError(f"{option} states {name} twice.")
        found[name] = value
    return found


def whole(stated: str, option: str) -> int:
    """Return a whole number."""
    if not stated.strip().lstrip("-").isdecimal():
        raise OptionError(f"{option} takes a whole number; {stated!r} is not one.")
    return int(stated)


def share(stated: str, option: str) -> float:
    """Return a fraction from 0.1 or 10%."""
    text = stated.strip()
    number = _number(text[:-1]) / 100 if text.endswith("%") else _number(text)
    if not isfinite(number):
        raise OptionError(f"{option} takes a number such as 0.1 or 10%; {stated!r} is not one.")
    return number


def change(stated: str, option: str) -> Plain:
    """Return a change of drivers: 10% moves by a share of the value, 10pts by percentage points."""
    text = stated.strip().lower()
    number, unit = (
        (_number(text[:-3]), "points") if text.endswith("pts") else (_number(text[:-1]), "relative")
    )
    if not text.endswith(("%", "pts")) or not isfinite(number):
        raise OptionError(
            f"{option} takes a change such as 10% (relative) or 10pts (points); {stated!r} is neither."
        )
    return {unit: number / 100}


def scenario(stated: str) -> Plain:
    """Return a scenario from NAME:driver=value,…; a value such as +10% or -5pts changes the base's."""
    name, colon, values = stated.partition(":")
    if not (colon and name.strip()):
        raise OptionError(f"--scenario takes NAME:driver=value,…; {stated!r} is not that.")
    known = pairs(values.split(","), f"--scenario {name.strip()}")
    kind = name.strip().lower() if name.strip().lower() in SCENARIO_KINDS else "own"
    return {
        "name": name.strip(),
        "kind": kind,
        "drivers": {driver: _scenario_value(value, name) for driver, value in known.items()},
    }


def draws(case: Case, *, spread: float, seed: int, count: int) -> Plain:
    """Return how every driver that is not 0 is drawn: uniform, by a share of its value both ways, within its bounds."""
    if count < 1 or count & (count - 1):
        raise OptionError(f"--draws takes a power of two such as 16384; {count} is none.")
    if not 0 < spread < 1:
        raise OptionError(f"--spread lies between 0% and 100%; {spread:.6g} does not.")
    return {
        "seed": seed,
        "log2_draws": count.bit_length() - 1,
        "distributions": {
            one.name: {"kind": "uniform", "low": min(ends), "high": max(ends)}
            for one, value in sensitivities.numbers_of(case)
            if value
            for ends in [(value * (1 - spread), value * (1 + spread))]
        },
    }


def _scenario_value(stated: str, name: str) -> Any:
    is_change = stated[0] in "+-" and stated.endswith(("%", "pts"))
    return change(stated, f"--scenario {name}") if is_change else stated


def _number(text: str) -> float:
    try:
        return float(Decimal(text))
    except InvalidOperation:
        return float("nan")
