"""Exact comparison of a figure with its threshold, in integers and Decimals, never of a float quotient."""

from dataclasses import dataclass
from decimal import Context as DecimalContext
from decimal import Decimal
from functools import lru_cache

from alerts.rules.base import NoData, Unit, Verdict, VerdictKind, error, finite
from portfolio.terms import from_micros

_WIDE = DecimalContext(prec=60)
# What a verdict keeps of an endless quotient; a text of it reads back as the same Decimal.
_KEPT = DecimalContext(prec=28)
_RATE_STEP = Decimal("1e-9")
_MONEY_STEP = Decimal("1e-6")


@dataclass(frozen=True, slots=True)
class _Bounds:
    fire: Decimal
    clear: Decimal
    fire_ratio: tuple[int, int]
    clear_ratio: tuple[int, int]


@lru_cache(maxsize=1024)
def _bounds(fire: Decimal, margin: Decimal) -> _Bounds:
    clear = _WIDE.add(fire, margin)
    return _Bounds(fire, clear, fire.as_integer_ratio(), clear.as_integer_ratio())


def _kind(*, fires: bool, clears: bool) -> VerdictKind:
    if fires:
        return VerdictKind.BREACH
    return VerdictKind.CLEAR if clears else VerdictKind.BAND


def of_ratio(numerator: int, *, denominator: int, fire: Decimal, margin: Decimal) -> Verdict:
    """Judge numerator / denominator by cross-multiplication; both are micro-units, the latter positive."""
    bounds = _bounds(fire, margin)
    fire_n, fire_d = bounds.fire_ratio
    clear_n, clear_d = bounds.clear_ratio
    return Verdict(
        kind=_kind(
            fires=numerator * fire_d < fire_n * denominator,
            clears=numerator * clear_d >= clear_n * denominator,
        ),
        value=_KEPT.divide(Decimal(numerator), Decimal(denominator)),
        threshold=bounds.fire,
        clear_at=bounds.clear,
        unit=Unit.RATE,
        numerator=numerator,
        denominator=denominator,
    )


def of_micros(micros: int, *, base: int = 0, margin: Decimal = Decimal(0)) -> Verdict:
    """Judge money against zero: fires below 0, clears at `margin` times `base` (a negative base is 0)."""
    share, per = _bounds(Decimal(0), margin).clear_ratio
    room = share * max(base, 0)
    return Verdict(
        kind=_kind(fires=micros < 0, clears=micros * per >= room),
        value=from_micros(micros),
        threshold=Decimal(0),
        clear_at=_KEPT.divide(from_micros(room), Decimal(per)),
        unit=Unit.MONEY,
        numerator=micros,
        denominator=base,
    )


def of_figure(figure: Decimal | float, *, fire: Decimal, margin: Decimal, unit: Unit) -> Verdict:
    """Judge a solver's figure, rounded first to what it can tell apart: 10^-6 of money, 10^-9 of a rate."""
    value = finite(figure)
    if value is None:
        return error(NoData.NOT_FINITE)
    bounds = _bounds(fire, margin)
    settled = _WIDE.quantize(value, _MONEY_STEP if unit is Unit.MONEY else _RATE_STEP)
    return Verdict(
        kind=_kind(fires=settled < bounds.fire, clears=settled >= bounds.clear),
        value=_KEPT.plus(value),
        threshold=bounds.fire,
        clear_at=bounds.clear,
        unit=unit,
    )


def decimals_apart(value: Decimal, *, threshold: Decimal, at_least: int = 1, at_most: int = 12) -> int:
    """Return how many decimals make a value that differs from its threshold look different as well."""
    for places in range(at_least, at_most):
        step = Decimal(1).scaleb(-places)
        if value == threshold or _WIDE.quantize(value, step) != _WIDE.quantize(threshold, step):
            return places
    return at_most
