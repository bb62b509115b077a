"""A table of what months of real token usage cost: at the deployed model's price, as recorded, and under each option.

Amounts are exact per month and rounded half-even to micro-units once; totals are sums of the rounded parts.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

from portfolio.terms import format_month
from roi.engine.result import Reason
from roi.engine.token_cost import (
    AS_COUNTED,
    ASSUMED_BATCH_DISCOUNT,
    PricedDays,
    Serving,
    TokenPrice,
    Tokens,
    Unpriced,
    cost,
    to_money,
)

MOST_OPTIONS = 5


class RepricingError(ValueError):
    """A question that cannot be answered as asked; the message is for the user."""


@dataclass(frozen=True, slots=True)
class Option:
    """A what-if: another model (none named: the deployed one), and how its tokens are served."""

    provider: str = ""
    model: str = ""
    serving: Serving = AS_COUNTED

    def __post_init__(self) -> None:
        if bool(self.provider.strip()) != bool(self.model.strip()):
            raise RepricingError(
                "An option names both a provider and a model, or neither to keep what is deployed."
            )

    @property
    def is_as_deployed(self) -> bool:
        """Return whether the option keeps the deployed model."""
        return not self.model.strip()


@dataclass(frozen=True, slots=True)
class Amount:
    """Money in the reporting currency, or the reason why there is none, with a sentence."""

    value: Decimal | None
    reason: Reason | None = None
    sentence: str = ""

    def __post_init__(self) -> None:
        if (self.value is None) == (self.reason is None):
            raise ValueError("An amount has either a value or a reason why there is none.")

    def less(self, other: "Amount") -> "Amount":
        """Return the difference; undefined where either side is."""
        if self.value is None or other.value is None:
            return self if self.value is None else other
        return Amount(self.value - other.value)


Priced = Sequence[PricedDays] | Unpriced


@dataclass(frozen=True, slots=True)
class Usage:
    """What is known of one month.

    `tokens` is None where they were not all stated, `missing` then says which. `deployed` and `options` are the
    prices in force, `exchange` the units of reporting currency per unit of each currency.
    """

    month: date
    tokens: Tokens | None
    missing: str
    recorded: Amount
    deployed: Priced
    options: Sequence[Priced]
    exchange: Mapping[str, Decimal]
    is_latency_sensitive: bool = False


@dataclass(frozen=True, slots=True)
class Month:
    """One row: tokens, the deployed model's cost at its price in force, the recorded amount, each option's cost."""

    month: date
    tokens: Tokens | None
    recorded: Amount
    list_cost: Amount
    options: tuple[Amount, ...]


@dataclass(frozen=True, slots=True)
class Repriced:
    """An option over all months; a saving is positive where the option is cheaper."""

    option: Option
    cost: Amount
    saving_on_list: Amount
    saving_on_recorded: Amount
    prices: tuple[TokenPrice, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Months and options; `recorded_over_list` is what the ledger has above the list cost, negative when below."""

    months: tuple[Month, ...]
    recorded: Amount
    list_cost: Amount
    recorded_over_list: Amount
    prices: tuple[TokenPrice, ...]
    notes: tuple[str, ...]
    options: tuple[Repriced, ...]


def table(usage: Sequence[Usage], options: Sequence[Option]) -> Table:
    """Return the table of some months and up to five options. Raises RepricingError for more.

    A month without tokens, price or exchange rate keeps its row with the reason, and leaves every total that it is
    part of undefined.
    """
    if len(options) > MOST_OPTIONS:
        raise RepricingError(f"Up to {MOST_OPTIONS} options stand side by side; {len(options)} were given.")
    months = tuple(_month(each, options) for each in usage)
    recorded = _total([(m.month, m.recorded) for m in months])
    list_cost = _total([(m.month, m.list_cost) for m in months])
    deployed = _prices(each.deployed for each in usage)
    return Table(
        months=months,
        recorded=recorded,
        list_cost=list_cost,
        recorded_over_list=recorded.less(list_cost),
        prices=deployed,
        notes=tuple(_notes(deployed, usage, AS_COUNTED)),
        options=tuple(_repriced(usage, months, i, option) for i, option in enumerate(options)),
    )


def _month(usage: Usage, options: Sequence[Option]) -> Month:
    pairs = zip(usage.options, options, strict=True)
    return Month(
        month=usage.month,
        tokens=usage.tokens,
        recorded=usage.recorded,
        list_cost=_amount(usage, usage.deployed, AS_COUNTED),
        options=tuple(_amount(usage, priced, option.serving) for priced, option in pairs),
    )


def _repriced(usage: Sequence[Usage], months: Sequence[Month], index: int, option: Option) -> Repriced:
    total = _total([(m.month, m.options[index]) for m in months])
    used = _prices(each.options[index] for each in usage)
    notes = list(_notes(used, usage, option.serving))
    known = {price.provider for price in _prices(each.deployed for each in usage)}
    if known and {price.provider for price in used} - known:
        notes.append(
            "Tokens are as the deployed model counts them; another provider's may count differently."
        )
    return Repriced(
        option=option,
        cost=total,
        saving_on_list=_total([(m.month, m.list_cost) for m in months]).less(total),
        saving_on_recorded=_total([(m.month, m.recorded) for m in months]).less(total),
        prices=used,
        notes=tuple(notes),
    )


def _amount(usage: Usage, priced: Priced, serving: Serving) -> Amount:
    """Return the cost of one month, or the first reason why there is none."""
    if serving.batch_share and usage.is_latency_sensitive:
        return Amount(
            None,
            Reason.LATENCY_SENSITIVE,
            "What is deployed is latency-sensitive: its answers cannot wait for a batch.",
        )
    if usage.tokens is None:
        return Amount(None, Reason.UNPRICED_USAGE, usage.missing)
    costs = priced if isinstance(priced, Unpriced) else cost(usage.tokens, priced, serving=serving)
    if isinstance(costs, Unpriced):
        return Amount(None, costs.reason, costs.sentence)
    without = sorted(costs.keys() - usage.exchange.keys())
    if without:
        month = format_month(usage.month)
        sentence = f"The price is in {without[0]}, and {month} has no rate of it to the reporting currency."
        return Amount(None, Reason.MISSING_FX_RATE, sentence)
    exact = sum((each * Fraction(usage.exchange[name]) for name, each in costs.items()), Fraction(0))
    return Amount(to_money(exact))


def _total(parts: Sequence[tuple[date, Amount]]) -> Amount:
    undefined = [(month, each) for month, each in parts if each.value is None]
    if not parts:
        return Amount(None, Reason.NO_VOLUME, "The ledger has no tokens and no model API cost to price.")
    if undefined:
        month, first = undefined[0]
        counted = f"{len(undefined)} of {len(parts)} months have no amount"
        return Amount(None, first.reason, f"{counted}; {format_month(month)}: {first.sentence}")
    return Amount(sum((each.value for _, each in parts if each.value is not None), Decimal(0)))


def _prices(months: Iterable[Priced]) -> tuple[TokenPrice, ...]:
    """Return the prices that were used, each once, in the order of their days."""
    found = [part.price for priced in months if not isinstance(priced, Unpriced) for part in priced]
    return tuple(dict.fromkeys(found))


def _notes(prices: Sequence[TokenPrice], usage: Sequence[Usage], serving: Serving) -> Iterator[str]:
    """Yield what a reader of the cost must know of the prices."""
    has_cached = serving.cache_rate or (
        serving.cache_rate is None and any(each.tokens and each.tokens.cached for each in usage)
    )
    for name in dict.fromkeys((price.provider, price.model) for price in prices):
        mine = [price for price in prices if (price.provider, price.model) == name]
        spoken = "/".join(name)
        if serving.batch_share and any(price.batch is None for price in mine):
            percent = f"{ASSUMED_BATCH_DISCOUNT * 100:.0f}%"
            yield f"{spoken}: no batch price is stated; a discount of {percent} is assumed."
        if has_cached and any(price.standard.cached_input is None for price in mine):
            yield f"{spoken}: no price of cached input is stated; it costs what input costs."
        limits = [price.largest_request for price in mine if price.largest_request is not None]
        if limits:
            yield (
                f"{spoken}: priced for requests of up to {min(limits):,} input tokens. Larger ones cost more; "
                "the ledger does not know their share."
            )
        if any(price.is_daily_mean for price in mine):
            yield f"{spoken}: the price differs within the day; its average over the hours is used."
