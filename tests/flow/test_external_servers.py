"""The main job on servers the product did not start: PostgreSQL 15 or newer and Redis 7 or Valkey.

Taken from HURDLE_STORY_POSTGRES (a superuser's address) and HURDLE_STORY_REDIS, by default from the usual
ports of this machine. What the test makes there (a database, two roles, keys in Redis) it removes.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
import redis
from pytest_django.plugin import DjangoDbBlocker

from config import embedded
from tests.flow import cast
from tests.flow.conftest import house_over
from tests.flow.sinks import MailServer, SlackDouble
from tests.flow.test_main_job import tell_once_and_never_again

pytestmark = pytest.mark.processes

POSTGRES = os.environ.get("HURDLE_STORY_POSTGRES", "postgresql://postgres@127.0.0.1:5432/postgres")
REDIS = os.environ.get("HURDLE_STORY_REDIS", "redis://127.0.0.1:6379/9")
OLDEST_POSTGRES, OLDEST_REDIS = 150000, 7
# What an earlier run of ours that was killed may have left behind.
OUR_KEYS = (b"_kombu", b"unacked", b"evaluate", b"report", b"ring")


@pytest.fixture
def external_redis() -> Iterator[str]:
    """Return the address of an external broker whose numbered database nobody else uses."""
    with redis.Redis.from_url(REDIS, socket_connect_timeout=2) as broker:
        try:
            version = str(broker.info("server")["redis_version"])
        except redis.RedisError as error:
            pytest.skip(f"No external Redis: {error}")
        if int(version.split(".")[0]) < OLDEST_REDIS:
            pytest.skip(f"{REDIS} runs version {version}; {OLDEST_REDIS} is needed.")
        if not all(key.startswith(OUR_KEYS) for key in broker.scan_iter()):
            pytest.skip(f"{REDIS} holds keys of somebody else; name an empty one in HURDLE_STORY_REDIS.")
        broker.flushdb()
        yield REDIS
        broker.flushdb()


@pytest.fixture
def external_postgres() -> Iterator[tuple[str, str]]:
    """Make a database and both roles on an external server; return the app's and the owner's address."""
    name = f"hurdle_story_{secrets.token_hex(4)}"
    try:
        superuser = psycopg.connect(POSTGRES, autocommit=True, connect_timeout=2)
    except psycopg.OperationalError as error:
        pytest.skip(f"No external PostgreSQL: {error}")
    with superuser:
        if superuser.info.server_version < OLDEST_POSTGRES:
            pytest.skip(f"PostgreSQL {superuser.info.server_version} is too old; 15 is needed.")
        password = secrets.token_hex(16)
        try:
            for role in ("owner", "app"):
                superuser.execute(
                    f"CREATE ROLE {name}_{role} LOGIN NOSUPERUSER NOCREATEDB PASSWORD '{password}'".encode()
                )
            superuser.execute(
                f"CREATE DATABASE {name} OWNER {name}_owner ENCODING 'UTF8' TEMPLATE template0".encode()
            )
            at = f"{urlsplit(POSTGRES).hostname}:{urlsplit(POSTGRES).port or 5432}/{name}"
            yield tuple(f"postgresql://{name}_{role}:{password}@{at}" for role in ("app", "owner"))  # type: ignore[misc]
        finally:
            superuser.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)".encode())
            for role in ("owner", "app"):
                superuser.execute(f"DROP ROLE IF EXISTS {name}_{role}".encode())


def test_the_main_job_runs_on_external_servers(
    external_postgres: tuple[str, str],
    external_redis: str,
    tmp_path: Path,
    mail: MailServer,
    slack: SlackDouble,
    django_db_blocker: DjangoDbBlocker,
) -> None:
    app, owner = external_postgres
    urls = embedded.Urls(database=app, owner=owner, redis=external_redis)
    with house_over(urls, tmp_path, mail, slack) as house, django_db_blocker.unblock():
        story = cast.open_story(house, mail, slack, portfolio=f"EXT{os.getpid()}")
        house.start("worker", "relay")
        tell_once_and_never_again(story)
