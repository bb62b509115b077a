"""Waits for what another thread or process brings about, without guessing how long it takes."""

from __future__ import annotations

import select
import time
from collections.abc import Callable


def until(is_so: Callable[[], object], *, seconds: float = 20) -> None:
    """Return once `is_so()` holds; raises AssertionError when it does not come to hold."""
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, f"It did not come about within {seconds} seconds."
        select.select([], [], [], 0.01)
