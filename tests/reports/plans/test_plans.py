"""The plan tab: versions, approval by administrators, and better (worse) than plan in every direction."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from portfolio import assumptions, ledger
from portfolio.assumptions import Rate
from portfolio.facts import Fact, Writing
from portfolio.models import Approval, Investment, PlanApproval
from portfolio.plan_approvals import newest_change
from portfolio.terms import AccountKind, Book, EntryKind, add_months, from_micros
from reports.console import plans_book, plans_variance
from roi import inputs, snapshots
from roi.engine.result import Reason
from roi.models import SnapshotHead
from tests import factories
from tests.reports.cast import money
from tests.reports.figures_cast import FIRST, SAVED, SUPPORT, Figures, assemble_with_figures
from tests.reports.investments.test_page import words_of

pytestmark = pytest.mark.django_db
REASON = "Board of March."


@pytest.fixture
def figures() -> Figures:
    """Return investments with a year of actuals and no plan."""
    return assemble_with_figures()


def plan(figures: Figures, *facts: Fact, version: int = 1) -> None:
    """Record a version of the plan."""
    writing = Writing(
        source="actuals",
        now=datetime.now(UTC),
        actor=figures.cast.people["finn"],
        book=Book.PLAN,
        book_version=version,
    )
    ledger.record(figures.cast.portfolio, facts, writing=writing)


def a_year(
    investment: Investment, development: str, costs: dict[str, str], benefits: dict[str, str]
) -> list[Fact]:
    """Return the same plan for twelve months."""
    facts = [money(investment, FIRST, "development", development)]
    for number in range(12):
        month = add_months(FIRST, number)
        facts += [money(investment, month, account, amount) for account, amount in (costs | benefits).items()]
    return facts


def address(investment: Investment, version: int = 1) -> str:
    """Return the address that approves a version."""
    return reverse("admin:reports_plan_approval", args=[investment.code, version])


def answers(investment: Investment, version: int = 1) -> dict[str, str]:
    """Return the form as somebody fills it in who has just opened it."""
    return {"reason": REASON, "seen": str(newest_change(investment, version))}


def tab(figures: Figures, investment: Investment, name: str = "vera", **query: str) -> str:
    """Return the words of the plan tab."""
    page = reverse("admin:portfolio_investment_change", args=[investment.pk])
    response = figures.cast.client(name).get(page, {"tab": "plan"} | query)
    assert response.status_code == 200
    return words_of(response.content.decode())


def approve(figures: Figures, version: int = 1) -> None:
    """Approve a version of the support case and recompute."""
    response = figures.cast.client("adam").post(
        address(figures.support, version), answers(figures.support, version)
    )
    assert response.status_code == 302
    for asked in Approval.objects.filter(decision=""):
        factories.allow(asked)
    snapshots.recompute(now=datetime.now(UTC))


def test_without_a_plan_the_tab_says_how_one_comes(figures: Figures) -> None:
    """Who may record is led to the import with the right book; others read the sentence."""
    assert "No plan yet" in tab(figures, figures.support)
    assert "Import a plan" not in tab(figures, figures.support)
    assert "Import a plan" in tab(figures, figures.support, "olivia")
    imports = figures.cast.client("olivia").get(reverse("admin:reports_imports"), {"book": "plan"})
    assert imports.context["form"]["book"].value() == "plan"


@pytest.mark.parametrize("name", ["adam", "finn", "olivia", "vera", "mallory"])
def test_administrators_approve_a_version(figures: Figures, name: str) -> None:
    """With a reason; the tab then says who, when and why. Others find no such page."""
    plan(figures, *a_year(figures.support, "100000", SUPPORT, SAVED))
    client, is_admin = figures.cast.client(name), name == "adam"
    assert client.get(address(figures.support)).status_code == (200 if is_admin else 404)
    assert client.post(address(figures.support), answers(figures.support)).status_code == (
        302 if is_admin else 404
    )
    figures.support.refresh_from_db()
    assert figures.support.approved_plan_version == (1 if is_admin else None)
    assert PlanApproval.objects.exists() is is_admin
    shown = tab(figures, figures.support)
    assert ("adam Board of March." in shown) is is_admin
    assert ("not approved" in shown) is not is_admin


def test_approval_needs_a_reason_and_entries_and_happens_once(figures: Figures) -> None:
    """A version nobody planned is not found; one that is approved stays so without a second record."""
    plan(figures, *a_year(figures.support, "100000", SUPPORT, SAVED))
    adam = figures.cast.client("adam")
    assert adam.post(address(figures.support), answers(figures.support) | {"reason": ""}).status_code == 400
    assert adam.post(address(figures.support, 2), answers(figures.support, 2)).status_code == 404
    assert not PlanApproval.objects.exists()
    approve(figures)
    approve(figures)
    assert PlanApproval.objects.count() == 1
    assert adam.get(address(figures.cast.foreign)).status_code == 404


def test_a_version_changed_since_it_was_opened_is_not_approved(figures: Figures) -> None:
    """Nobody approves amounts they have not seen; what changed is shown again."""
    plan(figures, *a_year(figures.support, "100000", SUPPORT, SAVED))
    adam = figures.cast.client("adam")
    opened = adam.get(address(figures.support)).context["form"]
    plan(figures, money(figures.support, FIRST, "development", "900000"))
    filled = {"reason": REASON, "seen": str(opened["seen"].value())}
    response = adam.post(address(figures.support), filled, follow=True)
    shown = words_of(response.content.decode())
    assert not PlanApproval.objects.exists()
    assert "Version 1 was changed after you opened it. Nothing was approved" in shown
    assert "Total cost 1,062,000 USD" in shown
    approve(figures)


def test_versions_are_listed_with_totals_and_breakeven(figures: Figures) -> None:
    """Newest first; the breakeven shown is the one that alerts are judged by."""
    plan(figures, *a_year(figures.support, "100000", SUPPORT, SAVED))
    plan(figures, *a_year(figures.support, "500000", SUPPORT, SAVED), version=2)
    shown = tab(figures, figures.support, "adam")
    first = "1 2025-01 to 2025-12 12 262,000 315,000 53,000 2025-08"
    second = "2 2025-01 to 2025-12 12 662,000 315,000 (347,000) n/a (Not reached so far.) Approve version 2"
    assert shown.index(second) < shown.index(first)
    approve(figures)
    assert f"{first} approved" in tab(figures, figures.support, "adam")
    assert SnapshotHead.objects.get(pk=figures.support.pk).planned_breakeven_month == date(2025, 8, 1)


def test_better_is_positive_and_worse_in_parentheses(figures: Figures) -> None:
    """Development cost 50,000 more than planned, revenue 500 a month more: to date and by account."""
    benefits = SAVED | {"revenue": "1000"}
    plan(figures, *a_year(figures.support, "100000", SUPPORT, benefits))
    approve(figures)
    shown = tab(figures, figures.support)
    assert "2025-12 262,000 312,000 (50,000) 309,000 315,000 6,000 47,000 3,000 (44,000)" in shown
    assert "2025-01 113,500 163,500 (50,000) 25,750 26,250 500 (87,750) (137,250) (49,500)" in shown
    assert "(50,000) (50,000)" in shown
    assert " ".join(["500"] * 12) + " 6,000" in shown


def test_what_was_not_planned_and_what_was_not_reported(figures: Figures) -> None:
    """An account outside the plan was planned at nothing; a planned one without actuals is not zero."""
    costs = {name: amount for name, amount in SUPPORT.items() if name != "maintenance"}
    plan(figures, *a_year(figures.support, "150000", costs | {"licenses": "700"}, SAVED))
    approve(figures)
    shown = tab(figures, figures.support)
    assert " ".join(["(3,000)"] * 12) + " (36,000)" in shown
    assert "n/a (A closed month lacks actuals.)" in shown
    assert "(700)" not in shown


def test_months_beyond_the_plan_have_no_variance(figures: Figures) -> None:
    """A plan that ends says nothing about what comes after it."""
    plan(figures, *(f for f in a_year(figures.support, "150000", SUPPORT, SAVED) if f.month.month <= 6))
    approve(figures)
    shown = tab(figures, figures.support)
    missing = "n/a (The approved plan does not cover this month.)"
    assert f"2025-07 {missing} 244,500 {missing}" in shown
    assert "2025-06 231,000 231,000 – 157,500 157,500 –" in shown


def test_the_plan_agrees_with_the_figures_to_the_micro_unit(figures: Figures) -> None:
    """Foreign money, an asserted share with odd digits: the same sums as the engine's input."""
    at = datetime.now(UTC)
    assumptions.set_fx_rates([Rate("EUR", "USD", FIRST, Decimal("1.0871234567"), "ECB")], now=at)
    factories.set_rates(
        figures.cast.portfolio,
        now=at,
        hurdle_rate=Decimal("0.1"),
        discount_rate=Decimal("0.1"),
        asserted_share=Decimal("0.33333333"),
    )
    facts = a_year(figures.support, "100000.123457", SUPPORT, SAVED)
    plan(figures, *facts, money(figures.support, FIRST, "quality", "777.777777", "EUR"))
    factories.approve_plan(figures.support, 1)
    loaded = inputs.load([figures.support]).plan
    assert loaded is not None
    share = assumptions.rates_of([figures.support])[figures.support.pk].asserted_share
    mine = plans_book.by_version(figures.support, share=share)[1]
    for column, month in enumerate(mine.known()):
        cost = loaded.run[0, column] + loaded.one_time[0, column]
        benefit = next(part[0, column] for basis, part in loaded.benefit.items() if basis == "supported")
        assert from_micros(int(cost)) == mine.cost[month]
        assert from_micros(int(benefit)) == mine.benefit[month]
    assert "asserted share of 33.3%" in tab(figures, figures.support)


def test_a_missing_exchange_rate_is_said_and_not_summed(figures: Figures) -> None:
    """Totals are undefined; sums to date end before the month without a rate."""
    facts = a_year(figures.support, "150000", SUPPORT, SAVED)
    plan(figures, *facts, money(figures.support, date(2025, 3, 1), "quality", "5", "CHF"))
    approve(figures)
    shown = tab(figures, figures.support)
    no_rate = "n/a (A month lacks an exchange rate.)"
    assert f"1 2025-01 to 2025-12 12 {no_rate} {no_rate} {no_rate} {no_rate}" in shown
    assert f"2025-03 {no_rate} 190,500 {no_rate}" in shown
    assert "2025-02 177,000 177,000 –" in shown


def test_withdrawn_plan_entries_count_for_nothing(figures: Figures) -> None:
    """A version that was taken back whole is no version."""
    fact = money(figures.support, FIRST, "development", "5")
    plan(figures, fact)
    ledger_key = (fact.investment_id, fact.month, fact.account_id, fact.currency)
    plan(figures, Fact(*ledger_key, kind=EntryKind.WITHDRAWN))
    assert "No plan yet" in tab(figures, figures.support)
    assert figures.cast.client("adam").get(address(figures.support)).status_code == 404


def test_variance_knows_its_reasons() -> None:
    """Without a plan or an actual there is no number."""
    shown = plans_variance.better(None, Decimal(1), AccountKind.COST, reason=Reason.MISSING_FX_RATE)
    assert "lacks an exchange rate" in shown
    assert "h-better" in plans_variance.better(Decimal(1), Decimal(2), AccountKind.COST, reason="")
    assert "h-neg" in plans_variance.better(Decimal(1), Decimal(2), AccountKind.BENEFIT, reason="")


@pytest.mark.parametrize("year", ["abc", "1999", "-1"])
def test_a_year_without_figures_shows_the_newest(figures: Figures, year: str) -> None:
    """A hand-edited address never breaks the page."""
    plan(figures, *a_year(figures.support, "100000", SUPPORT, SAVED))
    approve(figures)
    assert "by account, 2025" in tab(figures, figures.support, year=year)


def test_the_tab_asks_as_much_for_many_versions_as_for_one(figures: Figures) -> None:
    """Versions, accounts and approvals come together."""
    plan(figures, *a_year(figures.support, "100000", SUPPORT, SAVED))
    approve(figures)
    adam = figures.cast.client("adam")
    page = reverse("admin:portfolio_investment_change", args=[figures.support.pk])
    counts = []
    for version in (2, 3):
        with CaptureQueriesContext(connection) as captured:
            adam.get(page, {"tab": "plan"})
        counts.append(len(captured))
        plan(
            figures,
            *a_year(figures.support, "9", SUPPORT | {"licenses": "1", "retraining": "2"}, SAVED),
            version=version,
        )
        approve(figures, version)
    assert counts[0] == counts[1]
