"""A spreadsheet in pure Python: reads a workbook's formulas, translates them, and computes every cell anew.

It knows the functions the export uses and refuses any other, so that a new one is added with open eyes.
"""

import math
import re
from collections.abc import Callable
from io import BytesIO
from typing import Any

import numpy as np
import openpyxl
import pyxirr
from openpyxl.utils import column_index_from_string, get_column_letter

_TOKEN = re.compile(
    r"""\s*(?:
    (?P<text>"(?:[^"]|"")*")
  | (?P<number>\d+\.?\d*(?:E[+-]?\d+)?)
  | (?P<range>(?:(?:'[^']+'|\w+)!)?\$?[A-Z]{1,3}\$?\d+:\$?[A-Z]{1,3}\$?\d+)
  | (?P<cell>(?:(?:'[^']+'|\w+)!)?\$?[A-Z]{1,3}\$?\d+(?![\w(]))
  | (?P<call>[A-Z]+\()
  | (?P<name>[A-Za-z_]\w*)
  | (?P<sign><=|>=|<>|[-+*/^=<>&(),])
    )""",
    re.VERBOSE,
)
_RANK = {"=": 1, "<>": 1, "<": 1, "<=": 1, ">": 1, ">=": 1, "&": 2, "+": 3, "-": 3, "*": 4, "/": 4, "^": 5}


class Refused(ValueError):
    """A formula this spreadsheet cannot read."""


class Spreadsheet:
    """A workbook under computation. Changing an input forgets what was computed."""

    def __init__(self, content: bytes) -> None:
        book = openpyxl.load_workbook(BytesIO(content))
        self.names = {name: one.attr_text for name, one in book.defined_names.items()}
        self.stated: dict[tuple[str, int, int], Any] = {}
        self.formulas: dict[tuple[str, int, int], str] = {}
        for page in book.worksheets:
            for row in page.iter_rows():
                for cell in row:
                    key = (page.title, cell.row, cell.column)
                    if cell.data_type == "f":
                        self.formulas[key] = cell.value[1:]
                    elif cell.value is not None:
                        self.stated[key] = cell.value
        self.values: dict[tuple[str, int, int], Any] = {}
        self.ranges: dict[tuple[Any, ...], Any] = {}
        self.scope = {**FUNCTIONS, "cell": self.cell, "cells": self.cells}
        self.code = {key: self._compiled(key) for key in self.formulas}

    def again(self) -> "Spreadsheet":
        """Return the same workbook as it was read, to be changed on its own."""
        other = Spreadsheet.__new__(Spreadsheet)
        other.names, other.formulas, other.code = self.names, self.formulas, self.code
        other.stated, other.values, other.ranges = dict(self.stated), {}, {}
        other.scope = {**FUNCTIONS, "cell": other.cell, "cells": other.cells}
        return other

    def set(self, name: str, value: Any) -> None:
        """Change the cell that has a name, or an address such as Inputs!$B$5."""
        sheet, row, column = _address(self.names.get(name, name), "")
        assert (sheet, row, column) in self.stated
        self.stated[sheet, row, column] = value
        self.values.clear()
        self.ranges.clear()

    def get(self, name: str) -> Any:
        """Return the value of a named cell, or of an address with its sheet."""
        return self.cell(*_address(self.names.get(name, name), ""))

    def calculate(self) -> dict[tuple[str, int, int], Any]:
        """Return the value of every formula. Plans come first, so that no chain of cells is followed in depth."""
        order = ("Plan", "Workings", "Figures", "Scenarios")
        rank = {name: at for at, name in enumerate(order)}
        for key in sorted(self.formulas, key=lambda k: (rank.get(k[0].split()[0], 9), k[0], k[1:])):
            self.cell(*key)
        return self.values

    def cell(self, sheet: str, row: int, column: int) -> Any:
        """Return the value of a cell; an empty one is None."""
        key = (sheet, row, column)
        if key not in self.formulas:
            return self.stated.get(key)
        if key not in self.values:
            self.values[key] = eval(self.code[key], self.scope)
        return self.values[key]

    def cells(self, sheet: str, *corners: int) -> Any:
        """Return a range as an array, (rows, columns); of floats if it holds nothing else."""
        if (sheet, *corners) in self.ranges:
            return self.ranges[sheet, *corners]
        top, left, bottom, right = corners
        values = [[self.cell(sheet, r, c) for c in range(left, right + 1)] for r in range(top, bottom + 1)]
        is_number = all(isinstance(v, int | float) for row in values for v in row)
        found = np.array(values, dtype=np.float64 if is_number else object)
        self.ranges[sheet, *corners] = found
        return found

    def _compiled(self, key: tuple[str, int, int]) -> Any:
        return compile(_Translation(self.formulas[key], key[0], self.names).source(), str(key), "eval")


class _Translation:
    """From a spreadsheet's notation to Python's, by precedence climbing."""

    def __init__(self, text: str, sheet: str, names: dict[str, str]) -> None:
        self.text, self.sheet, self.names = text, sheet, names
        self.tokens: list[tuple[str, str]] = []
        at = 0
        while at < len(text):
            found = _TOKEN.match(text, at)
            if found is None:
                raise Refused(f"Cannot read {text[at:]!r} in {text!r}.")
            self.tokens.append((str(found.lastgroup), found.group(str(found.lastgroup))))
            at = found.end()
        self.at = 0

    def source(self) -> str:
        told = self._expression(0)
        if self.at != len(self.tokens):
            raise Refused(f"Something is left over in {self.text!r}.")
        return told

    def _expression(self, lowest: int) -> str:
        left = self._atom()
        while self.at < len(self.tokens) and _RANK.get(self.tokens[self.at][1], 0) > lowest:
            sign = self.tokens[self.at][1]
            self.at += 1
            left = f"{_OPERATORS[sign]}({left},{self._expression(_RANK[sign])})"
        return left

    def _atom(self) -> str:
        kind, token = self.tokens[self.at]
        self.at += 1
        if kind == "text":
            return repr(token[1:-1].replace('""', '"'))
        if kind == "number":
            return repr(float(token))
        if kind in ("cell", "range"):
            return self._reference(token)
        if kind == "call":
            return self._call(token[:-1])
        if kind == "name":
            return token.capitalize() if token in ("TRUE", "FALSE") else self._reference(self.names[token])
        if token == "(":
            inner = self._expression(0)
            self._expect(")")
            return inner
        if token == "-":
            return (
                f"negative({self._expression(5)})"  # binds more tightly than any operator, as spreadsheets do
            )
        raise Refused(f"{token!r} is out of place in {self.text!r}.")

    def _call(self, name: str) -> str:
        if f"f_{name}" not in FUNCTIONS:
            raise Refused(f"{name} is not known to this spreadsheet.")
        parts = [self._expression(0)]
        while self.tokens[self.at][1] == ",":
            self.at += 1
            parts.append(self._expression(0))
        self._expect(")")
        if name in ("IF", "IFERROR"):
            parts = [f"(lambda: {part})" for part in parts]
        return f"f_{name}({','.join(parts)})"

    def _expect(self, token: str) -> None:
        if self.tokens[self.at][1] != token:
            raise Refused(f"{token} is missing in {self.text!r}.")
        self.at += 1

    def _reference(self, token: str) -> str:
        if ":" in token:
            start, end = token.rsplit(":", 1)
            sheet, top, left = _address(start, self.sheet)
            _, bottom, right = _address(end, sheet)
            return f"cells({sheet!r},{top},{left},{bottom},{right})"
        sheet, row, column = _address(token, self.sheet)
        return f"cell({sheet!r},{row},{column})"


def _address(text: str, sheet: str) -> tuple[str, int, int]:
    if "!" in text:
        sheet, text = text.rsplit("!", 1)
        sheet = sheet.strip("'").replace("''", "'")
    found = re.fullmatch(r"\$?([A-Z]+)\$?(\d+)", text)
    if found is None:
        raise Refused(f"{text!r} is not an address.")
    return sheet, int(found[2]), column_index_from_string(found[1])


def letter(column: int) -> str:
    """Return a column's letter, counted from 1."""
    return get_column_letter(column)


def _number(value: Any) -> Any:
    """Return what a value counts in arithmetic: an empty cell is 0, text is an error."""
    if value is None:
        return 0.0
    if isinstance(value, str):
        raise ValueError(f"#VALUE! {value!r}")
    return float(value) if isinstance(value, bool | int) else value


def _binary(compute: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    return lambda left, right: compute(_number(left), _number(right))


def _numbers(parts: tuple[Any, ...]) -> list[float]:
    """Return the numbers of cells and ranges; text and empty cells in ranges count for nothing."""
    kept: list[float] = []
    for part in parts:
        values = part.flat if isinstance(part, np.ndarray) else [_number(part)]
        kept += [float(value) for value in values if isinstance(value, int | float)]
    return kept


def _same(left: Any, right: Any) -> Any:
    if isinstance(left, str) and isinstance(right, str):
        return left.lower() == right.lower()
    if left is None or right is None:
        given = right if left is None else left
        return given in (None, "", 0)
    return left == right


def _rounded(number: float, digits: float) -> float:
    """Round a tie away from 0."""
    scaled = abs(number) * 10**digits
    return math.copysign(math.floor(scaled + 0.5) / 10**digits, number)


def _iferror(value: Callable[[], Any], otherwise: Callable[[], Any]) -> Any:
    try:
        return value()
    except (ArithmeticError, LookupError, ValueError):
        return otherwise()


def _match(wanted: Any, cells: Any, kind: float) -> float:
    assert kind == 0
    for at, value in enumerate(cells.flat, start=1):
        if value == wanted:
            return float(at)
    raise LookupError("#N/A")


def _index(cells: Any, position: float) -> Any:
    if not 1 <= int(position) <= cells.size:
        raise LookupError("#REF!")
    return cells.flat[int(position) - 1]


def _countif(cells: Any, wanted: Any) -> float:
    return float(sum(1 for value in cells.flat if value == wanted and value is not None))


def _npv(rate: float, flows: Any) -> float:
    return float(sum(flow / (1 + rate) ** at for at, flow in enumerate(flows.flat, start=1)))


def _irr(flows: Any, guess: float) -> float:
    amounts = flows.flatten()
    found = pyxirr.irr(list(amounts / np.abs(amounts).max()), guess=guess, silent=True)
    if found is None:
        raise ValueError("#NUM!")
    return float(found)


def _exp(value: Any) -> Any:
    return np.exp(value) if isinstance(value, np.ndarray) else math.exp(_number(value))


_OPERATORS = {
    "+": "plus", "-": "minus", "*": "times", "/": "over", "^": "power", "&": "joined",
    "=": "same", "<>": "differs", "<": "less", "<=": "at_most", ">": "more", ">=": "at_least",
}  # fmt: skip
FUNCTIONS: dict[str, Any] = {
    "plus": _binary(lambda a, b: a + b),
    "minus": _binary(lambda a, b: a - b),
    "times": _binary(lambda a, b: a * b),
    "over": _binary(lambda a, b: a / b),
    "power": _binary(lambda a, b: a**b),
    "joined": lambda a, b: f"{a}{b}",
    "same": lambda a, b: a == b if isinstance(a, np.ndarray) else _same(a, b),
    "differs": lambda a, b: a != b if isinstance(a, np.ndarray) else not _same(a, b),
    "less": _binary(lambda a, b: a < b),
    "at_most": _binary(lambda a, b: a <= b),
    "more": _binary(lambda a, b: a > b),
    "at_least": _binary(lambda a, b: a >= b),
    "negative": lambda a: -1.0 * a if isinstance(a, np.ndarray) else -_number(a),
    "f_IF": lambda condition, then, otherwise: then() if condition() else otherwise(),
    "f_IFERROR": _iferror,
    "f_AND": lambda *parts: all(parts),
    "f_OR": lambda *parts: any(parts),
    "f_SUM": lambda *parts: math.fsum(_numbers(parts)),
    "f_MIN": lambda *parts: min(_numbers(parts), default=0.0),
    "f_MAX": lambda *parts: max(_numbers(parts), default=0.0),
    "f_SUMPRODUCT": lambda first, *more: float(np.sum(np.prod([first, *more], axis=0, dtype=np.float64))),
    "f_ABS": lambda value: np.abs(value) if isinstance(value, np.ndarray) else abs(_number(value)),
    "f_EXP": _exp,
    "f_SIGN": lambda value: float(np.sign(_number(value))),
    "f_INT": lambda value: float(math.floor(_number(value))),
    "f_N": lambda value: float(value) if isinstance(value, int | float) else 0.0,
    "f_ISNUMBER": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "f_MOD": lambda a, b: _number(a) - _number(b) * math.floor(_number(a) / _number(b)),
    "f_ROUND": lambda value, digits: _rounded(_number(value), digits),
    "f_ROUNDUP": lambda value, digits: math.copysign(
        math.ceil(abs(_number(value)) * 10**digits) / 10**digits, _number(value)
    ),
    "f_INDEX": _index,
    "f_MATCH": _match,
    "f_COUNTIF": _countif,
    "f_NPV": _npv,
    "f_IRR": _irr,
}
