"""Charts as pictures: drawn in a child that may fail, hang or be killed without keeping anybody waiting."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from alerts.channels import pictures
from alerts.channels.pictures import Studio
from roi import charts, vega

SPEC: dict[str, Any] = {
    "$schema": vega.SCHEMA,
    "width": 120,
    "height": 60,
    "data": {"values": [{"x": 1, "y": 2}, {"x": 2, "y": 3}]},
    "mark": "line",
    "encoding": {"x": {"field": "x", "type": "quantitative"}, "y": {"field": "y", "type": "quantitative"}},
}
ECHO = "import sys\nfor line in sys.stdin: {}"


@pytest.fixture
def studio() -> Iterator[Studio]:
    made = Studio()
    yield made
    made.close()


def scripted(body: str) -> Studio:
    """Return a studio whose child does something else for each chart."""
    return Studio((sys.executable, "-c", ECHO.format(body)))


def test_a_chart_becomes_a_png_twice_by_one_child(studio: Studio) -> None:
    first = studio.draw(SPEC, theme=charts.theme("light"), seconds=60)
    child = studio._child
    second = studio.draw(SPEC, theme=charts.theme("light"), seconds=60)
    assert first is not None
    assert first.startswith(b"\x89PNG\r\n")
    assert second is not None
    assert studio._child is child


def test_a_child_that_was_killed_is_replaced(studio: Studio) -> None:
    studio.draw(SPEC, theme={}, seconds=60)
    assert studio._child is not None
    os.kill(studio._child.pid, signal.SIGKILL)
    studio._child.wait()
    assert studio.draw(SPEC, theme={}, seconds=60) is not None


def test_a_chart_that_loads_something_is_not_drawn(studio: Studio) -> None:
    reaching = SPEC | {"data": {"url": "http://127.0.0.1:9/data.json"}}
    found = studio.draw(reaching, theme={}, seconds=60)
    # Either it is refused, or drawn without what it asked for; the network is never used.
    assert found is None or found.startswith(b"\x89PNG")


@pytest.mark.parametrize(
    "body",
    [
        "import time; time.sleep(60)",
        "sys.exit(3)",
        "print('no picture', flush=True)",
        "print('aGVsbG8=', flush=True)",
        "sys.stdout.write('x' * 10_000_000)",
        "raise SystemExit",
    ],
)
def test_a_child_that_fails_costs_a_moment_and_then_nothing(body: str) -> None:
    studio = scripted(body)
    started = time.monotonic()
    assert studio.draw(SPEC, theme={}, seconds=1.5) is None
    assert time.monotonic() - started < 8
    assert studio._child is None, "it does not stay behind"
    started = time.monotonic()
    assert studio.draw(SPEC, theme={}, seconds=1.5) is None
    assert time.monotonic() - started < 0.5, "mails go without for a while"


def test_a_command_that_does_not_exist_is_no_error() -> None:
    assert Studio(("/nonexistent/drawing",)).draw(SPEC, theme={}, seconds=1) is None


def test_a_flood_of_mails_is_not_held_up_for_pictures() -> None:
    studio = scripted("print('iVBORw0KGgo=', flush=True)")
    drawn = [studio.draw(SPEC, theme={}, seconds=20) is not None for _ in range(pictures.BURST + 5)]
    studio.close()
    assert all(drawn[: pictures.BURST])
    assert not all(drawn[pictures.BURST :])
