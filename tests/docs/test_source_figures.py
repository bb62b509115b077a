"""Every row of the page of source figures is what its command or function yields, to the digits shown."""

import doctest
import json
import re
import shlex
from dataclasses import dataclass
from functools import cache
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from tests.docs.pages import DOCS, blocks, name_of

PAGE = DOCS / "methodology" / "source-figures.md"
_ROW = re.compile(r"\| (?P<source>[^|]+) \| (?P<what>[^|]+) \| `(?P<field>[^`]+)` \| (?P<figure>[^|]+) \|\Z")
_COMMAND = re.compile(r"business_case .+")
_NUMBER = re.compile(r"(?P<sign>−?)(?P<digits>[\d,]+(\.\d+)?)( ± (?P<tolerance>[\d.]+))?( %)?\Z")
_KEYS = {"tornado": "driver", "scenarios": "name", "multi_year": "months"}


@dataclass(frozen=True, slots=True)
class Row:
    """One figure of the page; without a command its field is an expression over the page's own names."""

    command: str
    source: str
    field: str
    figure: str


def read() -> list[Row]:
    """Return the rows of the page, each with the command above its table."""
    found, command = [], ""
    for line in PAGE.read_text().splitlines():
        if line.startswith("#"):
            command = ""
        elif _COMMAND.fullmatch(line):
            command = line
        elif row := _ROW.match(line):
            found.append(Row(command, row["source"].strip(), row["field"], row["figure"].strip()))
    return found


ROWS = read()


@cache
def answer(command: str) -> dict[str, Any]:
    """Return the JSON of a command, its lists by the name of what they list."""
    out = StringIO()
    name, *arguments = shlex.split(command)
    call_command(name, *arguments, "--json", stdout=out)
    found = json.loads(out.getvalue())
    for listed, key in _KEYS.items():
        if listed in found:
            found[listed] = {row[key]: row for row in found[listed]}
    return found


@cache
def names() -> dict[str, Any]:
    """Return what the page's example defines."""
    known: dict[str, Any] = {}
    runner, parser = doctest.DocTestRunner(verbose=False), doctest.DocTestParser()
    for line, text in blocks(PAGE, "python"):
        example = parser.get_doctest(text, known, name_of(PAGE), str(PAGE), line)
        assert runner.run(example, clear_globs=False).failed == 0
        known.update(example.globs)
    return known


def holds(value: float | str, figure: str) -> bool:
    """Return whether a value is the figure: equal text, or a number within its tolerance or half its last digit."""
    number = _NUMBER.match(figure)
    if number is None or isinstance(value, str):
        return value == figure
    digits = number["digits"].replace(",", "")
    stated = float(digits) * (-1 if number["sign"] else 1)
    decimals = len(digits.partition(".")[2])
    return abs(value - stated) <= float(number["tolerance"] or 0.5 * 10**-decimals) + 1e-9


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.source}-{row.field}"[:80])
def test_the_figure_is_what_is_yielded(row: Row) -> None:
    # The page is part of this repository; its expressions are code like its examples.
    value = eval(row.field, dict(answer(row.command)) if row.command else dict(names()))
    assert holds(value, row.figure), f"{row.field} is {value}"


def test_every_row_of_every_table_is_executed() -> None:
    tables = [line for line in PAGE.read_text().splitlines() if line.startswith("|")]
    heads = [line for line in tables if line.startswith(("| source", "|---"))]
    assert len(tables) - len(heads) == len(ROWS)


def test_every_error_of_the_texts_that_carries_a_figure_has_its_row() -> None:
    named = {one for row in ROWS for one in row.source.split(", ")}
    without_figure = {14, 23, 24, 25}
    assert {f"E{number}" for number in range(1, 26) if number not in without_figure} <= named
    assert {"cases", "tornado", "degradation", "serving", "detection", "draws"} <= named


@pytest.mark.parametrize(
    ("value", "figure", "is_so"),
    [
        (0.9615384, "0.96154 %", True),
        (0.9616, "0.96154 %", False),
        (-4643.78, "−4,644", True),
        (4643.78, "−4,644", False),
        (53.6, "53.2 ± 0.5 %", True),
        (53.8, "53.2 ± 0.5 %", False),
        ("irr_multiple", "irr_multiple", True),
        ("irr_no_root", "irr_multiple", False),
        ("12", "12", True),
        (1.0, "no_cost_yet", False),
    ],
)
def test_a_wrong_figure_is_found(value: float | str, figure: str, is_so: bool) -> None:
    assert holds(value, figure) is is_so
