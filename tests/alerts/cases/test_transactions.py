"""Episode, event and delivery are one transaction, and written once: cases 32 and 33.

Taken out once, and a test here failed: the transaction around an evaluation, `ignore_conflicts` of events and of
notifications.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from alerts import evaluate, policies
from alerts.models import AlertState, Episode, EvaluationHead, EvaluationPoint, Event, Notification
from alerts.results import Results
from roi import snapshots
from tests import factories
from tests.alerts.histories import LOSING, live
from tests.factories import close, now, record, running
from tests.servers import TestDatabase

WRITTEN = (EvaluationPoint, Episode, Event, AlertState, Notification)


def counts() -> tuple[int, ...]:
    return tuple(model._default_manager.count() for model in WRITTEN)


def killed_at(number: int) -> bool:
    """Judge in a process that is killed as it sends its statement of this number; return whether it lived."""
    connection.close()
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        assert not os.WIFEXITED(status) or os.WEXITSTATUS(status) == 0, "the child failed on its own"
        return os.WIFEXITED(status)
    sent = 0

    def kill(execute: Callable[..., Any], *arguments: Any) -> Any:
        nonlocal sent
        sent += 1
        if sent == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return execute(*arguments)

    code = 1
    try:
        with connection.execute_wrapper(kill):
            evaluate.evaluate(now=now())
        connection.close()
        code = 0
    finally:
        os._exit(code)


@pytest.mark.processes
def test_case_32_a_kill_at_any_statement_leaves_all_or_nothing(fresh_database: TestDatabase) -> None:
    investment = factories.make_investment(factories.make_portfolio(), "SUP-1")
    record(investment.portfolio, *running(investment, LOSING, last=4))
    close(investment.portfolio, last=4)
    snapshots.recompute(now=now())
    policies.adopt([investment], now=now())
    left: list[tuple[int, ...]] = []
    while not killed_at(len(left) + 1):
        left.append(counts())
        # As many deaths would have the investment given up, which is another test's matter.
        EvaluationHead.objects.update(attempts=0, failure="")
    nothing = (0,) * len(WRITTEN)
    assert all(counts())
    assert left == sorted(left), "what is written stays"
    assert set(left) <= {nothing, counts()}
    assert left.count(nothing) > 20
    assert Notification.objects.filter(event__isnull=True).count() == 0
    assert set(Event.objects.values_list("kind", flat=True)) == {"fired"}
    before = counts()
    assert evaluate.evaluate(now=now()) == evaluate.Evaluated()
    assert counts() == before
    connection.close()


def test_case_33_an_event_computed_twice_is_one_row(db: None) -> None:
    live(factories.make_investment(factories.make_portfolio(), "SUP-1"), LOSING, first=1, last=4)
    before = counts()
    events, notifications = list(Event.objects.all()), list(Notification.objects.all())
    assert events
    assert notifications
    Results(events=events, notifications=notifications).write(now=now())
    assert counts() == before
