"""Negotiated prices: who states and ends them, what is shown as in force, coming and over."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.urls import reverse

from reports.console.prices import _amount
from roi import prices
from roi.models import PriceOverride
from roi.prices import Terms
from tests.reports.cast import Cast, assemble
from tests.reports.investments.test_page import words_of

pytestmark = pytest.mark.django_db
PRICE = {
    "provider": "openai",
    "model": "gpt-4o",
    "input_per_million": "1.9",
    "output_per_million": "7.5",
    "currency": "USD",
    "effective_from": "2026-01-01",
    "source": "Contract 7",
}


@pytest.fixture
def cast() -> Cast:
    return assemble()


def state(cast: Cast, who: str = "finn", **answers: str) -> Any:
    address = reverse("admin:reports_price_new", args=["CX"])
    return cast.client(who).post(address, PRICE | answers, follow=True)


def end(cast: Cast, row: PriceOverride, who: str = "finn", **answers: str) -> Any:
    address = reverse("admin:reports_price_end", args=[row.public_id])
    return cast.client(who).post(address, {"reason": "Renegotiated."} | answers, follow=True)


def listed(cast: Cast, who: str = "vera") -> dict[str, list[str]]:
    page = cast.client(who).get(reverse("admin:reports_prices"), {"portfolio": "CX"})
    return {name: [row["price"].source for row in rows] for name, rows in page.context["groups"]}


def in_force(cast: Cast, on: date) -> Any:
    known = prices.overrides_of([cast.portfolio.pk])[cast.portfolio.pk]
    return prices.price("openai", "gpt-4o", on, overrides=known)


def test_a_price_is_stated_with_its_days(cast: Cast) -> None:
    page = state(cast, batch_discount="40", cached_input_per_million="0.95", effective_until="2099-01-01")
    assert "The price of gpt-4o holds from 2026-01-01 on." in words_of(page.content.decode())
    row = PriceOverride.objects.get()
    assert (row.portfolio, row.batch_discount, row.effective_until) == (
        cast.portfolio,
        Decimal("0.4"),
        date(2099, 1, 1),
    )
    assert row.created_by == cast.people["finn"]
    state(cast, effective_from="2098-01-01", source="Next contract")
    assert listed(cast) == {"In force": ["Contract 7"], "Coming": ["Next contract"]}


def test_a_misspelt_model_is_stored_and_warned_of(cast: Cast) -> None:
    page = words_of(state(cast, model="gpt-four").content.decode())
    assert "the published list knows no openai/gpt-four" in page
    assert "Not in the list" in page


def test_a_price_that_ends_holds_until_that_day_alone(cast: Cast) -> None:
    state(cast)
    row = PriceOverride.objects.get()
    assert "ends on 2026-07-01" in words_of(end(cast, row, ends="2026-07-01").content.decode())
    assert in_force(cast, date(2026, 6, 30)).source == "Contract 7"
    assert getattr(in_force(cast, date(2026, 7, 1)), "is_negotiated", False) is False
    assert [name for name in listed(cast) if name != "Over"] == []


def test_a_price_is_withdrawn_for_all_of_its_days(cast: Cast) -> None:
    state(cast)
    page = words_of(end(cast, PriceOverride.objects.get()).content.decode())
    assert "is withdrawn for all of its days" in page
    assert "Renegotiated." in page
    assert getattr(in_force(cast, date(2026, 6, 30)), "is_negotiated", False) is False


@pytest.mark.parametrize(
    ("answers", "field", "sentence"),
    [
        ({"effective_until": "2025-01-01"}, "effective_until", "its end is the first day it no longer holds"),
        ({"currency": "usd"}, "currency", "three capital letters"),
        ({"input_per_million": "-1"}, "input_per_million", "greater than or equal to 0"),
        ({"batch_discount": "101"}, "batch_discount", "less than or equal to 100"),
        ({"source": " "}, "source", "required"),
    ],
)
def test_a_price_that_cannot_be_says_why(
    cast: Cast, answers: dict[str, str], field: str, sentence: str
) -> None:
    page = state(cast, **answers)
    assert page.status_code == 400
    assert sentence in str(page.context["form"].errors[field])
    assert not PriceOverride.objects.exists()


def test_an_end_lies_between_its_first_day_and_the_end_it_has(cast: Cast) -> None:
    state(cast, effective_until="2026-09-01")
    row = PriceOverride.objects.get()
    for ends, sentence in (
        ("2026-01-01", "It holds from 2026-01-01 on"),
        ("2026-09-01", "It ends on 2026-09"),
    ):
        page = end(cast, row, ends=ends)
        assert page.status_code == 400
        assert sentence in str(page.context["form"].errors["ends"])
    assert PriceOverride.objects.count() == 1


def test_only_finance_and_administrators_set_prices(cast: Cast) -> None:
    state(cast)
    row = PriceOverride.objects.get()
    for who in ("olivia", "vera", "mallory"):
        assert state(cast, who).status_code == 404
        assert end(cast, row, who).status_code == 404
    common = prices.state(
        Terms("openai", "gpt-4o", date(2026, 1, 1), Decimal(1), Decimal(4), "For all"),
        portfolio=None,
        actor=cast.people["finn"],
        now=datetime.now(UTC),
    )
    assert end(cast, common).status_code == 404, "it is not one portfolio's to end"
    assert listed(cast) == {"In force": ["For all", "Contract 7"]}
    assert PriceOverride.objects.count() == 2


@pytest.mark.parametrize(
    ("value", "shown"), [("1.9", "1.90"), ("0.0000000001", "0.0000000001"), ("1250", "1,250.00"), ("0", "–")]
)
def test_no_price_becomes_nothing_by_rounding(value: str, shown: str) -> None:
    assert _amount(Decimal(value)) == shown
