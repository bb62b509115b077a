"""The second hold on the runner's processes: ends their process groups when the runner is gone.

The kernel's parent-death signal reaches children only; pool and server workers are grandchildren. This script
reads "group signal" lines (signal 0: the group has ended) from a pipe whose other end only the runner holds.
The pipe's end means the runner died, unless "done" came first. It imports nothing of the product.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import suppress

GRACE_SECONDS = 5.0


def _signal_group(group: int, number: int) -> bool:
    """Signal a process group; return whether it still exists."""
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def main() -> None:
    """Wait for the runner's end, then end what it left."""
    groups: dict[int, int] = {}
    for line in sys.stdin:
        words = line.split()
        if words == ["done"]:
            return
        group, number = int(words[0]), int(words[1])
        if number:
            groups[group] = number
        else:
            # Its number may soon belong to a stranger.
            groups.pop(group, None)
    for group, number in groups.items():
        _signal_group(group, number)
    deadline = time.monotonic() + GRACE_SECONDS
    while time.monotonic() < deadline and any(_signal_group(group, 0) for group in groups):
        time.sleep(0.1)
    for group in groups:
        _signal_group(group, signal.SIGKILL)


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        main()
