"""One measured job in a process of its own: `python -m tests.benchmarks.job NAME [ARGUMENTS]` prints one JSON line."""

import json
import os
import resource
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()


def floor() -> dict[str, float]:
    """Run the same aggregation and COPY it out, then write the same columns by COPY: no product code in between.

    What is written was taken from the snapshot table before the clock starts.
    """
    from django.db import connection

    from portfolio import assumptions
    from portfolio.models import Investment
    from portfolio.terms import Book
    from roi import snapshots, sums

    chunks = []
    ids = list(Investment.objects.order_by("pk").values_list("pk", flat=True))
    with connection.cursor() as cursor:
        for start in range(0, len(ids), snapshots.CHUNK):
            members = list(
                Investment.objects.filter(pk__in=ids[start : start + snapshots.CHUNK]).select_related(
                    "portfolio"
                )
            )
            query, parameters = sums.aggregation(members, assumptions.rates_of(members), book=Book.ACTUAL)
            rows = f"SELECT {_copied()} FROM roi_snapshot WHERE investment_id = ANY(%s)"
            with cursor.copy(f"COPY ({rows}) TO STDOUT (FORMAT binary)", [[m.pk for m in members]]) as copy:
                chunks.append((query, parameters, b"".join(copy)))
        started = time.perf_counter()
        for query, parameters, payload in chunks:
            cursor.execute("BEGIN")
            with cursor.copy(f"COPY ({query}) TO STDOUT (FORMAT binary)", parameters) as copy:
                for _ in copy:
                    pass
            with cursor.copy(f"COPY floor_snapshot ({_copied()}) FROM STDIN (FORMAT binary)") as copy:
                copy.write(payload)
            cursor.execute("COMMIT")
    return {"seconds": time.perf_counter() - started}


def _copied() -> str:
    from roi.models import Snapshot

    return ", ".join(f'"{f.column}"' for f in Snapshot._meta.concrete_fields if not f.primary_key)


def full() -> dict[str, float]:
    """Recompute everything that is stale."""
    from roi import snapshots

    started = time.perf_counter()
    done = snapshots.recompute(now=datetime.now(UTC))
    return {"seconds": time.perf_counter() - started, "investments": done.computed}


def orm() -> dict[str, float]:
    """Compute a sample of investments one by one with the ORM, as a plain Django program would."""
    from tests.benchmarks import orm_loop

    return orm_loop.run(int(sys.argv[2]))


def forget() -> dict[str, float]:
    """Make everything stale and nothing stored, as the owner."""
    import psycopg

    with psycopg.connect(os.environ["DATABASE_OWNER_URL"], autocommit=True) as connection:
        connection.execute("TRUNCATE roi_snapshot, roi_snapshothead")
        connection.execute("DROP TABLE IF EXISTS floor_snapshot")
        connection.execute("CREATE TABLE floor_snapshot (LIKE roi_snapshot INCLUDING ALL)")
        connection.execute("GRANT ALL ON floor_snapshot TO hurdle_app")
    return {}


JOBS: dict[str, Callable[[], dict[str, float]]] = {"floor": floor, "full": full, "orm": orm, "forget": forget}

if __name__ == "__main__":
    answer = JOBS[sys.argv[1]]()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(answer | {"peak_mb": peak}))
