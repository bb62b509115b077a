"""Which price is in force: the portfolio's, else the installation's, else the list's; and how it gets there."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from django.db import DatabaseError, transaction
from pytest_django.fixtures import DjangoAssertNumQueries

from portfolio.models import Portfolio, User
from roi import prices
from roi.engine.token_cost import TokenPrice, Unpriced
from roi.models import PriceOverride
from roi.prices import PriceError, Terms
from tests import factories

MARCH = date(2026, 3, 1)
TERMS = Terms(
    provider="openai",
    model="gpt-4o-mini",
    effective_from=MARCH,
    input_per_million=Decimal("0.10"),
    output_per_million=Decimal("0.40"),
    source="Frame contract 7, annex 2",
)


@pytest.fixture
def finn(db: None) -> User:
    return factories.make_user("finn")


@pytest.fixture
def ours(db: None) -> Portfolio:
    return factories.make_portfolio("OURS")


def state(actor: User, portfolio: Portfolio | None = None, **changes: object) -> PriceOverride:
    return prices.state(
        replace(TERMS, **changes),  # type: ignore[arg-type]
        portfolio=portfolio,
        actor=actor,
        now=factories.now(),
    )


def at(portfolio: Portfolio | None, on: date, *, model: str = "gpt-4o-mini") -> Decimal | None:
    """Return the input price that counts for a portfolio on a day."""
    key = None if portfolio is None else portfolio.pk
    overrides = prices.overrides_of([] if key is None else [key])[key]
    found = prices.price("OpenAI", model, on, overrides=overrides)
    assert isinstance(found, TokenPrice), found
    return found.standard.input


LISTED = Decimal("0.15")


def test_portfolio_before_installation_before_list(finn: User, ours: Portfolio) -> None:
    theirs = factories.make_portfolio("THEIRS")
    assert at(ours, MARCH) == LISTED
    state(finn, input_per_million=Decimal("0.12"))
    assert at(ours, MARCH) == at(theirs, MARCH) == at(None, MARCH) == Decimal("0.12")
    state(finn, ours, input_per_million=Decimal("0.10"))
    assert (at(ours, MARCH), at(theirs, MARCH), at(None, MARCH)) == (
        Decimal("0.10"),
        Decimal("0.12"),
        Decimal("0.12"),
    )
    state(finn, effective_from=date(2026, 3, 2), input_per_million=Decimal("0.11"))
    assert at(ours, date(2026, 3, 2)) == Decimal("0.10"), "a later price of the installation changes nothing"


def test_a_price_holds_from_its_first_day_until_its_end(finn: User, ours: Portfolio) -> None:
    state(finn, ours, effective_until=date(2026, 6, 1))
    assert at(ours, date(2026, 2, 28)) == LISTED
    assert at(ours, MARCH) == Decimal("0.10")
    assert at(ours, date(2026, 5, 31)) == Decimal("0.10")
    assert at(ours, date(2026, 6, 1)) == LISTED


def test_the_price_that_began_last_counts_then_the_one_stated_last(finn: User, ours: Portfolio) -> None:
    april = date(2026, 4, 1)
    state(
        finn, ours, effective_from=april, effective_until=date(2026, 5, 1), input_per_million=Decimal("0.05")
    )
    state(finn, ours)
    assert [at(ours, day) for day in (MARCH, april, date(2026, 5, 1))] == [
        Decimal("0.10"),
        Decimal("0.05"),
        Decimal("0.10"),
    ]
    state(finn, ours, input_per_million=Decimal("0.09"))
    assert at(ours, MARCH) == Decimal("0.09")


def test_an_alias_is_the_same_model(finn: User, ours: Portfolio) -> None:
    state(finn, ours, model="gpt-4o-mini-2024-07-18")
    assert at(ours, MARCH) == Decimal("0.10")


def test_a_model_that_only_we_have(finn: User, ours: Portfolio) -> None:
    unknown = prices.price("Acme", "acme-1", MARCH)
    assert isinstance(unknown, Unpriced)
    row = state(finn, ours, provider=" Acme ", model="acme-1", batch_discount=Decimal("0.3"), currency="EUR")
    assert (row.provider, row.model) == ("Acme", "acme-1")
    found = prices.price("ACME", "Acme-1", MARCH, overrides=prices.overrides_of([ours.pk])[ours.pk])
    assert isinstance(found, TokenPrice)
    assert (found.currency, found.batch_discount, found.is_negotiated) == ("EUR", Decimal("0.3"), True)
    assert (found.source, found.effective_from) == ("Frame contract 7, annex 2", MARCH)


def test_a_withdrawn_price_is_as_never_stated(finn: User, ours: Portfolio) -> None:
    row = state(finn, ours)
    by = prices.withdraw(row, reason="Typed for the wrong model.", actor=finn, now=factories.now())
    assert at(ours, MARCH) == LISTED
    assert (by.withdraws, by.source, by.created_by) == (row, "Typed for the wrong model.", finn)
    assert PriceOverride.objects.count() == 2
    with pytest.raises(PriceError, match="was withdrawn before"):
        prices.withdraw(row, reason="Again.", actor=finn, now=factories.now())
    with pytest.raises(PriceError, match="nothing in it to take back"):
        prices.withdraw(by, reason="Undo.", actor=finn, now=factories.now())
    with pytest.raises(PriceError, match="needs a reason"):
        prices.withdraw(state(finn, ours), reason=" ", actor=finn, now=factories.now())


def test_rows_are_written_once(finn: User, ours: Portfolio) -> None:
    row = state(finn, ours)
    with pytest.raises(DatabaseError), transaction.atomic():
        PriceOverride.objects.filter(pk=row.pk).update(input_per_million=0)
    with pytest.raises(DatabaseError), transaction.atomic():
        PriceOverride.objects.filter(pk=row.pk).delete()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"source": " "}, "needs its source"),
        ({"provider": ""}, "needs its provider"),
        ({"model": "m" * 129}, "needs its model, in at most 128"),
        ({"currency": "usd"}, "three capital letters"),
        ({"input_per_million": Decimal(-1)}, "-1 per million tokens is not one"),
        ({"cached_input_per_million": Decimal("NaN")}, "NaN per million tokens is not one"),
        ({"output_per_million": Decimal(10) ** 10}, "per million tokens is not one"),
        ({"input_per_million": Decimal("1e-11")}, "more than 10 decimals"),
        ({"batch_discount": Decimal("1.01")}, "between 0 and 1: 0.5 is half"),
        ({"batch_discount": Decimal("NaN")}, "between 0 and 1"),
        ({"batch_discount": Decimal("0.33333")}, "more than 4 decimals"),
        ({"effective_until": MARCH}, "lies after its beginning"),
    ],
)
def test_what_nobody_can_have_negotiated_is_refused(
    finn: User, changes: dict[str, object], says: str
) -> None:
    with pytest.raises(PriceError, match=says):
        state(finn, **changes)
    assert not PriceOverride.objects.exists()


def test_a_month_counts_the_days_of_each_price(finn: User, ours: Portfolio) -> None:
    state(finn, ours, effective_from=date(2026, 3, 11), effective_until=date(2026, 3, 16))
    overrides = prices.overrides_of([ours.pk])[ours.pk]
    month = prices.of_month("openai", "gpt-4o-mini", MARCH, overrides=overrides)
    assert not isinstance(month, Unpriced)
    assert [(part.days, part.price.standard.input) for part in month] == [
        (10, LISTED),
        (5, Decimal("0.10")),
        (16, LISTED),
    ]


def test_a_month_with_an_unpriced_day_is_unpriced(finn: User, ours: Portfolio) -> None:
    state(finn, ours, provider="acme", model="acme-1", effective_from=date(2026, 3, 2))
    overrides = prices.overrides_of([ours.pk])[ours.pk]
    assert isinstance(prices.of_month("acme", "acme-1", MARCH, overrides=overrides), Unpriced)
    april = prices.of_month("acme", "acme-1", date(2026, 4, 1), overrides=overrides)
    assert not isinstance(april, Unpriced)
    assert [part.days for part in april] == [30]


def test_the_list_of_a_provider_holds_what_was_negotiated(finn: User, ours: Portfolio) -> None:
    state(finn, ours, model="our-fine-tune")
    overrides = prices.overrides_of([ours.pk])[ours.pk]
    found = prices.listed("OpenAI", MARCH, overrides=overrides)
    assert len(found) > 50
    tuned = found[("openai", "our-fine-tune")]
    assert isinstance(tuned, TokenPrice)
    assert tuned.standard.input == Decimal("0.10")
    assert ("openai", "our-fine-tune") not in prices.listed("openai", date(2026, 2, 1), overrides=overrides)
    (nothing,) = prices.listed("opnai", MARCH).values()
    assert isinstance(nothing, Unpriced)


def test_overrides_of_many_portfolios_take_one_query(
    finn: User, ours: Portfolio, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    theirs = factories.make_portfolio("THEIRS")
    for portfolio in (ours, theirs, None):
        state(finn, portfolio)
    with django_assert_num_queries(1):
        found = prices.overrides_of([ours.pk, theirs.pk])
    assert {key: len(each) for key, each in found.items()} == {ours.pk: 2, theirs.pk: 2, None: 1}
