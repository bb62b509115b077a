"""The two commands on a machine that is not ready: one clear sentence each, and nothing left behind."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.servers import ROOT

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


def make(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    shutil.copy(ROOT / "Makefile", folder / "Makefile")
    (folder / "requirements").mkdir()
    for name in ("local.lock", "dev.lock"):
        (folder / "requirements" / name).touch()
    return subprocess.run(["make", *words], cwd=folder, capture_output=True, text=True, check=False)


def fake_python(folder: Path, body: str) -> str:
    script = folder / "python"
    script.write_text(f"#!/bin/sh\n{body}\n")
    script.chmod(0o755)
    return f"PYTHON={script}"


@pytest.mark.parametrize("target", ["demo", "test"])
def test_too_old_python(tmp_path: Path, target: str) -> None:
    old = fake_python(tmp_path, '[ "$1" = --version ] && echo Python 3.9.2; [ "$1" = --version ]')
    done = make(tmp_path, target, old)
    assert done.returncode != 0
    assert "Hurdle needs Python 3.11 or newer" in done.stdout
    assert "is Python 3.9.2" in done.stdout
    assert not (tmp_path / ".venv").exists()


def test_no_venv_module(tmp_path: Path) -> None:
    bare = fake_python(tmp_path, 'case "$2" in *ensurepip*) exit 1;; esac')
    done = make(tmp_path, "demo", bare)
    assert done.returncode != 0
    assert "has no venv module: install it" in done.stdout


def test_no_python(tmp_path: Path) -> None:
    done = make(tmp_path, "demo", "PYTHON=no-such-python")
    assert done.returncode != 0
    assert "There is no no-such-python here" in done.stdout


def test_help_names_every_target(tmp_path: Path) -> None:
    done = make(tmp_path)
    assert done.returncode == 0
    for target in ("demo", "test", "lint", "bench", "faults", "build", "help"):
        assert f"make {target}" in done.stdout
