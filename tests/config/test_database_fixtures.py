"""The database fixtures themselves: role, isolation, rights."""

from __future__ import annotations

import psycopg
import pytest
from django.db import connection

from tests.servers import TestDatabase


@pytest.mark.django_db
def test_tests_connect_as_the_application_role() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user, has_schema_privilege('public', 'CREATE')")
        assert cursor.fetchone() == (connection.settings_dict["USER"], False)


def test_fresh_database_is_migrated_and_separate(fresh_database: TestDatabase) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_database(), (SELECT count(*) > 0 FROM django_migrations)")
        assert cursor.fetchone() == (fresh_database.name, True)
    with psycopg.connect(fresh_database.owner_url) as owner:
        row = owner.execute("SELECT current_database(), has_schema_privilege('public', 'CREATE')").fetchone()
    assert row == (fresh_database.name, True)
