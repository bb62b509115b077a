"""The room needs neither Django nor a clock, and every rule is one module and one registry line."""

import ast
import subprocess
import sys
from pathlib import Path

import alerts.rules

ROOM = Path(alerts.rules.__file__).parent


def test_importing_every_module_loads_no_framework() -> None:
    modules = ", ".join(f"alerts.rules.{path.stem}" for path in ROOM.glob("*.py") if path.stem != "__init__")
    code = f"import sys, {modules}; sys.exit(any(m in sys.modules for m in ('django', 'celery', 'numpy')))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOM.parents[1], check=False)
    assert done.returncode == 0


def test_nothing_in_the_room_reads_a_clock() -> None:
    clocks = {"now", "today", "utcnow", "time", "monotonic"}
    for path in ROOM.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            assert not (isinstance(node, ast.Attribute) and node.attr in clocks), path.name
