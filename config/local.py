"""The one-command runner: servers, migrations, demo data, web, worker, beat and relay on one machine.

`python -m config.local demo` (or `make demo`). Every process it starts ends with it, however it ends.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from config import children, demo_state, embedded, preflight
from config.services import ROOT, Service, all_services, manage

READY_SECONDS = 60.0
STOP_SECONDS = 5.0
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class RunnerError(Exception):
    """The runner has to give up; the message says what happened."""


class Stopped(BaseException):
    """Someone asked the runner to stop."""


@dataclass(slots=True)
class Runner:
    """Everything one `make demo` started, in the order it was started."""

    var: Path
    port: int
    follow: int = 0
    environment: dict[str, str] = field(default_factory=dict)
    servers: embedded.EmbeddedServers | None = None
    _leash: subprocess.Popen[bytes] | None = None
    _running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def run(self) -> None:
        """Start everything, say where it is, and stay until asked to stop or until a part ends."""
        try:
            self._start()
            self._watch()
        finally:
            for number in STOP_SIGNALS:
                signal.signal(number, signal.SIG_IGN)
            self._stop()

    def _start(self) -> None:
        self._leash = subprocess.Popen(
            [sys.executable, "-I", str(Path(__file__).with_name("leash.py"))],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        (self.var / "log").mkdir(exist_ok=True)
        if not preflight.has_external_servers(os.environ):
            self.servers = embedded.EmbeddedServers(self.var)
            with _progress("PostgreSQL and Valkey"):
                self.servers.start()
            for name, child in self.servers.running().items():
                self._hold(child.pid, signal.SIGINT if name == "postgres" else signal.SIGTERM)
        self.environment = demo_state.environment(
            self.var, port=self.port, urls=self.servers.urls if self.servers else None
        )
        logins = self._prepare()
        with _progress("Web, worker, beat and relay"):
            for service in all_services(var=self.var, port=self.port):
                self._launch(service)
            self._wait_until_ready()
        print(f"\nHurdle answers at http://127.0.0.1:{self.port}/")
        print(logins or "Demo logins: run `manage.py load_demo` to see them again.")
        print("Ctrl-C stops everything; the data stay in ./var.", flush=True)

    def _prepare(self) -> str:
        """Migrate, load the demo and build static files where that is due; return the demo logins."""
        state = demo_state.State.read(self.var, servers=self.servers)
        if state.migrations != demo_state.migrations_fingerprint() or self.servers is None:
            self._step("Migrations", manage("migrate", "--verbosity", "0"))
            state.migrations = demo_state.migrations_fingerprint()
            state.write()
        if not state.logins or self.servers is None:
            state.logins = self._step("Demo portfolio", manage("load_demo"))
            state.write()
        if state.static != demo_state.static_fingerprint() or not (ROOT / "staticfiles").is_dir():
            if demo_state.has_command("build_static"):
                self._step("Charts and fonts", manage("build_static"))
            self._step("Static files", manage("collectstatic", "--noinput", "--verbosity", "0"))
            state.static = demo_state.static_fingerprint()
            state.write()
        return state.logins

    def _step(self, title: str, command: Sequence[str]) -> str:
        """Run one command to its end; return what it printed, or raise RunnerError with its last lines."""
        log = self.var / "log" / f"{title.lower().replace(' ', '-')}.log"
        log.unlink(missing_ok=True)
        with _progress(title):
            child = children.spawn(
                command, log=log, env=self.environment, cwd=ROOT, on_parent_death=signal.SIGKILL
            )
            self._hold(child.pid, signal.SIGKILL)
            self._running[title] = child
            code = child.wait()
            self._hold(child.pid, 0)
            del self._running[title]
        if code:
            raise RunnerError(f"{title} failed. The end of {log}:\n{children.tail(log)}")
        return log.read_text(errors="replace").strip()

    def _launch(self, service: Service) -> None:
        log = self.var / "log" / f"{service.name}.log"
        child = children.spawn(
            service.command,
            log=log,
            env=self.environment,
            cwd=ROOT,
            on_parent_death=service.on_parent_death,
        )
        self._hold(child.pid, service.on_parent_death)
        self._running[service.name] = child

    def _hold(self, group: int, number: int) -> None:
        """Tell the leash about a process group (0: it has ended), for the case of `kill -9`."""
        if self._leash is not None and self._leash.stdin is not None:
            self._leash.stdin.write(f"{group} {int(number)}\n".encode())
            self._leash.stdin.flush()

    def _wait_until_ready(self) -> None:
        address = f"http://127.0.0.1:{self.port}/readyz"
        if not children.wait_until(lambda: self._answers(address), seconds=READY_SECONDS, pause=0.1):
            log = self.var / "log" / "web.log"
            raise RunnerError(f"{address} did not answer. The end of {log}:\n{children.tail(log)}")

    def _answers(self, address: str) -> bool:
        self._check_alive()
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:
                return bool(answer.status == 200)
        except urllib.error.HTTPError as error:
            error.close()
            return False
        except OSError:
            return False

    def _watch(self) -> None:
        while True:
            self._check_alive()
            if self.follow and os.getppid() != self.follow:
                raise Stopped
            time.sleep(0.2)

    def _check_alive(self) -> None:
        servers = self.servers.running() if self.servers else {}
        for name, child in (servers | self._running).items():
            if child.poll() is not None:
                log = self.var / "log" / f"{name}.log"
                raise RunnerError(
                    f"{name} ended (code {child.returncode}), so everything stops. "
                    f"The end of {log}:\n{children.tail(log)}"
                )

    def _stop(self) -> None:
        """Ask the product's processes to end together, then the servers beneath them."""
        for child in self._running.values():
            with suppress(ProcessLookupError):
                child.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        for child in self._running.values():
            patience = max(0.0, deadline - time.monotonic())
            children.stop(child, with_signal=signal.SIGTERM, patience=patience)
        if self.servers is not None:
            self.servers.stop()
        if self._leash is not None and self._leash.stdin is not None:
            with suppress(BrokenPipeError):
                self._leash.stdin.write(b"done\n")
                self._leash.stdin.close()
            self._leash.wait(5)


@contextmanager
def _progress(title: str) -> Iterator[None]:
    started = time.monotonic()
    print(f"  {title} …", end="", flush=True)
    try:
        yield
    except BaseException:
        print(" stopped")
        raise
    print(f" {time.monotonic() - started:.1f} s", flush=True)


def _ask_to_stop(number: int, frame: FrameType | None) -> None:
    raise Stopped


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m config.local")
    parser.add_argument("what", choices=["demo"])
    parser.add_argument("--var", type=Path, default=ROOT / "var", help="data directory")
    parser.add_argument("--follow-parent", action="store_true", help="stop when the parent process is gone")
    options = parser.parse_args(arguments)
    for number in STOP_SIGNALS:
        signal.signal(number, _ask_to_stop)
    follow = os.getppid() if options.follow_parent else 0
    try:
        port = preflight.read_port(os.environ)
        preflight.check(options.var, port=port, source=os.environ)
        with preflight.lock(options.var):
            Runner(options.var.resolve(), port, follow).run()
    except Stopped:
        print("\nStopped.", flush=True)
        return 0
    except (preflight.PreflightError, embedded.ServerError, RunnerError) as error:
        print(f"\n{error}", file=sys.stderr, flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
