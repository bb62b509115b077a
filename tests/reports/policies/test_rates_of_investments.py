"""Rates of one investment: set or inherited, by administrators, with every earlier setting on record."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from portfolio import assumptions
from portfolio.models import Assumptions, Investment
from tests import factories
from tests.reports.cast import Cast, assemble
from tests.reports.investments.test_page import words_of

pytestmark = pytest.mark.django_db
OWN = {
    "hurdle": "17.25",
    "discount": "",
    "asserted": "",
    "realization": "",
    "reason": "Riskier than the rest.",
}


@pytest.fixture
def cast() -> Cast:
    """Return the cast, whose portfolio has rates."""
    cast = assemble()
    assumptions.set_rates(
        cast.portfolio,
        now=datetime.now(UTC),
        actor=cast.people["finn"],
        hurdle_rate=Decimal("0.12"),
        discount_rate=Decimal("0.1"),
        asserted_share=Decimal("0.9"),
        realization_rates={"labor_savings": "0.6"},
    )
    return cast


def address(investment: Investment) -> str:
    """Return the address that sets the investment's rates."""
    return reverse("admin:reports_investment_rates", args=[investment.code])


def tab(cast: Cast, name: str = "vera") -> str:
    """Return the words of the rates tab."""
    page = reverse("admin:portfolio_investment_change", args=[cast.support.pk])
    response = cast.client(name).get(page, {"tab": "rates"})
    assert response.status_code == 200
    return words_of(response.content.decode())


@pytest.mark.parametrize("name", ["adam", "finn", "olivia", "vera", "mallory"])
def test_administrators_override_what_they_state_and_inherit_the_rest(cast: Cast, name: str) -> None:
    """Only the stated rate is the investment's own; others may not, and see no way to."""
    client, is_admin = cast.client(name), name == "adam"
    assert client.get(address(cast.support)).status_code == (200 if is_admin else 404)
    assert client.post(address(cast.support), OWN).status_code == (302 if is_admin else 404)
    rates = assumptions.rates_of([cast.support])[cast.support.pk]
    assert rates.hurdle_rate == Decimal("0.1725" if is_admin else "0.12")
    assert (rates.discount_rate, rates.asserted_share) == (Decimal("0.1"), Decimal("0.9"))
    assert assumptions.rates_of([cast.coding])[cast.coding.pk].hurdle_rate == Decimal("0.12")
    if name != "mallory":
        assert ("Change rates" in tab(cast, name)) is is_admin


def test_the_tab_says_what_is_inherited_and_who_set_what(cast: Cast) -> None:
    """Value, origin and the portfolio's rate beside it; the history names author and reason."""
    adam = cast.client("adam")
    adam.post(address(cast.support), OWN | {"realization": "revenue = 50"})
    shown = tab(cast)
    assert "Hurdle rate, per year 17.25% the investment 12%" in shown
    assert "Discount rate, per year 10% the portfolio 10%" in shown
    assert "Realization of Labor savings 60% the portfolio 60%" in shown
    assert "50% the investment 100%" in shown
    assert "this investment 17.25% inherits inherits revenue 0.5 adam: Riskier than the rest." in shown
    assert "the portfolio 12% 10% 90% labor_savings 0.6 finn" in shown
    form = adam.get(address(cast.support)).context["form"]
    assert (form["hurdle"].value(), form["discount"].value()) == ("17.25", "")
    assert "the portfolio's 10%" in form["discount"].help_text


def test_emptied_rates_inherit_again(cast: Cast) -> None:
    """An override ends by emptying it, once a second person allows it."""
    adam = cast.client("adam")
    adam.post(address(cast.support), OWN)
    adam.post(address(cast.support), OWN | {"hurdle": "", "reason": "As the others."})
    assert assumptions.rates_of([cast.support])[cast.support.pk].hurdle_rate == Decimal("0.1725")
    factories.allow_last()
    assert assumptions.rates_of([cast.support])[cast.support.pk].hurdle_rate == Decimal("0.12")


@pytest.mark.parametrize(
    "wrong",
    [
        {"hurdle": "x"},
        {"hurdle": "-100"},
        {"asserted": "101"},
        {"reason": ""},
        {"realization": "model_api = 5"},
        {"realization": "revenue = 300"},
    ],
)
def test_wrong_rates_get_a_sentence_and_change_nothing(cast: Cast, wrong: dict[str, str]) -> None:
    """The form comes back with its answers."""
    response = cast.client("adam").post(address(cast.support), OWN | wrong)
    assert response.status_code == 400
    assert response.context["form"].errors
    assert Assumptions.objects.count() == 1


def test_an_investment_of_strangers_is_not_found(cast: Cast) -> None:
    """An administrator of one portfolio is nobody in another."""
    assert cast.client("adam").get(address(cast.foreign)).status_code == 404
    assert cast.client("adam").post(address(cast.foreign), OWN).status_code == 404


def test_the_tab_asks_as_much_for_a_long_history(cast: Cast) -> None:
    """Authors come along with their rates."""
    adam = cast.client("adam")
    page = reverse("admin:portfolio_investment_change", args=[cast.support.pk])
    adam.post(address(cast.support), OWN | {"realization": "revenue = 50"})
    counts = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as captured:
            adam.get(page, {"tab": "rates"})
        counts.append(len(captured))
        for _ in range(3):
            adam.post(address(cast.support), OWN | {"realization": "revenue = 50"})
    assert counts[0] == counts[1]
