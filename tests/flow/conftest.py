"""An installation of its own for each worker of the tests: servers that may be killed, a web, both sinks."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg
import pytest
from pytest_django.plugin import DjangoDbBlocker

from config import embedded
from tests.flow import cast
from tests.flow.sinks import MailServer, SlackDouble
from tests.processes import Installation

# Leases of 2 s, first retries after 0.05 s and 3 s, an unknown end after 9 s.
TIME_SCALE = "0.01"
_numbers = count(1)
OpenStory = Callable[..., cast.Story]


@contextmanager
def house_over(
    urls: embedded.Urls, var: Path, mail: MailServer, slack: SlackDouble
) -> Iterator[Installation]:
    """Migrate a database and run the web over it for the duration of the block."""
    house = Installation(
        var,
        urls,
        environment={
            "EMAIL_URL": f"smtp://127.0.0.1:{mail.port}",
            "EMAIL_FROM": "Hurdle <hurdle@example.com>",
            "SLACK_WEBHOOK_URL": slack.webhook,
            "HURDLE_TIME_SCALE": TIME_SCALE,
        },
    )
    try:
        house.manage("migrate", "--verbosity", "0", "--skip-checks")
        house.start("web")
        yield house
    finally:
        house.kill_all()


@pytest.fixture(scope="session")
def scratch() -> Iterator[Path]:
    """Return a directory that an unprivileged PostgreSQL can pass through."""
    with tempfile.TemporaryDirectory(prefix="hurdle-flow-") as name:
        Path(name).chmod(0o711)
        yield Path(name)


@pytest.fixture(scope="session")
def mail() -> Iterator[MailServer]:
    """Run the mail server."""
    server = MailServer()
    server.open()
    yield server
    server.gate.release()
    server.close()


@pytest.fixture(scope="session")
def slack() -> Iterator[SlackDouble]:
    """Run the Slack double."""
    double = SlackDouble()
    yield double
    double.close()


@pytest.fixture(scope="session")
def ground(scratch: Path) -> Iterator[embedded.EmbeddedServers]:
    """Run servers as in production: what they acknowledged survives their being killed."""
    servers = embedded.EmbeddedServers(scratch / "servers")
    try:
        servers.start()
    except embedded.ServerError as error:
        pytest.skip(str(error))
    yield servers
    # Nobody needs these files again: no time for an orderly end.
    servers.running()["postgres"].kill()
    servers.stop()


@pytest.fixture(scope="session")
def shared_house(
    ground: embedded.EmbeddedServers, scratch: Path, mail: MailServer, slack: SlackDouble
) -> Iterator[Installation]:
    """Run the installation over the servers of its own."""
    with house_over(ground.urls, scratch, mail, slack) as house:
        yield house


@pytest.fixture
def house(shared_house: Installation, mail: MailServer, slack: SlackDouble) -> Iterator[Installation]:
    """Return the installation with only its web running; whatever a test starts or sets ends with it."""
    yield shared_house
    shared_house.kill(*[name for name in shared_house.running if name != "web"])
    mail.gate.release()
    slack.gate.release()
    mail.refusals.clear()
    slack.refusals.clear()


@pytest.fixture
def begin(
    house: Installation, mail: MailServer, slack: SlackDouble, django_db_blocker: DjangoDbBlocker
) -> Iterator[OpenStory]:
    """Return a function that opens a story in a portfolio of its own."""

    def run(*, count: int = 1) -> cast.Story:
        return cast.open_story(
            house, mail, slack, portfolio=f"CX{os.getpid()}{next(_numbers):02}", count=count
        )

    with django_db_blocker.unblock():
        yield run


@pytest.fixture
def database(ground: embedded.EmbeddedServers) -> Iterator[Callable[[str], None]]:
    """Return a function that kills or starts the database server; it runs again afterward."""

    def do(what: str) -> None:
        if what == "kill":
            postgres = ground.running()["postgres"]
            postgres.send_signal(signal.SIGKILL)
            postgres.wait()
            # What has ended by our hand is not a server that failed to start.
            ground._postgres = None
        else:
            ground._start_postgres()

    yield do
    ground._start_postgres()


@pytest.fixture
def broker(ground: embedded.EmbeddedServers) -> Iterator[Callable[[], None]]:
    """Return a function that kills the broker; it runs again, empty or not, after the test."""

    def kill() -> None:
        valkey = ground.running()["valkey"]
        valkey.send_signal(signal.SIGKILL)
        valkey.wait()

    yield kill
    if ground.running()["valkey"].poll() is not None:
        ground._start_valkey()


@contextmanager
def held(house: Installation, table: str) -> Iterator[Callable[[], bool]]:
    """Keep everybody from writing to a table; yields whether somebody waits in the middle of work."""
    waits = "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE NOT granted AND relation = %s::regclass)"
    with psycopg.connect(house.urls.owner) as connection:
        connection.execute(f"LOCK TABLE {table} IN SHARE MODE".encode())
        yield lambda: bool(house.one(waits, table))
        connection.rollback()
