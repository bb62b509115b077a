"""The worked examples of the documentation say what the engine computes."""

import doctest
from pathlib import Path

import pytest

from tests.docs.pages import DOCS, PAGES, blocks, name_of

WITH_EXAMPLES = [page for page in PAGES if any(">>>" in text for _, text in blocks(page, "python"))]


def failures(page: Path) -> list[str]:
    """Run a page's examples in order in one namespace; return what differs from what the page says."""
    found: list[str] = []
    parser, runner = doctest.DocTestParser(), doctest.DocTestRunner(verbose=False)
    names: dict[str, object] = {}
    for line, text in blocks(page, "python"):
        if ">>>" in text:
            example = parser.get_doctest(text, names, name_of(page), str(page), line)
            runner.run(example, out=found.append, clear_globs=False)
            names.update(example.globs)
    return found


@pytest.mark.parametrize("page", WITH_EXAMPLES, ids=name_of)
def test_examples_are_what_the_engine_says(page: Path) -> None:
    found = failures(page)
    assert not found, "".join(found)


def test_a_wrong_example_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "page.md"
    page.write_text("```python\n>>> one = 1\n```\ntext\n```python\n>>> one\n2\n```\n")
    monkeypatch.setattr("tests.docs.test_examples.name_of", lambda page: page.name)
    assert "Expected:\n    2" in "".join(failures(page))


def test_every_figure_has_worked_examples() -> None:
    pages = [page for page in sorted((DOCS / "methodology").glob("*.md")) if page.name != "README.md"]
    assert [name_of(page) for page in pages if page not in WITH_EXAMPLES] == []
