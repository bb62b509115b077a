"""Roll-ups of a portfolio: every grouping adds up to the same total, which is the sum of the snapshots."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from portfolio.models import Account, Batch, Deployment, Hypothesis, Investment, Portfolio
from portfolio.terms import MICRO, Basis, to_micros
from roi import benefit_pools, rollups, snapshots
from roi.benefit_pools import Membership
from roi.engine.pools import SharingRule
from roi.engine.result import Reason
from roi.engine.rollup import Amounts
from roi.models import Snapshot
from roi.rollups import Dimension
from tests import factories
from tests.factories import close, fact, make_investment, month, now, record, running

TODAY = date(2024, 8, 1)


@pytest.fixture
def portfolio(db: None) -> Portfolio:
    """Three investments: support pays, sales fails, a lab that nobody measures."""
    made = factories.make_portfolio("CX", share="0.333333", exploration_share=Decimal("0.1"))
    support = make_investment(
        made, "A", business_unit="Care", use_case="Chat", sponsor=factories.make_user("sam")
    )
    sales = make_investment(made, "B", business_unit="Sales", stage="pilot")
    lab = make_investment(made, "C", is_exploration=True, capacity_person_months=Decimal(3))
    Deployment.objects.create(investment=support, effective_month=month(1), vendor="Old")
    Deployment.objects.create(investment=support, effective_month=month(3), vendor="New")
    Deployment.objects.create(investment=support, effective_month=month(9), vendor="Later")
    Account.objects.filter(code="risk_compliance").update(regulatory_tag="FFIEC")
    record(
        made,
        fact(support, month(1), "development", Decimal("1000.000001")),
        *running(support, {"model_api": 100, "risk_compliance": 50, "labor_savings": 1700}, last=6),
        *running(sales, {"licenses": 300, "revenue": 100}, last=6),
        *running(lab, {"data_tooling": 40}, last=6),
    )
    close(made, last=6)
    return made


def view(portfolio: Portfolio, **changes: object) -> rollups.View:
    return rollups.view(portfolio, today=TODAY, **changes)  # type: ignore[arg-type]


def test_every_grouping_adds_up_to_the_snapshots(portfolio: Portfolio) -> None:
    snapshots.recompute(now=now())
    newest = Snapshot.objects.filter(month=month(6))
    for basis in Basis:
        found = view(portfolio, basis=basis)
        assert found.month == month(6)
        for dimension, rolled in found.by_dimension.items():
            added = Amounts()
            for group in rolled.groups:
                added += group.amounts
            assert added == rolled.total.amounts == found.total.amounts, dimension
        total = found.total.amounts
        assert total.cost == sum(to_micros(one.tco) for one in newest)
        assert total.benefit == sum(
            to_micros(getattr(one, f"cumulative_benefit_{basis.value}")) for one in newest
        )


def test_groups_are_what_was_in_force(portfolio: Portfolio) -> None:
    found = view(portfolio)
    names = {
        dimension.value: {group.name: group.amounts.cost / MICRO for group in rolled.groups}
        for dimension, rolled in found.by_dimension.items()
    }
    assert names["unit"] == {"Care": 1900.000001, "Sales": 1800, "(none)": 240}
    assert names["vendor"] == {"New": 1900.000001, "(none)": 2040}
    assert names["sponsor"] == {"sam": 1900.000001, "(none)": 2040}
    assert names["stage"] == {"proposed": 2140.000001, "pilot": 1800}
    assert names["treatment"] == {"opex": 2940, "capex": 1000.000001, "(none)": 0}
    assert names["regulatory_tag"]["FFIEC"] == 300
    assert view(portfolio, month=month(2)).by_dimension[Dimension.VENDOR].groups[0].name == "Old"


def test_spend_reserve_and_both_ends_of_the_balance(portfolio: Portfolio) -> None:
    found = view(portfolio)
    assert (found.untraced.investments, found.untraced.run) == (("C",), 240 * MICRO)
    assert (found.budget.share.reason, found.capacity.share.reason) == (Reason.NOT_STATED, Reason.NOT_STATED)
    Portfolio.objects.filter(pk=portfolio.pk).update(
        yearly_budget=4000, capacity_person_months=20, fiscal_year_start_month=4
    )
    Hypothesis.objects.create(
        investment=Investment.objects.get(code="C"), claim="It learns.", metric="Accuracy"
    )
    portfolio.refresh_from_db()
    found = view(portfolio)
    assert found.untraced.run == 0
    # The fiscal year began in April: three months of 40.
    assert (found.budget.used, found.budget.target, found.budget.shortfall) == (120, 400, 280)
    assert (found.capacity.used, found.capacity.shortfall) == (3, 0)
    assert [one.investment for one in found.balance.over] == ["B", "C"]
    assert [one.investment for one in found.balance.under] == ["A"]


def test_a_pool_lowers_the_roll_up_and_not_the_investment(portfolio: Portfolio) -> None:
    support, sales = (Investment.objects.get(code=code) for code in "AB")
    before = view(portfolio, basis=Basis.CLAIMED).total
    benefit_pools.set_terms(
        portfolio,
        "Customers",
        monthly_cap=Decimal(900),
        rule=SharingRule.PRO_RATA,
        members=[Membership(one, month(1)) for one in (support, sales)],
        now=now(),
    )
    found = view(portfolio, basis=Basis.CLAIMED)
    assert found.total.amounts.overlap == 6 * 900 * MICRO
    assert found.total.amounts.net == before.amounts.net - 5400 * MICRO
    assert found.total.amounts.benefit == before.amounts.benefit
    for rolled in found.by_dimension.values():
        assert sum(group.amounts.overlap for group in rolled.groups) == 5400 * MICRO


def test_as_known_before_a_restatement(portfolio: Portfolio) -> None:
    known = Batch.objects.latest("pk").pk
    before = view(portfolio).total.amounts
    record(portfolio, fact(Investment.objects.get(code="B"), month(2), "licenses", 999), reason="Invoice.")
    assert view(portfolio).total.amounts.run == before.run + 699 * MICRO
    assert view(portfolio, knowledge=known).total.amounts == before


def test_a_gap_is_named_by_the_group_that_has_it(portfolio: Portfolio) -> None:
    factories.withdrawn(Investment.objects.get(code="B"), month(2), "licenses")
    record(
        portfolio,
        factories.withdrawn(Investment.objects.get(code="B"), month(2), "licenses"),
        reason="Wrong.",
    )
    groups = {one.name: one.roi.reason for one in view(portfolio).by_dimension[Dimension.UNIT].groups}
    assert groups == {"Care": None, "Sales": Reason.MISSING_ACTUALS, "(none)": None}


def test_a_portfolio_without_closed_months_has_nothing_to_add_up(db: None) -> None:
    empty = factories.make_portfolio()
    assert view(empty).month is None
    make_investment(empty)
    assert view(empty).month is None
    assert view(empty).total.roi.reason is Reason.NO_COST_YET


def test_totals_are_those_of_the_view_on_every_basis(portfolio: Portfolio) -> None:
    members = list(Investment.objects.filter(portfolio=portfolio).select_related("portfolio"))
    benefit_pools.set_terms(
        portfolio,
        "Customers",
        monthly_cap=Decimal(500),
        rule=SharingRule.PRO_RATA,
        members=[Membership(one, month(2)) for one in members],
        now=now(),
    )
    known = Batch.objects.latest("pk").pk
    found = rollups.totals(portfolio, members, months={month(3), month(6)}, knowledge=known)
    for basis in Basis:
        for through, total in found.items():
            screen = view(portfolio, basis=basis, month=through)
            mine = total.by_basis[basis]
            assert (mine.amounts, mine.roi) == (screen.total.amounts, screen.total.roi)
            assert total.untraced == screen.untraced
            assert sum(total.left_out[basis].values()) == mine.amounts.overlap
    assert found[month(6)].by_basis[Basis.CLAIMED].amounts.overlap == 5 * 1300 * MICRO


def test_nobody_adds_up_to_nothing(portfolio: Portfolio) -> None:
    found = rollups.totals(portfolio, [], months={month(3)}, knowledge=1)[month(3)]
    assert found.by_basis[Basis.CLAIMED].amounts == Amounts()
    assert found.untraced.share.reason == Reason.NO_COST_YET
