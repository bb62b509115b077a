"""Claims under concurrency: many connections, leases that run out, and the order within a thread."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.db import connection, transaction
from pytest_django import Settings

from alerts import delivery, outbox
from alerts.channels.base import Accepted, Message, Retry, Uncertain
from alerts.models import Notification
from alerts.outbox import Mark
from tests import waiting
from tests.alerts.delivery.cases import FakeChannel, attempts, notification
from tests.servers import TestDatabase

Install = Callable[..., FakeChannel]
Hurry = Callable[[Notification], None]


def in_threads(number: int, work: Callable[[], None]) -> None:
    """Run `work` on as many connections at once; raise what any of them raised."""
    start, errors = threading.Barrier(number), []

    def run() -> None:
        try:
            start.wait(10)
            work()
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    if errors:
        raise errors[0]


@pytest.mark.usefixtures("fresh_database")
def test_four_senders_send_each_message_once(install: Install) -> None:
    channel = install(FakeChannel())
    for n in range(60):
        notification(thread_key=f"hurdle:{n % 20}")

    def work() -> None:
        # A message whose thread is busy elsewhere is not due yet, so "nothing" is not "done".
        while Notification.objects.filter(state__in=Notification.OPEN).exists():
            delivery.drain(limit=100)

    in_threads(4, work)
    assert Counter(Notification.objects.values_list("state", "attempts")) == {("sent", 1): 60}
    assert max(Counter(message.id for message in channel.handed).values()) == 1
    order = [(message.thread_id, Notification.objects.get(pk=message.id).seq) for message in channel.handed]
    for thread in {thread for thread, _ in order}:
        sequence = [seq for name, seq in order if name == thread]
        assert sequence == sorted(sequence)


@pytest.mark.usefixtures("fresh_database")
def test_four_claims_at_once_get_four_different_rows() -> None:
    for _ in range(4):
        notification()
    found: list[Any] = []
    in_threads(4, lambda: found.append(outbox.claim(lease=120)))
    assert len({claimed.id for claimed in found if claimed}) == 4
    assert outbox.claim(lease=120) is None


@pytest.mark.usefixtures("fresh_database")
def test_a_row_locked_elsewhere_is_passed_over() -> None:
    first, second = notification(), notification()
    with transaction.atomic():
        Notification.objects.select_for_update().get(pk=first.pk)
        taken: list[Any] = []
        in_threads(1, lambda: taken.append(outbox.claim(lease=120)))
    assert taken[0].id == second.pk


@pytest.mark.usefixtures("fresh_database")
def test_claiming_and_marking_refuse_to_run_inside_a_transaction() -> None:
    notification()
    with transaction.atomic(), pytest.raises(RuntimeError, match="durable"):
        outbox.claim(lease=120)
    claimed = outbox.claim(lease=120)
    assert claimed is not None
    with transaction.atomic(), pytest.raises(RuntimeError, match="durable"):
        outbox.mark(claimed, Mark(state="sent", outcome="accepted"))


@pytest.mark.usefixtures("fresh_database")
def test_no_transaction_is_open_while_a_message_is_sent(
    install: Install, fresh_database: TestDatabase
) -> None:
    states: list[str] = []

    def look(message: Message) -> None:
        with psycopg.connect(fresh_database.app_url, autocommit=True) as other:
            rows = other.execute(
                "SELECT state FROM pg_stat_activity WHERE datname = current_database() "
                "AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
            )
            states.extend(str(row[0]) for row in rows)

    install(FakeChannel(during=look))
    notification()
    delivery.drain(limit=1)
    assert states
    assert set(states) == {"idle"}


@pytest.mark.usefixtures("fresh_database")
def test_a_wake_up_arrives_with_the_commit(fresh_database: TestDatabase) -> None:
    with psycopg.connect(fresh_database.app_url, autocommit=True) as listener:
        listener.execute(f"LISTEN {outbox.WAKE_UP}")
        with transaction.atomic():
            outbox.wake()
            assert list(listener.notifies(timeout=0)) == []
        assert [notice.channel for notice in listener.notifies(timeout=5, stop_after=1)] == [outbox.WAKE_UP]


@pytest.mark.django_db
def test_a_lease_is_respected_until_it_runs_out(due_now: Hurry) -> None:
    row = notification()
    first = outbox.claim(lease=120)
    assert first is not None
    assert not first.is_repeat
    assert outbox.claim(lease=120) is None
    due_now(row)
    second = outbox.claim(lease=120)
    assert second is not None
    assert (second.id, second.attempt, second.is_repeat) == (row.pk, 2, True)
    assert second.token != first.token
    assert attempts(row) == [(1, "lost")]


@pytest.mark.django_db
def test_a_mark_after_the_lease_was_lost_changes_nothing(due_now: Hurry) -> None:
    row = notification()
    first = outbox.claim(lease=120)
    due_now(row)
    second = outbox.claim(lease=120)
    assert first is not None
    assert second is not None
    assert not outbox.mark(first, Mark(state="dead", outcome="permanent"))
    row.refresh_from_db()
    assert (row.state, row.token) == ("sending", second.token)
    assert attempts(row) == [(1, "lost")]
    assert outbox.mark(second, Mark(state="sent", outcome="accepted"))
    assert attempts(row) == [(1, "lost"), (2, "accepted")]
    assert not outbox.mark(second, Mark(state="dead", outcome="permanent"))


@pytest.mark.django_db
def test_a_lost_lease_is_counted_and_the_message_repeats_under_its_id(
    install: Install, due_now: Hurry
) -> None:
    row = notification()
    taken: list[Any] = []

    channel = install(FakeChannel(Accepted("first")))
    before = delivery.leases_lost()
    original = outbox.mark

    def late(claimed: outbox.Claim, how: Mark) -> bool:
        if not taken:
            due_now(row)
            taken.append(outbox.claim(lease=120))
        return original(claimed, how)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(outbox, "mark", late)
        delivery.drain(limit=1)
    row.refresh_from_db()
    assert row.state == "sending"
    assert delivery.leases_lost() == before + 1
    due_now(row)
    delivery.drain(limit=1)
    row.refresh_from_db()
    assert row.state == "sent"
    assert [message.is_repeat for message in channel.handed] == [False, True]
    assert {message.id for message in channel.handed} == {row.pk}


@pytest.mark.django_db
def test_a_sender_that_was_stopped_past_its_lease_hands_nothing_over(
    install: Install, due_now: Hurry, settings: Settings
) -> None:
    row = notification()
    channel = install(FakeChannel())
    settings.TIME_SCALE = 1e-9
    describe = channel.describe

    def stopped(*args: Any) -> Any:
        # Less than a sending deadline is left of the lease by then.
        waiting.until(lambda: time.monotonic() > began + delivery.pace().lease - delivery.pace().deadline)
        return describe(*args)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(channel, "describe", stopped)
        patch.setattr(delivery, "SHORTEST_DEADLINE", 0.05)
        before, began = delivery.leases_lost(), time.monotonic()
        assert delivery.drain(limit=1) == 1
    assert (channel.handed, delivery.leases_lost()) == ([], before + 1)
    row.refresh_from_db()
    assert row.state == "sending"
    due_now(row)
    delivery.drain(limit=1)
    row.refresh_from_db()
    assert (row.state, len(channel.handed)) == ("sent", 1)


@pytest.mark.django_db
def test_a_message_waits_for_the_earlier_ones_of_its_thread(install: Install, due_now: Hurry) -> None:
    channel = install(FakeChannel(Retry("451"), Uncertain("?"), Accepted()))
    fired = notification(thread_key="t")
    resolved = notification(thread_key="t")
    for _ in range(2):
        assert delivery.drain(limit=10) == 1
        due_now(fired)
    assert delivery.drain(limit=10) == 2
    assert [message.id for message in channel.handed] == [fired.pk, fired.pk, fired.pk, resolved.pk]


@pytest.mark.django_db
@pytest.mark.parametrize("state", ["pending", "sending", "uncertain"])
def test_every_unfinished_state_holds_the_thread_back(state: str) -> None:
    later = timedelta(hours=1)
    first = notification(thread_key="t", due=later, state=state)
    Notification.objects.filter(pk=first.pk).update(locked_until=first.next_at)
    notification(thread_key="t")
    assert outbox.claim(lease=120) is None


@pytest.mark.django_db
@pytest.mark.parametrize("state", ["sent", "logged", "suppressed", "dead"])
def test_a_finished_message_holds_nothing_back(state: str) -> None:
    notification(thread_key="t", state=state)
    second = notification(thread_key="t")
    claimed = outbox.claim(lease=120)
    assert claimed is not None
    assert claimed.id == second.pk


@pytest.mark.django_db
@pytest.mark.parametrize(
    "changes", [{"channel": "slack"}, {"address": "sam@example.com"}, {"thread_key": "u"}]
)
def test_other_channels_addresses_and_threads_do_not_wait(changes: dict[str, Any]) -> None:
    notification(thread_key="t", due=timedelta(hours=1))
    other = notification(**({"thread_key": "t"} | changes))
    claimed = outbox.claim(lease=120)
    assert claimed is not None
    assert claimed.id == other.pk


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("only", "resting", "found"), [(["slack"], [], True), (["email"], [], False), (None, ["slack"], False)]
)
def test_a_claim_can_be_held_to_channels(only: Sequence[str] | None, resting: list[str], found: bool) -> None:
    notification(channel="slack")
    assert (outbox.claim(lease=120, only=only, resting=resting) is not None) is found


@pytest.mark.django_db
def test_what_is_due_for_longest_is_sent_first(install: Install) -> None:
    channel = install(FakeChannel())
    rows = [notification(due=timedelta(seconds=-n)) for n in (1, 2, 3, 4)]
    delivery.drain(limit=10)
    assert [message.id for message in channel.handed] == [row.pk for row in reversed(rows)]


@pytest.mark.django_db
def test_a_drain_stops_when_told(install: Install, settings: Settings) -> None:
    stop = threading.Event()
    channel = install(FakeChannel(during=lambda message: stop.set()))
    for _ in range(3):
        notification()
    assert delivery.drain(limit=10, stop=stop) == 1
    assert len(channel.handed) == 1
    assert Notification.objects.filter(state="sent").count() == 1


@pytest.mark.usefixtures("fresh_database")
def test_a_connection_lost_while_sending_loses_no_outcome(
    install: Install, fresh_database: TestDatabase
) -> None:
    def cut(message: Message) -> None:
        with psycopg.connect(fresh_database.app_url, autocommit=True) as other:
            other.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )

    install(FakeChannel(during=cut))
    row = notification()
    delivery.drain(limit=1)
    row.refresh_from_db()
    assert (row.state, row.attempts) == ("sent", 1)
