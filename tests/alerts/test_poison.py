"""An investment that kills whoever judges it: cornered within five deaths, given up, and nobody else with it.

Taken out once, and a test here failed: the count of dead sessions, the smaller groups of suspects, the check of
one's own mark before judging, the mark itself.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import textwrap
import threading
from collections.abc import Sequence

import pytest
from django.db import connection

from alerts import attempts, evaluate
from alerts.models import Episode, EvaluationHead, EvaluationPoint
from portfolio.models import Investment, Portfolio
from roi import snapshots
from tests import factories
from tests.alerts.histories import LOSING, restate
from tests.factories import close, now, record, running
from tests.servers import ROOT, TestDatabase

LEFT = "In work by session 1 since 1.5"  # by a process that is no more
CHILD = """
    import os, sys
    import django
    django.setup()
    from datetime import UTC, datetime
    from alerts import evaluate, judging
    poison, kind, judge = int(sys.argv[1]), sys.argv[2], judging.context_of

    def context_of(investment, head):
        if investment.pk == poison:
            if kind == "exit":
                os._exit(9)
            raise MemoryError
        return judge(investment, head)

    judging.context_of = context_of
    evaluate.evaluate(now=datetime.now(UTC))
"""


def stale(portfolio: Portfolio, *, count: int) -> list[Investment]:
    """Return investments with snapshots that nobody has judged."""
    made = [factories.make_investment(portfolio) for _ in range(count)]
    record(portfolio, *(fact for i in made for fact in running(i, LOSING, last=4)))
    close(portfolio, last=4)
    snapshots.recompute(now=now())
    return made


def put(investments: Sequence[Investment], **changes: object) -> None:
    """Set the heads of investments as a worker left them."""
    for investment in investments:
        EvaluationHead.objects.update_or_create(pk=investment.pk, defaults=changes)


@pytest.fixture
def portfolio(db: None) -> Portfolio:
    return factories.make_portfolio()


def child(poison: Investment, kind: str) -> subprocess.CompletedProcess[str]:
    """Judge whatever waits in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(CHILD), str(poison.pk), kind],
        cwd=ROOT,
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "config.settings"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.processes
def test_a_process_that_ends_over_an_investment_does_so_five_times(fresh_database: TestDatabase) -> None:
    made = stale(factories.make_portfolio(), count=30)
    poison = made[7]
    ends = [child(poison, "exit") for _ in range(6)]
    assert [done.returncode for done in ends] == [9] * 5 + [0], ends[-1].stderr
    said = "".join(done.stderr for done in ends)
    assert said.count(f"Investment {poison.pk} is quarantined") == 1
    head = EvaluationHead.objects.get(pk=poison.pk)
    assert (head.attempts, head.failure) == (attempts.MAX_ATTEMPTS, attempts.KILLED)
    judged = set(EvaluationPoint.objects.values_list("investment", flat=True))
    assert judged == {i.pk for i in made} - {poison.pk}
    assert not EvaluationHead.objects.filter(pk__in=judged).exclude(attempts=0, failure="").exists()
    assert child(poison, "exit").returncode == 0
    connection.close()


@pytest.mark.processes
def test_running_out_of_memory_is_a_failure_of_one(fresh_database: TestDatabase) -> None:
    made = stale(factories.make_portfolio(), count=3)
    done = child(made[0], "memory")
    assert done.returncode == 0, done.stderr
    assert EvaluationHead.objects.get(pk=made[0].pk).attempts == 1
    assert EvaluationPoint.objects.count() == 2
    connection.close()


def test_a_dead_session_is_counted_once_and_its_work_is_split(portfolio: Portfolio) -> None:
    made = stale(portfolio, count=6)
    put(made[:5], failure=LEFT, attempts=2)
    put(made[5:])
    found = attempts.groups_of([i.pk for i in made])
    ids = [i.pk for i in made]
    assert found.groups == ((ids[5],), tuple(ids[:4]), (ids[4],))
    assert found.given_up == ()
    assert attempts.groups_of(ids) == found
    heads = EvaluationHead.objects.filter(pk__in=ids[:5])
    assert set(heads.values_list("attempts", "failure")) == {(3, attempts.DIED)}
    assert evaluate.evaluate(now=now()).investments == 6
    assert set(EvaluationHead.objects.values_list("attempts", "failure")) == {(0, "")}


def test_work_of_a_living_session_is_no_death(portfolio: Portfolio) -> None:
    (investment,) = stale(portfolio, count=1)
    put([investment])
    mark = attempts.mark([investment.pk])
    assert EvaluationHead.objects.get().failure == mark
    assert attempts.groups_of([investment.pk]).groups == ((investment.pk,),)
    assert EvaluationHead.objects.get().attempts == 0


def test_the_fifth_death_is_an_alarm_and_the_end(
    portfolio: Portfolio, caplog: pytest.LogCaptureFixture
) -> None:
    one, other = stale(portfolio, count=2)
    put([one], failure=LEFT, attempts=4, failed_revision=1)
    with caplog.at_level(logging.ERROR):
        assert evaluate.evaluate(now=now()).investments == 1
        assert evaluate.evaluate(now=now()).investments == 0
    assert [r.getMessage() for r in caplog.records] == [
        f"Investment {one.pk} is quarantined: {attempts.KILLED}"
    ]
    assert [h.pk for h in attempts.quarantined()] == [one.pk]
    assert set(Episode.objects.values_list("investment", flat=True)) == {other.pk}


def test_newer_figures_of_a_killer_are_tried_alone(portfolio: Portfolio) -> None:
    made = stale(portfolio, count=3)
    put(made[:1], failure=attempts.KILLED, attempts=5, failed_revision=0)
    put(made[1:])
    ids = [i.pk for i in made]
    assert attempts.groups_of(ids).groups == ((ids[1], ids[2]), (ids[0],))
    attempts.mark(ids[:1])
    assert EvaluationHead.objects.get(pk=ids[0]).attempts == attempts.MAX_ATTEMPTS - 1


def test_newer_figures_after_plain_failures_start_anew(portfolio: Portfolio) -> None:
    (investment,) = stale(portfolio, count=1)
    put([investment], failure="ValueError('indigestible')", attempts=5, failed_revision=0)
    attempts.mark([investment.pk])
    assert EvaluationHead.objects.get().attempts == 0


def test_a_killer_that_is_released_is_tried_once(portfolio: Portfolio) -> None:
    one, other = stale(portfolio, count=2)
    put([one], failure=attempts.KILLED, attempts=5, failed_revision=1)
    put([other], failure="ValueError()", attempts=5, failed_revision=1)
    assert attempts.groups_of([one.pk, other.pk]).groups == ()
    assert attempts.release([one.pk]) == 1
    assert attempts.release() == 1
    assert attempts.groups_of([one.pk, other.pk]).groups == ((other.pk,), (one.pk,))


def test_what_somebody_else_has_marked_is_theirs(portfolio: Portfolio) -> None:
    (investment,) = stale(portfolio, count=1)
    put([investment])
    mine = attempts.mark([investment.pk])
    put([investment], failure="In work by session 2 since 2.5")
    assert evaluate._judge([investment.pk], mine, now=now()) == evaluate.Evaluated()
    put([investment], failure=mine)
    assert evaluate._judge([investment.pk], mine, now=now()).investments == 1


def test_a_mark_waits_for_whoever_judges_and_passes_over_what_is_done(fresh_database: TestDatabase) -> None:
    (investment,) = stale(factories.make_portfolio(), count=1)
    put([investment])
    barrier, failures = threading.Barrier(6), []

    def work() -> None:
        try:
            barrier.wait(30)
            evaluate.evaluate(now=now(), ids=[investment.pk])
        except Exception as error:
            failures.append(error)
        finally:
            connection.close()

    workers = [threading.Thread(target=work) for _ in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert failures == []
    assert EvaluationPoint.objects.count() == 1
    assert list(EvaluationHead.objects.values_list("attempts", "failure")) == [(0, "")]
    restate(investment, LOSING | {"model_api": 9500}, first=3, last=4)
    assert EvaluationPoint.objects.count() == 2
    connection.close()
