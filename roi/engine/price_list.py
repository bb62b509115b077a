"""The published token prices: a dated list that ships with a package and is never fetched from a network.

Loaded on first use, as it brings thousands of rows and an HTTP client that nothing here calls.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from difflib import get_close_matches
from fractions import Fraction
from functools import cache, lru_cache
from importlib.metadata import version
from typing import TYPE_CHECKING

from roi.engine.token_cost import Rates, TokenPrice, Unpriced, mean_rates

if TYPE_CHECKING:
    from genai_prices.types import ModelInfo, ModelPrice, Provider

_BATCH = {"processing": "batch"}
_DAY_SECONDS = 86_400
# Names come from users: what is remembered about them is bounded.
_REMEMBERED = 4096


@dataclass(frozen=True, slots=True)
class Name:
    """A model as the list names it, or as it was written where the list does not know it."""

    provider: str
    model: str
    is_listed: bool


def source() -> str:
    """Return the name and version of the list."""
    return f"genai-prices {version('genai-prices')}"


def providers() -> list[str]:
    """Return the ids of the providers that the list knows."""
    return [provider.id for provider in _providers()]


def models(provider: str) -> list[str]:
    """Return the ids of a provider's own models, none for a provider that the list does not know."""
    found = _provider(provider)
    return [model.id for model in found.models] if found else []


@lru_cache(maxsize=_REMEMBERED)
def name_of(provider: str, model: str) -> Name:
    """Return how the list names a model. Its aliases, and a provider's spellings, are one name."""
    found = _provider(provider)
    if found is None:
        return Name(provider.strip().lower(), model.strip().lower(), is_listed=False)
    entry = found.find_model(model.strip(), all_providers=_providers())
    if entry is None:
        return Name(found.id, model.strip().lower(), is_listed=False)
    return Name(found.id, entry.id, is_listed=True)


def published(provider: str, model: str, *, on: date) -> TokenPrice | Unpriced:
    """Return the published price in force on a day, or a sentence that says what is missing and what is near."""
    known = _history(provider, model)
    if isinstance(known, Unpriced):
        return known
    starts, prices = known
    position = bisect_right(starts, on) - 1
    price = prices[position]
    if price is None:
        name = name_of(provider, model)
        return Unpriced(f"{source()} states no price per token for {name.provider}/{name.model} on {on}.")
    return price


History = tuple[list[date], list[TokenPrice | None]]


@lru_cache(maxsize=_REMEMBERED)
def _history(provider: str, model: str) -> History | Unpriced:
    """Return from which days on which price holds; the first day is the first there is."""
    owner = _provider(provider)
    if owner is None:
        return Unpriced(_no_provider(provider, model))
    entry = owner.find_model(model.strip(), all_providers=_providers())
    if entry is None:
        return Unpriced(_no_model(owner, model))
    # A reseller's batch tier is not that of the provider whose prices it passes on.
    has_own = any(own is entry for own in owner.models)
    starts = [date.min, *sorted(_start_dates(entry))]
    prices: list[TokenPrice | None] = []
    for start in starts:
        price = _on(entry, start, provider=owner.id, has_batch=has_own)
        last = prices[-1] if prices else None
        if price is not None and start != date.min:
            is_same = last is not None and last.standard == price.standard
            since = last.effective_from if last is not None and is_same else start
            price = replace(price, effective_from=since)
        prices.append(price)
    return starts, prices


def _start_dates(model: "ModelInfo") -> set[date]:
    from genai_prices.types import StartDateConstraint

    return {each.start_date for each in _conditions(model) if isinstance(each, StartDateConstraint)}


def _conditions(model: "ModelInfo") -> list[object]:
    """Return what decides which of a model's prices and variants is in force."""
    dated = model.prices if isinstance(model.prices, list) else []
    return [each.constraint for each in (*dated, *(model.price_variants or ()))]


def _on(model: "ModelInfo", day: date, *, provider: str, has_batch: bool) -> TokenPrice | None:
    """Return the price of a day, its hours weighted where they differ; None where nothing is stated per token."""
    standard: list[tuple[Fraction, Rates]] = []
    batch: list[tuple[Fraction, Rates]] = []
    limits: set[int] = set()
    for weight, moment in _hours(model, day):
        if not _is_in_force(model, moment):
            return None
        prices = model.get_prices(moment)
        limits |= set(_tier_starts(prices))
        standard.append((weight, _rates(prices)))
        if has_batch and _states_batch(model, moment):
            batch.append((weight, _rates(model.get_prices(moment, _BATCH))))
    differs = len({rates for _, rates in standard}) > 1
    rates = mean_rates(standard) if differs else standard[0][1]
    if rates.input is None and rates.output is None:
        return None
    return TokenPrice(
        provider=provider,
        model=model.id,
        standard=rates,
        source=source(),
        batch=mean_rates(batch) if len(batch) == len(standard) else None,
        largest_request=min(limits, default=None),
        is_daily_mean=differs,
    )


def _hours(model: "ModelInfo", day: date) -> Iterator[tuple[Fraction, datetime]]:
    """Yield the parts of a day (UTC) within which no price changes, each with its share of the day."""
    from genai_prices.types import TimeOfDateConstraint

    limits = {0}
    for each in _conditions(model):
        if isinstance(each, TimeOfDateConstraint):
            limits |= {_second(each.start_time), _second(each.end_time)}
    starts = sorted(limits)
    midnight = datetime.combine(day, time(), UTC)
    for start, end in zip(starts, [*starts[1:], _DAY_SECONDS], strict=True):
        yield Fraction(end - start, _DAY_SECONDS), midnight + timedelta(seconds=start)


def _second(moment: time) -> int:
    """Return the second of the day (UTC) of a time; one without a zone is UTC."""
    aware = datetime.combine(date(2000, 1, 1), moment, moment.tzinfo or UTC).astimezone(UTC)
    return aware.hour * 3600 + aware.minute * 60 + aware.second


def _is_in_force(model: "ModelInfo", moment: datetime) -> bool:
    # The list's own look-up falls back to the first price, also before the day it starts on.
    if not isinstance(model.prices, list):
        return True
    return any(each.constraint is None or each.constraint.active(moment) for each in model.prices)


def _states_batch(model: "ModelInfo", moment: datetime) -> bool:
    return any(
        variant.when == _BATCH
        and (variant.constraint is None or variant.constraint.active(moment))
        and (variant.prices.input_mtok is not None or variant.prices.output_mtok is not None)
        for variant in model.price_variants or ()
    )


def _rates(prices: "ModelPrice") -> Rates:
    from genai_prices.types import TieredPrices

    stated = (prices.input_mtok, prices.output_mtok, prices.cache_read_mtok)
    return Rates(*(each.base if isinstance(each, TieredPrices) else each for each in stated))


def _tier_starts(prices: "ModelPrice") -> Iterator[int]:
    from genai_prices.types import TieredPrices

    for each in (prices.input_mtok, prices.output_mtok, prices.cache_read_mtok):
        if isinstance(each, TieredPrices):
            yield from (tier.start for tier in each.tiers)


@cache
def _providers() -> "list[Provider]":
    # The rows themselves and not the package's look-up, which may be told to fetch newer ones over the network.
    from genai_prices.data import providers as rows

    return rows


@lru_cache(maxsize=_REMEMBERED)
def _provider(name: str) -> "Provider | None":
    """Return a provider by its id, a word of the name that is an id ("Azure OpenAI"), or the list's own spellings."""
    from genai_prices.data_snapshot import find_provider_by_id

    text = name.strip().lower()
    by_id = {provider.id: provider for provider in _providers()}
    for word in (text, *re.split(r"[\s/,()]+", text)):
        if word in by_id:
            return by_id[word]
    return find_provider_by_id(_providers(), text) if text else None


def _no_provider(provider: str, model: str) -> str:
    if not provider.strip():
        return f"Nobody is named who provides {model.strip() or 'the model'}; name the provider, for example openai."
    near = get_close_matches(provider.strip().lower(), providers(), n=3, cutoff=0.5)
    hint = f"the nearest are {', '.join(near)}" if near else f"it knows for example {', '.join(_FAMILIAR)}"
    return f"{source()} knows no provider named '{provider.strip()}'; {hint}."


_FAMILIAR = ("openai", "anthropic", "google", "azure", "aws", "mistral")


def _no_model(owner: "Provider", model: str) -> str:
    text = model.strip().lower()
    if not text:
        return f"No model of {owner.id} is named; name one, for example {owner.models[0].id}."
    near = get_close_matches(text, [each.id for each in owner.models], n=3, cutoff=0.5)
    others = [
        each.id for each in _providers() if each is not owner and any(m.id == text for m in each.models)
    ]
    hints = [f"the nearest there are {', '.join(near)}"] if near else []
    hints += [f"it knows one of that name of {', '.join(others[:3])}"] if others else []
    return (
        f"{source()} knows no model of {owner.id} named '{model.strip()}'"
        + "".join(f"; {h}" for h in hints)
        + "."
    )
