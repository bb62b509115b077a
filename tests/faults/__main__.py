"""`make faults`: lets everything break while people work, then proves that everybody was told once.

`python -m tests.faults --faults 1000 --seed 1`; the last line says what came of it, and the exit code is 1 when
anything was lost, made up, doubled, or repeated without a fault that explains it.
"""

from __future__ import annotations

import argparse
import faulthandler
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import django

from tests.faults.stack import TIME_SCALE, Stack


def main(words: list[str]) -> int:
    """Run the faults and print what came of them."""
    given = _arguments(words)
    # Shows where a run stands that seems to stand still.
    faulthandler.register(signal.SIGUSR1, all_threads=True)
    # Whoever is told to end leaves nothing behind either.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(1))
    folder = Path(tempfile.mkdtemp(prefix="hurdle-faults-"))
    stack = Stack(folder, frozenset(given.without.split(",")) - {""}, given.scale, given.schema)
    began = time.monotonic()
    try:
        stack.start()
        print(f"Servers after {time.monotonic() - began:.1f} s.", flush=True)
        os.environ.clear()
        os.environ.update(stack.environment | {"DATABASE_URL": stack.database_url("driver")})
        django.setup()
        from tests.faults import report

        return report.run(stack, given, began)
    finally:
        stack.stop()
        if not given.keep:
            shutil.rmtree(folder, ignore_errors=True)


def _arguments(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--faults", type=int, default=1000, help="how many faults have to happen")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="what makes a run again")
    parser.add_argument("--kinds", default="", help="only these kinds, separated by commas")
    parser.add_argument(
        "--steps", type=int, default=0, help="no faults: so many acts, and the set of messages"
    )
    parser.add_argument("--minutes", type=float, default=float("inf"), help="no new faults after so long")
    parser.add_argument("--relays", type=int, default=2)
    parser.add_argument("--beats", type=int, default=1)
    parser.add_argument("--portfolios", type=int, default=6)
    parser.add_argument("--size", type=int, default=12, help="investments in each portfolio")
    parser.add_argument("--scale", type=float, default=TIME_SCALE, help="by what all times are multiplied")
    parser.add_argument("--schema", type=Path, help="a dump to restore instead of migrating")
    parser.add_argument("--without", default="", help="guards to take out, separated by commas")
    parser.add_argument("--keep", action="store_true", help="keep logs and data")
    parser.add_argument("--verbose", action="store_true")
    return parser.parse_args(words)


def revision() -> str:
    """Return the commit this runs from."""
    done = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or "unknown"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
