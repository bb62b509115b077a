"""Parsing in a slim child that can be killed: own limits, no environment, no network, no files."""

import importlib.util
import json
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from portfolio.importers import wire
from portfolio.importers.base import FileRefused, Limits, Mapping, ParsedFile

_ROOT = Path(__file__).resolve().parents[2]
_MODULE = "portfolio.importers.child"
# Isolated mode leaves out the working directory and site-packages; the two folders needed come last.
_START = f"import sys; sys.path.extend(sys.argv[1:]); from {_MODULE} import main; main()"


def run(data: bytes, *, mapping: Mapping | None, limits: Limits) -> ParsedFile:
    """Return what the file states, read in a child process; raises FileRefused, also where the child dies."""
    if len(data) > limits.file_bytes:
        raise FileRefused(f"The file is larger than {limits.file_bytes // 2**20} MB.", code="too_large")
    if not data:
        raise FileRefused("The file is empty.", code="empty")
    header = {"limits": asdict(limits), "mapping": None if mapping is None else mapping.as_dict()}
    # Nameless files instead of pipes: neither side can block the other, and the child's output has a limit.
    with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as target:
        source.write(json.dumps(header).encode() + b"\n")
        source.write(data)
        source.seek(0)
        _run_child(source.fileno(), target.fileno(), limits=limits)
        target.seek(0)
        return wire.decoded(line.decode() for line in target)


def _run_child(source: int, target: int, *, limits: Limits) -> None:
    try:
        code = subprocess.run(
            [sys.executable, "-I", "-S", "-X", "utf8", "-c", _START, *_folders()],
            stdin=source,
            stdout=target,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env={},
            timeout=limits.wall_seconds,
            check=False,
        ).returncode
    except subprocess.TimeoutExpired:
        raise FileRefused("The file takes too long to read; split it.", code="too_slow") from None
    if code:
        message = "The file takes more memory or time to read than is allowed; split it, or save it again."
        raise FileRefused(message, code="reader_failed")


def _folders() -> list[str]:
    """Return the folders of this project and of the spreadsheet reader, without loading the reader here."""
    reader = importlib.util.find_spec("python_calamine")
    if reader is None or reader.origin is None:
        raise RuntimeError("The package python-calamine is not installed.")
    return [str(_ROOT), str(Path(reader.origin).resolve().parents[1])]
