"""The relay as a real process: woken, killed, cut off from its database, told to stop."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest
from django.db import connection
from pytest_httpserver import HTTPServer

from alerts import channels, outbox
from alerts import relay as relays
from alerts.models import EvaluationPoint, Heartbeat
from portfolio import investments, ledger, months
from portfolio.facts import Fact, Writing
from portfolio.models import Account, Investment, User
from tests.alerts.channels.mail_servers import bad_server, mailbox
from tests.alerts.delivery.cases import attempts, notification, portfolio
from tests.servers import TestDatabase

ROOT = Path(__file__).resolve().parents[3]
pytestmark = [pytest.mark.processes, pytest.mark.usefixtures("fresh_database")]
Start = Callable[..., subprocess.Popen[str]]


def until(condition: Callable[[], object], *, seconds: float = 20.0) -> None:
    """Wait until a condition holds; fail when it never does."""
    ends, pause = time.monotonic() + seconds, threading.Event()
    while not condition():
        assert time.monotonic() < ends, "it never happened"
        pause.wait(0.05)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Return a function that starts a relay whose mail goes to a port; all are ended with the test."""
    running: list[subprocess.Popen[str]] = []
    log = (tmp_path / "relay.log").open("w+")

    def run(port: int, *, scale: float = 0.02, **variables: str) -> subprocess.Popen[str]:
        settings = {
            "EMAIL_URL": f"smtp://127.0.0.1:{port}",
            "EMAIL_FROM": "hurdle@example.com",
            "HURDLE_TIME_SCALE": str(scale),
            "HURDLE_DEBUG": "1",
        }
        process = subprocess.Popen(
            [sys.executable, "manage.py", "relay"],
            cwd=ROOT,
            env=os.environ | settings | variables,
            stderr=log,
            text=True,
        )
        running.append(process)
        return process

    yield run
    for process in running:
        if process.poll() is None:
            process.kill()
        process.wait()
    with log:
        # Shown by pytest beside a failure.
        log.seek(0)
        sys.stderr.write(log.read())


def test_it_sends_what_is_due_and_stops_when_told(start: Start) -> None:
    with mailbox() as box:
        early = notification()
        relay = start(box.port)
        until(lambda: box.mails)
        late = notification()
        outbox.wake()
        until(lambda: len(box.mails) == 2)
        until(lambda: attempts(early) == attempts(late) == [(1, "accepted")])
        assert Heartbeat.objects.get(name="relay").detail["process"] == relay.pid
        asked = time.monotonic()
        relay.send_signal(signal.SIGTERM)
        assert relay.wait(10) == 0
        assert time.monotonic() - asked < 5


def test_a_backlog_gets_more_senders_until_it_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relays, "BATCH", 2)
    left, lock, seen = [1] * 40, threading.Lock(), set[str]()
    together = threading.Barrier(1 + relays.HELPERS, timeout=20)

    def drain(*, limit: int, **given: object) -> int:
        name = threading.current_thread().name
        with lock:
            taken = [left.pop() for _ in range(min(limit, len(left)))]
            is_new = name not in seen
            seen.add(name)
        if is_new:
            # Nobody goes on before all have come.
            together.wait()
        return len(taken)

    monkeypatch.setattr(relays.delivery, "drain", drain)
    one = relays.Relay()
    one._call_helpers("email")
    step = one._sender("email")
    while left:
        step()
    for thread in one._helpers["email"]:
        thread.join(20)
        assert not thread.is_alive()
    assert len(seen) == 1 + relays.HELPERS
    assert one._sent == 40


def test_it_stops_within_seconds_even_while_a_server_keeps_it_waiting(start: Start) -> None:
    with bad_server("hang_final") as server:
        row = notification()
        relay = start(server.port, scale=1)
        until(lambda: server.bodies)
        asked = time.monotonic()
        relay.send_signal(signal.SIGTERM)
        assert relay.wait(10) == 0
        assert time.monotonic() - asked < 5.5
        row.refresh_from_db()
        assert row.state == "uncertain"


def test_a_kill_in_the_middle_of_sending_loses_nothing(start: Start) -> None:
    row = notification()
    with bad_server("hang_final") as server:
        # Slow enough that the kill comes before the deadline.
        relay = start(server.port, scale=0.2)
        until(lambda: server.bodies)
        relay.kill()
        relay.wait(10)
        row.refresh_from_db()
        assert row.state == "sending"
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as other:
        other.execute("UPDATE alerts_notification SET locked_until = clock_timestamp() + interval '0.3 s'")
    with mailbox() as box:
        start(box.port)
        until(lambda: box.mails)
        until(lambda: attempts(row) == [(1, "lost"), (2, "accepted")])
        assert box.mails[0]["Message-ID"].startswith(f"<{row.pk}@")
        text = box.mails[0].get_body(("plain",))
        assert text is not None
        assert "already" in text.get_content()


def test_two_relays_send_each_message_once(start: Start) -> None:
    rows = [notification() for _ in range(30)]
    with mailbox() as box:
        start(box.port)
        start(box.port)
        until(lambda: len(box.mails) == 30)
        until(lambda: all(attempts(row) == [(1, "accepted")] for row in rows))
        assert len({mail["Message-ID"] for mail in box.mails}) == 30


def test_a_restarted_database_is_found_again(start: Start, fresh_database: TestDatabase) -> None:
    with mailbox() as box:
        notification()
        relay = start(box.port)
        until(lambda: box.mails)
        for _ in range(2):
            with psycopg.connect(fresh_database.app_url, autocommit=True) as other:
                other.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid() "
                    "AND backend_type = 'client backend' AND pid <> %s",
                    [_own_backend()],
                )
            count = len(box.mails)
            notification()
            until(lambda count=count: len(box.mails) > count)  # type: ignore[misc]
        assert relay.poll() is None


def test_a_slow_mail_server_does_not_delay_slack(start: Start, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/hook").respond_with_data("ok")
    with bad_server("hang_final") as server:
        # As many as there are senders, so that each would be taken up if they shared the work.
        for _ in channels.CHANNELS:
            notification()
        slack = notification(channel="slack", address="")
        start(server.port, scale=1, SLACK_WEBHOOK_URL=httpserver.url_for("/hook"))
        until(lambda: server.bodies)
        until(lambda: attempts(slack) == [(1, "accepted")], seconds=5)


def test_it_does_the_work_of_bells_that_a_dead_broker_lost(start: Start) -> None:
    now, month = datetime.now(UTC), date(2025, 1, 1)
    olivia = User.objects.create(username="olivia", email="olivia@example.com")
    investment = Investment(
        portfolio=portfolio(), code="AI-003", name="Support", owner=olivia, start_month=month
    )
    investments.put(investment, now=now)
    account = Account.objects.get(code="infrastructure")
    facts = [Fact(investment.pk, month, account.pk, "USD", Decimal(100))]
    ledger.record(portfolio(), facts, writing=Writing(source="actuals", now=now))
    months.close(portfolio(), [month], now=now)
    assert not EvaluationPoint.objects.exists()
    with mailbox() as box:
        start(box.port, REDIS_URL="redis://127.0.0.1:1/0")
        until(lambda: EvaluationPoint.objects.filter(investment=investment).exists())


def _own_backend() -> int:
    """Return the backend of the test's own connection, which is not to be cut."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])
