"""`make bench`: measures what the product promises, side by side in one run; exits non-zero where a bound is missed.

Ratios, not seconds, are what counts: both sides run on the same machine within the same minutes.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from config.embedded import EmbeddedServers
from tests.benchmarks import (
    crossings,
    dataset,
    forecasts,
    latency,
    monte_carlo,
    packs,
    report,
    selections,
    what_if,
    workers,
)
from tests.benchmarks.report import Row

ROUNDS = 3
ORM_SAMPLE = 100


def main() -> int:
    """Load the ledger, measure, report."""
    scratch = Path(tempfile.mkdtemp(prefix="hurdle-bench-"))
    scratch.chmod(0o711)
    servers = EmbeddedServers(scratch / "servers")
    try:
        _prepare(servers)
        is_met = report.write(recompute_rows())
        for module in (workers, latency, crossings, monte_carlo, forecasts, selections, what_if, packs):
            is_met = report.write(module.rows()) and is_met
    finally:
        servers.stop()
        shutil.rmtree(scratch, ignore_errors=True)
    return 0 if is_met else 1


def _prepare(servers: EmbeddedServers) -> None:
    urls = servers.start()
    os.environ |= {
        "DATABASE_URL": urls.database,
        "DATABASE_OWNER_URL": urls.owner,
        "REDIS_URL": urls.redis,
        "SECRET_KEY": "benchmark-" + "q7Zr4TkLw9" * 6,
        "ALLOWED_HOSTS": "localhost",
        "HURDLE_PUBLIC_URL": "http://localhost",
    }
    print("Preparing 10,000 investments x 36 months x 8 lines ...", flush=True)
    subprocess.run([sys.executable, "manage.py", "migrate", "--verbosity", "0"], check=True)
    count = dataset.load(f"host={servers.sockets} user=postgres dbname=hurdle")
    print(f"{count:,} entries.", flush=True)


def job(name: str, *arguments: str) -> dict[str, float]:
    """Run one job in a process of its own and return what it measured."""
    command = [sys.executable, "-m", "tests.benchmarks.job", name, *arguments]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    answer: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return answer


def recompute_rows() -> list[Row]:
    """Measure the full recompute against its floor and against a loop over investments."""
    job("forget")
    job("full")
    floors, fulls, peaks = [], [], []
    for _ in range(ROUNDS):
        floors.append(job("floor")["seconds"])
        job("forget")
        done = job("full")
        assert done["investments"] == dataset.INVESTMENTS
        fulls.append(done["seconds"])
        peaks.append(done["peak_mb"])
    loop = job("orm", str(ORM_SAMPLE))["seconds"] / ORM_SAMPLE * dataset.INVESTMENTS
    job("forget")
    full, floor = statistics.median(fulls), statistics.median(floors)
    return [
        Row("recompute: full", full, "s"),
        Row("recompute: floor (aggregation, COPY out, COPY in)", floor, "s"),
        Row("recompute: full / floor", full / floor, "ratio", "<= 1.5"),
        Row(f"recompute: ORM loop (from {ORM_SAMPLE} investments) / full", loop / full, "ratio", ">= 8"),
        Row("recompute: peak memory of the process", max(peaks), "MB", "<= 600"),
    ]


if __name__ == "__main__":
    sys.exit(main())
