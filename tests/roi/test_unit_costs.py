"""Unit economics of an investment, from its complete months alone."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from portfolio.models import Investment
from roi import unit_costs
from tests import factories
from tests.factories import close, fact, month

LAST = 8


@pytest.fixture
def investment(db: None) -> Investment:
    return factories.make_investment(factories.make_portfolio("CX"), "CX-1")


def record(investment: Investment, **lines: Any) -> None:
    """Record months 1..LAST; a line is a value, or a function of the month's number."""
    facts = [
        fact(investment, month(number), account, value(number) if callable(value) else value)
        for number in range(1, LAST + 1)
        for account, value in lines.items()
    ]
    factories.record(investment.portfolio, *facts)


def growing(number: int) -> int:
    return 1000 if number <= 4 else 2000


def test_prompts_that_grow_are_named(investment: Investment) -> None:
    record(
        investment,
        model_api=growing,
        maintenance=500,
        queries=1000,
        outcomes=500,
        input_tokens=lambda number: growing(number) * 1000,
        output_tokens=0,
    )
    close(investment.portfolio, last=LAST)
    told = unit_costs.of(investment)["decomposition"]
    assert told["main_cause"] == "tokens_per_query"
    assert "prompt growth" in told["sentence"]
    assert (Decimal(told["before"]), Decimal(told["after"])) == (3, 5)
    assert sum(Decimal(part) for part in told["parts"].values()) == Decimal(told["change"]) == 2
    assert (told["before_months"][0], told["after_months"][-1]) == ("2024-01", "2024-08")


def test_unit_costs_have_a_trend_and_an_elasticity(investment: Investment) -> None:
    record(investment, maintenance=1000, queries=lambda number: 100 * number)
    close(investment.portfolio, last=LAST)
    told = unit_costs.of(investment)
    (unit,) = told["units"]
    assert (unit["unit"], unit["unit_costs"][0], unit["unit_costs"][-1]) == ("query", 10, 1.25)
    assert unit["trend"]["direction"] == "improving"
    # A fixed cost is spread over the volume: ten percent more of it makes a unit ten percent cheaper.
    assert unit["elasticity"]["slope"] == pytest.approx(-1)
    assert told["decomposition"] == {"reason": "no_volume"}


def test_open_months_do_not_count(investment: Investment) -> None:
    record(investment, maintenance=1000, queries=100)
    close(investment.portfolio, last=3)
    told = unit_costs.of(investment)
    assert told["months"] == ["2024-01", "2024-02", "2024-03"]
    assert told["units"][0]["reasons"] == {"trend": "too_few_months", "elasticity": "too_few_months"}
    assert told["decomposition"] == {"reason": "too_few_months"}


def test_tokens_without_a_recorded_cost_are_a_reason(investment: Investment) -> None:
    record(investment, maintenance=10, queries=100, outcomes=10, input_tokens=1000, output_tokens=10)
    close(investment.portfolio, last=LAST)
    assert unit_costs.of(investment)["decomposition"] == {"reason": "unpriced_usage"}


def test_nothing_counted_is_no_unit(investment: Investment) -> None:
    assert unit_costs.of(investment)["units"] == []
