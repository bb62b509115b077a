"""The trials of `latency`: restate one closed month so that the negative-ROI rule fires, wait for what comes of it.

`python -m tests.benchmarks.trials row COUNT` waits for the row in the outbox, `attempt` for the first try to send it.
"""

import json
import os
import sys
import time
from datetime import UTC, date, datetime
from decimal import Decimal

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

import psycopg  # noqa: E402

from alerts import evaluate  # noqa: E402
from portfolio import ledger  # noqa: E402
from portfolio.facts import Fact, Writing  # noqa: E402
from portfolio.models import Account, Investment  # noqa: E402
from tests.benchmarks import dataset  # noqa: E402

_PATIENCE = 30.0
_WARM_UP = 5
_FOUND = """
    SELECT 1 FROM alerts_notification n JOIN alerts_event e ON e.id = n.event_id
    JOIN alerts_episode p ON p.id = e.episode_id
    WHERE p.investment_id = %s AND p.rule = 'negative_roi' AND n.attempts >= %s
"""
# By what is waited for: how many attempts that takes, how often it is looked for (seconds), and on which investments.
_KINDS = {"row": (0, 0.5, 0), "attempt": (1, 0.005, 1000)}


def run(kind: str, count: int) -> list[float]:
    """Return the seconds of each trial, the first ones (imports, caches) left out."""
    first = _KINDS[kind][2]
    members = Investment.objects.select_related("portfolio").order_by("pk")
    investments = list(members[first : first + count + _WARM_UP])
    evaluate.advance(ids=[i.pk for i in investments], now=datetime.now(UTC))
    account = Account.objects.get(code="infrastructure")
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as watcher:
        watcher.execute("LISTEN hurdle_outbox")
        seconds = [_trial(kind, investment, account, watcher) for investment in investments]
    return seconds[_WARM_UP:]


def _trial(kind: str, investment: Investment, account: Account, watcher: psycopg.Connection) -> float:
    attempts, pause, _ = _KINDS[kind]
    fact = Fact(investment.pk, date.fromisoformat(dataset.LAST_MONTH), account.pk, "USD", Decimal(9_999_999))
    writing = Writing(source="actuals", now=datetime.now(UTC), reason="Late invoice.")
    ledger.record(investment.portfolio, [fact], writing=writing)
    committed = time.perf_counter()
    while time.perf_counter() - committed < _PATIENCE:
        for _ in watcher.notifies(timeout=pause, stop_after=1):
            pass
        row = watcher.execute(_FOUND, [investment.pk, attempts]).fetchone()
        if row:
            return time.perf_counter() - committed
    raise RuntimeError(f"No episode of {investment.code} reached the outbox.")


if __name__ == "__main__":
    print(json.dumps(run(sys.argv[1], int(sys.argv[2]))))
