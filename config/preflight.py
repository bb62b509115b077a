"""What must be true before the local runner starts; each failure is one sentence that says what to do."""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import IO

NEEDED_PYTHON = (3, 11)
NEEDED_BYTES = 10**9


class PreflightError(Exception):
    """The runner cannot start here; the message says why and what to do."""


def check(var: Path, *, port: int, source: Mapping[str, str]) -> None:
    """Check Python, platform, servers, data directory, disk and port; raise PreflightError."""
    if sys.version_info < NEEDED_PYTHON:
        raise PreflightError(f"Hurdle needs Python 3.11 or newer; this is {sys.version.split()[0]}.")
    _check_servers(source)
    _check_directory(var)
    _check_disk(var)
    _check_port(port)


def has_external_servers(source: Mapping[str, str]) -> bool:
    """Say whether the environment names servers of the user's own."""
    return bool(source.get("DATABASE_URL") and source.get("REDIS_URL"))


def read_port(source: Mapping[str, str]) -> int:
    """Return the port to listen on, 8000 unless PORT says otherwise."""
    text = source.get("PORT", "").strip() or "8000"
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise PreflightError(f"PORT must be a number between 1 and 65535, not {text!r}.")
    return int(text)


def lock(var: Path) -> IO[str]:
    """Hold the data directory for as long as the returned file is open."""
    held = (var / "runner.lock").open("w")
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        held.close()
        raise PreflightError(
            f"Another runner already uses {var}. Stop it first (Ctrl-C in its window)."
        ) from error
    return held


def _check_servers(source: Mapping[str, str]) -> None:
    given = [name for name in ("DATABASE_URL", "REDIS_URL") if source.get(name)]
    if len(given) == 1:
        raise PreflightError(f"Only {given[0]} is set: set both DATABASE_URL and REDIS_URL, or neither.")
    if not given and sys.platform != "linux":
        raise PreflightError(
            "The embedded servers run on Linux only. Start PostgreSQL 15 or newer and Redis 7 or newer, "
            "then set DATABASE_URL, DATABASE_OWNER_URL and REDIS_URL."
        )


def _check_directory(var: Path) -> None:
    if var.exists() and not var.is_dir():
        raise PreflightError(
            f"{var} is a file, but Hurdle keeps its data in a directory there: move it away."
        )
    try:
        var.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PreflightError(f"{var} cannot be created: {error.strerror}.") from error
    if not os.access(var, os.W_OK | os.X_OK):
        raise PreflightError(f"{var} cannot be written to: give this user the right to.")


def _check_disk(var: Path) -> None:
    free = shutil.disk_usage(var).free
    if free < NEEDED_BYTES:
        raise PreflightError(f"Only {free // 10**6} MB are free at {var}: Hurdle needs 1 GB.")


def _check_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except PermissionError as error:
            raise PreflightError(
                f"Port {port} needs more rights. Choose another: make demo PORT=8001"
            ) from error
        except OSError as error:
            raise PreflightError(
                f"Port {port} is taken. Choose another: make demo PORT={port + 1}"
            ) from error
