"""Charts as PNG, drawn in a child process: the drawing engine must not live in a process that may fork, or hang one."""

from __future__ import annotations

import atexit
import base64
import json
import logging
import os
import selectors
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

logger = logging.getLogger(__name__)

SECONDS = 5.0
# Mail is never held up for a picture: so many are drawn at once, then one in so many seconds.
BURST, SECONDS_EACH = 30, 2.0
REST_AFTER_FAILURE = 300.0
_LARGEST = 2_000_000
_ROOT = Path(__file__).resolve().parents[2]


class Studio:
    """Draws one chart after the other in one child, which ends with this process and is replaced when it fails."""

    def __init__(self, command: tuple[str, ...] = (sys.executable, "-m", "alerts.drawing")) -> None:
        self._command = command
        self._child: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._credit, self._counted_at, self._rests_until = float(BURST), time.monotonic(), 0.0

    def draw(
        self, spec: Mapping[str, Any], *, theme: Mapping[str, Any], seconds: float = SECONDS
    ) -> bytes | None:
        """Return the chart as PNG, or None where it could not be drawn in time; never raises for it."""
        ends = time.monotonic() + seconds
        if not self._lock.acquire(timeout=max(0.0, seconds)):
            return None
        try:
            return self._draw(spec, theme, ends) if self._may_draw() else None
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            logger.warning("A chart was not drawn (%s); mails go without for a while.", type(error).__name__)
            self._rests_until = time.monotonic() + REST_AFTER_FAILURE
            self._stop()
            return None
        finally:
            self._lock.release()

    def close(self) -> None:
        """Let the child go."""
        with self._lock:
            self._stop()

    def _may_draw(self) -> bool:
        now = time.monotonic()
        self._credit = min(float(BURST), self._credit + (now - self._counted_at) / SECONDS_EACH)
        self._counted_at = now
        if now < self._rests_until or self._credit < 1:
            return False
        self._credit -= 1
        return True

    def _draw(self, spec: Mapping[str, Any], theme: Mapping[str, Any], ends: float) -> bytes:
        child = self._running()
        if child.stdin is None or child.stdout is None:
            raise OSError("no pipes")
        child.stdin.write(json.dumps({"spec": spec, "theme": theme}).encode() + b"\n")
        child.stdin.flush()
        picture = base64.b64decode(_line(child.stdout.fileno(), ends).rstrip(), validate=True)
        if not picture.startswith(b"\x89PNG"):
            raise ValueError("no picture")
        return picture

    def _running(self) -> subprocess.Popen[bytes]:
        if self._child is None or self._child.poll() is not None:
            self._stop()
            self._child = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                # A signal to the relay's group must not take the child before the relay is done with it.
                start_new_session=True,
                cwd=_ROOT,
                bufsize=0,
            )
        return self._child

    def _stop(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        child.kill()
        child.wait()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                pipe.close()


def _line(source: int, ends: float) -> bytes:
    """Read one line from the child, or raise when the time is up, the child is gone or the line is too long."""
    found = bytearray()
    with selectors.DefaultSelector() as selector:
        selector.register(source, selectors.EVENT_READ)
        while not found.endswith(b"\n"):
            if not selector.select(max(0.0, ends - time.monotonic())):
                raise TimeoutError("the chart took too long")
            piece = os.read(source, 65_536)
            if not piece or len(found) > _LARGEST:
                raise OSError("the child gave no picture")
            found += piece
    return bytes(found)


studio = Studio()
atexit.register(studio.close)
