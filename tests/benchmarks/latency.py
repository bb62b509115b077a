"""From the commit of one changed month to its episode in the outbox, with the worker warm: 300 trials."""

import json
import statistics
import subprocess
import sys

from tests.benchmarks import workers
from tests.benchmarks.report import Row

TRIALS = 300


def rows() -> list[Row]:
    """Measure in a process of its own, beside one warm worker."""
    with workers.celery_worker(processes=1):
        done = subprocess.run(
            [sys.executable, "-m", "tests.benchmarks.trials", str(TRIALS)],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
    seconds = json.loads(done.stdout.strip().splitlines()[-1])
    quantiles = statistics.quantiles(seconds, n=100)
    return [
        Row(
            f"latency: commit -> episode in the outbox, median of {len(seconds)}",
            statistics.median(seconds),
            "s",
            "<= 1",
        ),
        Row("latency: commit -> episode in the outbox, p99", quantiles[98], "s"),
    ]
