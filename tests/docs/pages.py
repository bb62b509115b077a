"""What the documentation consists of: its pages, their links, and their Python examples."""

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = [
    *sorted(DOCS.rglob("*.md")),
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
]
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)")


def name_of(page: Path) -> str:
    """Return a page's path as tests and people name it."""
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path, language: str) -> Iterator[tuple[int, str]]:
    """Yield the fenced blocks of a language with the number of the line they start on."""
    text = page.read_text()
    for found in _FENCE.finditer(text):
        if found[1] == language:
            yield text.count("\n", 0, found.start(2)), found[2]


def links(page: Path) -> Iterator[str]:
    """Yield the targets of a page's links that lead to a file of this repository."""
    prose = _FENCE.sub("", page.read_text())
    for target in _LINK.findall(prose):
        if not target.startswith(("http://", "https://", "#", "mailto:")):
            yield target.partition("#")[0]


def rows(page: Path) -> Iterator[list[str]]:
    """Yield the cells of every table row of a page."""
    for line in page.read_text().splitlines():
        if line.startswith("|") and not line.startswith("|-"):
            yield [cell.strip() for cell in line.strip("|").split("|")]
