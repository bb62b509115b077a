"""Figures that are undefined, from the ledger to the verdict: cases 13 to 18."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.db import DatabaseError, connection, transaction

from alerts import evaluate
from alerts.models import AlertState, Episode, Notification
from portfolio import assumptions, investments, months
from portfolio.assumptions import AssumptionError, Rate
from portfolio.facts import FactsRejected
from portfolio.importers import csv_actuals
from portfolio.importers.base import Limits
from portfolio.models import Cell, Investment, Portfolio
from portfolio.terms import months_from
from roi.models import Snapshot
from tests import factories
from tests.alerts.histories import LOSING, live
from tests.factories import START, close, fact, month, now, record, running

NOT_FINITE = ("NaN", "sNaN", "Infinity", "-Infinity", "inf", "1e999")


@pytest.fixture
def portfolio(db: None) -> Portfolio:
    return factories.make_portfolio(rate="0.10")


@pytest.fixture
def support(portfolio: Portfolio) -> Investment:
    return factories.make_investment(portfolio, "SUP-1")


def verdict(rule: str) -> tuple[str, str]:
    """Return kind and reason of the last month's verdict."""
    state = AlertState.objects.get(rule=rule)
    return state.verdict, state.reason


def test_case_13_nothing_spent_is_no_figure_and_no_loss(support: Investment) -> None:
    live(support, {"labor_savings": 2000}, first=1, last=6)
    assert verdict("hurdle_rate") == ("nodata", "non_positive_base")
    assert verdict("breakeven_overdue")[0] == "nodata"
    assert verdict("breakeven_reached") == ("nodata", "no_cost_yet")
    last = Snapshot.objects.get(month=month(6))
    assert (last.roi_supported, last.incremental_roi_supported) == (None, None)
    assert not Episode.objects.exists()


@pytest.mark.parametrize(
    ("nets", "reason"),
    [
        ([-100, -100, -100, -100], "irr_no_sign_change"),
        ([-100, 230, -132, 0], "irr_multiple"),
        ([-100, 200, -110, 0], "irr_no_root"),
    ],
)
def test_case_14_an_irr_without_one_root_is_no_data(
    support: Investment, nets: list[int], reason: str
) -> None:
    factories.change_policy(
        support,
        "hurdle_rate",
        effective_month=START,
        now=now(),
        actor=None,
        reason="By IRR.",
        terms={"measure": "irr", "for_months": 1, "armed_from_month": 1},
    )
    lines = [
        fact(support, month(number), code, value)
        for number, net in enumerate(nets, start=1)
        for code, value in (("model_api", 1000), ("labor_savings", 1000 + net))
    ]
    record(support.portfolio, *lines)
    close(support.portfolio, last=len(nets))
    evaluate.advance(now=now())
    assert verdict("hurdle_rate") == ("nodata", reason)
    assert not Episode.objects.filter(rule="hurdle_rate").exists()


@pytest.mark.parametrize("text", NOT_FINITE)
def test_case_15_a_file_with_what_is_no_finite_number_is_refused(text: str) -> None:
    rows = f"investment,month,account,amount,currency\nSUP-1,2024-01,model_api,{text},USD\n"
    parsed = csv_actuals.parse(rows.encode(), mapping=None, limits=Limits())
    assert (parsed.accepted, parsed.rejected) == (0, 1)


@pytest.mark.parametrize("text", NOT_FINITE[:4])
def test_case_15_so_is_a_fact_and_a_rate(support: Investment, text: str) -> None:
    with pytest.raises(FactsRejected):
        record(support.portfolio, fact(support, START, "model_api", text))
    with pytest.raises(AssumptionError):
        assumptions.set_fx_rates([Rate("EUR", "USD", START, Decimal(text), "ECB")], now=now())
    with pytest.raises(AssumptionError):
        assumptions.set_rates(support.portfolio, hurdle_rate=Decimal(text), now=now())


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity"])
def test_case_15_and_the_database_refuses_it_whoever_writes(support: Investment, text: str) -> None:
    record(support.portfolio, fact(support, START, "model_api", 10))
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM portfolio_entry")
        names = [c.name for c in cursor.description if c.name not in ("id", "amount", "source")]
    rest = ", ".join(names)
    statement = (
        f"INSERT INTO portfolio_entry (amount, source, {rest}) SELECT %s, 'raw', {rest} FROM portfolio_entry"
    )

    def insert(amount: str) -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "SELECT set_config('hurdle.ledger_batch', max(id)::text, true) FROM portfolio_batch"
            )
            cursor.execute(statement, [amount])

    with pytest.raises(DatabaseError, match=r"entry_amount_in_range|cannot hold an infinite value"):
        insert(text)
    insert("11")  # what is wrong with the other one is its amount alone


def test_case_16_a_credit_is_taken_with_its_sign(support: Investment) -> None:
    lines = running(support, {"model_api": 1000, "labor_savings": 1000}, last=4)
    record(
        support.portfolio, *[line for line in lines if (line.month, line.amount) != (month(3), Decimal(1000))]
    )
    record(
        support.portfolio,
        fact(support, month(3), "model_api", -500),
        fact(support, month(3), "labor_savings", 1000),
    )
    close(support.portfolio, last=4)
    evaluate.advance(now=now())
    assert Cell.objects.get(month=month(3), amount__lt=0).amount == -500
    assert Snapshot.objects.get(month=month(3)).run_cost == -500
    hurdle = AlertState.objects.get(rule="hurdle_rate")
    assert (hurdle.verdict, Decimal(hurdle.value)) == ("clear", Decimal(1)), (
        "3,000 of benefit on 1,500 of cost"
    )


def test_case_17_a_first_month_is_normal_and_not_missed_before_its_close_day(db: None) -> None:
    began = datetime(2024, 1, 15, tzinfo=UTC)
    portfolio = Portfolio.objects.create(code="NEW", name="New", time_zone="UTC", close_day=10)
    factories.set_rates(
        portfolio,
        hurdle_rate=Decimal("0.1"),
        discount_rate=Decimal("0.1"),
        asserted_share=Decimal(1),
        now=began,
    )
    owner = factories.make_user()
    investments.put(
        Investment(portfolio=portfolio, code="NEW-1", name="New", start_month=START, owner=owner), now=began
    )
    for moment in (datetime(2024, 1, 31, tzinfo=UTC), datetime(2024, 2, 10, 23, 59, tzinfo=UTC)):
        assert months.close_due(portfolio, now=moment) == []
        evaluate.advance(now=moment)
        assert set(AlertState.objects.values_list("state", flat=True)) <= {"normal"}
        assert not Episode.objects.exists()
        assert not Notification.objects.exists()
    due = datetime(2024, 2, 11, tzinfo=UTC)
    assert months.close_due(portfolio, now=due) == [START]
    evaluate.advance(now=due)
    assert [episode.rule for episode in Episode.objects.all()] == ["missing_actuals"]


def test_case_18_a_currency_without_a_rate_is_no_figure(support: Investment) -> None:
    in_euro = [replace(line, currency="EUR") for line in running(support, LOSING, last=4)]
    record(support.portfolio, *in_euro)
    close(support.portfolio, last=4)
    evaluate.advance(now=now())
    for rule in ("hurdle_rate", "negative_roi"):
        assert verdict(rule) == ("nodata", "missing_fx_rate")
    assert not Episode.objects.filter(rule__in=["hurdle_rate", "negative_roi"]).exists()
    rates = [Rate("EUR", "USD", at, Decimal("1"), "ECB") for at in months_from(START, month(4))]
    assumptions.set_fx_rates(rates, now=now())
    evaluate.advance(now=now())
    assert verdict("negative_roi") == ("breach", "")
