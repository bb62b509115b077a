"""Terms tried on an investment's stored past: as known then, nothing written; and what changing a policy then does."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection
from django.test.utils import CaptureQueriesContext

from alerts import evaluate, judging, policies, policy_backtest
from alerts.models import Episode, Event, Notification, Policy
from alerts.policies import PolicyError
from alerts.policy_backtest import Backtest
from alerts.rules.policy_backtest import Overlap
from portfolio.models import Batch, Investment, Portfolio
from roi import inputs
from roi.models import SnapshotHead
from tests import factories
from tests.factories import close, month, now, record, record_support, running

LOSING = {"model_api": 9000, "labor_savings": 2000}
EARNING = {"model_api": 2000, "labor_savings": 9000}


@pytest.fixture
def portfolio(db: None) -> Portfolio:
    return factories.make_portfolio(rate="0.10")


@pytest.fixture
def support(portfolio: Portfolio) -> Investment:
    return factories.make_investment(portfolio, "SUP-1")


def month_by_month(investment: Investment, lines: dict[str, int], *, first: int, last: int) -> None:
    """Record, close and judge one month after the other."""
    for number in range(first, last + 1):
        record(investment.portfolio, *running(investment, lines, first=number, last=number))
        close(investment.portfolio, first=number, last=number)
        evaluate.advance(now=now())


def tried(investment: Investment, rule: str = "negative_roi", **terms: Any) -> Backtest:
    return policy_backtest.run(investment, rule, terms=terms)


def recorded(investment: Investment, rule: str) -> list[tuple[Any, ...]]:
    rows = Episode.objects.filter(investment=investment, rule=rule).order_by("number")
    return [(e.number, e.fired_month, e.resolved_month, e.closed_reason, e.is_announced) for e in rows]


def a_turbulent_past(support: Investment) -> None:
    """Two losing spells; the first was a mistake that a restatement took back."""
    month_by_month(support, LOSING, first=1, last=4)
    corrected = running(support, {"labor_savings": 20_000}, last=4)
    record(support.portfolio, *corrected, reason="The savings were missing.")
    evaluate.advance(now=now())
    month_by_month(support, LOSING, first=5, last=9)
    month_by_month(support, EARNING, first=10, last=13)


def test_the_present_terms_would_have_done_what_was_done(support: Investment) -> None:
    """The proof of the replay: laid over the same past, the policy in force yields the recorded episodes."""
    a_turbulent_past(support)
    for rule in ("negative_roi", "hurdle_rate", "breakeven_reached", "missing_actuals"):
        found = tried(support, rule)
        assert [
            (
                f.number,
                f.fired_month,
                f.resolved_month,
                f.closed_reason.value if f.closed_reason else "",
                f.is_announced,
            )
            for f in found.replay.firings
        ] == recorded(support, rule)
        assert found.replay == found.present
    assert {reason for *_, reason, _ in recorded(support, "negative_roi")} == {"retracted", "resolved"}


def test_other_terms_would_have_fired_otherwise(support: Investment) -> None:
    a_turbulent_past(support)
    found = tried(support, window=1)
    assert found.sentence == (
        "On 13 closed months, as known at 14 times, “Negative ROI” would have fired 2 times, 1 of them retracted. "
        "The present terms would have fired 2 times, 1 of them retracted."
    )
    sooner, now_in_force = found.replay.firings[1], found.present.firings[1]
    assert sooner.fired_month == month(5) < now_in_force.fired_month
    assert found.overlap.only_candidate > 0
    assert found.known_at[sooner.known_at] <= now()
    patient = tried(support, for_months=6)
    assert (len(patient.replay.firings), patient.overlap.both) == (0, 0)
    assert tried(support, is_enabled=False).replay.firings == ()


def test_only_facts_of_the_time_are_looked_at(support: Investment) -> None:
    """As known now nothing ever went wrong; as known then it did."""
    record(support.portfolio, *running(support, LOSING, last=4))
    close(support.portfolio, last=4)
    evaluate.advance(now=now())
    record(support.portfolio, *running(support, {"labor_savings": 20_000}, last=4), reason="Missing.")
    evaluate.advance(now=now())
    found = tried(support)
    assert (len(found.replay.firings), found.replay.retracted) == (1, 1)
    assert found.replay.firing_months == frozenset()


@pytest.mark.parametrize("measure", ["npv", "irr"])
def test_the_measures_of_the_hurdle_are_computed_for_the_past(support: Investment, measure: str) -> None:
    record_support(support)
    close(support.portfolio, last=12)
    evaluate.advance(now=now())
    found = tried(support, "hurdle_rate", measure=measure, for_months=1, armed_from_month=12, margin=0)
    (firing,) = found.replay.firings
    assert (firing.fired_month, firing.is_announced) == (month(12), True)
    if measure == "npv":
        assert firing.verdict.value == pytest.approx(Decimal(-4644), abs=Decimal(1))
    assert found.present.firings == ()
    assert found.overlap == Overlap(both=0, only_candidate=1, only_present=0)


def test_without_evaluations_the_closings_are_looked_at(support: Investment) -> None:
    for number in range(1, 6):
        record(support.portfolio, *running(support, LOSING, first=number, last=number))
        close(support.portfolio, first=number, last=number)
    found = tried(support)
    assert (found.replay.views, len(found.replay.firings)) == (5, 1)
    assert found.replay.firings[0].is_announced
    assert not Policy.objects.exists()


def test_an_investment_nothing_is_known_of_would_not_have_fired(support: Investment) -> None:
    found = tried(support)
    assert (found.replay.firings, found.replay.judged) == ((), ())
    assert "On 0 closed months" in found.sentence


def test_an_ended_investment_is_judged_up_to_its_end(support: Investment) -> None:
    """Its stage is known of today only: before, it was in use."""
    month_by_month(support, LOSING, first=1, last=5)
    factories.enter(support, "killed")
    evaluate.advance(now=now())
    found = tried(support)
    assert [f.closed_reason for f in found.replay.firings] == ["investment_closed"]
    assert recorded(support, "negative_roi")[0][3] == "investment_closed"


def test_too_many_views_are_left_out_and_counted(
    support: Investment, monkeypatch: pytest.MonkeyPatch
) -> None:
    month_by_month(support, LOSING, first=1, last=5)
    monkeypatch.setattr(policy_backtest, "MOST_VIEWS", 2)
    found = tried(support)
    assert (found.replay.views, found.left_out) == (2, 3)


def test_nothing_is_written(support: Investment) -> None:
    a_turbulent_past(support)
    before = [model.objects.count() for model in (Policy, Batch, Episode, Event, Notification)]
    with CaptureQueriesContext(connection) as captured:
        tried(support, window=1)
    assert not [q for q in captured if q["sql"].split()[0] in ("INSERT", "UPDATE", "DELETE")]
    assert [model.objects.count() for model in (Policy, Batch, Episode, Event, Notification)] == before


@pytest.mark.parametrize(
    ("rule", "terms", "sentence"),
    [
        ("no_such", {}, "no rule named 'no_such'"),
        ("negative_roi", {"for": 1}, "no term named for"),
        ("negative_roi", {"window": 25}, "Window"),
        ("hurdle_rate", {"margin": Decimal(-1)}, "negative"),
    ],
)
def test_terms_that_cannot_be_are_refused(
    support: Investment, rule: str, terms: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        tried(support, rule, **terms)
    assert issubclass(PolicyError, ValueError)


def test_the_months_as_known_now_are_those_of_the_snapshots(support: Investment) -> None:
    """One road for stored figures and for those of an earlier time."""
    a_turbulent_past(support)
    newest = Batch.objects.latest("pk").pk
    loaded = inputs.load([support], knowledge=newest)
    assert policy_backtest._months(loaded) == judging.months_of([support.pk])[support.pk]
    head = SnapshotHead.objects.get(pk=support.pk)
    assert policy_backtest._context(loaded, is_now=True) == judging.context_of(support, head)


# What a change does once it is in force


def put_in_force(support: Investment, at: int, rule: str = "hurdle_rate", **terms: Any) -> None:
    factories.change_policy(
        support, rule, effective_month=month(at), now=now(), actor=None, reason="Board.", terms=terms
    )


def events(support: Investment, rule: str = "hurdle_rate") -> list[tuple[str, str]]:
    rows = Event.objects.filter(episode__investment=support, episode__rule=rule).order_by("point", "ordinal")
    return [(e.kind, e.episode.closed_reason) for e in rows]


BELOW = {"model_api": 1000, "labor_savings": 1050}  # incremental ROI 5 %, the hurdle is 10 %


def firing_under_hurdle(support: Investment) -> Episode:
    month_by_month(support, BELOW, first=1, last=5)
    return Episode.objects.get(rule="hurdle_rate", closed_at=None)


def test_case_62_a_threshold_that_ends_the_firing_closes_it_as_changed(support: Investment) -> None:
    episode = firing_under_hurdle(support)
    put_in_force(support, 6, hurdle=Decimal("-0.10"), margin=Decimal(0))
    evaluate.advance(now=now())
    episode.refresh_from_db()
    assert episode.closed_at is None
    month_by_month(support, BELOW, first=6, last=6)
    episode.refresh_from_db()
    assert (episode.closed_reason, episode.resolved_month) == ("rule_changed", month(6))
    assert [kind for kind, _ in events(support)] == ["fired", "closed"]
    told = Notification.objects.filter(event__kind="closed", event__episode=episode, channel="email")
    assert told.count() == 1


def test_case_63_a_rule_that_is_switched_off_closes_with_one_notice(support: Investment) -> None:
    episode = firing_under_hurdle(support)
    put_in_force(support, 6, is_enabled=False)
    month_by_month(support, BELOW, first=6, last=7)
    episode.refresh_from_db()
    assert episode.closed_reason == "rule_deleted"
    assert [kind for kind, _ in events(support)] == ["fired", "closed"]
    assert Notification.objects.filter(event__kind="closed", channel="email").count() == 1
    assert evaluate.advance(now=now()).events == 0


def test_case_64_a_longer_wait_leaves_what_is_firing(support: Investment) -> None:
    episode = firing_under_hurdle(support)
    put_in_force(support, 6, for_months=6)
    month_by_month(support, BELOW, first=6, last=7)
    episode.refresh_from_db()
    assert episode.closed_at is None
    assert [kind for kind, _ in events(support)] == ["fired"]


def test_case_65_two_policies_of_a_rule_are_refused(support: Investment) -> None:
    """One line of versions a rule: the same version again is refused by the database."""
    policies.adopt([support], now=now())
    twin = Policy.objects.get(investment=support, rule="hurdle_rate")
    twin.pk = None
    twin._state.adding = True
    with pytest.raises(IntegrityError, match="policy_version_once"):
        twin.save()


CLOCKS = {
    "ten years ahead": ("UTC", datetime(2036, 11, 22, tzinfo=UTC)),
    "ten years back": ("UTC", datetime(2016, 11, 22, tzinfo=UTC)),
    "a night without an hour": ("Europe/London", datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),
    "leap day": ("Pacific/Auckland", datetime(2028, 2, 29, 11, 59, tzinfo=UTC)),
    "new year first": ("Pacific/Kiritimati", datetime(2026, 12, 31, 10, 30, tzinfo=UTC)),
    "new year last": ("Etc/GMT+12", datetime(2027, 1, 1, 11, 30, tzinfo=UTC)),
}


@pytest.mark.parametrize("clock", CLOCKS)
def test_case_66_the_clock_of_a_worker_changes_no_verdict(db: None, clock: str) -> None:
    zone, at = CLOCKS[clock]
    told = []
    for time_zone, moment in (("UTC", now()), (zone, at)):
        investment = factories.make_investment(factories.make_portfolio(time_zone=time_zone))
        # Policies are recorded knowledge, which the clock of the database keeps in order.
        policies.adopt([investment], now=now())
        for number, lines in ((1, LOSING), (5, EARNING), (9, LOSING)):
            record(investment.portfolio, *running(investment, lines, first=number, last=number + 3))
            close(investment.portfolio, first=number, last=number + 3)
            evaluate.advance(now=moment, ids=[investment.pk])
        rows = Notification.objects.filter(event__episode__investment=investment, channel="email")
        told.append(sorted(rows.values_list("event__episode__rule", "event__kind", "event__month")))
        assert tried(investment).replay.firings == tried(investment).present.firings
    assert told[0] == told[1]
    assert len(told[0]) >= 3
