"""Everything a run needs, started once: servers that may be killed, sinks, proxies, and the product's processes."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg

from config import children, embedded_files, services
from config.embedded import EmbeddedServers
from tests.faults.journal import Journal, Snares
from tests.faults.sinks import MailSink, Manners, WebSink

# Every time of the product, this many times shorter: leases 2.4 s, first retries 0.1, 6 and 36 s, an unknown end 18 s.
TIME_SCALE = 0.02
SINKS = ("mail", "slack", "webhook")
START_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Process:
    """One of the product's processes."""

    name: str
    kind: str
    pid: int

    @property
    def state(self) -> str:
        """The kernel's letter for what it does; empty when it is gone."""
        try:
            return Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return ""

    @property
    def is_alive(self) -> bool:
        """Whether it still runs, or is stopped."""
        return self.state not in ("", "Z", "X")

    def kill(self) -> None:
        """End it with everything it started, by SIGKILL."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        until(lambda: not self.is_alive, "a killed process is gone", seconds=5)


def until(is_so: Callable[[], object], what: str, *, seconds: float) -> None:
    """Return once something holds; raises AssertionError when it does not come to hold."""
    ends = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < ends, f"It never happened that {what}."
        time.sleep(0.01)


@dataclass(slots=True)
class Stack:
    """A whole installation below `folder`; `without` names guards that are taken out."""

    folder: Path
    without: frozenset[str] = frozenset()
    scale: float = TIME_SCALE
    schema: Path | None = None
    servers: EmbeddedServers = field(init=False)
    journal: Journal = field(init=False)
    snares: Snares = field(init=False)
    manners: dict[str, Manners] = field(init=False, default_factory=dict)
    running: dict[str, Process] = field(init=False, default_factory=dict)
    environment: dict[str, str] = field(init=False, default_factory=dict)
    _nursery: subprocess.Popen[str] | None = field(init=False, default=None)
    _proxy: subprocess.Popen[str] | None = field(init=False, default=None)
    _sinks: list[Any] = field(init=False, default_factory=list)

    def start(self) -> None:
        """Start servers, sinks and proxies, and migrate; `environment` is complete then."""
        self.folder.chmod(0o711)
        for name in ("snares", "log", "pg-product", "pg-driver"):
            (self.folder / name).mkdir()
        self.journal = Journal(self.folder / "journal.jsonl")
        self.snares = Snares(self.folder / "snares")
        self.servers = EmbeddedServers(self.folder / "servers")
        self.servers.start()
        self.manners = {name: Manners(name, self.journal) for name in SINKS}
        mail = MailSink(self.manners["mail"])
        slack, webhook = (WebSink(self.manners[name]) for name in ("slack", "webhook"))
        self._sinks = [mail, slack, webhook]
        self.environment = self._environment(mail.port, slack.port, webhook.port)
        self._start_proxy()
        self._migrate()

    @property
    def webhook_url(self) -> str:
        """The address of the webhook's receiver."""
        return f"http://127.0.0.1:{self._sinks[2].port}/hook"

    def _environment(self, mail: int, slack: int, webhook: int) -> dict[str, str]:
        urls = self.servers.urls
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        return kept | {
            "DATABASE_URL": self.database_url("product"),
            "DATABASE_OWNER_URL": urls.owner,
            "REDIS_URL": urls.redis,
            "SECRET_KEY": secrets.token_hex(32),
            "ALLOWED_HOSTS": "testserver,localhost",
            "HURDLE_PUBLIC_URL": "http://testserver",
            "HURDLE_DEBUG": "1",
            "EMAIL_URL": f"smtp://127.0.0.1:{mail}",
            "EMAIL_FROM": "Hurdle <hurdle@example.com>",
            "SLACK_BOT_TOKEN": "xoxb-faults",
            "SLACK_CHANNEL": "#portfolio",
            "SLACK_API_URL": f"http://127.0.0.1:{slack}/api/",
            "HURDLE_OUTGOING_ALLOWED": f"http://127.0.0.1:{webhook}",
            "HURDLE_TIME_SCALE": str(self.scale),
            "DJANGO_SETTINGS_MODULE": "config.settings",
        }

    def database_url(self, way: str) -> str:
        """Return the application's address by one of the two ways through the proxy, `product` or `driver`."""
        place = quote(str(self.folder / f"pg-{way}"), safe="/")
        return f"postgresql:///hurdle?host={place}&port=5432&user=hurdle_app&connect_timeout=3"

    def _start_proxy(self) -> None:
        places = [f"{way}={self.folder / f'pg-{way}'}" for way in ("product", "driver")]
        upstream = str(self.servers.sockets / ".s.PGSQL.5432")
        self._proxy = self._spawn("tests.faults.proxy", str(self.snares.folder), upstream, *places)
        assert self._proxy.stdout is not None
        assert self._proxy.stdout.readline() == "ready\n"

    def _spawn(self, module: str, *words: str) -> subprocess.Popen[str]:
        with (self.folder / "log" / f"{module.rpartition('.')[2]}.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", module, *words],
                cwd=services.ROOT,
                env=self.environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                preexec_fn=children._tie(signal.SIGKILL),
            )

    def _migrate(self) -> None:
        """Build the tables, or restore a dump of them: migrating takes longer than a short run."""
        binaries = embedded_files.postgres_binaries(self.servers.home, identity=self.servers._identity)
        at = ["-h", str(self.servers.sockets), "-p", "5432", "-U", "postgres", "-d", "hurdle"]
        restore = (str(binaries / "psql"), *at, "-q", "-v", "ON_ERROR_STOP=1", "-f", str(self.schema))
        done = subprocess.run(
            restore if self.schema else services.manage("migrate", "--verbosity", "0", "--skip-checks"),
            cwd=services.ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr

    def drop_unique_keys(self, keys: Mapping[str, Iterable[str]]) -> None:
        """Let rows be written twice."""
        with self.superuser() as server:
            for table, names in keys.items():
                for name in names:
                    server.execute(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name}".encode())
                    server.execute(f"DROP INDEX IF EXISTS {name}".encode())

    def open_nursery(self) -> None:
        """Get ready to start processes."""
        self._nursery = self._spawn("tests.faults.nursery", str(self.folder), ",".join(sorted(self.without)))

    def launch(self, name: str) -> Process:
        """Start a process; `relay-2` is a second relay."""
        nursery, kind = self._nursery, name.partition("-")[0]
        assert nursery is not None
        assert nursery.stdin is not None
        assert nursery.stdout is not None
        order = {"kind": kind, "log": str(self.folder / "log" / f"{name}.log")}
        print(json.dumps(order), file=nursery.stdin, flush=True)
        made = Process(name, kind, int(nursery.stdout.readline()))
        self.running[name] = made
        return made

    def revive(self) -> int:
        """Start again whatever has died, as a supervisor does; returns how many had."""
        dead = [process for process in self.running.values() if not process.is_alive]
        for process in dead:
            # Of a worker that died, its children may live on.
            process.kill()
            self.launch(process.name)
        return len(dead)

    def end(self, name: str) -> None:
        """End a process for good."""
        self.running.pop(name).kill()

    def superuser(self) -> psycopg.Connection:
        """Connect past the proxy, as whom no limit and no lock of the product's binds."""
        return psycopg.connect(
            host=str(self.servers.sockets), port=5432, user="postgres", dbname="hurdle", autocommit=True
        )

    def owner(self) -> psycopg.Connection:
        """Connect as the owner of the tables."""
        return psycopg.connect(self.servers.urls.owner, autocommit=True)

    def rows(self, query: str, parameters: Mapping[str, object] | None = None) -> list[tuple[Any, ...]]:
        """Return what the database holds."""
        with self.superuser() as connection:
            return connection.execute(query.encode(), parameters).fetchall()

    def kill_postgres(self) -> None:
        """End the database server with all its processes, by SIGKILL."""
        postgres = self.servers.running()["postgres"]
        os.killpg(postgres.pid, signal.SIGKILL)
        postgres.wait()
        # What has ended by our hand is not a server that failed to start.
        self.servers._postgres = None

    def start_postgres(self) -> None:
        """Start the database server again."""
        self.servers._start_postgres()

    def kill_valkey(self) -> None:
        """End the broker by SIGKILL."""
        valkey = self.servers.running()["valkey"]
        valkey.kill()
        valkey.wait()

    def start_valkey(self) -> None:
        """Start the broker again."""
        self.servers._start_valkey()

    def stop(self) -> None:
        """End everything."""
        for name in list(self.running):
            self.end(name)
        for child in (self._nursery, self._proxy):
            if child is not None:
                child.kill()
                child.communicate()
        for sink in self._sinks:
            sink.shutdown()
            sink.server_close()
        self.servers.running()["postgres"].kill() if "postgres" in self.servers.running() else None
        self.servers.stop()
