"""Formulas over cells of a workbook, each with the value it had when it was written. No sheet is known here."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan
from typing import Any

import numpy as np

from roi.engine.result import Floats, Reason
from roi.usecases.values import Formula, Value, formula, where

NOT_AVAILABLE = "n/a"
_DIGITS = 6  # money is planned to micro-units
_OPERATOR = 0  # the rank of a comparison: needs parentheses inside any other operator


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """A row or column of cells: what formulas call it, and what it holds, (T,)."""

    text: str
    values: Floats


def text(words: str) -> Formula:
    """Return words as a formula can hold them."""
    return Formula('"' + words.replace('"', '""') + '"', value=words)


def equals(left: Formula, right: Value) -> Formula:
    """Return whether two values are the same."""
    other = _formula(right)
    return Formula(
        f"{left.inside(_OPERATOR + 1)}={other.inside(_OPERATOR + 1)}",
        _OPERATOR,
        value=left.value == other.value,
    )


def differs(left: Formula, right: Value) -> Formula:
    """Return whether two values are not the same."""
    other = _formula(right)
    return Formula(
        f"{left.inside(_OPERATOR + 1)}<>{other.inside(_OPERATOR + 1)}",
        _OPERATOR,
        value=left.value != other.value,
    )


def both(*conditions: Formula) -> Formula:
    """Return whether all conditions hold."""
    return _called("AND", conditions, all(one.value for one in conditions))


def either(*conditions: Formula) -> Formula:
    """Return whether one of the conditions holds."""
    return _called("OR", conditions, any(one.value for one in conditions))


def rounded(value: Value) -> Formula:
    """Return an amount to micro-units. A spreadsheet rounds a tie away from 0, the product to the even digit."""
    amount = formula(value)
    return Formula(f"ROUND({amount.text},{_DIGITS})", value=float(np.rint(amount.value * 1e6) / 1e6))


def choose(condition: Formula, then: Value, otherwise: Value) -> Formula:
    """Return one of two values; the other is not computed."""
    told: Formula = where(condition, then, otherwise)
    return told


def flag(condition: Formula) -> Formula:
    """Return 1 where the condition holds, else 0."""
    return choose(condition, 1, 0)


def absolute(value: Formula) -> Formula:
    """Return the size of a number."""
    return _called("ABS", [value], abs(value.value))


def sign(value: Formula) -> Formula:
    """Return -1, 0 or 1."""
    return _called("SIGN", [value], float(np.sign(value.value)))


def exp(value: Formula) -> Formula:
    """Return e to the power of a number."""
    return _called("EXP", [value], float(np.exp(value.value)))


def total(*parts: Cells) -> Formula:
    """Return the sum of all cells; text counts for nothing."""
    values = sum(float(np.nansum(part.values)) for part in parts)
    return Formula(f"SUM({','.join(part.text for part in parts)})", value=values)


def largest(cells: Cells) -> Formula:
    """Return the largest of the cells."""
    return Formula(f"MAX({cells.text})", value=float(cells.values.max()))


def smallest(cells: Cells) -> Formula:
    """Return the smallest of the cells."""
    return Formula(f"MIN({cells.text})", value=float(cells.values.min()))


def at(cells: Cells, position: Value) -> Formula:
    """Return the cell at a position, from 1; outside there is nothing to return, so a formula must ask first."""
    where_to = formula(position)
    index = where_to.value
    inside = index == index and 1 <= index <= len(cells.values)
    value = float(cells.values[int(index) - 1]) if inside else nan
    return Formula(f"INDEX({cells.text},{where_to.text})", value=value)


def first(cells: Cells) -> Formula:
    """Return the position of the first cell that is 1, or 0."""
    found = np.nonzero(cells.values == 1)[0]
    return Formula(f"IFERROR(MATCH(1,{cells.text},0),0)", value=float(found[0] + 1) if len(found) else 0.0)


def count(cells: Cells, number: float) -> Formula:
    """Return how many cells are equal to a number."""
    return Formula(
        f"COUNTIF({cells.text},{formula(number).text})", value=float((cells.values == number).sum())
    )


def total_until(cells: Cells, months: Cells, last: Formula) -> Formula:
    """Return the sum of the cells whose month is not after the last."""
    value = float(cells.values[months.values <= last.value].sum())
    return Formula(f"SUMPRODUCT(({months.text}<={last.text})*{cells.text})", value=value)


def size(cells: Cells) -> Formula:
    """Return the sum of the cells' sizes."""
    return Formula(f"SUMPRODUCT(ABS({cells.text}))", value=float(np.abs(cells.values).sum()))


def reason(*rules: tuple[Formula, Formula | Reason]) -> Formula:
    """Return the code of the first rule that holds, or nothing; a rule's code may be a formula of its own."""
    told = text("")
    for condition, code in reversed(rules):
        told = choose(condition, text(code.value) if isinstance(code, Reason) else code, told)
    return told


def available(why: Formula, value: Formula) -> Formula:
    """Return the value where there is no reason against it, else n/a."""
    return Formula(
        choose(equals(why, text("")), value, text(NOT_AVAILABLE)).text,
        value=value.value if why.value == "" else NOT_AVAILABLE,
    )


def inline(why: Formula, value: Formula) -> Formula:
    """Return the value where there is no reason against it, else n/a and the reason's code."""
    words = text(f"{NOT_AVAILABLE}: ")
    return Formula(
        choose(equals(why, text("")), value, Formula(f"{words.text}&{why.text}")).text,
        value=value.value if why.value == "" else f"{words.value}{why.value}",
    )


def _formula(value: Value) -> Formula:
    return value if isinstance(value, Formula) else formula(value)


def _called(name: str, parts: Sequence[Formula], value: Any) -> Formula:
    return Formula(f"{name}({','.join(part.text for part in parts)})", value=value)
