"""Token prices in force: what was negotiated for a portfolio, else for the installation, else the published list.

Negotiated prices are written once; a later row withdraws one. Unpriced usage is an error state, never 0.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet

from portfolio.models import Portfolio, User
from portfolio.models.portfolio import CURRENCY
from portfolio.terms import add_months
from roi.engine import price_list
from roi.engine.price_list import Name
from roi.engine.token_cost import PricedDays, Rates, TokenPrice, Unpriced, is_fraction
from roi.models import PriceOverride

LONGEST_PROVIDER, LONGEST_MODEL, LONGEST_SOURCE = 64, 128, 200
_LONGEST = {"provider": LONGEST_PROVIDER, "model": LONGEST_MODEL, "source": LONGEST_SOURCE}
_PRICE_LIMIT = Decimal(10) ** 10


class PriceError(ValueError):
    """A price that cannot be stated or withdrawn; the message is for the user."""


@dataclass(frozen=True, slots=True)
class Terms:
    """A negotiated price: money per million tokens, from a day on until (not including) another.

    No cached price: cached input costs what input costs. No batch discount: the usual one is assumed, and named so.
    """

    provider: str
    model: str
    effective_from: date
    input_per_million: Decimal
    output_per_million: Decimal
    source: str
    effective_until: date | None = None
    cached_input_per_million: Decimal | None = None
    batch_discount: Decimal | None = None
    currency: str = "USD"


@dataclass(frozen=True, slots=True)
class Override:
    """A negotiated price in force, of a portfolio or (without one) of the installation."""

    number: int
    portfolio_id: int | None
    name: Name
    effective_from: date
    effective_until: date | None
    price: TokenPrice

    def holds(self, name: Name, on: date) -> bool:
        """Return whether this is the price of a model on a day."""
        is_over = self.effective_until is not None and on >= self.effective_until
        return self.name == name and self.effective_from <= on and not is_over


Overrides = Sequence[Override]


def in_force() -> QuerySet[PriceOverride]:
    """Return the negotiated prices that nobody withdrew, whichever days they hold on."""
    return PriceOverride.objects.filter(withdraws__isnull=True, withdrawn_by__isnull=True)


def overrides_of(portfolio_ids: Iterable[int]) -> dict[int | None, list[Override]]:
    """Return what counts for each portfolio, the installation's prices included; None has these alone. One query."""
    ids = set(portfolio_ids)
    rows = in_force().filter(Q(portfolio__isnull=True) | Q(portfolio__in=ids)).order_by("pk")
    known = [_override(row) for row in rows]
    return {each: [o for o in known if o.portfolio_id in (None, each)] for each in (None, *ids)}


def _override(row: PriceOverride) -> Override:
    name = price_list.name_of(row.provider, row.model)
    return Override(row.pk, row.portfolio_id, name, row.effective_from, row.effective_until, price_of(row))


def price_of(row: PriceOverride) -> TokenPrice:
    """Return a negotiated price as its row states it."""
    name = price_list.name_of(row.provider, row.model)
    rates = Rates(row.input_per_million, row.output_per_million, row.cached_input_per_million)
    return TokenPrice(
        provider=name.provider,
        model=name.model,
        standard=rates,
        source=row.source,
        currency=row.currency,
        batch=None if row.batch_discount is None else rates.less(row.batch_discount),
        effective_from=row.effective_from,
        is_negotiated=True,
    )


def price(provider: str, model: str, on: date, *, overrides: Overrides = ()) -> TokenPrice | Unpriced:
    """Return the price in force on the day of use.

    The portfolio's own price stands before the installation's, that before the published one; of several the one
    that began last, and of these the one stated last. `overrides` are those of one portfolio, see `overrides_of`.
    """
    name = price_list.name_of(provider, model)
    held = [each for each in overrides if each.holds(name, on)]
    if held:
        return max(held, key=lambda o: (o.portfolio_id is not None, o.effective_from, o.number)).price
    return price_list.published(provider, model, on=on)


def of_month(
    provider: str, model: str, month: date, *, overrides: Overrides = ()
) -> tuple[PricedDays, ...] | Unpriced:
    """Return the prices in force within a month, each with its count of days; they add up to the month's.

    A month with a day that has no price is unpriced as a whole.
    """
    days = (add_months(month, 1) - month).days
    found: list[PricedDays] = []
    for offset in range(days):
        each = price(provider, model, month + timedelta(days=offset), overrides=overrides)
        if isinstance(each, Unpriced):
            return each
        if found and found[-1].price == each:
            found[-1] = PricedDays(found[-1].days + 1, each)
        else:
            found.append(PricedDays(1, each))
    return tuple(found)


def listed(
    provider: str, on: date, *, overrides: Overrides = ()
) -> dict[tuple[str, str], TokenPrice | Unpriced]:
    """Return the prices of all of a provider's models on a day, published and negotiated ones.

    An unknown provider has one row without a model, which says so.
    """
    owner = price_list.name_of(provider, "").provider
    published = [(owner, model) for model in price_list.models(provider)]
    negotiated = [
        (each.name.provider, each.name.model)
        for each in overrides
        if each.name.provider == owner and each.holds(each.name, on)
    ]
    known = sorted({*published, *negotiated}) or [(owner, "")]
    return {key: price(*key, on, overrides=overrides) for key in known}


def state(terms: Terms, *, portfolio: Portfolio | None, actor: User, now: datetime) -> PriceOverride:
    """Put a negotiated price in force, of a portfolio or of the whole installation. Raises PriceError."""
    _check(terms)
    return PriceOverride.objects.create(
        portfolio=portfolio,
        provider=terms.provider.strip(),
        model=terms.model.strip(),
        effective_from=terms.effective_from,
        effective_until=terms.effective_until,
        currency=terms.currency,
        input_per_million=terms.input_per_million,
        output_per_million=terms.output_per_million,
        cached_input_per_million=terms.cached_input_per_million,
        batch_discount=terms.batch_discount,
        source=terms.source.strip(),
        created_by=actor,
        created_at=now,
    )


_REPEATED = (
    *("portfolio_id", "provider", "model", "effective_from", "effective_until", "currency"),
    *("input_per_million", "output_per_million", "cached_input_per_million", "batch_discount"),
)


def withdraw(row: PriceOverride, *, reason: str, actor: User, now: datetime) -> PriceOverride:
    """Take a negotiated price back for all of its days, as if never stated. Raises PriceError.

    The row that does it repeats the terms and carries the reason as its source.
    """
    if row.withdraws_id is not None:
        raise PriceError("This row withdraws a price; there is nothing in it to take back.")
    if not reason.strip():
        raise PriceError("Withdrawing a price needs a reason.")
    try:
        with transaction.atomic():
            return PriceOverride.objects.create(
                **{name: getattr(row, name) for name in _REPEATED},
                source=reason.strip(),
                withdraws=row,
                created_by=actor,
                created_at=now,
            )
    except IntegrityError as error:
        raise PriceError("This price was withdrawn before.") from error


def _check(terms: Terms) -> None:
    """Refuse terms that nobody can have negotiated; each sentence names the field and its bounds."""
    for field, longest in _LONGEST.items():
        if not 1 <= len(getattr(terms, field).strip()) <= longest:
            raise PriceError(f"A price needs its {field}, in at most {longest} characters.")
    if not CURRENCY.regex.match(terms.currency):  # type: ignore[union-attr]
        raise PriceError(str(CURRENCY.message))
    prices = (terms.input_per_million, terms.output_per_million, terms.cached_input_per_million)
    for each in prices:
        if each is not None and not (each.is_finite() and 0 <= each < _PRICE_LIMIT):
            raise PriceError(f"The price {each} per million tokens is not one: write 0 or more.")
        _check_decimals(each, 10)
    if terms.batch_discount is not None and not is_fraction(terms.batch_discount):
        raise PriceError(
            f"The batch discount {terms.batch_discount} is a fraction between 0 and 1: 0.5 is half."
        )
    _check_decimals(terms.batch_discount, 4)
    if terms.effective_until is not None and terms.effective_until <= terms.effective_from:
        raise PriceError(
            f"The price begins on {terms.effective_from} and ends on {terms.effective_until}; "
            "its end is the first day it no longer holds, so it lies after its beginning."
        )


def _check_decimals(value: Decimal | None, most: int) -> None:
    # The database would round the rest away without a word.
    if value is not None and value != round(value, most):
        raise PriceError(f"{value} has more than {most} decimals.")
