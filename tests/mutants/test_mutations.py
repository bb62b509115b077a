"""A mutant is one change with a name; it is put into loaded functions and seen by their callers."""

from __future__ import annotations

import importlib
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from tests.mutants.__main__ import EQUIVALENT
from tests.mutants.campaign import functions_of, put_in
from tests.mutants.mutations import Mutant, mutants_of

ROOT = Path(__file__).resolve().parents[2]

SOURCE = '''"""A module to change."""

LIMIT = 3


class Gate:
    @property
    def is_open(self) -> bool:
        return True


def above(value: int, *, by: int = 1) -> bool:
    if value > LIMIT:
        return value - by >= LIMIT
    return False
'''


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[ModuleType, Path]]:
    path = tmp_path / "changed_module.py"
    path.write_text(SOURCE)
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module("changed_module"), path
    monkeypatch.delitem(sys.modules, "changed_module")


def found(path: Path) -> dict[tuple[str, str], Mutant]:
    return {(mutant.function, mutant.after): mutant for mutant in mutants_of("changed_module", path)}


def test_every_mutant_is_one_change_named_by_its_lines(module: tuple[ModuleType, Path]) -> None:
    mutants = found(module[1])
    assert {
        ("", "LIMIT = 4"),
        ("", "def above(value: int, *, by: int = 2) -> bool:"),
        ("Gate.is_open", "return False"),
        ("Gate.is_open", "return None"),
        ("above", "if not (value > LIMIT):"),
        ("above", "if value >= LIMIT:"),
        ("above", "return value + by >= LIMIT"),
        ("above", "return value - by > LIMIT"),
        ("above", "return True"),
    } <= mutants.keys()
    assert mutants["above", "if value >= LIMIT:"].before == "if value > LIMIT:"
    assert len({mutant.key for mutant in mutants.values()}) == len(mutants)


def test_a_mutant_takes_the_place_of_a_loaded_function(module: tuple[ModuleType, Path]) -> None:
    loaded, path = module
    mutants, functions = found(path), functions_of(loaded)
    assert functions.keys() == {"above", "Gate.is_open"}
    assert (loaded.above(3), loaded.above(4), loaded.Gate().is_open) == (False, True, True)
    put_in(mutants["above", "if value >= LIMIT:"], functions["above"])
    assert (loaded.above(3, by=0), loaded.above(4)) == (True, True)
    put_in(mutants["Gate.is_open", "return False"], functions["Gate.is_open"])
    assert loaded.Gate().is_open is False


def test_what_is_called_equivalent_is_a_mutant_of_today_with_a_reason() -> None:
    listed = tomllib.loads(EQUIVALENT.read_text())["mutant"]
    assert all(one["reason"] for one in listed)
    keys = {(one["module"], one["function"], one["before"], one["after"]) for one in listed}
    assert len(keys) == len(listed)
    for module in {one["module"] for one in listed}:
        today = {mutant.key for mutant in mutants_of(module, ROOT / f"{module.replace('.', '/')}.py")}
        assert {key for key in keys if key[0] == module} <= today
