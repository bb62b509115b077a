"""The kinds of faults. One is laid out for whoever comes by, or done to a server while people go on working."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psycopg
import redis

from alerts import attempts
from alerts.models import EvaluationHead, Event
from alerts.relay import SWEEP_SECONDS
from alerts.timers import ESCALATED, REMINDED
from config import env
from portfolio.models import Investment
from tests.faults.seams import POINTS
from tests.faults.workload import MONTHS, _rows, again, in_threads

if TYPE_CHECKING:
    from tests.faults.run import Run

SECONDS_A_YEAR = 365 * 86_400.0
MAIL = ("refuse", "hang", "451", "550", "drop_data", "451_final", "drop_final", "hang_final", "drip")
SLACK = ("429", "500", "ok_false", "ok_false_busy", "drop", "hang", "drip", "garbage")
WEBHOOK = ("429", "500", "403", "410", "redirect", "huge", "drop", "hang", "drip")


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of fault; `weight` says how often it is drawn. What is laid out counts when it is met."""

    name: str
    inject: Callable[[Run], None]
    weight: int
    is_laid: bool = True


def _snare(name: str, snare: str, weight: int) -> Kind:
    return Kind(name, lambda run: run.lay(snare), weight)


def _sink(sink: str, mode: str, weight: int) -> Kind:
    return Kind(f"{sink}_{mode}", lambda run: run.lay_at(sink, mode), weight)


def _done(name: str, weight: int, inject: Callable[[Run], None]) -> Kind:
    return Kind(name, inject, weight, is_laid=False)


@contextmanager
def _people_at_work(run: Run) -> Iterator[None]:
    """Let people go on writing meanwhile; their writes are sent again until they are answered."""
    worker = threading.Thread(target=in_threads, args=(run.work.act,))
    worker.start()
    try:
        yield
    finally:
        worker.join()


def _valkey_killed(run: Run) -> None:
    run.stack.kill_valkey()
    run.work.act()
    run.stack.start_valkey()


def _valkey_down(run: Run) -> None:
    run.stack.kill_valkey()
    for _ in range(4):
        began = time.monotonic()
        run.work.act()
        run.slowest_without_broker = max(run.slowest_without_broker, time.monotonic() - began)
        run.mind()
    run.stack.start_valkey()


def _broker(run: Run) -> redis.Redis:
    return redis.Redis.from_url(env.client_url(run.stack.servers.urls.redis))


def _valkey_flushed(run: Run) -> None:
    run.work.act()
    with _broker(run) as broker:
        broker.flushall()


def _valkey_full(run: Run) -> None:
    with _broker(run) as broker:
        broker.config_set("maxmemory", "1")
        run.work.act()
        broker.config_set("maxmemory", "0")


def _postgres_killed(run: Run) -> None:
    with _people_at_work(run):
        run.stack.kill_postgres()
        run.stack.start_postgres()


def _postgres_read_only(run: Run) -> None:
    with _people_at_work(run), run.stack.superuser() as server:
        for command in ("SET default_transaction_read_only = on", "RESET default_transaction_read_only"):
            server.execute("SET default_transaction_read_only = off")
            server.execute(f"ALTER SYSTEM {command}".encode())
            server.execute("SELECT pg_reload_conf()")
            time.sleep(0.3)


_CUT = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'hurdle_app'"


def _sessions_cut(run: Run) -> None:
    with _people_at_work(run), run.stack.superuser() as server:
        server.execute(_CUT)


def _too_many_connections(run: Run) -> None:
    with _people_at_work(run), run.stack.superuser() as server:
        server.execute("ALTER ROLE hurdle_app CONNECTION LIMIT 4")
        server.execute(_CUT)
        time.sleep(0.3)
        server.execute("ALTER ROLE hurdle_app CONNECTION LIMIT -1")


def _lock_queue(run: Run) -> None:
    """Let a migration wait behind a long transaction: whoever comes later waits behind both, until it gives way."""
    with _people_at_work(run), run.stack.superuser() as reader, run.stack.owner() as migration:
        with reader.transaction():
            reader.execute("SELECT 1 FROM alerts_notification LIMIT 1")
            migration.execute("SET lock_timeout = '400ms'")
            try:
                migration.execute("ALTER TABLE alerts_notification ADD COLUMN later integer")
            except psycopg.errors.LockNotAvailable:
                return
        raise AssertionError("A migration got its lock from under an open transaction.")


def _slow_database(run: Run) -> None:
    run.stack.snares.lay("slow:product")
    run.work.act()
    run.stack.snares.lift("slow:product")


def _poison(how: str) -> Callable[[Run], None]:
    def inject(run: Run) -> None:
        """Let one investment kill or fail whoever judges it, until it is left alone; then heal and release it."""
        member = run.dice.choice(run.work.members)
        code = run.dice.choice(member.investments)
        key = again(lambda: Investment.objects.get(code=code).pk)
        run.settle_evaluation()
        run.stack.snares.lay(f"poison:{key}", how)
        run.work.state(member, [code], [MONTHS - 1], "thin")
        run.work.state(member, [code], [MONTHS - 1], "losing")
        run.wait(lambda: again(lambda: _is_quarantined(key)), f"investment {key} is quarantined ({how})")
        run.stack.snares.lift(f"poison:{key}")
        again(lambda: attempts.release([key]))

    return inject


def _is_quarantined(key: int) -> bool:
    head = EvaluationHead.objects.filter(pk=key).first()
    return head is not None and head.attempts >= attempts.MAX_ATTEMPTS


def _more_relays(run: Run) -> None:
    names = ("relay-7", "relay-8")
    for name in names:
        run.stack.launch(name)
    run.work.act()
    run.work.act()
    for name in names:
        run.stop(name)


def _three_beats(run: Run) -> None:
    for name in ("beat-2", "beat-3"):
        run.stack.launch(name)
    run.work.act()
    run.work.act()
    time.sleep(1)
    for name in ("beat-2", "beat-3"):
        run.stack.end(name)


def _beat_killed(run: Run) -> None:
    run.stack.running["beat"].kill()
    run.work.act()


def _clock_wrong(years: float) -> Callable[[Run], None]:
    def inject(run: Run) -> None:
        """Let the clocks of whoever judges and sends be wrong: what is told, and when, is the same."""
        early = Event.objects.filter(kind__in=(REMINDED, ESCALATED))
        before = early.count()
        run.stack.snares.lay("clock", str(years * SECONDS_A_YEAR))
        run.work.act()
        run.work.act()
        # So long that somebody has looked for what is due.
        time.sleep(2 * SWEEP_SECONDS * run.stack.scale)
        run.stack.snares.lift("clock")
        assert early.count() == before, "Somebody was reminded by a wrong clock."

    return inject


def _same_file_twice(run: Run) -> None:
    """Import one file twice at once, from two windows."""
    member = run.dice.choice(run.work.members)
    profile = run.dice.choice(["losing", "earning", "thin"])
    rows = _rows([run.dice.choice(member.investments)], [MONTHS - 1, MONTHS - 2], profile)

    def one() -> None:
        staged = run.work.upload(member, rows)
        run.work.send(member, "post", f"imports/{staged['id']}/commit", {"reason": "Twice."})

    in_threads(one, one)
    run.work.remember(rows)


def _race(run: Run) -> None:
    """Correct an investment while it is being judged and acknowledged."""
    member = run.dice.choice(run.work.members)
    code = run.dice.choice(member.investments)
    run.stack.snares.lay("wait:mid_evaluation")
    run.work.state(member, [code], [MONTHS - 1], "losing")
    in_threads(
        lambda: run.work.state(member, [code], [MONTHS - 1, MONTHS - 2], "earning"),
        lambda: run.work.acknowledge(member),
        lambda: run.work.acknowledge(member),
    )
    run.stack.snares.lift("wait:mid_evaluation")


KINDS = (
    *(_snare(f"relay_killed_{point}", f"kill:{point}", 18) for point in POINTS),
    _snare("relay_killed_mid_evaluation", "kill:relay_mid_evaluation", 8),
    _snare("relay_stopped_after_claim", "stop:after_claim", 6),
    _snare("relay_stopped_before_mark", "stop:before_mark", 6),
    _snare("relay_stopped_before_mark_of_failure", "stop:before_mark_of_failure", 6),
    _snare("pool_child_killed", "kill:worker_mid_evaluation", 22),
    _snare("worker_tree_killed", "kill:worker_tree", 10),
    _snare("commit_answer_cut", "cut:product", 30),
    _snare("commit_answer_cut_for_people", "cut:driver", 25),
    *(_sink("mail", mode, 22) for mode in MAIL),
    *(_sink("slack", mode, 22) for mode in SLACK),
    *(_sink("webhook", mode, 3 if mode == "410" else 20) for mode in WEBHOOK),
    _done("valkey_killed", 14, _valkey_killed),
    _done("valkey_down", 6, _valkey_down),
    _done("valkey_flushed", 30, _valkey_flushed),
    _done("valkey_full", 14, _valkey_full),
    _done("postgres_killed", 7, _postgres_killed),
    _done("postgres_read_only", 7, _postgres_read_only),
    _done("sessions_cut", 14, _sessions_cut),
    _done("too_many_connections", 7, _too_many_connections),
    _done("lock_queue", 10, _lock_queue),
    _done("slow_database", 12, _slow_database),
    _done("poison_error", 3, _poison("error")),
    _done("poison_exit", 2, _poison("exit")),
    _done("more_relays", 6, _more_relays),
    _done("three_beats", 4, _three_beats),
    _done("beat_killed", 8, _beat_killed),
    _done("clock_ahead", 6, _clock_wrong(10)),
    _done("clock_behind", 6, _clock_wrong(-10)),
    _done("clock_back_an_hour", 6, _clock_wrong(-1 / (365 * 24))),
    _done("same_file_twice", 12, _same_file_twice),
    _done("correction_while_judged", 14, _race),
)
BY_NAME = {kind.name: kind for kind in KINDS}
