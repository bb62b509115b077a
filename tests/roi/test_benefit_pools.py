"""Benefit pools: shared by month as their rule says, never capped twice, versioned, and visible beside the benefit."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, transaction

from portfolio.models import Account, Investment, Portfolio
from portfolio.terms import MICRO, Basis, Book
from roi import benefit_pools
from roi.benefit_pools import Membership
from roi.engine.pools import PoolError, SharingRule
from roi.models import PoolTerms
from tests import factories
from tests.factories import fact, make_investment, month, now, record


@pytest.fixture
def portfolio(db: None) -> Portfolio:
    return factories.make_portfolio("CX")


def make_pool(portfolio: Portfolio, *members: Investment, name: str = "Agents", **changes: Any) -> PoolTerms:
    terms: dict[str, Any] = {"monthly_cap": Decimal(150), "rule": SharingRule.PRO_RATA} | changes
    return benefit_pools.set_terms(
        portfolio, name, members=[Membership(one, month(1)) for one in members], now=now(), **terms
    )


def claim(investment: Investment, number: int, **amounts: int) -> None:
    record(
        investment.portfolio,
        *(fact(investment, month(number), account, amount) for account, amount in amounts.items()),
    )


def of_pools(portfolio: Portfolio, *, last: int = 12, knowledge: int | None = None) -> benefit_pools.Overlaps:
    members = list(Investment.objects.filter(portfolio=portfolio).select_related("portfolio"))
    terms = benefit_pools.in_force(portfolio, knowledge=knowledge)
    return benefit_pools.overlaps(
        terms, members, basis=Basis.CLAIMED, through=month(last), knowledge=knowledge
    )


def overlap(
    portfolio: Portfolio, *, last: int = 12, knowledge: int | None = None
) -> dict[tuple[str, str], int]:
    found = of_pools(portfolio, last=last, knowledge=knowledge)
    codes, accounts = (
        dict(Investment.objects.values_list("pk", "code")),
        dict(Account.objects.values_list("pk", "code")),
    )
    return {
        (codes[pk], accounts[account]): amount // MICRO
        for (pk, account), amount in found.by_account.items()
        if amount
    }


def test_what_is_above_the_cap_of_a_month_is_left_out_month_by_month(portfolio: Portfolio) -> None:
    first, second = make_investment(portfolio, "A"), make_investment(portfolio, "B")
    claim(first, 1, labor_savings=200)
    claim(second, 1, labor_savings=60, speed=40)
    claim(first, 2, labor_savings=100)  # below the cap: nothing is left out, and nothing is carried over
    make_pool(portfolio, first, second)
    assert overlap(portfolio) == {("A", "labor_savings"): 100, ("B", "labor_savings"): 30, ("B", "speed"): 20}
    (pooled,) = of_pools(portfolio).pooled
    assert of_pools(portfolio).by_month == {month(1): 150 * MICRO, month(2): 0}
    assert pooled.overlap == 150 * MICRO
    assert sum(pooled.claimed.values()) == 400 * MICRO


def test_a_pool_of_one_account_leaves_the_others_alone(portfolio: Portfolio) -> None:
    first, second = make_investment(portfolio, "A"), make_investment(portfolio, "B")
    claim(first, 1, labor_savings=200, revenue=1000)
    claim(second, 1, labor_savings=100)
    make_pool(portfolio, first, second, account=Account.objects.get(code="labor_savings"))
    assert overlap(portfolio) == {("A", "labor_savings"): 100, ("B", "labor_savings"): 50}


def test_in_order_of_approval_the_first_approved_keeps_its_claim(portfolio: Portfolio) -> None:
    first, second = make_investment(portfolio, "A"), make_investment(portfolio, "B")
    claim(first, 1, labor_savings=100)
    claim(second, 1, labor_savings=100)
    record(portfolio, fact(second, month(1), "labor_savings", 1), book=Book.PLAN, book_version=1)
    factories.approve_plan(second)
    make_pool(portfolio, first, second, rule=SharingRule.APPROVAL_ORDER)
    assert overlap(portfolio) == {("A", "labor_savings"): 50}


def test_terms_are_versioned_and_members_count_from_their_month(portfolio: Portfolio) -> None:
    first = make_investment(portfolio, "A")
    claim(first, 1, labor_savings=200)
    claim(first, 2, labor_savings=200)
    old = make_pool(portfolio, first)
    benefit_pools.set_terms(
        portfolio,
        "Agents",
        monthly_cap=Decimal(120),
        rule=SharingRule.PRO_RATA,
        members=[Membership(first, month(2))],
        now=now(),
    )
    assert overlap(portfolio) == {("A", "labor_savings"): 80}
    assert overlap(portfolio, knowledge=old.batch_id) == {("A", "labor_savings"): 100}
    make_pool(portfolio, first, is_active=False)
    assert overlap(portfolio) == {}
    with pytest.raises(DatabaseError), transaction.atomic():
        PoolTerms.objects.filter(pk=old.pk).update(monthly_cap=1)


def test_a_claim_is_never_capped_twice(portfolio: Portfolio) -> None:
    first = make_investment(portfolio, "A")
    labor, speed = (Account.objects.get(code=code) for code in ("labor_savings", "speed"))
    make_pool(portfolio, first, account=labor)
    make_pool(portfolio, first, name="Time", account=speed)
    for account in (labor, None):
        with pytest.raises(PoolError, match="A shares this benefit in the pool"):
            make_pool(portfolio, first, name="Third", account=account)


def test_terms_that_mean_nothing_are_refused(portfolio: Portfolio) -> None:
    first = make_investment(portfolio, "A")
    stranger = make_investment(factories.make_portfolio(), "S")
    cost = Account.objects.get(code="model_api")
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"monthly_cap": Decimal(-1)}, "cap is an amount"),
        ({"account": cost}, "no benefit"),
        ({"name": " "}, "needs a name"),
    ]
    for changes, words in wrong:
        with pytest.raises(PoolError, match=words):
            make_pool(portfolio, first, **changes)
    with pytest.raises(PoolError, match="S is not in the portfolio CX"):
        make_pool(portfolio, stranger)
    with pytest.raises(PoolError, match="named twice"):
        make_pool(portfolio, first, first)
