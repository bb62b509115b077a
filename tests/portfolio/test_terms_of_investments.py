"""Investments, rates, FX rates, plans and accounts: what each verb writes, and what it refuses."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError

from portfolio import accounts, assumptions, chart, investments
from portfolio.assumptions import AssumptionError, Rate
from portfolio.models import Account, AccountVersion, Assumptions, Batch, FxRate, Head, Investment, Portfolio
from portfolio.terms import Book
from tests import factories
from tests.factories import START, fact, month, now, record

pytestmark = pytest.mark.django_db


@pytest.fixture
def portfolio() -> Portfolio:
    return factories.make_portfolio()


def _head(scope: str, key: int) -> int:
    return Head.objects.get(scope=scope, scope_id=key).knowledge


def _newest() -> Batch:
    return Batch.objects.order_by("-pk")[0]


# Investments


def test_a_new_investment_has_its_terms_in_a_batch(portfolio: Portfolio) -> None:
    investment = factories.make_investment(portfolio, horizon_months=24)
    version = investment.versions.get()
    assert (version.start_month, version.horizon_months, version.portfolio) == (START, 24, portfolio)
    assert version.batch_id == _head("investment", investment.pk) == _newest().pk


@pytest.mark.parametrize(
    ("changes", "is_versioned"),
    [
        ({"name": "Another name"}, False),
        ({"horizon_months": 48}, True),
        ({"end_month": month(12)}, True),
        ({"live_month": month(2)}, True),
    ],
)
def test_only_what_figures_and_alerts_depend_on_is_versioned(
    portfolio: Portfolio, changes: dict[str, object], is_versioned: bool
) -> None:
    investment = factories.make_investment(portfolio)
    for name, value in changes.items():
        setattr(investment, name, value)
    investments.put(investment, now=now())
    assert investment.versions.count() == (2 if is_versioned else 1)
    stored = Investment.objects.get(pk=investment.pk)
    assert all(getattr(stored, name) == value for name, value in changes.items())


def test_the_start_does_not_move_behind_recorded_months(portfolio: Portfolio) -> None:
    investment = factories.make_investment(portfolio, live_month=None)
    record(portfolio, fact(investment, month(2), "model_api", 1))
    investment.start_month = month(3)
    with pytest.raises(ValidationError, match="recorded from 2024-02"):
        investments.put(investment, now=now())
    investment.start_month = month(2)
    assert investments.put(investment, now=now()).versions.count() == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"code": "has space"},
        {"start_month": START.replace(day=2)},
        {"start_month": START.replace(year=1989)},
        {"start_month": START.replace(year=202), "live_month": None},
        {"live_month": month(0)},
        {"end_month": month(0)},
        {"horizon_months": 121},
        {"owner": None},
    ],
)
def test_terms_that_contradict_themselves_are_refused(
    portfolio: Portfolio, changes: dict[str, object]
) -> None:
    with pytest.raises(ValidationError):
        factories.make_investment(portfolio, **changes)
    assert not Investment.objects.exists()


def test_an_old_copy_does_not_take_back_an_approved_plan(portfolio: Portfolio) -> None:
    investment = factories.make_investment(portfolio)
    record(portfolio, fact(investment, START, "model_api", 1), book=Book.PLAN, book_version=1)
    old = Investment.objects.get(pk=investment.pk)
    factories.approve_plan(investment, 1)
    old.name = "Renamed"
    investments.put(old, now=now())
    stored = Investment.objects.get(pk=investment.pk)
    assert (stored.name, stored.approved_plan_version) == ("Renamed", 1)


def test_moving_an_investment_writes_to_its_new_portfolio(portfolio: Portfolio) -> None:
    investment, other = factories.make_investment(portfolio), factories.make_portfolio()
    investment.portfolio = other
    investments.put(investment, now=now())
    assert _newest().portfolio == other
    assert list(investment.versions.order_by("pk").values_list("portfolio", flat=True)) == [
        portfolio.pk,
        other.pk,
    ]


# Rates


def test_an_investment_inherits_what_it_does_not_override(portfolio: Portfolio) -> None:
    own, other = factories.make_investment(portfolio), factories.make_investment(portfolio)
    factories.set_rates(
        portfolio,
        now=now(),
        hurdle_rate=Decimal("0.2"),
        discount_rate=Decimal("0.08"),
        asserted_share=Decimal("0.5"),
        realization_rates={"labor_savings": "0.4", "speed": "0.5"},
    )
    factories.set_rates(
        portfolio, now=now(), investment=own, hurdle_rate=Decimal("0.3"), realization_rates={"speed": "0.1"}
    )
    rates = assumptions.rates_of([own, other])
    assert (rates[own.pk].hurdle_rate, rates[own.pk].discount_rate) == (Decimal("0.3"), Decimal("0.08"))
    assert rates[own.pk].realization_rates == {"labor_savings": "0.4", "speed": "0.1"}
    assert (rates[other.pk].hurdle_rate, rates[other.pk].asserted_share) == (Decimal("0.2"), Decimal("0.5"))
    assert _head("investment", own.pk) > _head("portfolio", portfolio.pk)


def test_rates_as_known_earlier_stay_what_they_were(portfolio: Portfolio) -> None:
    investment = factories.make_investment(portfolio)
    then = _newest().pk
    factories.set_rates(portfolio, now=now(), investment=investment, hurdle_rate=Decimal("0.9"))
    assert assumptions.rates_of([investment], knowledge_time=then)[investment.pk].hurdle_rate == Decimal(
        "0.1"
    )
    assert assumptions.rates_of([investment])[investment.pk].hurdle_rate == Decimal("0.9")


@pytest.mark.parametrize(
    "changes",
    [
        {"hurdle_rate": None},
        {"hurdle_rate": Decimal(-1)},
        {"hurdle_rate": Decimal("10.1")},
        {"discount_rate": Decimal("NaN")},
        {"asserted_share": Decimal("1.01")},
        {"asserted_share": Decimal("-0.01")},
        {"realization_rates": {"labor_savings": "1.1"}},
        {"realization_rates": {"labor_savings": "nan"}},
        {"realization_rates": {"labor_savings": "much"}},
        {"realization_rates": {"model_api": "0.5"}},
        {"realization_rates": {"no_such": "0.5"}},
    ],
)
def test_rates_out_of_range_are_refused(portfolio: Portfolio, changes: dict[str, object]) -> None:
    rows, batches = Assumptions.objects.count(), Batch.objects.count()
    terms: dict[str, object] = dict.fromkeys(
        ("hurdle_rate", "discount_rate", "asserted_share"), Decimal("0.1")
    )
    with pytest.raises((AssumptionError, ValidationError)):
        factories.set_rates(portfolio, now=now(), **(terms | changes))  # type: ignore[arg-type]
    assert (Assumptions.objects.count(), Batch.objects.count()) == (rows, batches)


def test_rates_of_a_stranger_investment_are_refused(portfolio: Portfolio) -> None:
    foreign = factories.make_investment(factories.make_portfolio())
    with pytest.raises(AssumptionError, match="is not in the portfolio"):
        factories.set_rates(portfolio, now=now(), investment=foreign, hurdle_rate=Decimal("0.3"))


def test_realization_rates_are_kept_as_plain_decimals(portfolio: Portfolio) -> None:
    row = factories.set_rates(
        portfolio,
        now=now(),
        hurdle_rate=Decimal("0.1"),
        discount_rate=Decimal("0.1"),
        asserted_share=Decimal(1),
        realization_rates={"speed": 0.25, "quality": "1e-1", "revenue": 1},  # type: ignore[dict-item]
    )
    assert row.realization_rates == {"speed": "0.25", "quality": "0.1", "revenue": "1"}


# FX rates


def _rate(rate: str, *, currency: str = "EUR", source: str = "central bank") -> Rate:
    return Rate(currency, "USD", START, Decimal(rate), source)


def test_fx_rates_are_recorded_when_they_differ() -> None:
    assert assumptions.set_fx_rates([_rate("1.1"), _rate("1.3", currency="GBP")], now=now()) == 2
    then = _newest().pk
    assert assumptions.set_fx_rates([_rate("1.1")], now=now()) == 0
    assert _newest().pk == then
    assert assumptions.set_fx_rates([_rate("1.2")], now=now()) == 1
    assert {(r.currency, r.rate) for r in assumptions.fx_rates()} == {
        ("EUR", Decimal("1.2")),
        ("GBP", Decimal("1.3")),
    }
    assert {r.rate for r in assumptions.fx_rates(knowledge_time=then)} == {Decimal("1.1"), Decimal("1.3")}
    assert _head("installation", 0) == _newest().pk


@pytest.mark.parametrize(
    "rate", [_rate("0"), _rate("-1"), _rate("NaN"), _rate("Infinity"), _rate("1.1", source=" ")]
)
def test_an_fx_rate_needs_a_source_and_a_positive_number(rate: Rate) -> None:
    with pytest.raises(AssumptionError):
        assumptions.set_fx_rates([_rate("1.3", currency="GBP"), rate], now=now())
    assert not FxRate.objects.exists()


@pytest.mark.parametrize(
    "rate",
    [
        _rate("1.1", currency="eur"),
        _rate("1.1", currency="EURO"),
        _rate("1.1", currency="USD"),
        replace(_rate("1.1"), month=START.replace(day=2)),
    ],
)
def test_an_fx_rate_is_between_two_currencies_for_a_month(rate: Rate) -> None:
    with pytest.raises(AssumptionError):
        assumptions.set_fx_rates([rate], now=now())
    assert not FxRate.objects.exists()


# Plans


def test_a_plan_is_approved_when_it_has_entries(portfolio: Portfolio) -> None:
    investment = factories.make_investment(portfolio)
    with pytest.raises(AssumptionError, match="has no entries"):
        factories.approve_plan(investment, 1)
    record(portfolio, fact(investment, START, "model_api", 1), book=Book.PLAN, book_version=1)
    approval = factories.approve_plan(investment, 1)
    assert approval.batch_id == _head("investment", investment.pk)
    assert Investment.objects.get(pk=investment.pk).approved_plan_version == 1


# Accounts

TRAINING = chart.Definition("training", "Training", "cost", "run", "opex", is_avoidable=True)


def test_an_account_is_defined_once_and_versioned_when_it_changes() -> None:
    assert accounts.define([TRAINING], now=now()) == 1
    first = _newest()
    assert accounts.define([TRAINING], now=now()) == 0
    assert _newest() == first
    assert accounts.define([replace(TRAINING, is_avoidable=False)], now=now()) == 1
    versions = AccountVersion.objects.filter(account__code="training").order_by("pk")
    assert [v.is_avoidable for v in versions] == [True, False]
    assert _head("installation", 0) == _newest().pk


@pytest.mark.parametrize(
    "definition",
    [
        replace(TRAINING, kind="benefit", nature="", treatment="", code="model_api"),
        replace(TRAINING, nature=""),
        replace(TRAINING, unit="people"),
        replace(TRAINING, code="has space"),
        chart.Definition("clicks", "Clicks", "volume"),
    ],
)
def test_an_account_that_contradicts_itself_is_refused(definition: chart.Definition) -> None:
    before = list(Account.objects.order_by("pk").values())
    with pytest.raises((ValueError, ValidationError)):
        accounts.define([definition], now=now())
    assert list(Account.objects.order_by("pk").values()) == before


def test_shipping_again_leaves_what_was_changed() -> None:
    api = Account.objects.get(code="model_api")
    definition = next(d for d in chart.CHART if d.code == "model_api")
    accounts.define([replace(definition, name="Tokens")], now=now())
    assert accounts.ship(now=now()) == 0
    api.refresh_from_db()
    assert api.name == "Tokens"
