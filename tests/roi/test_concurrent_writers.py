"""Writers at once: as-of answers stay, and only the lock makes commit order the order of knowing."""

from __future__ import annotations

import threading

import pytest
from django.db import connection, transaction

from portfolio import integrity, knowledge, ledger
from portfolio.facts import Writing
from portfolio.models import Batch, Entry, Investment, Portfolio
from tests import factories
from tests.factories import START, fact, now, record
from tests.servers import TestDatabase


def _write_at_once(portfolio: Portfolio, made: list[Investment], *, rounds: int) -> list[BaseException]:
    """Record from four threads, and ask an as-of question after every batch."""
    failures: list[BaseException] = []
    barrier = threading.Barrier(len(made))

    def work(investment: Investment) -> None:
        try:
            barrier.wait(20)
            for number in range(rounds):
                record(portfolio, fact(investment, START, "model_api", number))
        except BaseException as error:
            failures.append(error)
        finally:
            connection.close()

    workers = [threading.Thread(target=work, args=(investment,)) for investment in made]
    for worker in workers:
        worker.start()
    seen = _watch(portfolio, workers)
    for batch_id, count in seen.items():
        if Batch.objects.filter(portfolio=portfolio, pk__lte=batch_id).count() != count:
            failures.append(AssertionError(f"A batch at or below {batch_id} appeared after it was seen."))
    return failures


def _watch(portfolio: Portfolio, workers: list[threading.Thread]) -> dict[int, int]:
    """Return how many batches stood at or below the newest one, each time somebody looked."""
    seen: dict[int, int] = {}
    while any(worker.is_alive() for worker in workers):
        keys = list(Batch.objects.filter(portfolio=portfolio).order_by("-pk").values_list("pk", flat=True))
        seen[keys[0]] = len(keys)
    return seen


def test_as_of_answers_stay_with_writers_at_work(fresh_database: TestDatabase) -> None:
    portfolio = factories.make_portfolio()
    made = [factories.make_investment(portfolio) for _ in range(4)]
    assert _write_at_once(portfolio, made, rounds=12) == []
    assert Entry.objects.count() == 4 * 12
    assert integrity.differing_cells() == integrity.broken_links() == []
    times = list(
        Batch.objects.filter(portfolio=portfolio).order_by("pk").values_list("recorded_at", flat=True)
    )
    assert times == sorted(times)


@pytest.mark.parametrize("is_locked", [True, False])
def test_only_the_lock_makes_commit_order_the_order_of_knowing(
    fresh_database: TestDatabase, monkeypatch: pytest.MonkeyPatch, is_locked: bool
) -> None:
    """A slow writer draws its time first and commits last: without the lock a faster one overtakes it."""
    portfolio = factories.make_portfolio()
    slow, fast = (factories.make_investment(portfolio) for _ in range(2))
    newest = Batch.objects.order_by("-pk")[0].pk
    if not is_locked:
        monkeypatch.setattr(knowledge, "lock_portfolio", lambda portfolio_id, *, shared=False: None)
    drawn, may_commit, overtaken = threading.Event(), threading.Event(), []

    def write_slowly() -> None:
        with transaction.atomic():
            writing = Writing(source="actuals", now=now())
            ledger.record(portfolio, [fact(slow, START, "model_api", 1)], writing=writing)
            drawn.set()
            may_commit.wait(20)
        connection.close()

    def write_fast() -> None:
        record(portfolio, fact(fast, START, "model_api", 2))
        overtaken.append(not may_commit.is_set())
        connection.close()

    first, second = threading.Thread(target=write_slowly), threading.Thread(target=write_fast)
    first.start()
    assert drawn.wait(20)
    second.start()
    second.join(20 if not is_locked else 0.5)
    seen = Batch.objects.filter(pk__gt=newest).count()
    may_commit.set()
    first.join(20)
    second.join(20)
    assert overtaken == [not is_locked]
    assert seen == (0 if is_locked else 1)
    assert Batch.objects.filter(pk__gt=newest).count() == 2
