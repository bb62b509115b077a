"""An investment that kills whoever recomputes it: cornered within five deaths, given up, and nobody else with it.

Taken out once, and a test here failed: the count of dead sessions, the smaller groups of suspects, the mark itself,
taking it back from work that was given up.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import textwrap
from collections.abc import Sequence

import pytest
from django.db import OperationalError, connection

from portfolio.models import Investment, Portfolio
from roi import attempts, snapshots
from roi.models import SnapshotHead
from tests import factories
from tests.factories import now, record, running
from tests.servers import ROOT, TestDatabase

LEFT = "In work by session 1 since 1.5"  # by a process that is no more
CHILD = """
    import os, sys
    import django
    django.setup()
    from datetime import UTC, datetime
    from roi import inputs, snapshots
    poison, load = int(sys.argv[1]), inputs.load

    def deadly(investments, **how):
        if poison in [i.pk for i in investments]:
            os._exit(9)
        return load(investments, **how)

    inputs.load = deadly
    snapshots.recompute(now=datetime.now(UTC))
"""


def stale(portfolio: Portfolio, *, count: int) -> list[Investment]:
    """Return investments with facts that nobody has computed from."""
    made = [factories.make_investment(portfolio) for _ in range(count)]
    record(portfolio, *(fact for i in made for fact in running(i, {"model_api": 100}, last=2)))
    return made


def put(investments: Sequence[Investment], **changes: object) -> None:
    """Set the heads of investments as a worker left them."""
    ids = [i.pk for i in investments]
    with connection.cursor() as cursor:
        cursor.execute(snapshots._ENSURE_HEADS, [ids])
    SnapshotHead.objects.filter(pk__in=ids).update(**changes)


@pytest.fixture
def portfolio(db: None) -> Portfolio:
    return factories.make_portfolio()


def child(poison: Investment) -> subprocess.CompletedProcess[str]:
    """Recompute whatever is stale in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(CHILD), str(poison.pk)],
        cwd=ROOT,
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "config.settings"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.processes
def test_a_process_that_ends_over_an_investment_does_so_five_times(fresh_database: TestDatabase) -> None:
    made = stale(factories.make_portfolio(), count=12)
    poison = made[7]
    ends = [child(poison) for _ in range(6)]
    assert [done.returncode for done in ends] == [9] * 5 + [0], ends[-1].stderr
    assert ends[-1].stderr.count(f"Investment {poison.pk} is quarantined") == 1
    head = SnapshotHead.objects.get(pk=poison.pk)
    assert (head.attempts, head.failure) == (attempts.MAX_ATTEMPTS, attempts.KILLED)
    computed = set(SnapshotHead.objects.filter(fingerprint__isnull=False).values_list("pk", flat=True))
    assert computed == {i.pk for i in made} - {poison.pk}
    assert not SnapshotHead.objects.filter(pk__in=computed).exclude(attempts=0, failure="").exists()
    connection.close()


def test_a_dead_session_is_counted_once_and_its_work_is_split(portfolio: Portfolio) -> None:
    made = stale(portfolio, count=7)
    put(made[:6], failure=LEFT, attempts=2)
    put(made[6:])
    ids = [i.pk for i in made]
    found = attempts.groups_of(ids)
    assert found.groups == ((ids[6],), tuple(ids[:5]), (ids[5],))
    assert attempts.groups_of(ids) == found
    assert set(SnapshotHead.objects.filter(pk__in=ids[:6]).values_list("attempts", "failure")) == {
        (3, attempts.DIED)
    }
    assert snapshots.recompute(now=now()).computed == 7
    assert set(SnapshotHead.objects.values_list("attempts", "failure")) == {(0, "")}


def test_work_of_a_living_session_is_no_death(portfolio: Portfolio) -> None:
    (investment,) = stale(portfolio, count=1)
    put([investment])
    mark = attempts.mark([investment.pk])
    assert SnapshotHead.objects.get().failure == mark
    assert attempts.groups_of([investment.pk]).groups == ((investment.pk,),)
    assert SnapshotHead.objects.get().attempts == 0


def test_the_fifth_death_is_an_alarm_and_the_end(
    portfolio: Portfolio, caplog: pytest.LogCaptureFixture
) -> None:
    one, other = stale(portfolio, count=2)
    put([one, other])
    attempts.mark([one.pk])
    put([one], failure=LEFT, attempts=4)
    with caplog.at_level(logging.ERROR):
        assert snapshots.recompute(now=now()).changed == [other.pk]
        assert snapshots.recompute(now=now()).computed == 0
    assert [r.getMessage() for r in caplog.records] == [
        f"Investment {one.pk} is quarantined: {attempts.KILLED}"
    ]
    assert snapshots.release() == 1
    assert attempts.groups_of([one.pk, other.pk]).groups == ((other.pk,), (one.pk,))


def test_newer_facts_of_a_killer_are_tried_alone(portfolio: Portfolio) -> None:
    made = stale(portfolio, count=3)
    put(made[:1], failure=attempts.KILLED, attempts=5, failed_knowledge=0)
    put(made[1:])
    ids = [i.pk for i in made]
    assert attempts.groups_of(ids).groups == ((ids[1], ids[2]), (ids[0],))
    assert snapshots.recompute(now=now()).computed == 3


def test_a_broken_database_is_nobodys_death(portfolio: Portfolio, monkeypatch: pytest.MonkeyPatch) -> None:
    made = stale(portfolio, count=2)

    def broken(*args: object, **how: object) -> None:
        raise OperationalError("the database is gone")

    with monkeypatch.context() as patched:
        patched.setattr(snapshots, "_recompute_locked", broken)
        with pytest.raises(OperationalError):
            snapshots.recompute(now=now())
    assert set(SnapshotHead.objects.values_list("attempts", "failure")) == {(0, "")}
    assert snapshots.recompute(now=now()).computed == len(made)
