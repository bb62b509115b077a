"""Acknowledge, snooze, silence, remind, escalate: notices change, the alert's own state never does."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from alerts import acknowledgments, delivery, due, evaluate, silences
from alerts.acknowledgments import OverlayError
from alerts.models import Acknowledgment, AlertState, Episode, Event, Notification, Silence, Timer
from alerts.silences import Matcher
from portfolio import approvals
from portfolio.models import Absence, Holiday, Investment, Portfolio, User
from tests import factories
from tests.factories import close, now, record, running

LOSING = {"model_api": 9000, "labor_savings": 2000}
EARNING = {"model_api": 2000, "labor_savings": 9000}
RULE = "negative_roi"


@pytest.fixture
def portfolio(db: None) -> Portfolio:
    return factories.make_portfolio(rate="0.10")


@pytest.fixture
def olivia(portfolio: Portfolio) -> User:
    return factories.join(factories.make_user("olivia"), portfolio, "owner")


@pytest.fixture
def sam(portfolio: Portfolio) -> User:
    return factories.join(factories.make_user("sam"), portfolio, "viewer")


@pytest.fixture
def episode(portfolio: Portfolio, olivia: User, sam: User) -> Episode:
    investment = factories.make_investment(portfolio, "SUP-1", owner=olivia, sponsor=sam)
    _live(investment, LOSING, first=1, last=4)
    return Episode.objects.get(rule=RULE)


def _live(investment: Investment, lines: dict[str, int], *, first: int, last: int) -> None:
    record(investment.portfolio, *running(investment, lines, first=first, last=last))
    close(investment.portfolio, first=first, last=last)
    evaluate.advance(now=now())


def _recover(episode: Episode) -> None:
    _live(episode.investment, EARNING, first=5, last=9)


def _kinds(episode: Episode) -> list[str]:
    return list(
        Event.objects.filter(episode=episode)
        .order_by("recorded_at", "point_id")
        .values_list("kind", flat=True)
    )


def _mails(kind: str, state: str = "pending") -> list[str]:
    rows = Notification.objects.filter(
        event__kind=kind, event__episode__rule=RULE, channel="email", state=state
    )
    return sorted(n.user.username for n in rows if n.user)


def _later(days: float) -> datetime:
    return now() + timedelta(days=days)


def _matcher(episode: Episode, rule: str = RULE) -> Matcher:
    return Matcher(portfolio=episode.investment.portfolio, investment=episode.investment, rule=rule)


def _silence(episode: Episode, author: User, *, days: int = 10, starts_at: datetime | None = None) -> Silence:
    at = starts_at or now()
    return silences.create(
        _matcher(episode),
        starts_at=at,
        ends_at=at + timedelta(days=days),
        comment="Known.",
        author=author,
        now=now(),
    )


# Acknowledging


def test_case_41_an_acknowledgment_of_what_is_over_is_refused(episode: Episode, olivia: User) -> None:
    _recover(episode)
    with pytest.raises(OverlayError) as refused:
        acknowledgments.acknowledge(episode, user=olivia, via="console", now=now())
    assert refused.value.code == "closed"
    assert not Acknowledgment.objects.exists()


def test_case_42_twice_is_once_and_the_first_leads(
    episode: Episode, olivia: User, portfolio: Portfolio
) -> None:
    ben = factories.join(factories.make_user("ben"), portfolio, "owner")
    first = acknowledgments.acknowledge(episode, user=olivia, via="console", now=now())
    again = acknowledgments.acknowledge(episode, user=olivia, via="email", now=now())
    other = acknowledgments.acknowledge(episode, user=ben, via="api", now=now())
    assert (first.is_new, first.leads) == (True, True)
    assert (again.is_new, again.leads, again.acknowledgment) == (False, True, first.acknowledgment)
    assert (other.is_new, other.leads) == (True, False)
    assert Acknowledgment.objects.count() == 2


def test_case_48_an_acknowledgment_goes_with_its_person(episode: Episode, olivia: User) -> None:
    acknowledgments.acknowledge(episode, user=olivia, via="console", now=now())
    due.run_due(now=_later(6))
    assert _mails("escalated") == []
    olivia.is_active = False
    olivia.save()
    due.run_due(now=_later(8))
    assert "escalated" in _kinds(episode)


def test_a_viewer_and_a_stranger_acknowledge_nothing(episode: Episode, portfolio: Portfolio) -> None:
    for user in (
        factories.join(factories.make_user("vera"), portfolio, "viewer"),
        factories.make_user("mallory"),
    ):
        with pytest.raises(OverlayError) as refused:
            acknowledgments.acknowledge(episode, user=user, via="console", now=now())
        assert refused.value.code == "forbidden"


def test_the_state_does_not_look_at_overlays(episode: Episode, olivia: User) -> None:
    before = list(AlertState.objects.order_by("rule").values_list("rule", "state", "count", "month"))
    acknowledgments.acknowledge(episode, user=olivia, via="console", now=now())
    acknowledgments.snooze(episode, user=olivia, until=_later(20), reason="Busy.", now=now())
    _silence(episode, olivia)
    evaluate.advance(now=now())
    assert list(AlertState.objects.order_by("rule").values_list("rule", "state", "count", "month")) == before


def test_an_acknowledgment_never_stops_the_end(episode: Episode, olivia: User) -> None:
    acknowledgments.acknowledge(episode, user=olivia, via="console", now=now())
    acknowledgments.snooze(episode, user=olivia, until=_later(20), reason="Busy.", now=now())
    _recover(episode)
    assert _mails("resolved") == ["olivia"]


@pytest.mark.parametrize(("cost", "told"), [(9100, []), (15_000, ["olivia"])])
def test_case_25_only_a_material_restatement_voids_an_acknowledgment(
    episode: Episode, olivia: User, cost: int, told: list[str]
) -> None:
    acknowledgments.acknowledge(episode, user=olivia, via="console", now=now())
    changed = running(episode.investment, {"model_api": cost}, first=2, last=3)
    record(episode.investment.portfolio, *changed, reason="Corrected bill.")
    evaluate.advance(now=now())
    assert "restated" in _kinds(episode)
    assert _mails("restated") == told


# Reminders and escalation


def test_reminders_come_every_thirty_days_to_whoever_has_not_answered(episode: Episode) -> None:
    for day in (29, 31, 45, 62, 63):
        due.run_due(now=_later(day))
    reminders = Event.objects.filter(episode=episode, kind="reminder").order_by("ordinal")
    assert [event.ordinal for event in reminders] == [1, 2]
    assert _mails("reminder") == ["olivia", "olivia"]


def test_running_what_is_due_again_changes_nothing(episode: Episode) -> None:
    assert due.run_due(now=_later(31)) > 0
    count = Notification.objects.count()
    assert due.run_due(now=_later(31)) == 0
    assert Notification.objects.count() == count


def test_levels_go_up_by_business_days(episode: Episode, portfolio: Portfolio) -> None:
    factories.join(factories.make_user("bea"), portfolio, "board")
    at = {t.ordinal: t.due_at for t in Timer.objects.filter(episode=episode, kind="escalation")}
    told = []
    for level in (1, 2, 3):
        due.run_due(now=at[level] - timedelta(seconds=1))
        before = Event.objects.filter(episode=episode, kind="escalated").count()
        due.run_due(now=at[level])
        assert before == level - 1
        told.append(Event.objects.get(episode=episode, kind="escalated", ordinal=level).evidence["rung"])
    assert told == ["owner", "sponsor", "board"]
    assert _mails("escalated") == ["bea", "olivia", "sam"]


def test_case_49_after_an_outage_levels_do_not_come_in_a_burst(episode: Episode) -> None:
    due.run_due(now=_later(40))
    assert Event.objects.filter(episode=episode, kind="escalated").count() == 1
    due.run_due(now=_later(41))
    assert Event.objects.filter(episode=episode, kind="escalated").count() == 1
    due.run_due(now=_later(48))
    assert Event.objects.filter(episode=episode, kind="escalated").count() == 2


def test_case_50_an_answer_one_second_before_is_in_time(episode: Episode, olivia: User) -> None:
    first = Timer.objects.get(episode=episode, kind="escalation", ordinal=1)
    acknowledgments.acknowledge(episode, user=olivia, via="console", now=first.due_at - timedelta(seconds=1))
    due.run_due(now=first.due_at)
    assert "escalated" not in _kinds(episode)


def test_case_51_an_empty_rung_goes_to_the_administrators_and_says_so(
    episode: Episode, portfolio: Portfolio
) -> None:
    factories.join(factories.make_user("ada"), portfolio, "admin")
    for day in (10, 20, 40):
        due.run_due(now=_later(day))
    board = Event.objects.get(episode=episode, kind="escalated", ordinal=3)
    assert board.evidence["rung_is_empty"] is True
    assert _mails("escalated") == ["ada", "olivia", "sam"]
    assert "administrators" in Timer.objects.get(episode=episode, kind="escalation", ordinal=3).reason


def test_case_52_a_new_holiday_moves_what_waits_and_never_into_the_past(
    episode: Episode, portfolio: Portfolio
) -> None:
    first = Timer.objects.get(episode=episode, kind="escalation", ordinal=1)
    Holiday.objects.create(portfolio=portfolio, day=first.due_at.date(), name="Founders' day")
    due.reschedule(portfolio, now=now())
    moved = Timer.objects.get(pk=first.pk)
    assert moved.due_at > first.due_at
    Holiday.objects.all().delete()
    late = moved.due_at + timedelta(days=1)
    due.reschedule(portfolio, now=late)
    assert Timer.objects.get(pk=first.pk).due_at >= late


def test_an_end_drops_what_waits(episode: Episode) -> None:
    _recover(episode)
    assert set(Timer.objects.filter(episode=episode).values_list("state", flat=True)) == {"dropped"}
    assert due.run_due(now=_later(90)) == 0


def test_a_delegate_is_told_in_the_place_of_who_is_away(portfolio: Portfolio, olivia: User) -> None:
    dan = factories.join(factories.make_user("dan"), portfolio, "owner")
    today = now().date()
    Absence.objects.create(user=olivia, delegate=dan, first_day=today, last_day=today)
    investment = factories.make_investment(portfolio, "SUP-2", owner=olivia)
    _live(investment, LOSING, first=1, last=4)
    assert _mails("fired") == ["dan"]
    told = Notification.objects.get(event__kind="fired", channel="email", user=dan, event__episode__rule=RULE)
    assert told.message["recipient"]["why"].startswith("stands in for")


# Snooze


def test_case_44_a_snooze_that_ends_after_the_recovery_says_nothing(episode: Episode, olivia: User) -> None:
    acknowledgments.snooze(episode, user=olivia, until=_later(5), reason="Release on Friday.", now=now())
    _recover(episode)
    due.run_due(now=_later(6))
    assert "silence_ended" not in _kinds(episode)


def test_a_snooze_is_quiet_and_its_end_is_told_once(episode: Episode, olivia: User) -> None:
    acknowledgments.snooze(episode, user=olivia, until=_later(40), reason="Release on Friday.", now=now())
    for day in (10, 31):
        due.run_due(now=_later(day))
    assert _kinds(episode) == ["fired"]
    for day in (41, 41.5):
        due.run_due(now=_later(day))
    assert _kinds(episode).count("silence_ended") == 1
    assert _mails("silence_ended") == ["olivia"]


@pytest.mark.parametrize(("days", "reason"), [(91, "x"), (-1, "x"), (5, "  ")])
def test_a_snooze_has_a_reason_and_an_end_in_reach(
    episode: Episode, olivia: User, days: int, reason: str
) -> None:
    with pytest.raises(OverlayError):
        acknowledgments.snooze(episode, user=olivia, until=_later(days), reason=reason, now=now())


# Silence


def test_case_40_a_silenced_negative_still_inhibits_the_hurdle(portfolio: Portfolio, olivia: User) -> None:
    investment = factories.make_investment(portfolio, "SUP-3", owner=olivia)
    matcher = Matcher(portfolio=portfolio, investment=investment, rule=RULE)
    silences.create(
        matcher, starts_at=now(), ends_at=_later(5), comment="Migration.", author=olivia, now=now()
    )
    _live(investment, LOSING, first=1, last=4)
    kept = {
        n.event.episode.rule: n.suppressed_by for n in Notification.objects.filter(channel="email") if n.event
    }
    assert (kept[RULE], kept["hurdle_rate"]) == ("silenced", "inhibited")


def test_case_45_a_silence_made_after_queueing_counts_when_it_is_sent(episode: Episode, olivia: User) -> None:
    made = _silence(episode, olivia, starts_at=now() - timedelta(seconds=5))
    delivery.drain(limit=50)
    kept = Notification.objects.filter(event__episode=episode)
    assert {(n.state, n.suppressed_by, n.silence_id) for n in kept} == {("suppressed", "silenced", made.pk)}
    assert all(n.state_reason == "Silenced while it waited: Known." for n in kept)


def test_the_end_of_a_silence_is_told_once_of_what_is_still_open(portfolio: Portfolio, olivia: User) -> None:
    investment = factories.make_investment(portfolio, "SUP-4", owner=olivia)
    matcher = Matcher(portfolio=portfolio, investment=investment, rule=RULE)
    made = silences.create(
        matcher, starts_at=now(), ends_at=_later(2), comment="Migration.", author=olivia, now=now()
    )
    _live(investment, LOSING, first=1, last=4)
    assert _mails("fired", "suppressed") == ["olivia"]
    due.run_due(now=_later(1))
    assert _mails("silence_ended") == []
    for day in (2.1, 2.2):
        due.run_due(now=_later(day))
    assert _mails("silence_ended") == ["olivia"]
    made.refresh_from_db()
    assert made.handled_at is not None


def test_a_silence_that_ends_inside_another_is_told_when_both_are_over(
    portfolio: Portfolio, olivia: User
) -> None:
    investment = factories.make_investment(portfolio, "SUP-5", owner=olivia)
    matcher = Matcher(portfolio=portfolio, investment=investment, rule=RULE)
    for days in (2, 29):
        silences.create(
            matcher, starts_at=now(), ends_at=_later(days), comment="Migration.", author=olivia, now=now()
        )
    _live(investment, LOSING, first=1, last=4)
    due.run_due(now=_later(2.1))
    assert (_mails("silence_ended"), _mails("silence_ended", "suppressed")) == ([], ["olivia"])
    for day in (*range(3, 29), 29.1):
        due.run_due(now=_later(day))
    assert _mails("silence_ended") == ["olivia"]


def test_case_47_a_silence_of_everything_is_refused(portfolio: Portfolio, olivia: User) -> None:
    with pytest.raises(OverlayError, match="hides everything"):
        silences.create(
            Matcher(portfolio=portfolio),
            starts_at=now(),
            ends_at=_later(1),
            comment="All.",
            author=olivia,
            now=now(),
        )


def _long(episode: Episode, author: User) -> Silence:
    return _silence(episode, author, days=60)


def test_a_long_silence_of_the_negative_rule_holds_once_a_second_person_allows_it(
    episode: Episode, olivia: User, portfolio: Portfolio
) -> None:
    finn = factories.join(factories.make_user("finn"), portfolio, "finance")
    made = _long(episode, olivia)
    assert made.needs_approval
    delivery.drain(limit=50)
    assert Notification.objects.filter(event__episode=episode, suppressed_by="silenced").count() == 0
    with pytest.raises(approvals.ApprovalError, match="else than the author"):
        silences.decide(made, approver=olivia, is_allowed=True, now=now())
    silences.decide(made, approver=finn, is_allowed=True, now=now())
    for day in (29, 31):
        due.run_due(now=_later(day))
    assert _kinds(episode) == ["fired"]
    timer = Timer.objects.get(episode=episode, kind="reminder")
    assert (timer.state, timer.reason.startswith("Silenced by olivia")) == ("waiting", True)


@pytest.mark.parametrize(
    "change", [lambda s: setattr(s, "rule", ""), lambda s: setattr(s, "ends_at", _later(300))]
)
def test_what_changes_after_the_request_needs_a_new_one(
    episode: Episode, olivia: User, portfolio: Portfolio, change: Callable[[Silence], None]
) -> None:
    finn = factories.join(factories.make_user("finn"), portfolio, "finance")
    made = _long(episode, olivia)
    change(made)
    with pytest.raises(approvals.ApprovalError, match="changed after the request"):
        silences.decide(made, approver=finn, is_allowed=True, now=now())
    assert made.approval is not None
    made.approval.refresh_from_db()
    assert made.approval.decision == "void"


def test_a_preview_names_what_would_be_muted(episode: Episode) -> None:
    seen = silences.preview(_matcher(episode))
    assert [e.pk for e in seen.episodes] == [episode.pk]
    assert seen.unsent == Notification.objects.filter(event__episode=episode, state="pending").count()
