"""The trace of requirements is complete, and names only what exists."""

import re
from collections import Counter

import pytest

from tests.docs.pages import DOCS, ROOT, rows

PAGE = DOCS / "requirements.md"
TRACE = [cells for cells in rows(PAGE) if re.fullmatch(r"R\d+", cells[0])]
_STATUS = re.compile(r"\*\*(done|partial|open)\*\*(: .+)?")


def named(cell: str) -> list[str]:
    """Return the files, folders and tests that a cell names; words in parentheses are not paths."""
    return re.findall(r"`([^`]+)`", re.sub(r"\(.*?\)", "", cell))


def test_every_requirement_is_there_once() -> None:
    assert [cells[0] for cells in TRACE] == [f"R{number}" for number in range(1, 78)]


@pytest.mark.parametrize("cells", TRACE, ids=lambda cells: cells[0])
def test_what_is_named_exists(cells: list[str]) -> None:
    for path in named(cells[2]) + named(cells[3]):
        file, _, test = path.partition("::")
        assert (ROOT / file).exists(), path
        if test:
            assert f"def {test}(" in (ROOT / file).read_text(), path


@pytest.mark.parametrize("cells", TRACE, ids=lambda cells: cells[0])
def test_a_status_is_honest_in_form(cells: list[str]) -> None:
    found = _STATUS.fullmatch(cells[4])
    assert found, cells[4]
    if found[1] == "done":
        assert named(cells[2])
        assert named(cells[3])
    if found[1] == "partial":
        assert found[2], "A partial requirement says what is missing."


def test_the_counts_are_those_of_the_table() -> None:
    counts = Counter(cells[4].split("**")[1] for cells in TRACE)
    assert f"{counts['done']} done, {counts['partial']} partial, {counts['open']} open." in PAGE.read_text()
