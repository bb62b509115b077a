"""Throughput of the fan-out: the same ranges on one Celery worker process and on two."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from tests.benchmarks import dataset
from tests.benchmarks.report import Row

RANGE = 625
_DEADLINE = 300.0


@contextmanager
def celery_worker(*, processes: int) -> Iterator[subprocess.Popen[bytes]]:
    """Run a Celery worker as the product does and wait until it answers."""
    command = [
        sys.executable,
        "-m",
        "celery",
        "-A",
        "config.celery:app",
        "worker",
        "-Q",
        "evaluate,report,ring",
    ]
    command += ["-c", str(processes), "--loglevel", "WARNING", "--without-mingle", "--without-gossip"]
    worker = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        ping = [
            sys.executable,
            "-m",
            "celery",
            "-A",
            "config.celery:app",
            "inspect",
            "ping",
            "--timeout",
            "2",
        ]
        deadline = time.monotonic() + 60
        while subprocess.run(
            ping, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False
        ).returncode:
            if time.monotonic() > deadline:
                raise RuntimeError("The worker does not answer.")
        yield worker
    finally:
        worker.terminate()
        try:
            worker.wait(30)
        except subprocess.TimeoutExpired:
            worker.kill()
            worker.wait()


def rows() -> list[Row]:
    """Measure one worker against two, and the memory of their processes."""
    one, peak_one = _measure(processes=1)
    two, peak_two = _measure(processes=2)
    return [
        Row("fan-out: one worker", one, "inv/s"),
        Row("fan-out: two workers", two, "inv/s"),
        Row("fan-out: two workers / one worker, throughput", two / one, "ratio", ">= 1.0"),
        Row("fan-out: peak memory of a worker process", max(peak_one, peak_two), "MB", "<= 600"),
    ]


def _measure(*, processes: int) -> tuple[float, float]:
    from tests.benchmarks.__main__ import job

    job("forget")
    with (
        celery_worker(processes=processes) as worker,
        psycopg.connect(os.environ["DATABASE_URL"]) as connection,
    ):
        connection.autocommit = True
        bounds = connection.execute("SELECT min(id), max(id) FROM portfolio_investment").fetchone()
        assert bounds is not None
        first, last = bounds
        started = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "tests.benchmarks.enqueue", str(first), str(last), str(RANGE)], check=True
        )
        deadline = time.monotonic() + _DEADLINE
        while _computed(connection) < dataset.INVESTMENTS:
            if time.monotonic() > deadline:
                raise RuntimeError("The workers did not finish.")
            time.sleep(0.05)
        return dataset.INVESTMENTS / (time.perf_counter() - started), _peak(worker.pid)


def _computed(connection: psycopg.Connection) -> int:
    row = connection.execute("SELECT count(*) FROM roi_snapshothead WHERE fingerprint IS NOT NULL").fetchone()
    return int(row[0]) if row else 0


def _peak(pid: int) -> float:
    """Return the largest peak of resident memory among a process and its children, in MB."""
    pids = [pid, *(int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]
    lines = [line for each in pids for line in Path(f"/proc/{each}/status").read_text().splitlines()]
    return max(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:"))
