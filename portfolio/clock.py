"""The one clock: the database's. Machines that work on the same rows need not agree on the time otherwise."""

from datetime import datetime

from django.db import connection


def now() -> datetime:
    """Return the database's time, with its zone; it goes on within a transaction.

    Whoever works by himself (tasks, the relay) goes by it: a worker whose clock is wrong by years would otherwise
    remind, escalate and close far too early, or never.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        found: datetime = cursor.fetchone()[0]
    return found
