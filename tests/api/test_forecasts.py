"""The forecast of an investment over the API: before there is one, and as it was stored."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from portfolio import ledger, months
from portfolio.facts import Fact, Writing
from portfolio.terms import add_months
from roi import forecasts, snapshots
from tests.api.conftest import START, World, account, now


def outlook(world: World, name: str = "vera") -> dict[str, Any]:
    """Return what the API says of the chatbot."""
    response = world.client(name).get("/api/v1/investments/CX-1/forecast")
    assert response.status_code == 200, response.content
    return dict(response.json())


def six_more_months(world: World) -> None:
    """Record and close February to July."""
    closed = [add_months(START, number) for number in range(1, 7)]
    facts = [
        Fact(one.pk, month, account(code), "USD", Decimal(value))
        for one in world.cx.investments.all()
        for month in closed
        for code, value in (("infrastructure", 400), ("labor_savings", 500))
    ]
    finn = world.users["finn"]
    ledger.record(world.cx, facts, writing=Writing(source="actuals", now=now(), actor=finn))
    months.close(world.cx, closed, now=now(), actor=finn)
    snapshots.recompute(now=now())


def test_without_a_forecast_there_are_actuals_alone(world: World) -> None:
    told = outlook(world)
    assert told["forecast"] is None
    assert told["calibration"] == []
    nothing = {"plan": None, "p10": None, "p50": None, "p90": None}
    assert told["months"] == [{"month": "2026-01", "actual": "100.000000", **nothing}]
    assert told["variance"]["rows"][2] == {
        "measure": "net",
        "plan": None,
        "actual": "100.000000",
        "better": None,
        "reason": "no_plan",
    }


def test_a_stored_forecast_is_told_with_its_scores(world: World) -> None:
    six_more_months(world)
    assert forecasts.refresh([world.chatbot.pk], now=now()) == 1
    told = outlook(world)
    assert told["forecast"]["method"] == "damped_trend"
    assert told["forecast"]["last_month"] == "2026-07"
    assert told["months"][7]["actual"] is None
    assert told["months"][7]["p50"] == pytest.approx(800, rel=0.02)
    assert told["forecast"]["probabilities"]["roi"] == {"value": 1.0, "reason": None}
    # What a stored forecast said stays as it was, whatever comes; then it is scored.
    august = date(2026, 8, 1)
    facts = [
        Fact(one.pk, august, account(code), "USD", Decimal(value))
        for one in world.cx.investments.all()
        for code, value in (("infrastructure", 400), ("labor_savings", 500))
    ]
    ledger.record(world.cx, facts, writing=Writing(source="actuals", now=now(), actor=world.users["finn"]))
    months.close(world.cx, [august], now=now(), actor=world.users["finn"])
    snapshots.recompute(now=now())
    forecasts.score(now=now())
    again = outlook(world)
    assert again["forecast"] == told["forecast"]
    assert {row["step"] for row in again["calibration"]} == {1}
