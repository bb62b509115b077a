"""Every case has its tests, by number; none of them is skipped, and what is still to come is named with its reason."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.alerts.cases.catalog import CASES, ON_ROWS

TESTS = Path(__file__).resolve().parents[2]
PURE = TESTS / "alerts" / "rules"
_NAME = re.compile(r"test_case_(\d\d)b?(?:_and_(\d\d))?_\w+")
_MARKS_OUT = {"skip", "skipif", "xfail"}

# Cases whose tests come with the work on their subject. This only ever shrinks: one that exists may not stay here.
NOT_YET: dict[int, str] = {}

Test = ast.FunctionDef | ast.AsyncFunctionDef


def _tests_of(path: Path) -> Iterator[Test]:
    """Yield the tests pytest collects from a file: functions of the module and of its Test classes."""
    for node in ast.parse(path.read_text()).body:
        inner = node.body if isinstance(node, ast.ClassDef) and node.name.startswith("Test") else [node]
        for item in inner:
            if isinstance(item, Test) and item.name.startswith("test_"):
                yield item


@cache
def found() -> dict[int, list[tuple[Path, Test]]]:
    """Return the tests of each case."""
    cases: dict[int, list[tuple[Path, Test]]] = defaultdict(list)
    for path in sorted(TESTS.rglob("test_*.py")):
        for test in _tests_of(path):
            match = _NAME.fullmatch(test.name)
            for number in match.groups() if match else ():
                if number:
                    cases[int(number)].append((path, test))
    return cases


def _is_shown(number: int) -> bool:
    paths = [path for path, _ in found().get(number, [])]
    return any(not path.is_relative_to(PURE) for path in paths) if number in ON_ROWS else bool(paths)


def test_every_case_is_shown() -> None:
    assert {n: CASES[n] for n in CASES if not _is_shown(n) and n not in NOT_YET} == {}


def test_what_is_shown_is_no_longer_awaited() -> None:
    assert NOT_YET.keys() <= CASES.keys()
    assert [number for number in NOT_YET if _is_shown(number)] == [], "Take these out of NOT_YET."


def test_no_case_is_switched_off() -> None:
    off = [
        f"{path.relative_to(TESTS)}::{test.name}"
        for tests in found().values()
        for path, test in tests
        for node in (n for decorator in test.decorator_list for n in ast.walk(decorator))
        if isinstance(node, ast.Attribute) and node.attr in _MARKS_OUT
    ]
    assert off == []


def test_the_catalog_holds_67_cases_and_no_test_has_another_number() -> None:
    assert list(CASES) == list(range(1, 68))
    assert CASES.keys() >= ON_ROWS
    assert found().keys() <= CASES.keys()


def test_cases_are_named_in_one_way() -> None:
    """A number in a name is that of a case, so that none hides from this list."""
    hidden = [
        test.name
        for path in sorted((TESTS / "alerts").rglob("test_*.py"))
        for test in _tests_of(path)
        if re.match(r"test_(case_?)?\d", test.name) and not _NAME.fullmatch(test.name)
    ]
    assert hidden == []
