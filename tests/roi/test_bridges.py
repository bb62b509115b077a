"""Bridges from the ledger: what was shown at the first close against what is known now, exact to the micro-unit."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from portfolio import assumptions
from portfolio.assumptions import Rate
from portfolio.models import Investment
from portfolio.terms import MICRO, Basis, to_micros
from roi import bridges, snapshots
from roi.bridges import Explanation
from roi.engine.bridge import Bridge
from roi.engine.result import Reason
from roi.models import Snapshot
from tests import factories
from tests.factories import close, fact, month, now, record


@pytest.fixture
def investment(db: None) -> Investment:
    return factories.make_investment(factories.make_portfolio("CX", share="0.5"), "CX-1")


def put(investment: Investment, number: int, **values: Any) -> None:
    record(
        investment.portfolio,
        *(fact(investment, month(number), account, value) for account, value in values.items()),
        reason="Invoice.",
    )


def shut(investment: Investment, last: int) -> None:
    for number in range(1, last + 1):
        close(investment.portfolio, first=number, last=number)


def effects(found: Explanation) -> dict[str, Decimal]:
    assert isinstance(found.of_month, Bridge)
    return {step.cause.value: Decimal(step.net) / MICRO for step in found.of_month.steps if step.net}


def test_a_month_is_explained_by_use_outcomes_and_what_no_quantity_explains(investment: Investment) -> None:
    put(
        investment,
        1,
        development=500,
        model_api=100,
        maintenance=50,
        shared_platform=10,
        labor_savings=800,
        queries=1000,
        outcomes=100,
        successful_outcomes=80,
    )
    put(
        investment,
        2,
        development=200,
        model_api=180,
        maintenance=70,
        shared_platform=15,
        labor_savings=1620,
        queries=2000,
        outcomes=150,
        successful_outcomes=135,
    )
    shut(investment, 2)
    found = bridges.explain(investment, basis=Basis.CLAIMED)
    assert (found.before, found.month) == (month(1), month(2))
    assert effects(found) == {
        "volume": 400 - 100,
        "price": 240 + 20,
        "quality": 180,
        "other": -20,
        "one_time": 300,
        "allocation": -5,
    }


def test_restatement_fx_and_attribution_since_the_first_close(investment: Investment) -> None:
    """Month 1 was shown with 100 of benefit at one half; it was restated to 120 and counts at three quarters."""
    assumptions.set_fx_rates(
        [Rate("EUR", "USD", month(n), Decimal(rate), "ECB") for n, rate in ((1, "1.1"), (2, "1.3"))],
        now=now(),
    )
    record(
        investment.portfolio,
        fact(investment, month(1), "labor_savings", 100),
        fact(investment, month(1), "maintenance", 100, currency="EUR"),
        fact(investment, month(2), "labor_savings", 120),
        fact(investment, month(2), "maintenance", 100, currency="EUR"),
    )
    shut(investment, 2)
    put(investment, 1, labor_savings=120)
    factories.set_rates(
        investment.portfolio,
        hurdle_rate=Decimal("0.1"),
        discount_rate=Decimal("0.1"),
        asserted_share=Decimal("0.75"),
    )
    found = bridges.explain(investment)
    assert found.shown_at is not None
    assert effects(found) == {"attribution": 25, "fx": -20, "restatement": 15}
    # As it was known before, nothing of that had happened but the rates of the months.
    then = bridges.explain(investment, knowledge=found.shown_at)
    assert then.month is None


def test_to_date_leads_from_what_was_shown_to_the_snapshot_of_now(investment: Investment) -> None:
    for number in (1, 2, 3):
        put(
            investment, number, model_api=33 + number, labor_savings=Decimal("77.777777"), queries=10 * number
        )
    shut(investment, 3)
    put(investment, 1, model_api=40)
    snapshots.recompute(now=now())
    found = bridges.explain(investment)
    assert isinstance(found.to_date, Bridge)
    latest = Snapshot.objects.get(investment=investment, month=month(3))
    end = found.to_date.end
    assert end.cost == to_micros(latest.tco)
    assert end.benefit == to_micros(latest.cumulative_benefit_supported)
    assert latest.roi_supported == pytest.approx(float(end.roi or 0))
    # As shown after month 2: 34 + 35 of cost, before month 1 became 40.
    assert found.to_date.start.cost == 69 * MICRO
    assert sum(step.net for step in found.to_date.steps) == end.net - found.to_date.start.net
    restated = next(step for step in found.to_date.steps if step.cause.value == "restatement")
    assert restated.net == -6 * MICRO


def test_a_rate_that_came_after_the_close_leaves_nothing_shown_to_compare_with(
    investment: Investment,
) -> None:
    record(
        investment.portfolio,
        *(fact(investment, month(number), "maintenance", 10, currency="EUR") for number in (1, 2)),
    )
    shut(investment, 2)
    assert bridges.explain(investment).of_month is Reason.MISSING_FX_RATE
    assumptions.set_fx_rates(
        [Rate("EUR", "USD", month(number), Decimal(2), "ECB") for number in (1, 2)], now=now()
    )
    found = bridges.explain(investment)
    assert found.shown_at is None
    assert effects(found) == {}


def test_months_without_a_complete_month_before_have_no_bridge(investment: Investment) -> None:
    put(investment, 1, maintenance=10)
    shut(investment, 1)
    assert bridges.explain(investment).of_month is Reason.NO_HISTORY
    put(investment, 2, maintenance=10)
    put(investment, 4, maintenance=10)
    put(investment, 5, maintenance=10)
    shut(investment, 5)
    found = bridges.explain(investment)
    assert found.months == (month(2), month(5))
    # After a gap the month has a bridge; what came to date has none.
    assert isinstance(found.of_month, Bridge)
    assert found.to_date is Reason.MISSING_ACTUALS
    assert bridges.explain(investment, month=date(2024, 4, 1)).of_month is Reason.MISSING_ACTUALS
