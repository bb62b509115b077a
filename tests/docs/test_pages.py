"""The documentation and the code name the same things: links, variables, dependencies, settings, reasons, rules."""

import ast
import re
from pathlib import Path

import pytest

from alerts.rules import RULES
from config import env
from config.celery import app
from roi.engine.result import Reason
from roi.models import FIGURES
from tests.docs.pages import DOCS, PAGES, ROOT, links, name_of, rows

DECISIONS = sorted((DOCS / "decisions").glob("[0-9]*.md"))
METHODOLOGY = DOCS / "methodology" / "README.md"
OPERATIONS = DOCS / "operations.md"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    missing = [target for target in links(page) if not (page.parent / target).exists()]
    # A source archive may leave the pictures out as a whole.
    has_pictures = (DOCS / "images").is_dir()
    assert [target for target in missing if has_pictures or not target.endswith(".png")] == []


def test_pictures_have_words_beside_them() -> None:
    for page in PAGES:
        assert not re.search(r"!\[\s*\]", page.read_text()), name_of(page)


def test_no_page_is_out_of_reach() -> None:
    linked = {(page.parent / target).resolve() for page in PAGES for target in links(page)}
    assert [name_of(page) for page in PAGES if page not in linked and page != ROOT / "README.md"] == []


def test_the_readme_names_every_variable_as_the_code_does() -> None:
    stated = {cells[0].strip("`"): cells[1] for cells in rows(ROOT / "README.md") if len(cells) == 2}
    assert {name: stated.get(name) for name in env.VARIABLES} == env.VARIABLES


def test_every_dependency_has_its_reason() -> None:
    named = set(re.findall(r"`([\w-]+)`", (DOCS / "decisions" / "004-dependencies.md").read_text()))
    wanted = {
        re.split(r"[\[><=;\s]", line.strip(), maxsplit=1)[0]
        for file in (ROOT / "requirements").glob("*.in")
        for line in file.read_text().splitlines()
        if line.strip() and not line.startswith(("-", "#"))
    }
    assert wanted - named == set()


def test_operations_explain_every_setting_of_celery() -> None:
    explained = set(re.findall(r"`(\w+)`", OPERATIONS.read_text()))
    (update,) = [
        node
        for node in ast.walk(ast.parse((ROOT / "config" / "celery.py").read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "app.conf.update"
    ]
    settings = {word.arg for word in update.keywords} | set(app.conf.broker_transport_options)
    assert len(settings) > 20
    assert settings - explained == set()


def test_every_decision_has_its_parts_and_its_line() -> None:
    index = (DOCS / "decisions" / "README.md").read_text()
    for page in DECISIONS:
        text = page.read_text()
        assert text.startswith(f"# {page.name[:3]} ")
        assert re.findall(r"^\*\*(\w+)\.\*\*", text, re.MULTILINE) == [
            "Context",
            "Decision",
            "Consequences",
            "Alternatives",
        ]
        assert f"]({page.name})" in index
    assert [page.name[:3] for page in DECISIONS] == [f"{n:03d}" for n in range(1, len(DECISIONS) + 1)]


def test_methodology_names_every_reason_and_every_stored_figure() -> None:
    named = set(re.findall(r"`([\w*]+)`", METHODOLOGY.read_text()))
    assert {reason.value for reason in Reason} - named == set()
    patterns = [re.compile(re.escape(name).replace(r"\*", r"\w+") + r"\Z") for name in named]
    assert [name for name in FIGURES if not any(pattern.match(name) for pattern in patterns)] == []


def test_the_glossary_names_every_rule() -> None:
    text = (DOCS / "glossary.md").read_text()
    assert [name for name in RULES if f"`{name}`" not in text] == []
