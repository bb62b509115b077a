"""Why somebody did, or did not, get a message: each stage's outcome, with its reason, from what is recorded."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from alerts import evaluate, explain, silences, targets, unsubscriptions
from alerts.explain import Told
from alerts.models import Episode, Notification, Route, Target
from alerts.silences import Matcher
from portfolio.models import Absence, Portfolio, User
from tests import factories
from tests.factories import close, now, record, running

LOSING = {"model_api": 9000, "labor_savings": 2000}


@pytest.fixture
def portfolio(db: None) -> Portfolio:
    return factories.make_portfolio("CX", rate="0.10")


@pytest.fixture
def olivia(portfolio: Portfolio) -> User:
    return factories.join(factories.make_user("olivia"), portfolio, "owner")


def _fire(portfolio: Portfolio, olivia: User) -> Episode:
    investment = factories.make_investment(portfolio, "SUP-1", owner=olivia)
    record(portfolio, *running(investment, LOSING, first=1, last=4))
    close(portfolio, first=1, last=4)
    evaluate.advance(now=now())
    return Episode.objects.get(rule="negative_roi")


@pytest.fixture
def episode(portfolio: Portfolio, olivia: User) -> Episode:
    return _fire(portfolio, olivia)


def _told(episode: Episode, name: str = "olivia") -> list[Told]:
    found = explain.of(episode, now=now())
    return [told for happened in found.happened for told in happened.told if told.name == name]


def test_what_waits_and_what_was_sent(episode: Episode, olivia: User) -> None:
    (told,) = _told(episode)
    row = Notification.objects.get(pk=told.notice)
    assert (told.outcome, told.at, told.channel) == ("waits", row.next_at, "email")
    assert told.why == "owner of the investment"
    Notification.objects.filter(pk=row.pk).update(state="sent", sent_at=now())
    (told,) = _told(episode)
    assert (told.outcome, told.sentence) == ("sent", "Sent; the provider took it.")
    assert told.at is not None


def test_a_dead_notice_names_what_was_sent_in_its_place(episode: Episode, olivia: User) -> None:
    row = Notification.objects.get(event__episode=episode, user=olivia)
    Notification.objects.filter(pk=row.pk).update(state="dead", state_reason="550 no such user.")
    other = Notification.objects.create(
        id="00000000-0000-4000-8000-000000000001",
        event=row.event,
        portfolio=row.portfolio,
        user=olivia,
        channel="slack",
        address="U1",
        thread_key="t",
        message=row.message,
        next_at=now(),
        created_at=now(),
        instead_of=row,
    )
    dead, stand_in = _told(episode)
    assert (dead.outcome, stand_in.instead_of) == ("dead", row.pk)
    assert dead.sentence == ("It could not be delivered: 550 no such user. Told instead: olivia by slack.")
    assert stand_in.notice == other.pk or str(stand_in.notice) == other.pk


def test_a_silence_is_named_by_its_id_and_its_reason(portfolio: Portfolio, olivia: User) -> None:
    silence = silences.create(
        Matcher(portfolio=portfolio, rule="negative_roi"),
        starts_at=now() - timedelta(minutes=1),
        ends_at=now() + timedelta(days=9),
        comment="Known outage.",
        author=olivia,
        now=now(),
    )
    (told,) = _told(_fire(portfolio, olivia))
    assert (told.outcome, told.stage, told.silence) == ("kept_back", "silenced", silence.public_id)
    assert "Silenced by olivia" in told.sentence
    assert "Known outage." in told.sentence


def test_a_snooze_is_named_by_its_stage_and_reason(episode: Episode, olivia: User) -> None:
    Notification.objects.filter(event__episode=episode, user=olivia).update(
        state="suppressed", suppressed_by="snoozed", state_reason="Snoozed by olivia: Contract ends."
    )
    (told,) = _told(episode)
    assert (told.outcome, told.stage) == ("kept_back", "snoozed")
    assert told.sentence == "Snoozed by olivia: Contract ends."


def test_an_inhibited_alert_names_the_one_that_says_more(episode: Episode) -> None:
    hurdle = Episode.objects.get(rule="hurdle_rate")
    (told,) = _told(hurdle)
    assert (told.outcome, told.stage) == ("kept_back", "inhibited")
    assert "says more" in told.sentence


def test_who_is_not_addressed_is_told_why(episode: Episode, portfolio: Portfolio, olivia: User) -> None:
    vera = factories.join(factories.make_user("vera"), portfolio, "viewer")
    gone = factories.join(factories.make_user("gone", is_active=False), portfolio, "viewer")
    mute = factories.make_user("mute", email="")
    episode.investment.owner, episode.investment.sponsor = mute, olivia
    episode.investment.save()
    reasons = {one.user: one.reason for one in explain.of(episode, now=now()).unaddressed}
    assert olivia not in reasons
    assert gone not in reasons  # an account that is closed asks nothing
    assert reasons[vera] == "The portfolio has no routes, and the defaults name somebody else."
    assert reasons[mute] == "They have no email address."


def test_who_is_away_and_not_meant_is_not_said_to_be_stood_in_for(
    episode: Episode, portfolio: Portfolio, olivia: User
) -> None:
    """Of those who cannot be told, only whom the alert is for has that as the reason."""
    vera = factories.join(factories.make_user("vera"), portfolio, "viewer")
    mute = factories.join(factories.make_user("mute", email=""), portfolio, "viewer")
    left = factories.join(factories.make_user("left"), portfolio, "viewer")
    bob = factories.join(factories.make_user("bob"), portfolio, "viewer")
    today = now().date()
    Absence.objects.create(user=vera, delegate=bob, first_day=today, last_day=today)
    unsubscriptions.unsubscribe(left, portfolio, now=now())
    reasons = {one.name: one.reason for one in explain.of(episode, now=now()).unaddressed}
    others = "The portfolio has no routes, and the defaults name somebody else."
    assert [reasons[str(user)] for user in (vera, mute, left, bob)] == [others] * 4
    Notification.objects.filter(user=olivia).update(user=None)
    Absence.objects.create(user=olivia, delegate=bob, first_day=today, last_day=today)
    reasons = {one.name: one.reason for one in explain.of(episode, now=now()).unaddressed}
    assert reasons["olivia"] == "They are away; bob stands in for them."


def test_shared_addresses_and_whom_routes_name_have_their_reason_too(
    episode: Episode, portfolio: Portfolio
) -> None:
    def make(label: str, **terms: object) -> Target:
        return Target.objects.create(
            portfolio=portfolio, channel="slack", address=f"#{label}", label=label, **terms
        )

    make("other-rules", rules=["early_warning"])
    make("off", is_active=False)
    targets.switch_off(make("gone"), reason="The host answered 410.", now=now())
    make("new")
    reasons = {one.name: one.reason for one in explain.of(episode, now=now()).unaddressed}
    assert reasons["other-rules (slack)"] == "It is told of other rules alone."
    assert reasons["off (slack)"] == "It is switched off."
    assert reasons["gone (slack)"] == "The host answered 410."
    assert reasons["new (slack)"] == "They would be told now; they were not when this was decided."
    outsider = factories.make_user("outsider")
    people = [{"user": outsider.pk}, {"role": "owner"}]
    Route.objects.create(portfolio=portfolio, position=1, name="All", recipients=people)
    reasons = {one.name: one.reason for one in explain.of(episode, now=now()).unaddressed}
    assert reasons["outsider"] == "They have no access to the portfolio."
    assert reasons["new (slack)"] == "The routes taken (“All”) name somebody else."


def test_an_event_that_nobody_was_told_of_says_why(episode: Episode) -> None:
    Notification.objects.filter(event__episode=episode).update(event=None)
    happened = explain.of(episode, now=now()).happened[0]
    assert happened.told == ()
    assert happened.untold.startswith("Nobody could be told")
    happened.event.evidence["notice"] = "digest"
    assert explain._untold(happened.event).startswith("It corrects history alone")


def test_every_state_has_an_outcome(episode: Episode, olivia: User) -> None:
    row = Notification.objects.get(event__episode=episode, user=olivia)
    made_so: dict[str, dict[str, object]] = {
        "held": {"suppressed_by": "daily", "digest_at": now()},
        "sending": {"token": uuid4(), "locked_until": now()},
        "sent": {"sent_at": now()},
        "merged": {"told_in": Notification.objects.exclude(pk=row.pk).first()},
        "suppressed": {"suppressed_by": "snoozed"},
    }
    for state, _ in Notification.STATES:
        Notification.objects.filter(pk=row.pk).update(state=state, state_reason="", **made_so.get(state, {}))
        (told,) = _told(episode)
        assert told.outcome in explain.OUTCOMES
        assert told.sentence


def test_questions_do_not_grow_with_people(episode: Episode, portfolio: Portfolio) -> None:
    def count() -> int:
        with CaptureQueriesContext(connection) as captured:
            explain.of(episode, now=now())
        return len(captured)

    count()  # what hangs on the episode is read once
    before = count()
    for number in range(12):
        factories.join(factories.make_user(f"p{number}"), portfolio, "viewer")
    assert count() == before
