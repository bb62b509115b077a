"""The local runner's hold on its processes, with small stand-ins for web and worker."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.servers import ROOT

pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(sys.platform != "linux", reason="the embedded servers run on Linux only"),
]
# The worker's child ignores every polite signal, as a stuck pool process would.
DRIVER = """
import signal, sys
from config import local
from config.services import Service
WEB = "import http.server as h; " \\
    "get = lambda s: (s.send_response(200), s.end_headers()); " \\
    "R = type('R', (h.BaseHTTPRequestHandler,), {{'do_GET': get}}); " \\
    "h.HTTPServer(('127.0.0.1', {port}), R).serve_forever()"
WORKER = "import os, signal, time; child = os.fork(); " \\
    "[signal.signal(n, signal.SIG_IGN) for n in (signal.SIGTERM, signal.SIGINT) if not child]; " \\
    "time.sleep({life})"
local.all_services = lambda *, var, port: (
    Service("web", (sys.executable, "-c", WEB)),
    Service("worker", (sys.executable, "-c", WORKER), signal.SIGKILL),
)
local.Runner._prepare = lambda self: "logins"
sys.exit(local.main(["demo", "--var", {var!r}, *{more!r}]))
"""
Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(open_directory: Path) -> Iterator[Start]:
    """Start a runner and read on until it says where it answers."""
    begun: list[subprocess.Popen[str]] = []

    def start(*, life: int = 600, more: tuple[str, ...] = ()) -> subprocess.Popen[str]:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        code = DRIVER.format(port=port, life=life, var=str(open_directory / "var"), more=list(more))
        unset = {"DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL"}
        environment = {k: v for k, v in os.environ.items() if k not in unset} | {"PORT": str(port)}
        process = subprocess.Popen(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        begun.append(process)
        assert process.stdout is not None
        for line in process.stdout:
            if "Ctrl-C stops" in line:
                return process
        raise AssertionError("the runner ended before it was ready")

    yield start
    for process in begun:
        process.kill()
        process.communicate()


def descendants(root: int) -> set[int]:
    parents: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parents[int(stat.parent.name)] = int(stat.read_text().rsplit(")", 1)[1].split()[1])
    found = {root}
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {root}


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def assert_all_gone(pids: set[int], *, seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    left = pids
    while left and time.monotonic() < deadline:
        left = {pid for pid in left if alive(pid)}
        os.sched_yield()
    assert not left


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_nothing_remains(start: Start, number: signal.Signals) -> None:
    runner = start()
    pids = descendants(runner.pid)
    assert len(pids) >= 6  # the leash, web, worker and its child, PostgreSQL and its children, Valkey
    begun = time.monotonic()
    runner.send_signal(number)
    code = runner.wait(15)
    assert_all_gone(pids, seconds=10.0 - (time.monotonic() - begun))
    assert code == (-signal.SIGKILL if number == signal.SIGKILL else 0)


def test_one_part_ends_and_everything_stops_with_a_sentence(start: Start) -> None:
    runner = start(life=3)
    pids = descendants(runner.pid)
    output, _ = runner.communicate(timeout=20)
    assert runner.returncode == 1
    assert "worker ended (code 0), so everything stops." in output
    assert_all_gone(pids)


def test_a_killed_leash_does_not_free_the_processes(start: Start) -> None:
    """The kernel's death signal is the first hold: direct children end even without the leash."""
    runner = start()
    leash = next(p for p in descendants(runner.pid) if b"leash.py" in Path(f"/proc/{p}/cmdline").read_bytes())
    pids = {p for p in descendants(runner.pid) if runner.pid == _parent(p)} - {leash}
    os.kill(leash, signal.SIGKILL)
    runner.kill()
    runner.wait()
    assert_all_gone(pids)


def test_starts_again_after_kill_9(start: Start) -> None:
    runner = start()
    pids = descendants(runner.pid)
    runner.kill()
    runner.wait()
    assert_all_gone(pids)
    again = start()
    again.terminate()
    assert again.wait(15) == 0


def _parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
