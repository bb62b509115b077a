"""Only `portfolio/ledger.py` writes entries and cells: read from the syntax of every module."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture import source

WRITER = "portfolio/ledger.py"
LEDGER = {"Entry", "Cell"}
WRITES = {
    "create",
    "acreate",
    "bulk_create",
    "abulk_create",
    "update",
    "aupdate",
    "bulk_update",
    "delete",
    "adelete",
    "get_or_create",
    "update_or_create",
    "save",
    "_raw_delete",
}
STATEMENT = re.compile(
    r"\b(INSERT\s+INTO|UPDATE|DELETE\s+FROM|TRUNCATE(\s+TABLE)?|COPY|MERGE\s+INTO)\s+(ONLY\s+)?\"?portfolio_(entry|cell)\b",
    re.I,
)


def writes_in(tree: ast.Module) -> Iterator[str]:
    """Yield every place that writes to the ledger's tables: by the ORM, by a constructor, or by a statement."""
    names = _names_of_tables(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and STATEMENT.search(node.value):
            yield f"line {node.lineno}: a statement"
        if not isinstance(node, ast.Call):
            continue
        called = node.func
        if isinstance(called, ast.Attribute) and called.attr in WRITES and names & _mentioned(called.value):
            yield f"line {node.lineno}: .{called.attr}()"
        if isinstance(called, ast.Name) and called.id in names:
            yield f"line {node.lineno}: {called.id}(…)"
        if (
            isinstance(called, ast.Attribute)
            and called.attr in LEDGER
            and "models" in _mentioned(called.value)
        ):
            yield f"line {node.lineno}: models.{called.attr}(…)"


def _names_of_tables(tree: ast.Module) -> set[str]:
    """Return the names under which a module knows the tables, and the names it gives to rows of them."""
    names = set(LEDGER)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            names |= {alias.asname for alias in node.names if alias.name in LEDGER and alias.asname}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and names & _mentioned(node.value):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        if isinstance(node, ast.For) and names & _mentioned(node.iter) and isinstance(node.target, ast.Name):
            names.add(node.target.id)
    return names


def _mentioned(node: ast.AST) -> set[str]:
    found = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
    return found | {part.attr for part in ast.walk(node) if isinstance(part, ast.Attribute)}


@pytest.mark.parametrize("path", source.files(), ids=source.name_of)
def test_nobody_else_writes_to_the_ledger(path: Path) -> None:
    found = list(writes_in(source.tree_of(path)))
    if source.name_of(path) == WRITER:
        assert len(found) == 2
    else:
        assert found == []


@pytest.mark.parametrize(
    "planted",
    [
        "Entry.objects.create(amount=1)",
        "Cell.objects.filter(pk=1).update(amount=1)",
        "Entry.objects.bulk_create(rows)",
        "models.Cell.objects.all().delete()",
        "cell = Cell.objects.get(pk=1)\ncell.save()",
        "for row in Cell.objects.all():\n    row.delete()",
        "from portfolio.models import Entry as E\nE(amount=1)",
        "models.Entry(amount=1)",
        "cursor.execute('insert into portfolio_entry values (1)')",
        "cursor.execute(f'UPDATE portfolio_cell SET amount = {x}')",
        "cursor.execute('DELETE FROM ONLY portfolio_entry')",
        "cursor.execute('COPY \"portfolio_cell\" FROM STDIN')",
    ],
)
def test_a_planted_writer_is_found(planted: str) -> None:
    assert list(writes_in(ast.parse(planted)))


@pytest.mark.parametrize(
    "planted",
    [
        "Cell.objects.filter(pk=1).values_list('amount')",
        "Batch.objects.create(id=1)",
        "cursor.execute('SELECT * FROM portfolio_cell')",
        "cursor.execute('UPDATE portfolio_head SET knowledge = 1')",
    ],
)
def test_readers_and_other_tables_are_left_alone(planted: str) -> None:
    assert not list(writes_in(ast.parse(planted)))
