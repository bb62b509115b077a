"""An approved plan stays as it is; an investment's own rates move with it; one portfolio does not hold up another."""

from decimal import Decimal

import pytest

from portfolio import assumptions, investments, months
from portfolio.facts import FactsRejected
from portfolio.models import Portfolio
from portfolio.tasks import close_due_months
from portfolio.terms import Book
from tests import factories

pytestmark = pytest.mark.django_db


def test_an_approved_plan_version_is_never_overwritten() -> None:
    investment = factories.make_investment(factories.make_portfolio())
    line = factories.fact(investment, factories.month(1), "model_api", 100)
    plan = {"book": Book.PLAN, "book_version": 1}
    factories.record(investment.portfolio, line, **plan)
    factories.approve_plan(investment, 1)

    dearer = factories.fact(investment, factories.month(1), "model_api", 200)
    with pytest.raises(FactsRejected) as rejected:
        factories.record(investment.portfolio, dearer, **plan)
    assert factories.refusals(rejected) == [(0, "approved_plan")]
    assert factories.record(investment.portfolio, dearer, **(plan | {"book_version": 2})).new == 1


def test_own_rates_stay_when_an_investment_moves() -> None:
    investment = factories.make_investment(factories.make_portfolio(rate="0.10"))
    factories.set_rates(
        investment.portfolio, investment=investment, hurdle_rate=Decimal("0.25"), now=factories.now()
    )
    investment.portfolio = factories.make_portfolio(rate="0.20")
    investments.put(investment, now=factories.now())

    rates = assumptions.rates_of([investment])[investment.pk]
    assert (rates.hurdle_rate, rates.discount_rate) == (Decimal("0.25"), Decimal("0.20"))


def test_a_portfolio_that_cannot_be_closed_does_not_keep_others_open(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = factories.make_portfolio(), factories.make_portfolio()
    closed: list[str] = []

    def close_due(portfolio: Portfolio, **kwargs: object) -> None:
        if portfolio == first:
            raise months.MonthStateError("That month cannot be closed.")
        closed.append(portfolio.code)

    monkeypatch.setattr(months, "close_due", close_due)
    close_due_months()
    assert closed == [second.code]
