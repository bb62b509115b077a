"""The steps of `crossings`, each in a process of its own: `python -m tests.benchmarks.crossing_steps STEP COUNT`."""

import json
import os
import sys
import time
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.db import connection, transaction  # noqa: E402

from alerts import evaluate, outbox  # noqa: E402
from alerts.models import Episode, Notification  # noqa: E402
from alerts.outbox import Mark  # noqa: E402
from portfolio import ledger  # noqa: E402
from portfolio.facts import Fact, Writing  # noqa: E402
from portfolio.models import Account, Investment  # noqa: E402
from tests.benchmarks import dataset  # noqa: E402

LEASE = 120.0


def _chosen(count: int) -> list[Investment]:
    return list(Investment.objects.select_related("portfolio").order_by("-pk")[:count])


def _restate(investments: Sequence[Investment], cost: int) -> None:
    """State the last month's cost of investments anew, in one batch."""
    account, month = Account.objects.get(code="infrastructure"), date.fromisoformat(dataset.LAST_MONTH)
    facts = [Fact(one.pk, month, account.pk, "USD", Decimal(cost)) for one in investments]
    writing = Writing(source="actuals", now=datetime.now(UTC), reason="Late invoices.")
    if facts:
        ledger.record(investments[0].portfolio, facts, writing=writing)


def settle(count: int) -> dict[str, object]:
    """Let nothing be crossed any more, judge everything, and take whatever that has to tell as told."""
    crossed = Episode.objects.filter(rule="negative_roi", closed_at=None).values("investment")
    members = Investment.objects.filter(pk__in=crossed).select_related("portfolio")
    _restate(list(members), dataset.LINES["infrastructure"])
    evaluate.advance(now=datetime.now(UTC))
    waiting = Notification.objects.filter(state__in=[*Notification.OPEN, "held"])
    return {"settled": waiting.update(state="logged", digest_at=None)}


def cross(count: int) -> dict[str, object]:
    """Record one batch that takes every chosen investment below zero; returns when that began and was committed."""
    begun = datetime.now(UTC)
    _restate(_chosen(count), 8_888_888)
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return {"begun": begun.isoformat(), "committed": cursor.fetchone()[0].isoformat()}


def bare(count: int) -> dict[str, object]:
    """Insert copies of as many notices, claim and mark them one by one, and do nothing else with them."""
    sample = Notification.objects.filter(event__isnull=False, user__isnull=False).order_by("-seq")[:count]
    rows = [
        Notification(
            id=uuid.uuid4(),
            portfolio_id=one.portfolio_id,
            channel="bare",
            address=one.address,
            thread_key=f"bare:{uuid.uuid4()}",
            message=one.message,
            next_at=one.created_at,
            created_at=one.created_at,
        )
        for one in sample
    ]
    started = time.perf_counter()
    with transaction.atomic():
        Notification.objects.bulk_create(rows)
    while claimed := outbox.claim(lease=LEASE, only=["bare"]):
        outbox.mark(claimed, Mark(state="logged", outcome="logged", rendered=claimed.message))
    return {"seconds": time.perf_counter() - started, "rows": len(rows)}


STEPS: dict[str, Callable[[int], dict[str, object]]] = {"settle": settle, "cross": cross, "bare": bare}

if __name__ == "__main__":
    print(json.dumps(STEPS[sys.argv[1]](int(sys.argv[2]))))
