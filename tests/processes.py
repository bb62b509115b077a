"""An installation as its users run it: real web, worker, beat and relay processes, to be killed at will."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings
from django.db import connections

from config import children, embedded, env, services

PATIENCE = 40.0


def free_port() -> int:
    """Return a port nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@dataclass(slots=True)
class Installation:
    """The product's processes over one database and one broker; `environment` is theirs."""

    var: Path
    urls: embedded.Urls
    port: int = field(default_factory=free_port)
    environment: dict[str, str] = field(default_factory=dict)
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.environment = (
            {name: value for name, value in os.environ.items() if name not in env.VARIABLES}
            | {
                "DATABASE_URL": self.urls.database,
                "DATABASE_OWNER_URL": self.urls.owner,
                "REDIS_URL": self.urls.redis,
                # The same as ours: a session that a test begins is good on the site.
                "SECRET_KEY": settings.SECRET_KEY,
                "ALLOWED_HOSTS": "127.0.0.1",
                "HURDLE_PUBLIC_URL": f"http://127.0.0.1:{self.port}",
                "HURDLE_DEBUG": "1",
            }
            | self.environment
        )

    def manage(self, *words: str) -> str:
        """Run a management command to its end and return what it printed; fails with its output."""
        done = subprocess.run(
            services.manage(*words),
            env=self.environment,
            cwd=services.ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, f"{words} failed:\n{done.stdout}{done.stderr}"
        return done.stdout

    def start(self, *names: str, **variables: str) -> None:
        """Start services as the product's own runner does; `relay-2` is a second relay."""
        known = {s.name: s for s in services.all_services(var=self.var, port=self.port)}
        for name in names:
            service = known[name.partition("-")[0]]
            (self.var / f"{name}.log").unlink(missing_ok=True)
            self.running[name] = children.spawn(
                service.command,
                log=self.var / f"{name}.log",
                env=self.environment | variables,
                cwd=services.ROOT,
                on_parent_death=signal.SIGKILL,
            )
            if service.name == "web":
                self.until(self._answers, "the web answers")

    def revive(self, *names: str) -> None:
        """Start services again that have ended, as whatever supervises them in production does."""
        for name in names:
            if self.running[name].poll() is not None:
                self.start(name)

    def kill(self, *names: str) -> None:
        """End services with all their children by SIGKILL: no handler runs, nothing is handed back."""
        for name in names:
            child = self.running.pop(name)
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()

    def said(self, name: str, words: str) -> bool:
        """Whether a service's log holds some words."""
        return words in (self.var / f"{name}.log").read_text(errors="replace")

    def kill_all(self) -> None:
        """End whatever runs."""
        self.kill(*self.running)

    def until(self, condition: Callable[[], object], what: str, *, seconds: float = PATIENCE) -> None:
        """Wait until a condition holds; fail with the processes' last words when it never does."""
        ends = time.monotonic() + seconds
        while not condition():
            for name, child in self.running.items():
                assert child.poll() is None, f"{name} ended while waiting until {what}:\n{self._log(name)}"
            assert time.monotonic() < ends, f"It never happened that {what}.\n{self._logs()}"
            time.sleep(0.02)

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Return what the database holds, over a connection of its own."""
        with psycopg.connect(self.urls.database) as connection:
            return connection.execute(query.encode(), values).fetchall()

    def one(self, query: str, *values: object) -> Any:
        """Return the single value of a query."""
        ((value,),) = self.rows(query, *values)
        return value

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def _log(self, name: str) -> str:
        return children.tail(self.var / f"{name}.log", lines=25)

    def _logs(self) -> str:
        return "\n".join(f"--- {name}\n{self._log(name)}" for name in self.running)


@dataclass(frozen=True, slots=True)
class Api:
    """A person's scripts: the REST API over HTTP, by token."""

    address: str
    token: str = field(repr=False)

    def post(self, path: str, body: Mapping[str, object] | None = None) -> dict[str, Any]:
        """Post JSON; return the answer. Fails with the problem for a refusal."""
        return self._send(path, json.dumps(body or {}).encode(), "application/json")

    def upload(self, path: str, *, name: str, content: bytes) -> dict[str, Any]:
        """Post a file as a browser's form does."""
        boundary = uuid.uuid4().hex
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
        body = f"{head}Content-Type: text/csv\r\n\r\n".encode() + content + f"\r\n--{boundary}--\r\n".encode()
        return self._send(path, body, f"multipart/form-data; boundary={boundary}")

    def _send(self, path: str, body: bytes, content_type: str) -> dict[str, Any]:
        headers = {
            "Authorization": f"Bearer {self.token}",
            "Content-Type": content_type,
            "Idempotency-Key": uuid.uuid4().hex,
        }
        request = urllib.request.Request(f"{self.address}/api/v1/{path}", data=body, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return dict(json.load(answer))
        except urllib.error.HTTPError as error:
            with error:
                raise AssertionError(f"{path} answered {error.code}: {error.read().decode()}") from error


@contextmanager
def pointed_at(url: str) -> Iterator[None]:
    """Let this process's own Django talk to an installation's database for the duration of the block."""
    connection = connections["default"]
    connection.close()
    before = {key: connection.settings_dict[key] for key in ("NAME", "USER", "PASSWORD", "HOST", "PORT")}
    there = env.database_dict(url)
    try:
        for database in (connection.settings_dict, settings.DATABASES["default"]):
            database.update({key: there[key] for key in before})
        yield
    finally:
        connection.close()
        for database in (connection.settings_dict, settings.DATABASES["default"]):
            database.update(before)


def run_python(*words: str, environment: Mapping[str, str], cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run this interpreter to its end and return what came of it."""
    command: Sequence[str] = (sys.executable, *words)
    return subprocess.run(
        command, env=dict(environment), cwd=cwd, capture_output=True, text=True, check=False, timeout=120
    )
