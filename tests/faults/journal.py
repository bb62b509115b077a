"""What processes and sinks write down as it happens, in files that outlive them; and what is laid out for them."""

from __future__ import annotations

import json
import os
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# The header by which posts to Slack say which delivery they are.
LABEL = "X-Delivery"


@dataclass(slots=True)
class Journal:
    """A file of JSON lines that any number of processes append to; each line is one write, so none is torn."""

    path: Path
    _file: int = field(init=False, default=-1)
    _lock: threading.Lock = field(init=False, default_factory=threading.Lock)
    _at: int = field(init=False, default=0)
    _known: list[dict[str, Any]] = field(init=False, default_factory=list)

    def write(self, **entry: Any) -> None:
        """Append one entry; it is with the operating system before this returns."""
        with self._lock:
            if self._file < 0:
                self._file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        os.write(self._file, json.dumps({"at": time.time(), **entry}).encode() + b"\n")

    def read(self) -> list[dict[str, Any]]:
        """Return every entry so far; only what is new is read from the file."""
        if self.path.exists():
            with self.path.open("rb") as file:
                file.seek(self._at)
                # The last line may still be on its way.
                whole, _, _ = file.read().rpartition(b"\n")
            if whole:
                self._at += len(whole) + 1
                self._known += [json.loads(line) for line in whole.split(b"\n")]
        return self._known


@dataclass(frozen=True, slots=True)
class Snares:
    """Faults laid out for whichever process comes by first: each is a file, and who removes it has met it."""

    folder: Path

    def lay(self, name: str, content: str = "") -> None:
        """Lay a snare out."""
        new = self.folder / f".{name}"
        new.write_text(content)
        new.rename(self.folder / name)

    def is_laid(self, name: str) -> bool:
        """Whether nobody has met it yet."""
        return (self.folder / name).exists()

    def take(self, name: str) -> bool:
        """Meet a snare: True for exactly one process."""
        try:
            (self.folder / name).unlink()
        except FileNotFoundError:
            return False
        return True

    def lift(self, name: str) -> bool:
        """Take a snare away again; False where somebody has met it."""
        return self.take(name)

    def read(self, name: str) -> str:
        """Return what a lasting snare says, empty where there is none."""
        with suppress(FileNotFoundError):
            return (self.folder / name).read_text()
        return ""
