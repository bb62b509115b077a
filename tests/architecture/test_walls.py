"""The walls between the rooms, and the size of what stands in them."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

from tests.architecture import source

LONGEST_FILE, LONGEST_FUNCTION, LONGEST_INIT = 400, 60, 60
VAGUE = {"utils", "helpers", "common", "misc", "core", "manager"}


def test_imports_keep_to_the_contracts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(source.ROOT)
    assert lint_imports(config_filename=str(source.ROOT / "pyproject.toml"), no_cache=True) == 0


@pytest.mark.parametrize("path", source.files(), ids=source.name_of)
def test_files_and_functions_stay_readable(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= LONGEST_FILE
    too_long = [
        function.name
        for function in source.functions_of(source.tree_of(path))
        if (function.end_lineno or 0) - function.lineno + 1 > LONGEST_FUNCTION
    ]
    assert too_long == []


@pytest.mark.parametrize(
    "path", [path for path in source.files() if path.name == "__init__.py"], ids=source.name_of
)
def test_an_init_holds_at_most_a_registry(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= LONGEST_INIT


@pytest.mark.parametrize(
    "path", [path for path in source.files() if path.name != "__init__.py"], ids=source.name_of
)
def test_a_module_says_what_lives_in_it(path: Path) -> None:
    assert ast.get_docstring(source.tree_of(path))
    assert path.stem not in VAGUE


@pytest.mark.parametrize("path", source.files(), ids=source.name_of)
def test_no_error_is_passed_over(path: Path) -> None:
    silent = [
        handler.lineno
        for handler in ast.walk(source.tree_of(path))
        if isinstance(handler, ast.ExceptHandler)
        and (handler.type is None or (isinstance(handler.type, ast.Name) and handler.type.id == "Exception"))
        and all(isinstance(statement, ast.Pass) for statement in handler.body)
    ]
    assert silent == []
