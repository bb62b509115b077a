"""What becomes of a notification after each outcome, in the database."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pytest_django import Settings

from alerts import channels, delivery, outbox
from alerts.breaker import Breaker
from alerts.channels.base import Accepted, Logged, Permanent, Retry, Uncertain
from alerts.models import Notification, Target
from portfolio.models import User
from tests import factories
from tests.alerts.delivery.cases import FakeChannel, attempts, events, notification, portfolio

pytestmark = pytest.mark.django_db
Install = Callable[..., FakeChannel]
Hurry = Callable[[Notification], None]


def drain(**changes: Any) -> int:
    return delivery.drain(limit=10, **changes)


def seconds_until_due(row: Notification) -> float:
    row.refresh_from_db()
    return (row.next_at - datetime.now(UTC)).total_seconds()


def test_an_accepted_message_is_sent_once_and_kept_as_handed(install: Install) -> None:
    channel, row = install(FakeChannel(Accepted("4711"))), notification()
    assert drain() == 1
    assert drain() == 0
    row.refresh_from_db()
    assert (row.state, row.provider_ref, row.attempts) == ("sent", "4711", 1)
    assert row.sent_at is not None
    assert row.token is None
    assert row.rendered == {
        "channel": "email",
        "is_repeat": False,
        "subject": "[Hurdle] AI-003 crossed Under the hurdle",
        "to": "olivia@example.com",
    }
    assert attempts(row) == [(1, "accepted")]
    assert [message.id for message in channel.handed] == [row.pk]
    assert channel.addresses == ["olivia@example.com"]


def test_nothing_is_sent_before_it_is_due(install: Install) -> None:
    channel = install(FakeChannel())
    notification(due=timedelta(seconds=60))
    assert drain() == 0
    assert channel.handed == []


def test_a_failed_message_waits_longer_each_time_and_dies_in_sight(install: Install, due_now: Hurry) -> None:
    install(FakeChannel(Retry("451 later")))
    row = notification()
    for number, step in enumerate(delivery.STEPS[1:], start=1):
        assert drain() == 1
        assert 0.8 * step - 5 <= seconds_until_due(row) <= 1.2 * step + 5
        assert (row.state, row.attempts) == ("pending", number)
        due_now(row)
    drain()
    row.refresh_from_db()
    assert (row.state, row.attempts) == ("dead", 10)
    assert row.state_reason == "451 later No try is left."
    assert drain() == 0


def test_waits_are_spread_and_scaled(settings: Settings) -> None:
    notification()
    claimed = outbox.claim(lease=120)
    assert claimed is not None
    waits = {delivery.after(claimed, Retry("451 later")).wait for _ in range(200)}
    assert len(waits) == 200
    assert 4.0 <= min(waits) < 4.5
    assert 5.5 < max(waits) <= 6.0
    settings.TIME_SCALE = 0.01
    assert delivery.after(claimed, Retry("451 later")).wait <= 0.06
    assert delivery.after(claimed, Retry("429", after=60)).wait == pytest.approx(0.6)


def test_a_host_is_not_asked_sooner_than_it_wants(install: Install, new_breaker: Breaker) -> None:
    install(FakeChannel(Retry("429", after=40)))
    row = notification()
    other = notification()
    assert drain() == 1, "the pause holds for the host's other messages too"
    assert 35 <= seconds_until_due(row) <= 41
    assert new_breaker.is_open("fake:host")
    other.refresh_from_db()
    assert (other.state, other.attempts) == ("pending", 0)


def test_a_host_cannot_put_a_message_off_for_ever(install: Install) -> None:
    install(FakeChannel(Retry("429", after=1e12)))
    row = notification()
    drain()
    assert seconds_until_due(row) <= delivery.LONGEST_WAIT


def test_waits_are_scaled(install: Install, settings: Settings) -> None:
    settings.TIME_SCALE = 0.01
    install(FakeChannel(Uncertain("?")))
    row = notification()
    drain()
    assert seconds_until_due(row) <= 9.0


def test_a_permanent_failure_is_dead_at_once(install: Install) -> None:
    install(FakeChannel(Permanent("550 no such user")))
    row = notification()
    drain()
    row.refresh_from_db()
    assert (row.state, row.state_reason) == ("dead", "550 no such user")
    assert attempts(row) == [(1, "permanent")]


def test_an_unknown_end_is_sent_once_more_under_the_same_id_and_says_so(
    install: Install, due_now: Hurry
) -> None:
    channel = install(FakeChannel(Uncertain("dropped"), Accepted()))
    row = notification()
    drain()
    assert 890 <= seconds_until_due(row) <= 901
    assert row.state == "uncertain"
    assert drain() == 0
    due_now(row)
    drain()
    row.refresh_from_db()
    assert row.state == "sent"
    assert row.rendered is not None
    assert row.rendered["is_repeat"] is True
    assert [message.id for message in channel.handed] == [row.pk, row.pk]
    assert [message.is_repeat for message in channel.handed] == [False, True]


def test_two_unknown_ends_are_left_to_people(install: Install, due_now: Hurry) -> None:
    install(FakeChannel(Uncertain("dropped.")))
    row = notification()
    drain()
    due_now(row)
    drain()
    row.refresh_from_db()
    assert row.state == "dead"
    assert "may have arrived" in row.state_reason
    assert drain() == 0


def test_a_refusal_between_does_not_hide_that_a_message_may_be_a_repeat(
    install: Install, due_now: Hurry
) -> None:
    channel = install(FakeChannel(Uncertain("dropped"), Retry("451"), Accepted()))
    row = notification()
    for _ in range(3):
        drain()
        due_now(row)
    assert [message.is_repeat for message in channel.handed] == [False, True, True]


def test_a_clean_refusal_makes_no_repeat(install: Install, due_now: Hurry) -> None:
    channel = install(FakeChannel(Retry("451"), Accepted()))
    row = notification()
    drain()
    due_now(row)
    drain()
    assert [message.is_repeat for message in channel.handed] == [False, False]


def test_a_message_that_is_only_logged_never_counts_as_sent(install: Install) -> None:
    install(FakeChannel(Logged("No email is configured.")))
    row = notification()
    drain()
    row.refresh_from_db()
    assert (row.state, row.state_reason, row.sent_at) == ("logged", "No email is configured.", None)
    assert row.rendered is not None


def test_without_configuration_a_message_is_rendered_and_logged(settings: Settings) -> None:
    settings.HAS_EMAIL = False
    row = notification()
    drain()
    row.refresh_from_db()
    assert row.state == "logged"
    assert row.rendered is not None
    assert "USD (4,644)" in row.rendered["text"]


def test_a_disabled_person_is_not_told(install: Install) -> None:
    channel = install(FakeChannel())
    user = User.objects.create(username="olivia", email="olivia@example.com", is_active=False)
    row = notification(user=user)
    drain()
    row.refresh_from_db()
    assert (row.state, row.state_reason) == ("suppressed", "The recipient's account is disabled.")
    assert attempts(row) == [(1, "suppressed")]
    assert channel.handed == []


@pytest.mark.parametrize(("is_active", "state"), [(True, "sent"), (False, "suppressed")])
def test_a_target_that_was_switched_off_is_not_told(is_active: bool, state: str, install: Install) -> None:
    install(FakeChannel())
    Target.objects.create(
        portfolio=portfolio(), channel="email", address="list@example.com", label="List", is_active=is_active
    )
    row = notification(address="list@example.com")
    person = notification(
        address="list@example.com",
        user=factories.join(factories.make_user("sam"), portfolio(), "viewer"),
        thread_key=row.thread_key + "x",
    )
    drain()
    row.refresh_from_db()
    person.refresh_from_db()
    assert (row.state, person.state) == (state, "sent")


def test_an_unknown_channel_is_dead_with_a_sentence() -> None:
    row = notification(channel="pigeon")
    drain()
    row.refresh_from_db()
    assert (row.state, row.state_reason) == ("dead", "There is no channel named “pigeon”.")


def test_a_message_that_cannot_be_put_into_words_waits_for_a_better_version(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = install(FakeChannel())

    def fail(*args: object, **kwargs: object) -> None:
        raise KeyError("figures")

    monkeypatch.setattr("alerts.messages.render", fail)
    row, good = notification(), notification()
    assert drain() == 2
    row.refresh_from_db()
    assert (row.state, row.state_reason) == ("pending", "It cannot be put into words (KeyError).")
    assert channel.handed == []
    good.refresh_from_db()
    assert good.attempts == 1


def test_a_channel_that_fails_in_the_middle_leaves_an_unknown_end(install: Install) -> None:
    install(FakeChannel(RuntimeError("secret https://hooks.example/x")))
    row = notification()
    drain()
    row.refresh_from_db()
    assert (row.state, row.state_reason) == ("uncertain", "The channel failed in the middle (RuntimeError).")


def test_a_server_that_never_ends_is_given_up_at_the_deadline(install: Install, settings: Settings) -> None:
    settings.TIME_SCALE = 0.01
    release = threading.Event()
    install(FakeChannel(during=lambda message: release.wait(20)))
    row, started = notification(), time.monotonic()
    try:
        drain()
    finally:
        release.set()
    assert time.monotonic() - started < 5
    row.refresh_from_db()
    assert (row.state, row.state_reason) == ("uncertain", "No answer came within the deadline.")


def test_the_deadline_is_a_quarter_of_the_lease_at_any_scale(settings: Settings) -> None:
    for scale in (1e-6, 0.01, 1.0, 10.0):
        settings.TIME_SCALE = scale
        assert delivery.pace().lease == pytest.approx(4 * delivery.pace().deadline)
    settings.TIME_SCALE = 1.0
    assert (delivery.pace().deadline, delivery.pace().lease) == (30.0, 120.0)


def test_a_message_that_kills_its_senders_ends(install: Install) -> None:
    channel = install(FakeChannel())
    row = notification(attempts=len(delivery.STEPS))
    drain()
    row.refresh_from_db()
    assert row.state == "dead"
    assert channel.handed == []


def test_a_host_that_is_down_uses_up_no_more_tries(install: Install, new_breaker: Breaker) -> None:
    channel = install(FakeChannel(Retry("refused", is_host_down=True)))
    rows = [notification() for _ in range(8)]
    log = notification(channel="log")
    assert drain() == 6
    assert len(channel.handed) == 5
    assert new_breaker.is_open("fake:host")
    assert Notification.objects.filter(pk__in=[row.pk for row in rows], attempts=0).count() == 3
    log.refresh_from_db()
    assert log.state == "logged", "another host is not delayed"


def test_a_test_message_goes_through_the_same_outbox(install: Install) -> None:
    channel = install(FakeChannel())
    finn = User.objects.create(username="finn", first_name="Finn")
    row = delivery.send_test(
        portfolio=portfolio(),
        channel="email",
        address="x@example.com",
        user=finn,
        now=datetime.now(UTC),
    )
    drain()
    row.refresh_from_db()
    assert (row.state, row.event) == ("sent", None)
    assert channel.addresses == ["x@example.com"]
    assert channel.handed[0].lead.startswith("Finn sent this test")


def test_a_test_message_to_an_unknown_channel_is_refused() -> None:
    with pytest.raises(channels.UnknownChannelError):
        delivery.send_test(
            portfolio=portfolio(), channel="pigeon", address="", user=None, now=datetime.now(UTC)
        )
    assert Notification.objects.count() == 0


def test_a_follow_up_names_the_last_message_of_its_thread(install: Install) -> None:
    channel = install(FakeChannel(Accepted("1.0"), Accepted("2.0"), Accepted("3.0")), "slack")
    first, other = events(3), events(1, code="AI-004")
    for event in (*first, *other):
        notification(channel="slack", address="", thread_key=f"hurdle:{event.episode_id}", event=event)
    drain()
    assert [message.reply_to for message in channel.handed] == ["", "1.0", "2.0", ""]
