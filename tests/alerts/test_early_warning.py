"""Early warnings over the database: judged when a forecast comes, told to the owner alone, scored by what followed."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from alerts import evaluate, hit_rates, messages, policies, policy_backtest, queries
from alerts.hit_rates import HitRate, Warned
from alerts.models import AlertState, Episode, EvaluationPoint, Event, Notification, Policy, Timer
from portfolio.models import Investment
from roi import forecasts
from tests import factories
from tests.alerts.histories import foresee
from tests.factories import close, month, now, record, running

EARNING = {"model_api": 2000, "labor_savings": 9000}
LOSING = {"model_api": 9000, "labor_savings": 2000}


@pytest.fixture
def support(db: None) -> Investment:
    return factories.make_investment(factories.make_portfolio(rate="0.10"), "SUP-1")


def live_through(
    investment: Investment, *, first: int = 1, last: int, lines: dict[str, int] = EARNING
) -> None:
    record(investment.portfolio, *running(investment, lines, first=first, last=last))
    close(investment.portfolio, first=first, last=last)
    evaluate.advance(now=now())


def pending(investment: Investment) -> list[int]:
    return queries.find_pending(ids=[investment.pk], after=0, limit=9, max_attempts=5)


def state(investment: Investment) -> AlertState:
    return AlertState.objects.get(investment=investment, rule="early_warning")


def kinds(investment: Investment) -> list[str]:
    rows = Event.objects.filter(episode__investment=investment, episode__rule="early_warning")
    return list(rows.order_by("point", "ordinal").values_list("kind", flat=True))


def test_a_policy_starts_at_half_and_three_months(support: Investment) -> None:
    """Its columns are read as level and months ahead; the investment's hurdle rate has no part in it."""
    policies.adopt([support], now=now())
    own = Policy.objects.get(rule="early_warning")
    assert (own.hurdle, own.window, own.margin, own.severity) == (
        Decimal("0.5"),
        3,
        Decimal("0.1"),
        "info",
    )
    changed = factories.change_policy(
        support,
        "early_warning",
        effective_month=month(2),
        now=now(),
        actor=None,
        reason="Board.",
        terms={"hurdle": None, "window": 6},
    )
    assert (changed.hurdle, changed.window) == (Decimal("0.5"), 6)


def test_a_forecast_makes_the_investment_pending_once(support: Investment) -> None:
    """Without one the others are judged all the same; with one it is judged again, and then there is no work."""
    live_through(support, last=4)
    assert (state(support).verdict, state(support).reason) == ("nodata", "no_forecast")
    assert AlertState.objects.get(rule="negative_roi").verdict == "clear"
    assert pending(support) == []
    forecast = foresee(support, 4, 0.75)
    assert pending(support) == [support.pk]
    assert evaluate.advance(now=now()).investments == 1
    assert (state(support).state, state(support).value) == ("firing", "0.75")
    assert EvaluationPoint.objects.latest("pk").context["forecast"] == forecast.pk
    assert pending(support) == []
    assert evaluate.advance(now=now()) == evaluate.Evaluated()
    assert evaluate.evaluate_range([support.pk], now=now()) == evaluate.Evaluated()


def test_only_a_forecast_from_the_last_complete_month_is_work(support: Investment) -> None:
    live_through(support, last=4)
    foresee(support, 3, 0.75)
    assert pending(support) == []


def test_the_owner_alone_hears_and_nobody_is_reminded(support: Investment) -> None:
    """No Slack, no reminder, no escalation; the event keeps what the warning was made of."""
    live_through(support, last=4)
    forecast = foresee(support, 4, 0.75)
    evaluate.advance(now=now())
    (told,) = Notification.objects.filter(event__episode__rule="early_warning")
    assert (told.channel, told.user, told.message["about"]) == ("email", support.owner, "negative_roi")
    assert not Timer.objects.filter(episode__rule="early_warning").exists()
    evidence = Event.objects.get(episode__rule="early_warning").evidence
    assert (evidence["forecast"], evidence["about"], evidence["firing_value"]) == (
        forecast.pk,
        "negative_roi",
        "0.75",
    )
    shown = messages.render(told.message, id=told.pk, thread_id=told.thread_key)
    assert "is likely to cross another threshold soon" in shown.lead
    assert "This opens a watch item." in shown.lead
    assert shown.facts[0] == ("Probability (supported)", "75.0%")
    assert ("Likely next", "Negative ROI, by Jul 2024") in shown.facts
    assert (evidence["threshold"], evidence["window"], evidence["months"]) == ("0.50000000", 3, ["2024-07"])


def test_a_newer_forecast_of_the_same_month_takes_it_back(support: Investment) -> None:
    live_through(support, last=4)
    foresee(support, 4, 0.75)
    evaluate.advance(now=now())
    foresee(support, 4, 0.1)
    evaluate.advance(now=now())
    assert kinds(support) == ["fired", "retracted"]


def test_months_go_by_and_it_is_over_when_the_outlook_clears(support: Investment) -> None:
    live_through(support, last=4)
    foresee(support, 4, 0.75)
    evaluate.advance(now=now())
    live_through(support, first=5, last=5)
    assert state(support).state == "firing"
    foresee(support, 5, 0.45)
    evaluate.advance(now=now())
    assert (state(support).state, state(support).verdict) == ("firing", "band")
    live_through(support, first=6, last=6)
    foresee(support, 6, 0.2)
    evaluate.advance(now=now())
    assert kinds(support) == ["fired", "resolved"]


def test_it_changes_nothing_of_the_others(support: Investment) -> None:
    live_through(support, last=6, lines=LOSING)
    before = list(Event.objects.exclude(episode__rule="early_warning").values_list("pk", flat=True))
    foresee(support, 6, 0.9)
    evaluate.advance(now=now())
    assert list(Event.objects.exclude(episode__rule="early_warning").values_list("pk", flat=True)) == before
    assert kinds(support) == ["fired"]


def test_real_forecasts_are_judged(support: Investment) -> None:
    """Benefits that fall every month: the engine's own forecast warns before the rule fires."""
    for number in range(1, 9):
        lines = {"model_api": 3000, "labor_savings": 9000 - 600 * number}
        record(support.portfolio, *running(support, lines, first=number, last=number))
    close(support.portfolio, last=8)
    evaluate.advance(now=now())
    assert forecasts.refresh([support.pk], now=now()) == 1
    assert evaluate.advance(now=now()).investments == 1
    assert state(support).verdict == "breach"
    assert AlertState.objects.get(rule="negative_roi").state == "normal"
    assert forecasts.refresh([support.pk], now=now()) == 0
    assert evaluate.advance(now=now()).investments == 0


def test_its_terms_are_tried_on_past_forecasts(support: Investment) -> None:
    """As known then: a forecast made from later facts is not looked at in an earlier view."""
    live_through(support, last=4)
    foresee(support, 4, 0.45)
    evaluate.advance(now=now())
    live_through(support, first=5, last=5)
    foresee(support, 5, 0.2)
    evaluate.advance(now=now())
    found = policy_backtest.run(support, "early_warning", terms={"hurdle": Decimal("0.4")})
    (firing,) = found.replay.firings
    assert (firing.fired_month, firing.resolved_month, firing.is_announced) == (month(4), month(5), True)
    assert firing.known_at < found.replay.firings[0].ended_at  # type: ignore[operator]
    assert found.present.firings == ()


# How good they were


def warned(at: int, *, about: str = "negative_roi", investment: int = 1) -> Warned:
    return Warned(investment, about, month(at), 3)


@pytest.mark.parametrize(
    ("fired", "known_to", "expected"),
    [
        ({}, 3, (0, 0, 1, 0, 0)),
        ({}, 5, (0, 1, 0, 0, 0)),
        ({(1, "negative_roi"): [3]}, 3, (1, 1, 0, 1, 1)),
        ({(1, "negative_roi"): [5]}, 9, (1, 1, 0, 1, 1)),
        ({(1, "negative_roi"): [6]}, 9, (0, 1, 0, 0, 1)),
        ({(1, "negative_roi"): [2]}, 9, (0, 1, 0, 0, 1)),
        ({(1, "hurdle_rate"): [3]}, 9, (0, 1, 0, 0, 1)),
        ({(2, "negative_roi"): [3]}, 9, (0, 1, 0, 0, 1)),
    ],
)
def test_a_warning_is_followed_by_its_rule_in_its_months(
    fired: dict[tuple[int, str], list[int]], known_to: int, expected: tuple[int, ...]
) -> None:
    """Given after month 2 for three months: 3 to 5 count."""
    months = {key: [month(n) for n in numbers] for key, numbers in fired.items()}
    rate = hit_rates.count([warned(2)], months, known_to={1: month(known_to)})
    assert (rate.followed, rate.decided, rate.open, rate.warned, rate.firings) == expected


def test_two_warnings_of_one_alert_both_come_true() -> None:
    fired: dict[tuple[int, str], list[date]] = {(1, "negative_roi"): [month(4)]}
    rate = hit_rates.count([warned(2), warned(3)], fired, known_to={1: month(4)})
    assert (rate.followed, rate.decided, rate.warned, rate.firings, rate.share) == (2, 2, 1, 1, 1.0)
    assert HitRate(followed=0, decided=0, open=1, warned=0, firings=0).share is None


def test_the_hit_rate_of_a_portfolio(support: Investment) -> None:
    live_through(support, last=4)
    foresee(support, 4, 0.75)
    evaluate.advance(now=now())
    assert "0 still may" not in hit_rates.sentence(hit_rates.of([support.portfolio_id]))
    live_through(support, first=5, last=7, lines=LOSING)
    assert Episode.objects.get(rule="negative_roi").fired_month in (month(5), month(6), month(7))
    rate = hit_rates.of([support.portfolio_id])
    assert (rate.followed, rate.decided, rate.open, rate.warned) == (1, 1, 0, 1)
    assert hit_rates.sentence(rate).startswith(
        "Early warnings so far: 1 of 1 whose months have passed came true"
    )
    assert hit_rates.of([0]) == HitRate(followed=0, decided=0, open=0, warned=0, firings=0)
