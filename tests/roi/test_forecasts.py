"""Stored forecasts: made once per set of facts, scored when the months come, and summed up as calibration."""

from __future__ import annotations

import json
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from portfolio import investments
from portfolio.models import Investment, Portfolio
from portfolio.terms import Book, add_months, format_month
from roi import forecasts, snapshots, tasks
from roi.forecasts import making, scores
from roi.models import Forecast, ForecastScore
from tests import factories
from tests.factories import close, fact, month, now, record, running

LINES = {"infrastructure": 10_500, "maintenance": 3_000, "labor_savings": 26_250}
MEASURES = ("benefit", "run_cost", "net", "cumulative_net")


@pytest.fixture
def support(db: None) -> Investment:
    """Return the support case of source B with nine closed months."""
    return _known(factories.make_investment(factories.make_portfolio()), last=9)


def _known(investment: Investment, *, last: int) -> Investment:
    factories.record_support(investment, last=last)
    close(investment.portfolio, last=last)
    snapshots.recompute(now=now())
    return investment


def _next_month(investment: Investment, number: int, **changes: int) -> None:
    record(investment.portfolio, *running(investment, factories.SUPPORT | changes, first=number, last=number))
    close(investment.portfolio, first=number, last=number)
    snapshots.recompute(now=now())


def _only(investment: Investment) -> Forecast:
    return Forecast.objects.get(investment=investment)


def test_the_support_case_is_forecast_to_its_horizon(support: Investment) -> None:
    assert forecasts.refresh([support.pk], now=now()) == 1
    found = _only(support)
    assert found.method == "damped_trend"
    assert found.last_month == month(9)
    assert found.months == 27
    content: dict[str, Any] = found.content
    assert content["months"][0] == format_month(month(10))
    assert content["months"][-1] == content["probabilities"]["at"] == format_month(month(36))
    assert content["measures"]["net"]["p50"] == pytest.approx([12_750] * 27, rel=1e-3)
    assert content["measures"]["cumulative_net"]["p50"][2] == pytest.approx(3_000, rel=0.05)
    assert content["measures"]["volume"] == {
        "p10": None,
        "p50": None,
        "p90": None,
        "reasons": dict.fromkeys(("p10", "p50", "p90"), "no_volume"),
    }
    assert content["probabilities"]["roi"] == {"value": 1.0, "reason": None}
    assert content["probabilities"]["breakeven_by_month"][1]["value"] == 0
    reached = content["crossings"]["breakeven_reached"]
    assert (reached["p10"], reached["p90"]) == (format_month(month(12)),) * 2
    assert content["crossings"]["negative_roi"]["reasons"] == dict.fromkeys(
        ("p10", "p50", "p90"), "not_reached"
    )
    assert json.loads(json.dumps(content)) == content


def test_a_forecast_is_made_once(support: Investment) -> None:
    assert forecasts.find_stale() == [support.pk]
    assert forecasts.refresh([support.pk], now=now()) == 1
    assert forecasts.find_stale() == []
    assert forecasts.refresh([support.pk, support.pk], now=now()) == 0
    assert Forecast.objects.count() == 1


def test_an_open_month_changes_no_forecast_and_a_closed_one_does(support: Investment) -> None:
    forecasts.refresh([support.pk], now=now())
    record(support.portfolio, fact(support, month(10), "model_api", 9_000))
    snapshots.recompute(now=now())
    assert forecasts.find_stale() == [support.pk]
    assert forecasts.refresh([support.pk], now=now()) == 0
    _next_month(support, 10)
    assert forecasts.refresh([support.pk], now=now()) == 1
    assert list(Forecast.objects.order_by("pk").values_list("last_month", flat=True)) == [month(9), month(10)]


def test_a_restated_month_is_forecast_anew_and_the_old_forecast_stays(support: Investment) -> None:
    forecasts.refresh([support.pk], now=now())
    before = _only(support)
    record(support.portfolio, fact(support, month(3), "model_api", 9_000), reason="Corrected.")
    snapshots.recompute(now=now())
    assert forecasts.refresh([support.pk], now=now()) == 1
    newest = Forecast.objects.filter(investment=support).latest("pk")
    assert newest.knowledge > before.knowledge
    assert newest.last_month == before.last_month
    assert Forecast.objects.get(pk=before.pk).content == before.content


def test_two_workers_store_one_forecast(support: Investment, monkeypatch: pytest.MonkeyPatch) -> None:
    forecasts.refresh([support.pk], now=now())
    monkeypatch.setattr(making, "_missing", lambda prepared: list(range(len(prepared.investments))))
    forecasts.refresh([support.pk], now=now())
    assert Forecast.objects.count() == 1


def test_what_has_ended_is_not_forecast(support: Investment) -> None:
    factories.enter(support, "killed")
    snapshots.recompute(now=now())
    assert forecasts.find_stale() == []
    assert forecasts.refresh([support.pk], now=now()) == 0


def test_an_end_month_is_the_end_of_the_forecast(support: Investment) -> None:
    support.end_month = month(11)
    investments.put(support, now=now())
    forecasts.refresh([support.pk], now=now())
    assert _only(support).months == 2


def test_few_months_follow_the_approved_plan(db: None) -> None:
    investment = factories.make_investment(factories.make_portfolio())
    plan = running(investment, {"infrastructure": 10_000, "labor_savings": 20_000}, last=24)
    record(investment.portfolio, *plan, source="plan", book=Book.PLAN, book_version=1)
    factories.approve_plan(investment, 1)
    record(
        investment.portfolio,
        *running(investment, {"infrastructure": 12_000, "labor_savings": 10_000}, last=3),
    )
    close(investment.portfolio, last=3)
    snapshots.recompute(now=now())
    assert forecasts.refresh([investment.pk], now=now()) == 1
    found = _only(investment)
    assert (found.method, found.months, found.paths) == ("plan_scaled", 21, 1)
    assert "scaled by actual over plan" in found.content["sentence"]
    benefit = found.content["measures"]["benefit"]
    assert benefit["p50"] == pytest.approx([10_000] * 21)
    assert benefit["p10"] is None
    assert benefit["reasons"] == {"p10": "too_few_months", "p90": "too_few_months"}
    assert found.content["probabilities"]["roi"] == {"value": None, "reason": "too_few_months"}
    assert found.content["crossings"]["negative_roi"]["by_month"] is None


def test_without_plan_or_months_nothing_is_stored(db: None) -> None:
    investment = _known(factories.make_investment(factories.make_portfolio()), last=3)
    assert forecasts.refresh([investment.pk], now=now()) == 0
    assert not Forecast.objects.exists()


def test_many_investments_take_no_more_queries_than_one(support: Investment) -> None:
    others = [factories.make_investment(support.portfolio) for _ in range(4)]
    for other in others:
        factories.record_support(other, last=9)
    snapshots.recompute(now=now())
    with CaptureQueriesContext(connection) as one:
        forecasts.refresh([support.pk], now=now())
    with CaptureQueriesContext(connection) as many:
        assert forecasts.refresh([other.pk for other in others], now=now()) == 4
    assert len(many) == len(one)


def test_months_are_scored_when_they_are_closed(support: Investment) -> None:
    forecasts.refresh([support.pk], now=now())
    assert forecasts.score(now=now()) == 0
    _next_month(support, 10)
    assert forecasts.score(now=now()) == len(MEASURES)
    assert forecasts.score(now=now()) == 0
    net = ForecastScore.objects.get(measure="net")
    assert (net.month, net.step, net.actual, net.is_inside) == (month(10), 1, Decimal(12_750), True)
    assert net.p10 <= net.p50 <= net.p90
    together = ForecastScore.objects.get(measure="cumulative_net")
    assert together.actual == Decimal(12_750 * 10 - 150_000)


def test_a_restatement_scores_again(support: Investment) -> None:
    forecasts.refresh([support.pk], now=now())
    _next_month(support, 10)
    forecasts.score(now=now())
    first = ForecastScore.objects.get(measure="run_cost")
    record(support.portfolio, fact(support, month(10), "model_api", 60_000), reason="Late invoice.")
    snapshots.recompute(now=now())
    later = now()
    assert forecasts.score(now=later) == 3  # benefit stays
    again = ForecastScore.objects.get(measure="run_cost")
    assert again.pk == first.pk
    assert (again.actual, again.is_inside, again.scored_at) == (Decimal(67_500), False, later)
    assert (again.p10, again.knowledge > first.knowledge) == (first.p10, True)


def test_what_is_no_longer_complete_loses_its_score(support: Investment) -> None:
    forecasts.refresh([support.pk], now=now())
    _next_month(support, 10)
    forecasts.score(now=now())
    record(
        support.portfolio, factories.withdrawn(support, month(10), "model_api"), reason="Wrong investment."
    )
    snapshots.recompute(now=now())
    forecasts.score(now=now())
    assert not ForecastScore.objects.exists()


def test_another_currency_is_not_compared(support: Investment) -> None:
    forecasts.refresh([support.pk], now=now())
    _next_month(support, 10)
    Portfolio.objects.filter(pk=support.portfolio_id).update(reporting_currency="EUR")
    assert forecasts.score(now=now()) == 0


def test_only_near_months_are_scored(support: Investment) -> None:
    forecasts.refresh([support.pk], now=now())
    for number in range(10, 18):
        _next_month(support, number)
    forecasts.score(now=now())
    steps = ForecastScore.objects.filter(measure="net").order_by("step").values_list("step", flat=True)
    assert list(steps) == list(range(1, scores.STEPS + 1))


def test_calibration_counts_by_measure_and_step(support: Investment) -> None:
    forecasts.refresh([support.pk], now=now())
    _next_month(support, 10)
    forecasts.refresh([support.pk], now=now())
    _next_month(support, 11, labor_savings=60_000)
    forecasts.score(now=now())
    found = {(row.measure, row.step): row for row in forecasts.calibration([support.portfolio_id])}
    assert set(found) == {(measure, step) for measure in MEASURES for step in (1, 2)}
    near, far = found["benefit", 1], found["benefit", 2]
    assert (near.n, near.coverage) == (2, 0.5)
    assert (far.n, far.coverage) == (1, 0)
    assert near.bias == pytest.approx(-40_750 / (26_250 + 67_000), rel=0.01)
    assert found["run_cost", 1].bias == pytest.approx(0, abs=1e-3)


def test_calibration_keeps_to_the_portfolios_asked_for(support: Investment) -> None:
    forecasts.refresh([support.pk], now=now())
    _next_month(support, 10)
    forecasts.score(now=now())
    other = factories.make_portfolio()
    assert forecasts.calibration([other.pk]) == []
    assert len(forecasts.calibration([other.pk, support.portfolio_id])) == len(MEASURES)


def test_of_two_forecasts_from_one_month_the_newer_counts(support: Investment) -> None:
    forecasts.refresh([support.pk], now=now())
    record(support.portfolio, fact(support, month(3), "model_api", 9_000), reason="Corrected.")
    snapshots.recompute(now=now())
    forecasts.refresh([support.pk], now=now())
    _next_month(support, 10)
    forecasts.score(now=now())
    assert ForecastScore.objects.filter(measure="net").count() == 2
    assert [row.n for row in forecasts.calibration([support.portfolio_id])] == [1] * len(MEASURES)


def test_the_task_forecasts_and_scores(support: Investment) -> None:
    tasks.forecast()
    assert Forecast.objects.count() == 1
    _next_month(support, 10)
    tasks.forecast()
    assert Forecast.objects.count() == 2
    assert ForecastScore.objects.count() == len(MEASURES)
    tasks.forecast()
    assert (Forecast.objects.count(), ForecastScore.objects.count()) == (2, len(MEASURES))


def _backtest(*arguments: str) -> str:
    out = StringIO()
    call_command("backtest", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_tests_the_ledger_without_a_bound(support: Investment) -> None:
    found = json.loads(_backtest("--ledger", "--json", "--horizons", "1-2"))
    assert found["source"] == "ledger"
    assert (
        found["n"] == (3 + 2) * 3
    )  # origins 6, 7, 8 one month ahead and 6, 7 two months ahead; three measures
    assert found["coverage"] == 1
    assert "no bound" in _backtest("--ledger")


def test_the_command_says_when_there_is_nothing_to_test(db: None) -> None:
    with pytest.raises(CommandError, match="six closed, complete months"):
        _backtest("--ledger")


def test_the_command_reports_steps_processes_and_shifts(db: None) -> None:
    found = json.loads(
        _backtest("--histories", "70", "--json", "--horizons", "2-3", "--seed", "5", "--paths", "100")
    )
    assert [row["name"] for row in found["by_step"]] == ["2", "3"]
    assert sum(row["n"] for row in found["by_process"]) == found["n"] == 70 * 2 * 3
    assert found == json.loads(
        _backtest("--histories", "70", "--json", "--horizons", "2-3", "--seed", "5", "--paths", "100")
    )
    assert "random walk with drift" in _backtest("--histories", "70", "--paths", "100")


@pytest.mark.parametrize("horizons", ["0-3", "4-2", "one", "1-99"])
def test_the_command_refuses_months_it_cannot_read(db: None, horizons: str) -> None:
    with pytest.raises(CommandError, match="range of months ahead"):
        _backtest("--horizons", horizons)


def test_an_unbound_interval_fails_the_command(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("roi.management.commands.backtest.ENOUGH", 70)
    monkeypatch.setattr("roi.engine.backtest.ACCEPTED", (0.99, 1.0))
    with pytest.raises(CommandError, match="do not hold"):
        _backtest("--histories", "70", "--paths", "100")


def test_months_are_the_calendar_s(support: Investment) -> None:
    forecasts.refresh([support.pk], now=now())
    months = _only(support).content["months"]
    assert months == [format_month(add_months(month(10), step)) for step in range(27)]
