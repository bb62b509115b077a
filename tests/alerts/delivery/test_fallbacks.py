"""A message that is dead: who is told in its place, once; and a target that is gone is told nothing any more."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from pytest_django import Settings

from alerts import delivery, fallbacks, outbox, targets
from alerts.channels.base import Accepted, Permanent, Retry, Uncertain
from alerts.models import Event, Notification, Target
from alerts.outbox import Mark
from portfolio.models import User
from tests import factories
from tests.alerts.delivery.cases import FakeChannel, attempts, events, notification, portfolio
from tests.alerts.messages.cases import copied

pytestmark = pytest.mark.django_db
Install = Callable[..., FakeChannel]
Hurry = Callable[[Notification], None]
GONE = Permanent("The host answered 410: the address is gone.", is_gone=True)


@pytest.fixture
def event() -> Event:
    return events(1)[0]


def person(name: str = "sam", **changes: Any) -> User:
    return factories.join(factories.make_user(name, **changes), portfolio(), "viewer")


def told(event: Event, **changes: Any) -> Notification:
    return notification(event=event, thread_key=f"hurdle:{event.episode_id}", **changes)


def shared(channel: str = "webhook", **given: str) -> Target:
    target = Target(portfolio=portfolio(), channel=channel, label=f"Our {channel}")
    targets.save(target, {"url": "https://hooks.example.com/x"} | given)
    return target


def to(target: Target, event: Event, **changes: Any) -> Notification:
    return told(event, channel=target.channel, address=target.address, **changes)


def stand_in_of(row: Notification) -> Notification | None:
    row.refresh_from_db()
    return Notification.objects.filter(instead_of=row).first()


def drain() -> None:
    delivery.drain(limit=20)


@pytest.mark.parametrize(("first", "other"), [("email", "slack"), ("slack", "email")])
def test_a_person_is_told_by_their_other_address(
    first: str, other: str, event: Event, install: Install
) -> None:
    sam = person(slack_id="U9")
    addresses = {"email": sam.email, "slack": "U9"}
    install(FakeChannel(Permanent("no such address")), first)
    channel = install(FakeChannel(), other)
    row = told(event, channel=first, address=addresses[first], user=sam)
    drain()
    made = stand_in_of(row)
    assert made is not None
    assert (made.channel, made.address, made.user, made.state) == (other, addresses[other], sam, "sent")
    assert made.event == event
    assert "could not be delivered" in made.message["recipient"]["why"]
    assert (row.state, channel.addresses) == ("dead", [addresses[other]])
    assert "Told instead:" in row.state_reason


def test_a_dead_digest_is_told_by_their_other_address(event: Event, install: Install) -> None:
    """All that was merged into it would be lost with it; and who heard nothing of it hears of no end either."""
    sam = person(slack_id="U9")
    install(FakeChannel(Permanent("no such address")), "email")
    channel = install(FakeChannel(), "slack")
    mail = {"channel": "email", "address": sam.email, "user": sam}
    said = copied(kind="digest", count=2, kinds={"fired": 2}, investments=2, items=[])
    digest = notification(message=said, **mail)
    told(event, state="merged", told_in=digest, **mail)
    drain()
    made = stand_in_of(digest)
    assert made is not None
    assert (made.channel, made.user, made.state, made.event) == ("slack", sam, "sent", None)
    assert channel.handed[0].kind == "digest"
    assert (digest.state, stand_in_of(made)) == ("dead", None)
    ended = Event.objects.create(
        id=uuid.uuid4(),
        kind="resolved",
        ordinal=1,
        episode=event.episode,
        month=event.month,
        point=event.point,
        evidence={},
        recorded_at=event.recorded_at,
    )
    late = told(ended, **mail)
    drain()
    late.refresh_from_db()
    assert (late.state, late.suppressed_by) == ("suppressed", "untold")


@pytest.mark.parametrize("kind", ["test", "report"])
def test_what_is_neither_alert_nor_digest_has_no_stand_in(kind: str, install: Install) -> None:
    sam = person(slack_id="U9")
    install(FakeChannel(Permanent("no such address")), "email")
    install(FakeChannel(), "slack")
    row = notification(channel="email", address=sam.email, user=sam, message=copied(kind=kind))
    drain()
    assert stand_in_of(row) is None


def test_a_shared_target_is_replaced_by_another_then_by_the_administrators(
    event: Event, install: Install
) -> None:
    install(FakeChannel(Permanent("404")), "webhook")
    teams = install(FakeChannel(Permanent("404")), "teams")
    first = to(shared(), event)
    second = shared("teams")
    drain()
    made = stand_in_of(first)
    assert made is not None
    assert (made.channel, made.address, made.state) == ("teams", second.address, "dead")
    assert len(teams.handed) == 1
    assert stand_in_of(made) is None, "a stand-in has none of its own"
    # Where no other target is left, people are told.
    install(FakeChannel(), "email")
    admin = factories.join(person("ada"), portfolio(), "admin")
    Target.objects.all().delete()
    again = to(shared(), events(1, code="AI-009")[0])
    drain()
    made = stand_in_of(again)
    assert made is not None
    assert (made.user, made.state) == (admin, "sent")


def test_a_target_that_wants_other_rules_stands_in_for_nobody(event: Event, install: Install) -> None:
    install(FakeChannel(Permanent("404")), "webhook")
    picky = shared("teams")
    Target.objects.filter(pk=picky.pk).update(rules=["missing_actuals"])
    row = to(shared(), event)
    drain()
    assert stand_in_of(row) is None


def test_whoever_was_told_already_is_not_told_again(event: Event, install: Install) -> None:
    sam = person(slack_id="U9")
    install(FakeChannel(Permanent("no")), "email")
    slack = install(FakeChannel(), "slack")
    told(event, channel="slack", address="U9", user=sam)
    row = told(event, address=sam.email, user=sam)
    drain()
    assert stand_in_of(row) is None
    assert slack.addresses == ["U9"]


def test_nobody_is_left_to_tell_and_people_see_it(event: Event, install: Install, settings: Settings) -> None:
    install(FakeChannel(Permanent("550 no such user")))
    settings.SLACK_BOT_TOKEN = settings.SLACK_WEBHOOK_URL = ""
    sam = person(slack_id="U9")
    row = told(event, address=sam.email, user=sam)
    drain()
    assert stand_in_of(row) is None
    assert (row.state, row.state_reason) == ("dead", "550 no such user")


def test_two_that_die_at_the_same_moment_have_one_stand_in(event: Event, install: Install) -> None:
    admin = factories.join(factories.make_user("ada"), portfolio(), "admin")
    rows = [to(shared(), event), told(event, channel="slack", address="")]
    for name in ("slack", "email"):
        install(FakeChannel(), name)
    claims = [outbox.claim(lease=60, only=[row.channel]) for row in rows]
    made = [fallbacks.stand_in(claimed, now=factories.now()) for claimed in claims if claimed]
    assert [row.user for row in made if row] == [admin, admin]
    for claimed, row in zip(claims, made, strict=True):
        assert claimed is not None
        assert outbox.mark(claimed, Mark(state="dead", outcome="permanent", stand_in=row))
    assert Notification.objects.filter(event=event, user=admin).count() == 1


def test_a_message_that_dies_again_has_the_same_stand_in(event: Event, install: Install) -> None:
    factories.join(factories.make_user("ada"), portfolio(), "admin")
    factories.join(factories.make_user("abe"), portfolio(), "admin")
    install(FakeChannel(Permanent("404")), "webhook")
    install(FakeChannel(), "email")
    row = to(shared(), event)
    drain()
    assert outbox.requeue(row.pk, by="sam")
    drain()
    assert stand_in_of(row) is not None
    assert Notification.objects.filter(instead_of=row).count() == 1


def test_a_test_message_has_no_stand_in(install: Install) -> None:
    install(FakeChannel(Permanent("no")))
    row = notification(user=person(slack_id="U9"))
    drain()
    assert stand_in_of(row) is None


@pytest.mark.parametrize("outcome", [Retry("451"), Uncertain("dropped")])
def test_a_message_whose_tries_are_used_up_has_a_stand_in(
    outcome: Retry | Uncertain, event: Event, install: Install, due_now: Hurry
) -> None:
    sam = person(slack_id="U9")
    install(FakeChannel(outcome), "email")
    install(FakeChannel(), "slack")
    row = told(event, user=sam)
    for _ in range(len(delivery.STEPS)):
        drain()
        due_now(row)
    assert stand_in_of(row) is not None
    assert Notification.objects.filter(instead_of=row).count() == 1


def test_a_target_that_is_gone_is_switched_off_and_its_queue_goes_another_way(install: Install) -> None:
    webhook = install(FakeChannel(GONE), "webhook")
    email = install(FakeChannel(), "email")
    factories.join(person("ada"), portfolio(), "admin")
    target = shared()
    rows = [to(target, events(1, code=code)[0]) for code in ("AI-003", "AI-004", "AI-005")]
    drain()
    target.refresh_from_db()
    assert not target.is_active
    assert targets.why_switched_off(target) == GONE.detail
    assert len(webhook.handed) == 1, "the others were not even tried"
    assert len(email.handed) == 3
    assert [stand_in_of(row) is not None for row in rows] == [True] * 3
    assert {row.state for row in rows} == {"dead"}


def test_a_person_is_not_switched_off_by_a_410(event: Event, install: Install) -> None:
    install(FakeChannel(GONE))
    row = told(event, user=person())
    drain()
    row.refresh_from_db()
    assert row.state == "dead"


def test_case_54_nothing_old_is_sent_when_a_target_is_switched_on_again(install: Install) -> None:
    channel = install(FakeChannel(), "webhook")
    target = shared()
    Target.objects.filter(pk=target.pk).update(is_active=False)
    old = to(target, events(1, code="AI-003")[0])
    drain()
    targets.switch_on(Target.objects.get(pk=target.pk))
    drain()
    assert channel.handed == []
    assert stand_in_of(old) is None
    assert (old.state, old.suppressed_by) == ("suppressed", "switched_off")
    new = to(target, events(1, code="AI-004")[0])
    drain()
    assert [message.id for message in channel.handed] == [new.pk]


def test_case_55_an_end_is_told_where_the_beginning_got_through_only(install: Install) -> None:
    webhook = install(FakeChannel(Permanent("404")), "webhook")
    email = install(FakeChannel(), "email")
    target = shared()
    fired = events(1)[0]
    first = to(target, fired)
    told(fired)
    resolved = Event.objects.create(
        id=first.pk, episode=fired.episode, kind="resolved", month=fired.month, point=fired.point, evidence={},
        recorded_at=fired.recorded_at,
    )  # fmt: skip
    drain()
    # By now the beginning is dead on the webhook and accepted by mail; what is still unsent would be told as one.
    late, later = to(target, resolved), told(resolved)
    drain()
    drain()
    late.refresh_from_db()
    later.refresh_from_db()
    assert (late.state, late.suppressed_by) == ("suppressed", "untold")
    assert later.state == "sent"
    assert len(webhook.handed) == 1
    assert [message.kind for message in email.handed] == ["fired", "fired"], "the copied figures say the kind"


def test_a_target_that_was_removed_is_told_nothing(install: Install, event: Event) -> None:
    channel = install(FakeChannel(), "webhook")
    target = shared()
    row = to(target, event)
    target.delete()
    drain()
    row.refresh_from_db()
    assert (row.state, row.state_reason) == ("suppressed", "The target was removed.")
    assert channel.handed == []


def test_a_secret_that_no_key_opens_waits_for_the_operator(event: Event, settings: Settings) -> None:
    target = shared()
    settings.SECRET_KEYS, settings.SECRET_KEY = [], "another" * 10
    row = to(target, event)
    drain()
    row.refresh_from_db()
    assert row.state == "pending"
    assert "HURDLE_SECRET_KEYS" in row.state_reason


def test_a_targets_host_that_is_down_delays_no_other_target(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []

    def post(url: str, *args: Any, **kwargs: Any) -> Any:
        calls.append(url)
        if "down" in url:
            return Retry("refused", is_host_down=True)
        return Accepted()

    monkeypatch.setattr("alerts.channels.posting.post", post)
    monkeypatch.setattr("alerts.delivery._hosts", {})
    down, up = (shared(url=f"https://{name}.example.com/x") for name in ("down", "up"))
    for number in range(8):
        made = events(1, code=f"AI-10{number}")[0]
        to(down, made)
        to(up, made)
    drain()
    assert len([url for url in calls if "down" in url]) == 5, "then the host rests"
    assert len([url for url in calls if "up" in url]) == 8
    assert Notification.objects.filter(address=down.address, attempts=0).count() == 3
    assert attempts(Notification.objects.filter(address=up.address)[0]) == [(1, "accepted")]


def test_a_person_whose_address_has_changed_is_told_at_the_new_one(event: Event, install: Install) -> None:
    install(FakeChannel(Permanent("550"), Accepted()))
    sam = person()
    row = told(event, address="old@example.com", user=sam)
    drain()
    made = stand_in_of(row)
    assert made is not None
    assert (made.address, made.state) == (sam.email, "sent")
