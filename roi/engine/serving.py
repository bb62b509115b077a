"""API or own hardware in closed form: unit price from tokens, breakeven volume, payback of the migration.

Fixed self-host cost is that of capacity once allocated; what happens as replicas are added is `capacity`'s.
"""

from dataclasses import dataclass
from math import inf

from roi.engine.result import Figure, Reason, undefined

_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class TokenUse:
    """Tokens of one turn and turns per unit (conversation, query); None where nobody counted them."""

    input_tokens: float | None
    output_tokens: float | None
    turns: float = 1.0


@dataclass(frozen=True, slots=True)
class TokenRates:
    """Currency units per million tokens; None where there is no price."""

    input_price: float | None
    output_price: float | None


@dataclass(frozen=True, slots=True)
class Terms:
    """What decides between API and own hardware, in currency units.

    `fixed_cost` is self-hosting's cost a month at no volume; the unit costs are those of one unit more. Raises
    ValueError for amounts that are negative or not finite.
    """

    fixed_cost: float
    api_unit_cost: float
    self_host_unit_cost: float = 0.0

    def __post_init__(self) -> None:
        for amount in (self.fixed_cost, self.api_unit_cost, self.self_host_unit_cost):
            _require(amount, "A fixed or unit cost")

    @property
    def unit_saving(self) -> float:
        """Return what a unit is cheaper on own hardware, before fixed cost."""
        return self.api_unit_cost - self.self_host_unit_cost


def api_unit_cost(use: TokenUse, *, rates: TokenRates) -> Figure:
    """Return the tokens' cost of one unit: turns x (input x its price + output x its price) / 1e6.

    `no_volume` where tokens were not counted, `unpriced_usage` where counted tokens have no price.
    """
    total = 0.0
    for tokens, price in _parts(use, rates):
        if tokens is None:
            return undefined(Reason.NO_VOLUME)
        if price is None and tokens > 0:
            return undefined(Reason.UNPRICED_USAGE)
        total += tokens * (price or 0.0)
    return Figure(use.turns * total / _MILLION)


def blended_price(use: TokenUse, *, rates: TokenRates) -> Figure:
    """Return the cost per million tokens of this mix of input and output."""
    cost = api_unit_cost(use, rates=rates)
    if cost.value is None:
        return cost
    tokens = use.turns * ((use.input_tokens or 0.0) + (use.output_tokens or 0.0))
    return Figure(cost.value * _MILLION / tokens) if tokens > 0 else undefined(Reason.NO_VOLUME)


def breakeven_volume(terms: Terms) -> Figure:
    """Return the volume a month above which own hardware is cheaper: Q* = F / (k - v).

    `never_pays_back` where a unit costs on own hardware what it costs at the API, or more.
    """
    if terms.unit_saving <= 0:
        return undefined(Reason.NEVER_PAYS_BACK)
    return _finite(terms.fixed_cost, terms.unit_saving)


def breakeven_fixed_cost(volume: float, *, terms: Terms) -> Figure:
    """Return the fixed cost a month below which own hardware is cheaper at this volume: Q (k - v).

    The fixed cost of the terms does not matter. `never_pays_back` where no positive fixed cost is low enough.
    """
    _require(volume, "A volume")
    affordable = volume * terms.unit_saving
    return Figure(affordable) if affordable > 0 else undefined(Reason.NEVER_PAYS_BACK)


def monthly_saving(volume: float, *, terms: Terms) -> float:
    """Return what own hardware saves a month at this volume: Q (k - v) - F; negative where the API is cheaper."""
    _require(volume, "A volume")
    return volume * terms.unit_saving - terms.fixed_cost


def migration_payback(migration_cost: float, *, volume: float, terms: Terms) -> Figure:
    """Return the months until a migration has paid for itself: M / (Q (k - v) - F)."""
    _require(migration_cost, "The cost of a migration")
    saving = monthly_saving(volume, terms=terms)
    return _finite(migration_cost, saving) if saving > 0 else undefined(Reason.NEVER_PAYS_BACK)


def _parts(use: TokenUse, rates: TokenRates) -> tuple[tuple[float | None, float | None], ...]:
    parts = ((use.input_tokens, rates.input_price), (use.output_tokens, rates.output_price))
    for amount in (use.turns, *(value for part in parts for value in part if value is not None)):
        _require(amount, "A count of tokens or turns, or a token price,")
    return parts


def _finite(amount: float, divisor: float) -> Figure:
    quotient = amount / divisor
    return Figure(quotient) if quotient < inf else undefined(Reason.OVERFLOW)


def _require(amount: float, what: str) -> None:
    if not 0 <= amount < inf:
        raise ValueError(f"{what} must be a finite number, not negative; {amount:g} is not.")
