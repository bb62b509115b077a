"""The published list: dated, by any of its names, with a sentence where there is nothing, and off the network."""

import subprocess
import sys
from datetime import UTC, date, datetime, time
from decimal import Decimal

import pytest
from genai_prices.types import (
    ClauseEquals,
    ConditionalPrice,
    ModelInfo,
    ModelPrice,
    PriceVariant,
    Provider,
    StartDateConstraint,
    Tier,
    TieredPrices,
    TimeOfDateConstraint,
)

from roi.engine import price_list
from roi.engine.token_cost import Rates, TokenPrice, Unpriced

NOVEMBER = date(2026, 11, 1)


def priced(provider: str, model: str, on: date = NOVEMBER) -> TokenPrice:
    found = price_list.published(provider, model, on=on)
    assert isinstance(found, TokenPrice), found
    return found


def sentence(provider: str, model: str, on: date = NOVEMBER) -> str:
    found = price_list.published(provider, model, on=on)
    assert isinstance(found, Unpriced), found
    return found.sentence


def test_the_real_price_of_the_published_case() -> None:
    found = priced("openai", "gpt-4o-mini")
    assert found.standard == Rates(Decimal("0.15"), Decimal("0.6"), Decimal("0.075"))
    assert (found.currency, found.is_negotiated) == ("USD", False)
    assert found.source.startswith("genai-prices ")
    assert priced("openai", "gpt-4o").standard.input == Decimal("2.5")


def test_the_published_case_names_a_price_that_no_model_of_its_family_has() -> None:
    family = [model for model in price_list.models("openai") if model.startswith("gpt-4o")]
    every = [price_list.published("openai", model, on=NOVEMBER) for model in family]
    known = [each for each in every if isinstance(each, TokenPrice)]
    assert len(known) > 3
    assert not [p.model for p in known if (p.standard.input, p.standard.output) == (Decimal(3), Decimal(12))]


def test_the_price_is_that_of_the_day() -> None:
    before, after = priced("openai", "o3", date(2025, 6, 9)), priced("openai", "o3", date(2025, 6, 10))
    assert (before.standard.input, before.effective_from) == (Decimal(10), None)
    assert (after.standard.input, after.effective_from) == (Decimal(2), date(2025, 6, 10))


def test_a_batch_price_counts_from_the_day_the_list_states_it() -> None:
    assert priced("openai", "gpt-4o-mini", date(2026, 10, 13)).batch is None
    found = priced("openai", "gpt-4o-mini", date(2026, 10, 14))
    assert found.batch is not None
    assert (found.batch.input, found.batch_discount) == (Decimal("0.075"), Decimal("0.5"))
    assert found.effective_from is None, "the standard price did not change on that day"


@pytest.mark.parametrize(
    ("provider", "model", "name"),
    [
        ("OpenAI", "GPT-4o-mini", ("openai", "gpt-4o-mini")),
        (" openai ", "gpt-4o-mini-2024-07-18", ("openai", "gpt-4o-mini")),
        ("Azure OpenAI", "gpt-4o", ("azure", "gpt-4o")),
        ("Amazon Bedrock", "nova-lite", ("aws", "nova-lite")),
        ("Acme", "Acme-1", ("acme", "acme-1")),
    ],
)
def test_spellings_are_one_name(provider: str, model: str, name: tuple[str, str]) -> None:
    found = price_list.name_of(provider, model)
    assert (found.provider, found.model) == name


def test_a_reseller_passes_prices_on_but_not_the_batch_tier() -> None:
    assert priced("azure", "gpt-4o-mini").standard == priced("openai", "gpt-4o-mini").standard
    assert priced("azure", "gpt-4o-mini").batch is None


@pytest.mark.parametrize(
    ("provider", "model", "says"),
    [
        ("opnai", "gpt-4o", "knows no provider named 'opnai'; the nearest are openai"),
        ("qqqqqq", "x", "it knows for example openai"),
        ("", "gpt-4o", "Nobody is named who provides gpt-4o"),
        ("openai", "", "No model of openai is named"),
        ("openai", "gpt-4o-mni", "named 'gpt-4o-mni'; the nearest there are gpt-4o-mini"),
        ("openai", "claude-sonnet-4-5", "of that name of anthropic"),
        ("github-copilot", "gpt-4o", "states no price per token for github-copilot/gpt-4o on 2026-11-01"),
    ],
)
def test_what_has_no_price_says_why(provider: str, model: str, says: str) -> None:
    assert says in sentence(provider, model)


def test_every_model_of_the_list_has_a_price_or_a_sentence() -> None:
    seen = 0
    for provider in price_list.providers():
        for model in price_list.models(provider):
            found = price_list.published(provider, model, on=NOVEMBER)
            seen += 1
            if isinstance(found, TokenPrice):
                stated = [found.standard.input, found.standard.output, found.standard.cached_input]
                assert (found.provider, found.model) == (provider, model)
                assert all(each is None or each >= 0 for each in stated)
    assert seen > 1000


def _listed(monkeypatch: pytest.MonkeyPatch, **terms: object) -> None:
    """Let the list know one provider with one model."""
    model = ModelInfo(id="one", match=ClauseEquals(equals="one"), **terms)  # type: ignore[arg-type]
    made = Provider(id="house", name="House", api_pattern="x", models=[model])
    for remembered in (price_list.name_of, price_list._history, price_list._provider):
        remembered.cache_clear()
    monkeypatch.setattr(price_list, "_providers", lambda: [made])


@pytest.fixture(autouse=True)
def _forget() -> object:
    yield
    for remembered in (price_list.name_of, price_list._history, price_list._provider):
        remembered.cache_clear()


def test_a_day_before_the_first_dated_price_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    starts = StartDateConstraint(start_date=date(2026, 3, 1))
    _listed(
        monkeypatch,
        prices=[ConditionalPrice(starts, prices=ModelPrice(input_mtok=Decimal(1), output_mtok=Decimal(2)))],
    )
    assert "states no price per token for house/one on 2026-02-28" in sentence(
        "house", "one", date(2026, 2, 28)
    )
    assert priced("house", "one", date(2026, 3, 1)).standard.input == 1


def test_a_price_by_the_hour_is_averaged_over_the_day(monkeypatch: pytest.MonkeyPatch) -> None:
    peak = TimeOfDateConstraint(start_time=time(22, tzinfo=UTC), end_time=time(4, tzinfo=UTC))
    _listed(
        monkeypatch,
        prices=[
            ConditionalPrice(prices=ModelPrice(input_mtok=Decimal(1), output_mtok=Decimal(2))),
            ConditionalPrice(peak, prices=ModelPrice(input_mtok=Decimal(5), output_mtok=Decimal(10))),
        ],
    )
    found = priced("house", "one")
    assert found.is_daily_mean
    assert found.standard == Rates(Decimal(2), Decimal(4))  # 18 hours at 1 and 6 hours at 5
    assert found.effective_from is None


def test_prices_by_request_size_state_their_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    tiered = TieredPrices(base=Decimal(3), tiers=[Tier(start=200_000, price=Decimal(6))])
    _listed(monkeypatch, prices=ModelPrice(input_mtok=tiered, output_mtok=Decimal(15)))
    found = priced("house", "one")
    assert (found.standard.input, found.largest_request) == (Decimal(3), 200_000)


def test_a_variant_without_token_prices_is_no_batch_tier(monkeypatch: pytest.MonkeyPatch) -> None:
    variant = PriceVariant(when={"processing": "batch"}, prices=ModelPrice(cache_read_mtok=Decimal("0.1")))
    _listed(
        monkeypatch,
        prices=ModelPrice(input_mtok=Decimal(3), output_mtok=Decimal(15)),
        price_variants=[variant],
    )
    assert priced("house", "one").batch is None


def test_the_list_agrees_with_its_own_calculator() -> None:
    from genai_prices import Usage, calc_price

    noon = datetime(2026, 11, 1, 12, tzinfo=UTC)
    for provider, model in (("openai", "gpt-4o-mini"), ("anthropic", "claude-sonnet-4-5"), ("openai", "o3")):
        usage = Usage(input_tokens=1000, cache_read_tokens=400, output_tokens=100)
        theirs = calc_price(usage, model, provider_id=provider, genai_request_timestamp=noon).total_price
        rates = priced(provider, model).standard
        assert rates.input is not None
        assert rates.output is not None
        assert rates.cached_input is not None
        assert theirs == (600 * rates.input + 400 * rates.cached_input + 100 * rates.output) / 10**6


def test_prices_are_looked_up_off_the_network_and_loaded_on_first_use() -> None:
    script = (
        "import socket, sys, threading\n"
        "def refuse(*a, **k): raise AssertionError('the network was asked')\n"
        "socket.socket.connect = socket.getaddrinfo = refuse\n"
        "from datetime import date\n"
        "from roi.engine import price_list\n"
        "assert 'genai_prices' not in sys.modules\n"
        "print(price_list.published('openai', 'gpt-4o-mini', on=date(2026, 11, 1)).standard.output)\n"
        "assert threading.active_count() == 1\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60
    )
    assert (ran.stdout.strip(), ran.returncode) == ("0.6", 0), ran.stderr
