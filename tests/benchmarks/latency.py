"""From the commit of one changed month to its episode in the outbox, and to the first attempt: 300 trials each."""

import json
import statistics
import subprocess
import sys

from tests.benchmarks import crossings, dataset, workers
from tests.benchmarks.report import Row

TRIALS = 300


def rows() -> list[Row]:
    """Measure in a process of its own, beside one warm worker, and then with one warm relay as well."""
    with workers.celery_worker(processes=1):
        written = _measure("row")
        # The relay sweeps: what nobody has judged yet would stand in the way of the one crossing.
        crossings.run("settle", dataset.INVESTMENTS)
        with crossings.relay():
            tried = _measure("attempt")
    return [
        *_rows("commit -> episode in the outbox", written, bound="<= 1"),
        *_rows("commit -> first attempt", tried, bound="<= 2"),
    ]


def _measure(kind: str) -> list[float]:
    command = [sys.executable, "-m", "tests.benchmarks.trials", kind, str(TRIALS)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    seconds: list[float] = json.loads(done.stdout.strip().splitlines()[-1])
    return seconds


def _rows(what: str, seconds: list[float], *, bound: str) -> list[Row]:
    quantiles = statistics.quantiles(seconds, n=100)
    return [
        Row(f"latency: {what}, median of {len(seconds)}", statistics.median(seconds), "s", bound),
        Row(f"latency: {what}, p99", quantiles[98], "s"),
    ]
