"""What a template asks for: typed drivers with units, bounds, source field and help, read from plain values."""

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from enum import StrEnum
from functools import cache
from math import inf, isfinite
from typing import Any, TypeVar

D = TypeVar("D")


class Unit(StrEnum):
    """What a driver is counted in. `currency` is the case's."""

    CURRENCY = "currency"
    CURRENCY_PER_MONTH = "currency per month"
    CURRENCY_PER_YEAR = "currency per year"
    CURRENCY_PER_UNIT = "currency per unit"
    CURRENCY_PER_MILLION_TOKENS = "currency per million tokens"
    FRACTION = "fraction"
    FRACTION_PER_MONTH = "fraction per month"
    FRACTION_PER_YEAR = "fraction per year"
    COUNT = "count"
    COUNT_PER_MONTH = "count per month"
    COUNT_PER_DAY = "count per day"
    HOURS = "hours"
    MINUTES = "minutes"
    DAYS_PER_YEAR = "days per year"
    MONTHS = "months"
    TOKENS = "tokens"
    RATIO = "ratio"
    TEXT = "text"


class Group(StrEnum):
    """Where a driver stands on the page."""

    NAME = "case"
    VOLUME = "volume"
    VALUE = "value"
    ONE_TIME = "one-time cost"
    RUN = "run cost"
    ROLLOUT = "rollout"


@dataclass(frozen=True, slots=True)
class Driver:
    """One driver of a template: what it means, in what unit, within which bounds."""

    name: str
    label: str
    unit: Unit
    group: Group
    default: float | str | None  # None: nobody can guess it, it must be stated
    low: float
    high: float
    is_whole: bool
    source: str  # the field of the published case it stands for, or what the number rests on
    help: str

    @property
    def is_text(self) -> bool:
        """Whether it is a name rather than a number."""
        return self.unit is Unit.TEXT

    @property
    def is_required(self) -> bool:
        """Whether a case without a stated value is refused."""
        return self.default is None

    @property
    def may_vary(self) -> bool:
        """Whether sensitivity and draws may move it: a name cannot, and a horizon is a choice, not an uncertainty."""
        return not self.is_text and self.name != "horizon_months" and not self.is_whole


@dataclass(frozen=True, slots=True)
class DriverError:
    """Why one value was refused."""

    name: str
    message: str


class DriversRejected(ValueError):
    """Values that are not a template's drivers; `errors` has one sentence each."""

    def __init__(self, errors: Sequence[DriverError]) -> None:
        self.errors = list(errors)
        super().__init__(" ".join(error.message for error in self.errors))


def driver(
    default: float | str | None,
    *,
    label: str,
    unit: Unit,
    group: Group,
    help: str,
    **extra: Any,
) -> Any:
    """Return a dataclass field that carries a driver's description.

    A default of None makes it required. `low` and `high` bound it (default: not negative; a fraction at most 1),
    `whole` wants whole numbers, `source` names the field of the published case.
    """
    low = extra.pop("low", 0.0 if unit is not Unit.FRACTION_PER_YEAR else -1.0)
    high = extra.pop("high", 1.0 if unit in (Unit.FRACTION, Unit.FRACTION_PER_MONTH) else inf)
    told = {
        "label": label, "unit": unit, "group": group, "help": help,
        "low": float(low), "high": float(high),
        "is_whole": extra.pop("whole", False), "source": extra.pop("source", ""),
    }  # fmt: skip
    if extra:
        raise TypeError(f"A driver knows nothing of {', '.join(extra)}.")
    return field(default=default, metadata=told)


@cache
def drivers_of(kind: type[Any]) -> tuple[Driver, ...]:
    """Return the drivers of a template's dataclass, in the order of the page: by group, then as written."""
    known = [
        Driver(name=f.name, default=f.default, **f.metadata) for f in fields(kind) if f.default is not MISSING
    ]
    order = list(Group)
    return tuple(sorted(known, key=lambda one: order.index(one.group)))


def read(kind: type[D], stated: Mapping[str, Any]) -> D:
    """Return a template's drivers from plain values; what is not stated keeps the template's value.

    Raises DriversRejected with one sentence for every value that cannot be used.
    """
    known: dict[str, Driver] = {one.name: one for one in drivers_of(kind)}  # type: ignore[arg-type]  # a class hashes
    errors = [
        DriverError(one.name, f"{one.label} must be stated ({one.name}): {one.help}")
        for one in known.values()
        if one.is_required and one.name not in stated
    ]
    values: dict[str, float | str] = {}
    for name, value in stated.items():
        if name not in known:
            errors.append(DriverError(name, _unknown(name, list(known))))
            continue
        result = _value(known[name], value)
        if isinstance(result, DriverError):
            errors.append(result)
        else:
            values[name] = result
    if errors:
        raise DriversRejected(errors)
    return kind(**values)


def _unknown(name: str, known: Sequence[str]) -> str:
    near = get_close_matches(name, known, n=1)
    hint = f" Did you mean {near[0]}?" if near else f" There are {', '.join(known)}."
    return f"There is no driver {name}.{hint}"


def _value(one: Driver, value: Any) -> float | str | DriverError:
    if one.is_text:
        return str(value).strip()[:300] or DriverError(one.name, f"{one.label} must not be empty.")
    number = _number(value)
    if number is None:
        return DriverError(
            one.name, f"{one.label}: {str(value)[:40]!r} is not a number; write it like 1250.5."
        )
    if one.is_whole and number != int(number):
        return DriverError(one.name, f"{one.label} is a whole number of {one.unit.value}; {number:g} is not.")
    if not one.low <= number <= one.high:
        return DriverError(one.name, f"{one.label} must lie {_bounds(one)}; {number:g} does not.")
    return number


def _number(value: Any) -> float | None:
    if isinstance(value, bool):
        return None
    try:
        number = float(Decimal(str(value).strip()))
    except (InvalidOperation, ValueError):
        return None
    return number if isfinite(number) and abs(number) <= 1e15 else None


def _bounds(one: Driver) -> str:
    if one.high == inf:
        return f"at or above {one.low:g}"
    return f"between {one.low:g} and {one.high:g}"
