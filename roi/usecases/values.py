"""The numbers a template computes with: arrays of draws x months, or formulas of a workbook. One definition, both uses.

A template's plan is written once with ordinary operators and the functions below. Given arrays it yields amounts;
given `Formula` values it yields the text that makes a spreadsheet compute the same, and what it comes to.
"""

import operator
from collections.abc import Callable
from math import ceil, inf, nan
from typing import Any

import numpy as np

# A float, an array broadcastable to (draws, months), or a Formula. Python has no name for "follows these operators".
Value = Any

_COMPARE, _ADD, _MULTIPLY, _POWER, _ATOM = range(5)


_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "^": operator.pow,
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


class Formula:
    """An expression in a spreadsheet's notation that knows where it needs parentheses, and its value as written.

    The value is nan where the parts have none: a spreadsheet decides only when it computes.
    """

    __slots__ = ("rank", "text", "value")
    __array_ufunc__ = None  # a NumPy number on the left leaves the operator to the formula

    def __init__(self, text: str, rank: int = _ATOM, *, value: Any = nan) -> None:
        self.text = text
        self.rank = rank
        self.value = value

    def __repr__(self) -> str:
        return f"Formula({self.text!r})"

    def _with(self, sign: str, other: Value, rank: int, *, is_left: bool = True) -> "Formula":
        left, right = (self, formula(other)) if is_left else (formula(other), self)
        # What stands on the right of - or / needs parentheses at equal rank too; a power needs them on both sides.
        first = left.inside(rank + (rank == _POWER))
        value = _computed(_OPERATORS[sign], left.value, right.value)
        return Formula(f"{first}{sign}{right.inside(rank + 1)}", rank, value=value)

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
        return 0 - self

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
    text = str(int(number)) if number == int(number) and abs(number) < 1e15 else repr(number).upper()
    return Formula(text, _ADD if number < 0 else _ATOM, value=number)


def minimum(left: Value, right: Value) -> Value:
    """Return the smaller of two values."""
    if _has_formula(left, right):
        return _call("MIN", min, left, right)
    return np.minimum(left, right)


def maximum(left: Value, right: Value) -> Value:
    """Return the larger of two values."""
    if _has_formula(left, right):
        return _call("MAX", max, left, right)
    return np.maximum(left, right)


def where(condition: Value, then: Value, otherwise: Value) -> Value:
    """Return `then` where the condition holds, else `otherwise`; both are computed for arrays."""
    if _has_formula(condition, then, otherwise):
        return _call("IF", _chosen, condition, then, otherwise)
    return np.where(condition, then, otherwise)


def remainder(number: Value, divisor: Value) -> Value:
    """Return what is left of a number after division by a positive divisor."""
    if _has_formula(number, divisor):
        return _call("MOD", operator.mod, number, divisor)
    return np.mod(number, divisor)


def ceiling(number: Value) -> Value:
    """Return the next whole number at or above."""
    return _call("ROUNDUP", _rounded_up, number, 0) if _has_formula(number) else np.ceil(number)


def is_zero(value: Value) -> bool:
    """Return whether a value is known to be 0 in every draw, so that what follows from it need not be spread out."""
    return not isinstance(value, Formula) and not np.any(value)


def _has_formula(*values: Value) -> bool:
    return any(isinstance(value, Formula) for value in values)


def _call(name: str, compute: Callable[..., Any], *arguments: Value) -> Formula:
    parts = [formula(argument) for argument in arguments]
    text = f"{name}({','.join(part.text for part in parts)})"
    return Formula(text, value=_computed(compute, *(part.value for part in parts)))


def _computed(compute: Callable[..., Any], *values: Any) -> Any:
    """Return what comes out, or nan: a branch that is not taken may divide by zero."""
    try:
        value = compute(*values)
    except (ArithmeticError, ValueError):
        return nan
    return nan if isinstance(value, complex) or value in (inf, -inf) else value


def _chosen(condition: Any, then: Any, otherwise: Any) -> Any:
    return then if condition else otherwise


def _rounded_up(number: float, _: int) -> float:
    return float(ceil(number))
