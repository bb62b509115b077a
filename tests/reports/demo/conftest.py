"""The demo, loaded once for all tests that only look at it, and rolled back after them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest
from django.db import transaction
from django.utils import timezone
from pytest_django.plugin import DjangoDbBlocker

from reports import demo

# A day after a close, in the past whenever the tests run.
AT = date(2026, 6, 20)
LAST = date(2026, 5, 1)


@pytest.fixture(scope="module")
def loaded(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[datetime]:
    """Load the demo as of AT in a transaction of the module; return when it was loaded."""
    now = max(timezone.now(), datetime(2026, 7, 1, tzinfo=UTC))
    with django_db_blocker.unblock(), transaction.atomic():
        assert demo.load(now=now, at=AT)
        yield now
        transaction.set_rollback(True)
