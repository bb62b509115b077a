"""Fixtures for tests that start real processes."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def open_directory() -> Iterator[Path]:
    """Give a directory that the PostgreSQL of a root run can pass through; pytest's own are closed."""
    with tempfile.TemporaryDirectory(prefix="hurdle-") as name:
        directory = Path(name)
        directory.chmod(0o711)
        yield directory
