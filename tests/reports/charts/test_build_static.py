"""The chart library for browsers: built when needed, left alone when up to date, never a broken link."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from django.core.management import call_command
from pytest_django import Settings

from reports.console import assets
from reports.management.commands import build_static


@pytest.fixture
def builds(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Count builds instead of running the engine; the browser tests run it."""
    made: list[str] = []

    def bundle() -> str:
        made.append("built")
        return "window.vegaEmbed = 1;"

    monkeypatch.setattr(build_static, "_bundle", bundle)
    return made


def build(into: Path) -> str:
    """Run the command and return what it said."""
    said = io.StringIO()
    call_command("build_static", into=into, stdout=said)
    return said.getvalue()


def test_the_second_build_does_nothing(tmp_path: Path, builds: list[str]) -> None:
    """What is up to date is left as it is."""
    assert "is built" in build(tmp_path)
    assert "up to date" in build(tmp_path)
    assert builds == ["built"]
    assert (tmp_path / assets.VEGA_BUNDLE).read_text() == "window.vegaEmbed = 1;"


@pytest.mark.parametrize("broken", [".vega-version", assets.VEGA_BUNDLE])
def test_what_is_missing_or_of_another_version_is_built_again(
    tmp_path: Path, builds: list[str], broken: str
) -> None:
    """A build that was cut off, or an upgraded library, leads to a new one."""
    build(tmp_path)
    (tmp_path / broken).unlink()
    build(tmp_path)
    assert len(builds) == 2


def test_without_a_build_no_script_is_asked_for(settings: Settings, tmp_path: Path) -> None:
    """The page then shows the table and the sentence alone."""
    settings.STATICFILES_DIRS = [tmp_path]
    assert assets.chart_scripts() == []


def test_with_a_build_the_library_comes_first(settings: Settings, tmp_path: Path, builds: list[str]) -> None:
    """The loader needs the library."""
    build(tmp_path)
    settings.STATICFILES_DIRS = [tmp_path]
    assert [s.rsplit("/", 1)[1] for s in assets.chart_scripts()] == ["vega.js", "charts.js"]
