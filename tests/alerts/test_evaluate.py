"""From snapshots to episodes, events and the outbox: told once, told to the right people, never told again."""

from __future__ import annotations

import threading
from collections import Counter
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from alerts import auditor, evaluate
from alerts.models import (
    AlertState,
    Episode,
    EvaluationHead,
    EvaluationPoint,
    Event,
    Notification,
)
from alerts.results import Results
from portfolio import investments, months
from portfolio.models import Investment, Portfolio
from portfolio.terms import Book
from tests import factories
from tests.factories import START, close, fact, month, now, record, record_support, running
from tests.servers import TestDatabase

LOSING = {"model_api": 9000, "labor_savings": 2000}
EARNING = {"model_api": 2000, "labor_savings": 9000}


@pytest.fixture
def portfolio(db: None) -> Portfolio:
    return factories.make_portfolio(rate="0.10")


@pytest.fixture
def support(portfolio: Portfolio) -> Investment:
    owner = factories.make_user("olivia")
    return factories.make_investment(portfolio, "SUP-1", owner=owner)


def _everything() -> dict[str, int]:
    models = (EvaluationPoint, Episode, Event, Notification, AlertState, EvaluationHead)
    return {model.__name__: model._default_manager.count() for model in models}


def _events() -> list[tuple[str, int, str, str]]:
    rows = Event.objects.exclude(episode__rule__startswith="breakeven")
    rows = rows.order_by("point", "ordinal", "kind", "episode__rule")
    return [(e.episode.rule, e.episode.number, e.kind, f"{e.month:%Y-%m}") for e in rows]


def _npv_policy(support: Investment) -> None:
    factories.change_policy(
        support,
        "hurdle_rate",
        effective_month=START,
        now=now(),
        actor=None,
        reason="Judge NPV at month 12.",
        terms={"measure": "npv", "for_months": 1, "armed_from_month": 12, "margin": Decimal(0)},
    )


# The support case of the definitions


def test_the_support_case_under_the_default_policy(support: Investment) -> None:
    record_support(support)
    close(support.portfolio, last=12)
    evaluate.advance(now=now())
    assert [(e.rule, e.fired_month) for e in Episode.objects.all()] == [("breakeven_reached", month(12))]
    states = {s.rule: (s.state, s.verdict) for s in AlertState.objects.all()}
    assert states["hurdle_rate"] == ("normal", "clear")
    assert states["negative_roi"] == ("normal", "clear")


def test_the_support_case_under_an_npv_policy(support: Investment) -> None:
    _npv_policy(support)
    record_support(support)
    close(support.portfolio, last=12)
    evaluate.advance(now=now())
    episode = Episode.objects.get(rule="hurdle_rate")
    assert (episode.fired_month, episode.closed_at) == (month(12), None)
    value = Decimal(Event.objects.get(episode=episode).evidence["firing_value"])
    assert value == pytest.approx(Decimal(-4644), abs=Decimal(1))


def test_nothing_fires_before_the_live_month(portfolio: Portfolio) -> None:
    investment = factories.make_investment(portfolio, live_month=month(10))
    record(portfolio, *running(investment, LOSING, last=11))
    close(portfolio, last=11)
    evaluate.advance(now=now())
    assert not Episode.objects.filter(rule__in=["negative_roi", "hurdle_rate"]).exists()
    assert AlertState.objects.get(rule="negative_roi").reason == "not_live"
    record(portfolio, *running(investment, LOSING, first=12, last=12))
    close(portfolio, first=12, last=12)
    evaluate.advance(now=now())
    assert Episode.objects.get(rule="negative_roi").fired_month == month(12)


# Telling once


def test_a_backfill_tells_once_per_investment_and_rule(portfolio: Portfolio) -> None:
    for number in range(3):
        investment = factories.make_investment(portfolio)
        for first in range(1, 25, 6):
            lines = LOSING if (first // 6 + number) % 2 == 0 else EARNING
            record(portfolio, *running(investment, lines, first=first, last=first + 5))
    close(portfolio, last=24)
    evaluate.advance(now=now())
    told = Counter(
        Notification.objects.filter(channel="email").values_list(
            "event__episode__investment", "event__episode__rule"
        )
    )
    assert told
    assert max(told.values()) == 1
    assert Episode.objects.filter(rule="negative_roi", closed_at__isnull=False).count() >= 2
    assert not Notification.objects.filter(event__kind="resolved").exists()


def test_running_again_writes_nothing(support: Investment) -> None:
    record(support.portfolio, *running(support, LOSING))
    close(support.portfolio, last=12)
    assert evaluate.advance(now=now()).notifications > 0
    before = _everything()
    assert evaluate.advance(now=now()) == evaluate.Evaluated()
    assert evaluate.evaluate_range([support.pk], now=now()) == evaluate.Evaluated()
    assert _everything() == before


def test_folding_again_over_the_same_facts_finds_no_change(support: Investment) -> None:
    record(support.portfolio, *running(support, LOSING))
    close(support.portfolio, last=12)
    evaluate.advance(now=now())
    before = _everything()
    EvaluationHead.objects.update(revision=-1)
    again = evaluate.evaluate(now=now())
    assert (again.investments, again.events, again.notifications) == (1, 0, 0)
    assert _everything() == before | {"EvaluationPoint": before["EvaluationPoint"] + 1}


def test_what_was_said_last_counts_even_when_clocks_disagree(support: Investment) -> None:
    """Events are read in the order of their points: a worker whose clock is behind does not restate for ever."""
    record(support.portfolio, *running(support, LOSING))
    close(support.portfolio, last=12)
    late = now()
    evaluate.advance(now=late)
    record(support.portfolio, fact(support, month(3), "model_api", 9500), reason="Corrected.")
    evaluate.advance(now=late.replace(year=late.year - 1))
    assert Event.objects.filter(episode__rule="negative_roi", kind="restated").count() == 1
    EvaluationHead.objects.update(revision=-1)
    assert evaluate.evaluate(now=now()).events == 0


# Restatements


def test_case_20_a_restatement_that_disproves_retracts(support: Investment) -> None:
    record(support.portfolio, *running(support, LOSING, last=4))
    close(support.portfolio, last=4)
    evaluate.advance(now=now())
    corrected = running(support, {"labor_savings": 20_000}, last=4)
    record(support.portfolio, *corrected, reason="The savings were missing.")
    evaluate.advance(now=now())
    assert _events() == [
        ("hurdle_rate", 1, "fired", "2024-04"),
        ("negative_roi", 1, "fired", "2024-03"),
        ("hurdle_rate", 1, "retracted", "2024-04"),
        ("negative_roi", 1, "retracted", "2024-03"),
    ]
    assert set(Episode.objects.filter(rule="negative_roi").values_list("closed_reason", flat=True)) == {
        "retracted"
    }
    kinds = Counter(
        Notification.objects.filter(event__episode__rule="negative_roi").values_list("event__kind", "channel")
    )
    assert kinds == {(kind, channel): 1 for kind in ("fired", "retracted") for channel in ("email", "slack")}


def test_case_22_recovery_resolves_and_its_restatement_reopens(support: Investment) -> None:
    portfolio = support.portfolio
    record(portfolio, *running(support, LOSING, last=4))
    close(portfolio, last=4)
    evaluate.advance(now=now())
    record(portfolio, *running(support, EARNING, first=5, last=8))
    close(portfolio, first=5, last=8)
    evaluate.advance(now=now())
    episode = Episode.objects.get(rule="negative_roi")
    assert (episode.closed_reason, episode.resolved_month) == ("resolved", month(7))
    record(portfolio, *running(support, {"labor_savings": 100}, first=5, last=8), reason="Not real.")
    evaluate.advance(now=now())
    episode.refresh_from_db()
    assert (episode.number, episode.closed_reason, episode.closed_at) == (1, "", None)
    kinds = [kind for rule, _, kind, _ in _events() if rule == "negative_roi"]
    assert kinds == ["fired", "resolved", "reopened"]
    assert Event.objects.values("id").distinct().count() == Event.objects.count()


def test_case_30_a_refire_is_a_new_episode_with_its_own_key(support: Investment) -> None:
    portfolio = support.portfolio
    for first, lines in ((1, LOSING), (5, EARNING), (9, LOSING)):
        record(portfolio, *running(support, lines, first=first, last=first + 3))
        close(portfolio, first=first, last=first + 3)
        evaluate.advance(now=now())
    numbers = Episode.objects.filter(rule="negative_roi").order_by("number")
    assert list(numbers.values_list("number", "closed_reason")) == [(1, "resolved"), (2, "")]
    keys = Notification.objects.filter(event__episode__rule="negative_roi").values_list(
        "thread_key", flat=True
    )
    assert len(set(keys)) == 2


def test_a_reopened_month_proves_nothing(support: Investment) -> None:
    record(support.portfolio, *running(support, LOSING, last=4))
    close(support.portfolio, last=4)
    evaluate.advance(now=now())
    finn = factories.make_user()
    months.reopen(support.portfolio, [month(3), month(4)], now=now(), actor=finn, reason="Audit.")
    assert evaluate.advance(now=now()).events == 0
    assert Episode.objects.get(rule="negative_roi").closed_at is None


@pytest.mark.parametrize("changes", [{"stage": "killed"}, {"end_month": month(4)}])
def test_an_investment_that_ends_closes_its_episodes(support: Investment, changes: dict[str, Any]) -> None:
    record(support.portfolio, *running(support, LOSING, last=4))
    close(support.portfolio, last=4)
    evaluate.advance(now=now())
    if "stage" in changes:
        factories.enter(support, changes["stage"])
    else:
        support.end_month = changes["end_month"]
        investments.put(support, now=now())
    evaluate.advance(now=now())
    assert set(Episode.objects.values_list("closed_reason", flat=True)) == {"investment_closed"}
    assert Notification.objects.filter(event__kind="closed", channel="email").exists()


def test_a_later_live_month_is_judged_anew(support: Investment) -> None:
    record(support.portfolio, *running(support, LOSING, last=4))
    close(support.portfolio, last=4)
    evaluate.advance(now=now())
    support.live_month = month(4)
    investments.put(support, now=now())
    evaluate.advance(now=now())
    assert Episode.objects.get(rule="negative_roi").closed_reason == "retracted"


# Many at once


def test_one_that_cannot_be_judged_does_not_stop_the_others(
    portfolio: Portfolio, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    made = [factories.make_investment(portfolio) for _ in range(4)]
    for investment in made:
        record(portfolio, *running(investment, LOSING, last=4))
    close(portfolio, last=4)
    poison, judge = made[1], evaluate.judging.context_of

    def context_of(investment: Investment, head: Any) -> Any:
        if investment == poison:
            raise ValueError("indigestible")
        return judge(investment, head)

    monkeypatch.setattr(evaluate.judging, "context_of", context_of)
    for attempt in range(1, evaluate.MAX_ATTEMPTS + 1):
        done = evaluate.advance(now=now())
        assert done.investments == (3 if attempt == 1 else 0)
        assert EvaluationHead.objects.get(pk=poison.pk).attempts == attempt
    before = _everything()
    assert evaluate.advance(now=now()).investments == 0
    assert _everything() == before
    assert "cannot be evaluated" in caplog.text
    fired = Episode.objects.filter(rule="negative_roi").values_list("investment", flat=True)
    assert set(fired) == {i.pk for i in made} - {poison.pk}


def test_case_29_eight_evaluators_open_one_episode(fresh_database: TestDatabase) -> None:
    investment = factories.make_investment(factories.make_portfolio())
    record(investment.portfolio, *running(investment, LOSING))
    close(investment.portfolio, last=12)
    failures: list[BaseException] = []
    barrier = threading.Barrier(8)

    def work() -> None:
        try:
            barrier.wait(20)
            evaluate.advance(now=now())
        except BaseException as error:
            failures.append(error)
        finally:
            connection.close()

    workers = [threading.Thread(target=work) for _ in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert failures == []
    assert Counter(Episode.objects.values_list("rule", flat=True)) == {
        "negative_roi": 1,
        "hurdle_rate": 1,
    }
    assert EvaluationPoint.objects.count() == 1
    assert Counter(Notification.objects.values_list("event__episode__rule", "channel")) == {
        (rule, channel): 1 for rule in ("negative_roi", "hurdle_rate") for channel in ("email", "slack")
    }


def test_what_ends_is_written_before_what_opens(support: Investment) -> None:
    """A rule has one open episode at every moment, also while both of its episodes change at once."""
    terms: dict[str, Any] = {
        "investment": support,
        "rule": "negative_roi",
        "severity": "critical",
        "first_breach_month": START,
        "fired_month": START,
        "opened_at": now(),
    }
    first = Episode.objects.create(number=1, closed_at=now(), closed_reason="resolved", **terms)
    second = Episode.objects.create(number=2, **terms)
    first.closed_at, first.closed_reason = None, ""
    second.closed_at, second.closed_reason = now(), "retracted"
    Results(changed=[first, second]).write(now=now())
    assert Episode.objects.get(closed_at=None) == first


def test_what_was_promised_and_never_went_live_is_judged(portfolio: Portfolio) -> None:
    """Without a live month the plan's first benefit is the promise; overdue by more than a window it arms the rules."""
    made = factories.make_investment(portfolio, "DEAD", live_month=None)
    plan = [
        *running(made, {"model_api": 1000}, last=24),
        *running(made, {"labor_savings": 5000}, first=3, last=24),
    ]
    record(portfolio, *plan, source="plan", book=Book.PLAN, book_version=1)
    factories.approve_plan(made)
    record(portfolio, *running(made, {"model_api": 1000, "labor_savings": 0}, last=12))
    close(portfolio, last=12)
    evaluate.advance(now=now())
    fired = dict(Episode.objects.filter(investment=made).values_list("rule", "fired_month"))
    # Promised for month 3, overdue by more than the window of three from month 7 on.
    assert (fired["negative_roi"], fired["hurdle_rate"]) == (month(7), month(8))


def test_a_fingerprint_is_of_the_investment_alone_whatever_it_is_computed_with(portfolio: Portfolio) -> None:
    """Plans of two lengths in one sweep: the auditor, which looks at each portfolio, finds what was judged."""
    for code, last in (("SHORT", 12), ("LONG", 24)):
        place = factories.make_portfolio(code)
        made = factories.make_investment(place, f"{code}-1")
        lines = {"model_api": 1000, "labor_savings": 5000}
        record(place, *running(made, lines, last=last), source="plan", book=Book.PLAN, book_version=1)
        factories.approve_plan(made)
        record(place, *running(made, lines, last=4))
        close(place, last=4)
    evaluate.advance(now=now())
    run = auditor.audit(now=now(), is_forced=True)
    assert (run.missing_points, run.is_clean) == (0, True)
