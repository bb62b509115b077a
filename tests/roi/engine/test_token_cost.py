"""The arithmetic of tokens: exact, spread over days, and never a silent 0."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roi.engine.result import Reason
from roi.engine.token_cost import (
    PricedDays,
    Rates,
    Serving,
    TokenPrice,
    Tokens,
    Unpriced,
    cost,
    mean_rates,
    to_money,
)

MINI = TokenPrice(
    "openai", "gpt-4o-mini", Rates(Decimal("0.15"), Decimal("0.60"), Decimal("0.075")), "a list"
)
DEAR = replace(MINI, standard=Rates(Decimal(3), Decimal(12), Decimal("0.3")))
COUNTS = st.integers(0, 10**12).map(Decimal)
SHARES = st.decimals(0, 1, places=4)


def dollars(tokens: Tokens, *month: PricedDays, serving: Serving | None = None) -> Fraction:
    found = cost(tokens, month, serving=serving or Serving())
    assert not isinstance(found, Unpriced), found.sentence
    assert found.keys() <= {"USD"}
    return found.get("USD", Fraction(0))


def refused(tokens: Tokens, *month: PricedDays, serving: Serving | None = None) -> str:
    found = cost(tokens, month, serving=serving or Serving())
    assert isinstance(found, Unpriced)
    assert found.reason is Reason.UNPRICED_USAGE
    return found.sentence


def test_the_published_conversations_at_the_real_price() -> None:
    # 25,000 conversations of 4 turns with 800 tokens in and 300 out, as the published case counts them.
    tokens = Tokens(Decimal(80_000_000), Decimal(30_000_000))
    assert dollars(tokens, PricedDays(30, MINI)) == 30
    assert dollars(tokens, PricedDays(30, DEAR)) == 600


def test_a_price_change_within_a_month_counts_by_days() -> None:
    tokens = Tokens(Decimal(31_000_000), Decimal(0))
    assert dollars(tokens, PricedDays(10, DEAR), PricedDays(21, MINI)) == 10 * 3 + 21 * Fraction("0.15")


def test_cached_tokens_are_among_the_input() -> None:
    tokens = Tokens(Decimal(10_000_000), Decimal(0), cached=Decimal(4_000_000))
    assert dollars(tokens, PricedDays(30, MINI)) == 6 * Fraction("0.15") + 4 * Fraction("0.075")


def test_without_a_cached_price_cached_input_costs_what_input_costs() -> None:
    plain = replace(MINI, standard=Rates(Decimal("0.15"), Decimal("0.60")))
    tokens = Tokens(Decimal(10_000_000), Decimal(0), cached=Decimal(4_000_000))
    assert dollars(tokens, PricedDays(30, plain)) == Fraction("1.5")


def test_a_cache_rate_stands_before_what_was_counted() -> None:
    tokens = Tokens(Decimal(10_000_000), Decimal(0), cached=Decimal(4_000_000))
    at_half = dollars(tokens, PricedDays(30, MINI), serving=Serving(cache_rate=Decimal("0.5")))
    assert at_half == 5 * Fraction("0.15") + 5 * Fraction("0.075")


def test_the_batch_tier_is_the_stated_one_else_half() -> None:
    tokens = Tokens(Decimal(10_000_000), Decimal(1_000_000))
    half = Serving(batch_share=Decimal("0.5"))
    assert dollars(tokens, PricedDays(30, MINI), serving=half) == Fraction("2.1") * Fraction("0.75")
    stated = replace(MINI, batch=Rates(Decimal("0.12"), Decimal("0.48"), Decimal("0.06")))
    assert dollars(tokens, PricedDays(30, stated), serving=half) == Fraction("2.1") * Fraction("0.9")
    assert stated.batch_discount == Decimal("0.2")
    assert MINI.batch_discount is None


def test_currencies_are_kept_apart() -> None:
    euros = replace(MINI, currency="EUR")
    found = cost(Tokens(Decimal(30_000_000), Decimal(0)), [PricedDays(10, MINI), PricedDays(20, euros)])
    assert found == {"USD": Fraction("1.5"), "EUR": Fraction(3)}


@pytest.mark.parametrize(
    ("tokens", "says"),
    [
        (Tokens(Decimal(-1), Decimal(0)), "input tokens is -1, below zero"),
        (Tokens(Decimal(1), Decimal(-5)), "output tokens is -5, below zero"),
        (Tokens(Decimal(10), Decimal(0), Decimal(-2)), "cached tokens is -2"),
        (Tokens(Decimal(10), Decimal(0), Decimal(11)), "more cached tokens (11) than input tokens (10)"),
    ],
)
def test_impossible_counts_are_unpriced(tokens: Tokens, says: str) -> None:
    assert says in refused(tokens, PricedDays(30, MINI))


def test_usage_that_the_price_is_silent_about_is_unpriced() -> None:
    embedding = TokenPrice("openai", "text-embedding", Rates(Decimal("0.02"), None), "a list")
    month = PricedDays(30, embedding)
    assert dollars(Tokens(Decimal(1_000_000), Decimal(0)), month) == Fraction("0.02")
    sentence = refused(Tokens(Decimal(1_000_000), Decimal(1)), month)
    assert sentence.startswith("a list states no price of output tokens for openai/text-embedding")


def test_a_month_without_days_is_unpriced() -> None:
    assert refused(Tokens(Decimal(1), Decimal(1))) == "There is no day with a price."


@pytest.mark.parametrize("share", ["-0.1", "1.1", "NaN"])
def test_shares_are_fractions(share: str) -> None:
    with pytest.raises(ValueError, match=r"cache rate .* between 0 and 1"):
        Serving(cache_rate=Decimal(share))
    with pytest.raises(ValueError, match=r"batch share .* between 0 and 1"):
        Serving(batch_share=Decimal(share))


@given(COUNTS, COUNTS, COUNTS, SHARES, SHARES)
def test_cost_is_linear_in_tokens(
    input_: Decimal, output: Decimal, more: Decimal, rate: Decimal, share: Decimal
) -> None:
    serving = Serving(cache_rate=rate, batch_share=share)
    month = PricedDays(30, MINI)
    parts = [
        dollars(Tokens(input_, output), month, serving=serving),
        dollars(Tokens(more, more), month, serving=serving),
    ]
    assert dollars(Tokens(input_ + more, output + more), month, serving=serving) == sum(parts)


@given(COUNTS, COUNTS, SHARES, SHARES)
def test_caching_and_batching_never_cost_more(
    input_: Decimal, output: Decimal, rate: Decimal, share: Decimal
) -> None:
    tokens, month = Tokens(input_, output), PricedDays(30, MINI)
    plain = dollars(tokens, month)
    assert 0 <= dollars(tokens, month, serving=Serving(rate, share)) <= plain


@given(st.integers(1, 30))
def test_a_month_lies_between_its_prices(days: int) -> None:
    tokens = Tokens(Decimal(1_000_000), Decimal(1_000_000))
    mixed = dollars(tokens, PricedDays(days, MINI), PricedDays(31 - days, DEAR))
    assert dollars(tokens, PricedDays(31, MINI)) <= mixed <= dollars(tokens, PricedDays(31, DEAR))


def test_money_is_rounded_half_to_even_once() -> None:
    assert to_money(Fraction(5, 10_000_000)) == Decimal("0.000000")
    assert to_money(Fraction(15, 10_000_000)) == Decimal("0.000002")
    assert to_money(Fraction(1, 3)) == Decimal("0.333333")


def test_a_mean_of_rates_is_unstated_where_a_part_is() -> None:
    parts = [
        (Fraction(2, 3), Rates(Decimal("0.27"), None)),
        (Fraction(1, 3), Rates(Decimal("0.135"), Decimal(1))),
    ]
    assert mean_rates(parts) == Rates(Decimal("0.225"), None, None)
