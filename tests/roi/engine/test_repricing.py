"""The table of what-ifs: rows with reasons, totals that are whole or undefined, differences with their sign."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from roi.engine.repricing import Amount, Option, Repriced, RepricingError, Table, Usage, table
from roi.engine.result import Reason
from roi.engine.token_cost import PricedDays, Rates, Serving, TokenPrice, Tokens, Unpriced

DEAR = TokenPrice("openai", "dear", Rates(Decimal(3), Decimal(12), Decimal(1)), "a list")
CHEAP = TokenPrice("openai", "cheap", Rates(Decimal("0.15"), Decimal("0.60")), "a list")
OTHER = replace(CHEAP, provider="anthropic")
JANUARY, FEBRUARY = date(2026, 1, 1), date(2026, 2, 1)
SWAP = Option("openai", "cheap")
# The published conversational agent: 25,000 conversations of four turns, 800 tokens in and 300 out.
AGENT = Tokens(Decimal(80_000_000), Decimal(30_000_000))


def usage(month: date = JANUARY, *options: TokenPrice | Unpriced, **changes: object) -> Usage:
    terms: dict[str, object] = {
        "tokens": AGENT,
        "missing": "",
        "recorded": Amount(Decimal(640)),
        "deployed": [PricedDays(30, DEAR)],
        "options": [each if isinstance(each, Unpriced) else [PricedDays(30, each)] for each in options],
        "exchange": {"USD": Decimal(1)},
    } | changes
    return Usage(month=month, **terms)  # type: ignore[arg-type]


def only(made: Table) -> Repriced:
    (found,) = made.options
    return found


def test_a_swap_stands_beside_list_and_ledger() -> None:
    made = table([usage(JANUARY, CHEAP), usage(FEBRUARY, CHEAP)], [SWAP])
    assert [m.list_cost.value for m in made.months] == [600, 600]
    assert (made.list_cost.value, made.recorded.value) == (1200, 1280)
    assert made.recorded_over_list.value == 80
    swap = only(made)
    assert swap.cost.value == 60
    assert (swap.saving_on_list.value, swap.saving_on_recorded.value) == (1140, 1220)
    assert swap.prices == (CHEAP,)
    assert swap.notes == ()


def test_a_month_without_a_price_leaves_the_total_undefined() -> None:
    made = table([usage(JANUARY, CHEAP), usage(FEBRUARY, Unpriced("Nobody knows it."))], [SWAP])
    assert [m.options[0].value for m in made.months] == [30, None]
    assert made.months[1].options[0].reason is Reason.UNPRICED_USAGE
    swap = only(made)
    assert swap.cost.reason is Reason.UNPRICED_USAGE
    assert swap.cost.sentence == "1 of 2 months have no amount; 2026-02: Nobody knows it."
    assert swap.saving_on_list.reason is swap.saving_on_recorded.reason is Reason.UNPRICED_USAGE
    assert made.list_cost.value == 1200, "the other column is whole"


def test_a_month_without_tokens_keeps_its_row() -> None:
    made = table([usage(JANUARY, CHEAP, tokens=None, missing="No input_tokens.")], [SWAP])
    for amount in (made.months[0].list_cost, made.months[0].options[0]):
        assert (amount.value, amount.reason, amount.sentence) == (
            None,
            Reason.UNPRICED_USAGE,
            "No input_tokens.",
        )
    assert made.recorded.value == 640


def test_impossible_counts_are_not_priced() -> None:
    made = table([usage(tokens=Tokens(Decimal(1), Decimal(1), Decimal(2)))], [])
    assert made.list_cost.reason is Reason.UNPRICED_USAGE


def test_nothing_recorded_is_no_difference() -> None:
    nothing = Amount(None, Reason.MISSING_ACTUALS, "No model API cost.")
    made = table([usage(JANUARY, CHEAP, recorded=nothing)], [SWAP])
    assert made.recorded_over_list.reason is Reason.MISSING_ACTUALS
    assert only(made).saving_on_recorded.reason is Reason.MISSING_ACTUALS
    assert only(made).saving_on_list.value == 570


def test_no_months_are_no_volume() -> None:
    made = table([], [SWAP])
    assert made.months == ()
    assert {a.reason for a in (made.recorded, made.list_cost, only(made).cost)} == {Reason.NO_VOLUME}


def test_foreign_prices_are_converted_once_a_month() -> None:
    euros = replace(CHEAP, currency="EUR")
    made = table([usage(JANUARY, euros, exchange={"USD": Decimal(1), "EUR": Decimal("1.1")})], [SWAP])
    assert only(made).cost.value == 33
    without = table([usage(JANUARY, euros)], [SWAP])
    assert only(without).cost.reason is Reason.MISSING_FX_RATE
    assert "2026-01 has no rate" in only(without).cost.sentence


def test_totals_add_up_rounded_months() -> None:
    third = replace(CHEAP, standard=Rates(Decimal("0.0000333333"), Decimal(0)))
    tokens = Tokens(Decimal(50_000), Decimal(0))
    made = table([usage(m, third, tokens=tokens) for m in (JANUARY, FEBRUARY)], [SWAP])
    assert [m.options[0].value for m in made.months] == [Decimal("0.000002")] * 2
    assert only(made).cost.value == Decimal("0.000004")


def test_batch_is_refused_where_answers_cannot_wait() -> None:
    half = Option(serving=Serving(batch_share=Decimal("0.5")))
    deployed = [usage(JANUARY, DEAR), usage(FEBRUARY, DEAR, is_latency_sensitive=True)]
    batched = only(table(deployed, [half]))
    assert batched.cost.reason is Reason.LATENCY_SENSITIVE
    assert "cannot wait for a batch" in batched.cost.sentence
    assert only(table(deployed, [Option()])).cost.value == 1200, "without a batch share nothing is refused"


def test_an_assumed_batch_discount_is_named() -> None:
    half = Option(serving=Serving(batch_share=Decimal("0.5")))
    assumed = only(table([usage(JANUARY, DEAR)], [half]))
    assert assumed.cost.value == 450
    assert assumed.notes == ("openai/dear: no batch price is stated; a discount of 50% is assumed.",)
    stated = replace(DEAR, batch=Rates(Decimal("1.5"), Decimal(6)))
    assert only(table([usage(JANUARY, stated)], [half])).notes == ()


def test_notes_say_what_the_price_leaves_open() -> None:
    odd = replace(OTHER, largest_request=200_000, is_daily_mean=True)
    cached = Option("anthropic", "cheap", Serving(cache_rate=Decimal("0.3")))
    notes = only(table([usage(JANUARY, odd)], [cached])).notes
    assert [note.partition(": ")[2] or note for note in notes] == [
        "no price of cached input is stated; it costs what input costs.",
        "priced for requests of up to 200,000 input tokens. Larger ones cost more; "
        "the ledger does not know their share.",
        "the price differs within the day; its average over the hours is used.",
        "Tokens are as the deployed model counts them; another provider's may count differently.",
    ]


def test_up_to_five_options() -> None:
    five = [SWAP] * 5
    assert len(table([usage(JANUARY, *[CHEAP] * 5)], five).options) == 5
    with pytest.raises(RepricingError, match="Up to 5 options stand side by side; 6 were given"):
        table([usage(JANUARY, *[CHEAP] * 6)], [SWAP] * 6)


@pytest.mark.parametrize("names", [("openai", ""), (" ", "gpt-4o")])
def test_an_option_names_both_or_neither(names: tuple[str, str]) -> None:
    with pytest.raises(RepricingError, match="both a provider and a model, or neither"):
        Option(*names)


def test_an_amount_is_a_value_or_a_reason() -> None:
    with pytest.raises(ValueError, match="either a value or a reason"):
        Amount(None)
    with pytest.raises(ValueError, match="either a value or a reason"):
        Amount(Decimal(1), Reason.NO_VOLUME)
