"""The numbers a template computes with: arrays of draws x months, or formulas of a workbook. One definition, both uses.

A template's plan is written once with ordinary operators and the functions below. Given arrays it yields amounts;
given `Formula` values it yields the text that makes a spreadsheet compute the same.
"""

from typing import Any

import numpy as np

# A float, an array broadcastable to (draws, months), or a Formula. Python has no name for "follows these operators".
Value = Any

_COMPARE, _ADD, _MULTIPLY, _POWER, _ATOM = range(5)


class Formula:
    """An expression in a spreadsheet's notation that knows where it needs parentheses."""

    __slots__ = ("rank", "text")

    def __init__(self, text: str, rank: int = _ATOM) -> None:
        self.text = text
        self.rank = rank

    def __repr__(self) -> str:
        return f"Formula({self.text!r})"

    def _with(self, sign: str, other: Value, rank: int, *, is_left: bool = True) -> "Formula":
        left, right = (self, formula(other)) if is_left else (formula(other), self)
        # What stands on the right of - or / needs parentheses at equal rank too; a power needs them on both sides.
        first = left.inside(rank + (rank == _POWER))
        return Formula(f"{first}{sign}{right.inside(rank + 1)}", rank)

    def inside(self, rank: int) -> str:
        """Return the text as it stands inside an operator of this rank."""
        return self.text if self.rank >= rank else f"({self.text})"

    def __add__(self, other: Value) -> "Formula":
        return self._with("+", other, _ADD)

    def __radd__(self, other: Value) -> "Formula":
        return self._with("+", other, _ADD, is_left=False)

    def __sub__(self, other: Value) -> "Formula":
        return self._with("-", other, _ADD)

    def __rsub__(self, other: Value) -> "Formula":
        return self._with("-", other, _ADD, is_left=False)

    def __mul__(self, other: Value) -> "Formula":
        return self._with("*", other, _MULTIPLY)

    def __rmul__(self, other: Value) -> "Formula":
        return self._with("*", other, _MULTIPLY, is_left=False)

    def __truediv__(self, other: Value) -> "Formula":
        return self._with("/", other, _MULTIPLY)

    def __rtruediv__(self, other: Value) -> "Formula":
        return self._with("/", other, _MULTIPLY, is_left=False)

    def __pow__(self, other: Value) -> "Formula":
        return self._with("^", other, _POWER)

    def __rpow__(self, other: Value) -> "Formula":
        return self._with("^", other, _POWER, is_left=False)

    def __neg__(self) -> "Formula":
        return Formula(f"0-{self.inside(_MULTIPLY)}", _ADD)

    def __lt__(self, other: Value) -> "Formula":
        return self._with("<", other, _COMPARE)

    def __le__(self, other: Value) -> "Formula":
        return self._with("<=", other, _COMPARE)

    def __gt__(self, other: Value) -> "Formula":
        return self._with(">", other, _COMPARE)

    def __ge__(self, other: Value) -> "Formula":
        return self._with(">=", other, _COMPARE)


class Month(Formula):
    """The cell that holds the number of a month, in a workbook that can give intermediate values a row of their own."""

    __slots__ = ()

    def step(self, label: str, value: Formula) -> Formula:
        """Return the cell of this month in the row named `label`, which holds the value."""
        raise TypeError("Only the month of a workbook has rows.")


def step(month: Value, label: str, value: Value) -> Value:
    """Return an intermediate value of a month. On paper it becomes a row that can be read and traced."""
    return month.step(label, value) if isinstance(month, Month) and isinstance(value, Formula) else value


def formula(value: Value) -> Formula:
    """Return a value as a formula: itself, or a number in a notation every spreadsheet reads."""
    if isinstance(value, Formula):
        return value
    number = float(value)
    text = str(int(number)) if number == int(number) and abs(number) < 1e15 else repr(number)
    return Formula(text, _ADD if number < 0 else _ATOM)


def minimum(left: Value, right: Value) -> Value:
    """Return the smaller of two values."""
    if _has_formula(left, right):
        return _call("MIN", left, right)
    return np.minimum(left, right)


def maximum(left: Value, right: Value) -> Value:
    """Return the larger of two values."""
    if _has_formula(left, right):
        return _call("MAX", left, right)
    return np.maximum(left, right)


def where(condition: Value, then: Value, otherwise: Value) -> Value:
    """Return `then` where the condition holds, else `otherwise`; both are computed for arrays."""
    if _has_formula(condition, then, otherwise):
        return _call("IF", condition, then, otherwise)
    return np.where(condition, then, otherwise)


def remainder(number: Value, divisor: Value) -> Value:
    """Return what is left of a number after division by a positive divisor."""
    if _has_formula(number, divisor):
        return _call("MOD", number, divisor)
    return np.mod(number, divisor)


def ceiling(number: Value) -> Value:
    """Return the next whole number at or above."""
    return _call("ROUNDUP", number, 0) if _has_formula(number) else np.ceil(number)


def is_zero(value: Value) -> bool:
    """Return whether a value is known to be 0 in every draw, so that what follows from it need not be spread out."""
    return not isinstance(value, Formula) and not np.any(value)


def _has_formula(*values: Value) -> bool:
    return any(isinstance(value, Formula) for value in values)


def _call(name: str, *arguments: Value) -> Formula:
    return Formula(f"{name}({','.join(formula(argument).text for argument in arguments)})")
