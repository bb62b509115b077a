"""What tokens cost at prices per million: exact fractions up to the one rounding. The prices come from outside."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction

from portfolio.terms import MICRO
from roi.engine.result import Reason

MILLION = 1_000_000
# What providers that have a batch tier usually take off; used, and named as assumed, where no batch price is stated.
ASSUMED_BATCH_DISCOUNT = Decimal("0.5")
_PRICE_PLACES = Decimal("1e-10")


@dataclass(frozen=True, slots=True)
class Unpriced:
    """Why usage has no price: a sentence for the user. Never a price of 0."""

    sentence: str
    reason: Reason = Reason.UNPRICED_USAGE


@dataclass(frozen=True, slots=True)
class Rates:
    """Money per million tokens. None: no such price is stated; cached input then costs what input costs."""

    input: Decimal | None
    output: Decimal | None
    cached_input: Decimal | None = None

    def less(self, discount: Decimal) -> "Rates":
        """Return the rates less a discount, a fraction: 0.5 is half the price."""
        kept = 1 - discount
        stated = (self.input, self.output, self.cached_input)
        return Rates(*(None if rate is None else rate * kept for rate in stated))


@dataclass(frozen=True, slots=True)
class TokenPrice:
    """What a model's tokens cost on a day, and who says so.

    `batch` are the rates of the batch tier where the source states them. `effective_from` is the first day of the
    standard rates (None: not stated). `largest_request` is the count of input tokens up to which a single request
    costs this; `is_daily_mean` marks rates that differ within the day, averaged over its hours; `is_negotiated` marks
    those that are not the published ones.
    """

    provider: str
    model: str
    standard: Rates
    source: str
    currency: str = "USD"
    batch: Rates | None = None
    effective_from: date | None = None
    largest_request: int | None = None
    is_daily_mean: bool = False
    is_negotiated: bool = False

    @property
    def batch_discount(self) -> Decimal | None:
        """Return what the stated batch tier takes off input (off output where there is no input price), a fraction."""
        if self.batch is None:
            return None
        pairs = ((self.standard.input, self.batch.input), (self.standard.output, self.batch.output))
        for standard, batch in pairs:
            if standard and batch is not None:
                return (1 - batch / standard).quantize(Decimal("0.0001"), rounding=ROUND_HALF_EVEN)
        return None

    def batch_rates(self) -> Rates:
        """Return the rates of the batch tier: the stated ones, else the standard ones less the assumed discount."""
        return self.batch or self.standard.less(ASSUMED_BATCH_DISCOUNT)


@dataclass(frozen=True, slots=True)
class PricedDays:
    """A price and on how many days of a month it is in force."""

    days: int
    price: TokenPrice


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokens of a month. `cached` are those of `input` that were read from a cache, so never more than `input`."""

    input: Decimal
    output: Decimal
    cached: Decimal = Decimal(0)

    def problem(self) -> str | None:
        """Return why these cannot be counts of tokens, or None."""
        for name, count in (("input", self.input), ("output", self.output), ("cached", self.cached)):
            if count < 0:
                return f"The count of {name} tokens is {count:f}, below zero."
        if self.cached > self.input:
            return (
                f"There are more cached tokens ({self.cached:f}) than input tokens ({self.input:f}); "
                "cached tokens are counted among the input tokens."
            )
        return None


def is_fraction(value: Decimal) -> bool:
    """Return whether a value lies between 0 and 1, both included."""
    return value.is_finite() and 0 <= value <= 1


@dataclass(frozen=True, slots=True)
class Serving:
    """How the tokens are served: both are fractions of 0 to 1.

    `cache_rate` is the share of input tokens read from a cache (None: as counted), `batch_share` the share of all
    tokens sent through the batch tier.
    """

    cache_rate: Decimal | None = None
    batch_share: Decimal = Decimal(0)

    def __post_init__(self) -> None:
        for name, share in (("cache rate", self.cache_rate), ("batch share", self.batch_share)):
            if share is not None and not is_fraction(share):
                raise ValueError(
                    f"The {name} {share} is a fraction between 0 and 1, where 0.3 is thirty percent."
                )


AS_COUNTED = Serving()


def cost(
    tokens: Tokens, month: Sequence[PricedDays], *, serving: Serving = AS_COUNTED
) -> dict[str, Fraction] | Unpriced:
    """Return the exact cost of a month's tokens by currency, usage spread evenly over the days.

    Each price counts for its share of the days. Unpriced where the counts are impossible, no day is priced, or tokens
    are used that a price says nothing about.
    """
    problem = tokens.problem()
    days = sum(part.days for part in month)
    if problem is not None or days <= 0:
        return Unpriced(problem or "There is no day with a price.")
    costs: dict[str, Fraction] = {}
    for part in month:
        money = _at(tokens, part.price, serving)
        if isinstance(money, Unpriced):
            return money
        currency = part.price.currency
        costs[currency] = costs.get(currency, Fraction(0)) + money * Fraction(part.days, days)
    return costs


def _at(tokens: Tokens, price: TokenPrice, serving: Serving) -> Fraction | Unpriced:
    batch = Fraction(serving.batch_share)
    tiers = ((1 - batch, price.standard, ""), (batch, price.batch_rates(), "batch "))
    total = Fraction(0)
    for share, rates, tier in tiers:
        # Fractions are exact and slow: what is nothing is not multiplied.
        for kind, count, rate in _lines(tokens, rates, serving) if share else ():
            if count and rate is None:
                return Unpriced(
                    f"{price.source} states no {tier}price of {kind} tokens for {price.provider}/{price.model}, "
                    "and such tokens were used."
                )
            if count and rate is not None:
                total += share * count * Fraction(rate)
    return total / MILLION


def _lines(
    tokens: Tokens, rates: Rates, serving: Serving
) -> tuple[tuple[str, Fraction, Decimal | None], ...]:
    """Return what is counted, how much of it, and its rate."""
    counted = Fraction(tokens.input)
    rate = serving.cache_rate
    cached = Fraction(tokens.cached) if rate is None else counted * Fraction(rate)
    cached_rate = rates.input if rates.cached_input is None else rates.cached_input
    return (
        ("input", counted - cached, rates.input),
        ("cached input", cached, cached_rate),
        ("output", Fraction(tokens.output), rates.output),
    )


def to_money(exact: Fraction) -> Decimal:
    """Return an exact amount rounded half-even to micro-units."""
    return Decimal(round(exact * MICRO)).scaleb(-6)


def mean_rates(parts: Sequence[tuple[Fraction, Rates]]) -> Rates:
    """Return rates averaged with weights that sum to 1, to ten places; what one part leaves unstated is unstated."""

    def mean(name: str) -> Decimal | None:
        stated = [(weight, getattr(rates, name)) for weight, rates in parts]
        if any(rate is None for _, rate in stated):
            return None
        exact = sum((weight * Fraction(rate) for weight, rate in stated), Fraction(0))
        return (Decimal(exact.numerator) / Decimal(exact.denominator)).quantize(_PRICE_PLACES).normalize()

    return Rates(mean("input"), mean("output"), mean("cached_input"))
