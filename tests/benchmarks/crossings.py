"""A batch in which every investment crosses: from its commit to the last first attempt, beside the bare outbox.

Every investment has an owner of its own, so that each crossing is a notice by itself and none is told in a digest.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from tests.benchmarks import dataset, workers
from tests.benchmarks.report import Row

_DEADLINE = 1800.0
# A digest keeps five hundred items, and reading and sending the first one takes its megabytes once: a relay that has
# done so shows what a flood adds.
_WARM = 600
_CROSSED = """
    FROM alerts_notification n JOIN alerts_event e ON e.id = n.event_id JOIN alerts_episode p ON p.id = e.episode_id
    {attempt} WHERE p.rule = 'negative_roi' AND e.kind IN ('fired', 'reopened') AND n.user_id IS NOT NULL
        AND e.recorded_at >= %(begun)s::timestamptz
"""
_TOLD = f"SELECT count(*) {_CROSSED.format(attempt='')} AND n.attempts > 0"
_UNSENT = """
    SELECT count(*) FROM alerts_notification
    WHERE created_at >= %(begun)s::timestamptz AND state IN ('held', 'pending', 'sending', 'uncertain')
"""
_SPAN = f"""
    SELECT count(*), EXTRACT(epoch FROM max(a.started_at) - %(committed)s::timestamptz)
    {_CROSSED.format(attempt="JOIN alerts_attempt a ON a.notification_id = n.id AND a.number = 1")}
"""


def rows(count: int = dataset.INVESTMENTS) -> list[Row]:
    """Measure the product with a worker of two processes and one relay, then the bare rows, on the same stack."""
    run("settle", count)
    with workers.celery_worker(processes=2), relay() as process:
        _warm(process.pid, min(_WARM, count))
        crossed = run("cross", count)
        early, late = _watch(process.pid, count, crossed)
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        found = connection.execute(_SPAN, crossed).fetchone()
    assert found is not None
    told, seconds = int(found[0]), float(found[1])
    assert told == count, f"{told} of {count} crossings were told one by one."
    bare = float(run("bare", count)["seconds"])
    return [
        Row(f"alerts: {count:,} crossings, commit -> last first attempt", seconds, "s"),
        Row(f"alerts: {count:,} rows inserted, claimed and marked, bare", bare, "s"),
        Row("alerts: crossings / bare rows", seconds / bare, "ratio", "<= 3"),
        Row("alerts: memory of the relay, last tenth / first tenth", late / early, "ratio", "<= 1.1"),
    ]


@contextmanager
def relay() -> Iterator[subprocess.Popen[bytes]]:
    """Run a relay as the product does, until it has left a sign of life."""
    process = subprocess.Popen([sys.executable, "manage.py", "relay"], stderr=subprocess.DEVNULL)
    try:
        with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
            beat = "SELECT 1 FROM alerts_heartbeat WHERE name = 'relay' AND (detail ->> 'process')::int = %s"
            ends = time.monotonic() + 120
            while connection.execute(beat, [process.pid]).fetchone() is None:
                if time.monotonic() > ends:
                    raise RuntimeError("The relay does not start.")
                time.sleep(0.1)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def run(step: str, count: int) -> dict[str, str]:
    """Run one step in a process of its own and return what it has to say."""
    command = [sys.executable, "-m", "tests.benchmarks.crossing_steps", step, str(count)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    answer: dict[str, str] = json.loads(done.stdout.strip().splitlines()[-1])
    return answer


def _warm(pid: int, count: int) -> None:
    """Let the relay tell of some crossings and of their digest, and take all of that back."""
    crossed = run("cross", count)
    _watch(pid, count, crossed)
    ends = time.monotonic() + _DEADLINE
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        while connection.execute(_UNSENT, crossed).fetchone() != (0,):
            if time.monotonic() > ends:
                raise RuntimeError("The digest of the first crossings was not sent.")
            time.sleep(0.5)
    run("settle", count)


def _watch(pid: int, count: int, crossed: dict[str, str]) -> tuple[float, float]:
    """Wait until every crossing was tried; return the relay's memory in MB after the first and the last tenth."""
    early, ends = 0.0, time.monotonic() + _DEADLINE
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        while True:
            row = connection.execute(_TOLD, crossed).fetchone()
            told = int(row[0]) if row else 0
            if told >= count // 10 and not early:
                early = _resident(pid)
            if told >= count:
                return early, _resident(pid)
            if time.monotonic() > ends:
                raise RuntimeError(f"Only {told} of {count} crossings were tried.")
            time.sleep(0.5)


def _resident(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS:"))
