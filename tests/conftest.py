"""Database fixtures: tests connect as the application's role, to a clone of one migrated template."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connections
from pytest_django.plugin import DjangoDbBlocker

from tests import servers

_numbers = count(1)


def pytest_configure(config: pytest.Config) -> None:
    """Serve static files from the apps, so that no test depends on what `collectstatic` left in the tree."""
    empty = Path(os.environ["HURDLE_TEST_SCRATCH"]) / "static"
    empty.mkdir(exist_ok=True)
    settings.STATIC_ROOT = empty
    settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"


def _point_default_at(name: str) -> str:
    """Reconnect the default connection to another database; return the name it had."""
    connection = connections["default"]
    connection.close()
    before = str(connection.settings_dict["NAME"])
    connection.settings_dict["NAME"] = name
    settings.DATABASES["default"]["NAME"] = name
    return before


@pytest.fixture(scope="session")
def django_db_setup(django_test_environment: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Clone the worker's database; replaces pytest-django's own, which would migrate as the application."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    with servers.cloned(worker) as database, django_db_blocker.unblock():
        before = _point_default_at(database.name)
        yield
        _point_default_at(before)


@pytest.fixture
def fresh_database(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, monkeypatch: pytest.MonkeyPatch
) -> Iterator[servers.TestDatabase]:
    """Give a test that commits (or starts processes) a database of its own.

    The default connection and the environment of child processes both point at it. Do not combine with `db`.
    """
    suffix = f"{os.environ.get('PYTEST_XDIST_WORKER', 'main')}_{next(_numbers)}"
    with servers.cloned(suffix) as database, django_db_blocker.unblock():
        monkeypatch.setenv("DATABASE_URL", database.app_url)
        monkeypatch.setenv("DATABASE_OWNER_URL", database.owner_url)
        before = _point_default_at(database.name)
        yield database
        _point_default_at(before)
