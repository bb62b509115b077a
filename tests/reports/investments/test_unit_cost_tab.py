"""The unit-cost tab: unit costs by month with trend and scale in words, people beside them, and what moved them."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.urls import reverse

from portfolio.facts import Fact
from portfolio.models import Account, Hypothesis
from portfolio.terms import add_months
from reports.console.investment_unit_cost import DECOMPOSED, slopes_text
from roi.engine.result import Reason
from tests.reports.figures_cast import FIRST, Figures, assemble_with_figures
from tests.reports.investments.test_page import words_of

pytestmark = pytest.mark.django_db
# Run cost 13,500 a month, 10,500 of it follows usage; development 150,000 over 36 months.
CONVERSATIONS, CLOSED = "2500", "1250"


@pytest.fixture
def figures() -> Figures:
    """Return investments with a year of actuals, none of them counted."""
    return assemble_with_figures()


def count(figures: Figures, **lines: str) -> None:
    """Record volumes of the whole year."""
    facts = [
        quantity(figures, number, account, value) for number in range(12) for account, value in lines.items()
    ]
    figures.cast.record(*facts, reason="Counted later.")


def quantity(figures: Figures, number: int, account: str, value: str) -> Fact:
    """Return a count of one month of the support case; 0 is its first."""
    key = Account.objects.get(code=account).pk
    return Fact(figures.support.pk, add_months(FIRST, number), key, quantity=Decimal(value))


def words(figures: Figures, **query: str) -> str:
    """Return what a person reads on the tab of the support case."""
    address = reverse("admin:portfolio_investment_change", args=[figures.support.pk])
    response = figures.cast.client("vera").get(address, {"tab": "unit-cost"} | query)
    assert response.status_code == 200
    return words_of(response.content.decode())


def test_nothing_counted_is_no_cost_of_zero(figures: Figures) -> None:
    """It says what to record."""
    told = words(figures)
    assert "Nothing was counted yet" in told
    assert "0.00" not in told


def test_a_unit_costs_run_loaded_and_marginal(figures: Figures) -> None:
    """13,500 / 2,500; with 150,000 / 36 a month; and 10,500 that follow usage."""
    count(figures, conversations=CONVERSATIONS)
    told = words(figures)
    assert "Cost per conversation" in told
    assert "2025-12 5.400 7.067 4.200 2,500" in told
    assert "Trend" in told
    assert "Scale The values do not vary, so no slope can be fitted." in told
    assert "It takes tokens, queries and outcomes of every month compared; some are not recorded." in told


def test_people_stand_beside_every_basis(figures: Figures) -> None:
    """Stated in the address: a person's 10.80 is twice the run cost; half needs a person still."""
    count(figures, conversations=CONVERSATIONS, successful_outcomes=CLOSED)
    told = words(figures, human="10.80", unit="conversation")
    assert "Run run cost / units 5.400 2.00× (50.0%)" in told
    assert "run cost / successful outcomes 10.800 1.00× 0.0%" in told
    assert "run cost and the people who do the rest / units 10.800 1.00× 0.0%" in told


def test_the_hypothesis_states_what_people_cost(figures: Figures) -> None:
    """A baseline of a cost per something is taken where nothing is asked; one of anything else is not."""
    count(figures, conversations=CONVERSATIONS)
    assert "State what a unit costs when people do it" in words(figures)
    claim = {"investment": figures.support, "claim": "Cheaper", "metric": "Cost per contact"}
    Hypothesis.objects.create(**claim, unit="USD", baseline="5.60")
    assert "5.6 is the baseline of the hypothesis." in words(figures)
    assert "5.400 1.04× (3.6%)" in words(figures)
    Hypothesis.objects.create(**claim, version=2, unit="minutes", baseline="5.60")
    assert "baseline of the hypothesis" not in words(figures)


@pytest.mark.parametrize("human", ["-1", "abc", "NaN", "1e999999", "9" * 20])
def test_what_is_no_amount_is_refused_in_words(figures: Figures, human: str) -> None:
    """Nothing typed into the address breaks the page."""
    count(figures, conversations=CONVERSATIONS)
    assert "Write an amount like 5.60" in words(figures, human=human, unit="nonsense")


def test_what_moved_the_cost_of_an_outcome(figures: Figures) -> None:
    """Twice the tokens for the same queries, at the same bill: prompts grew as the token became cheaper."""
    count(figures, queries="1000", outcomes="500", output_tokens="0", input_tokens="1000000")
    facts = [quantity(figures, number, "input_tokens", "2000000") for number in range(6, 12)]
    figures.cast.record(*facts, reason="Prompts grew.")
    told = words(figures)
    assert "2025-01 to 2025-03 against 2025-10 to 2025-12" in told
    assert "Tokens per query 8.3" in told or "Tokens per query 9.0" in told
    assert "Price per token (" in told


def test_every_reason_of_the_decomposition_is_a_sentence() -> None:
    """What is missing is named."""
    assert set(DECOMPOSED) == {Reason.TOO_FEW_MONTHS, Reason.NO_VOLUME, Reason.UNPRICED_USAGE}
    assert all(sentence.endswith(".") for sentence in DECOMPOSED.values())


@pytest.mark.parametrize(
    ("slopes", "told"),
    [
        ((-0.00335, -0.00672, 0.0000259), ["−0.00335", "−0.00672", "+0.00003"]),
        ((12.5, -0.125, 0.0), ["+12.50", "−0.12", "0.00"]),
        ((0.0, 0.0, 0.0), ["0.00", "0.00", "0.00"]),
    ],
)
def test_slopes_are_written_out_and_to_the_same_decimals(
    slopes: tuple[float, float, float], told: list[str]
) -> None:
    assert slopes_text(*slopes) == told
