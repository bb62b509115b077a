"""Up to five options (vendor, architecture, model) side by side over one horizon, best of each column marked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import inf

import numpy as np

from portfolio.terms import Basis
from roi.engine import degradation, projection
from roi.engine.figures import Figures
from roi.engine.flows import Flows
from roi.engine.result import Column, Figure, Floats, Reason, undefined

MOST_OPTIONS = 5


class Measure(StrEnum):
    """A column of the table; money in currency units over the horizon unless it says otherwise."""

    ONE_TIME_COST = "one_time_cost"
    MONTHLY_COST = "monthly_cost"
    UNIT_COST = "unit_cost"  # everything over the horizon / volume over the horizon
    TOTAL_COST = "total_cost"
    TOTAL_VALUE = "total_value"
    NET_BENEFIT = "net_benefit"
    ROI = "roi"
    NPV = "npv"
    PAYBACK_MONTHS = "payback_months"
    ACCURACY = "accuracy"
    LATENCY_MS = "latency_ms"


_UNMETERED = Figure(0.0)
HIGHER_IS_BETTER = frozenset(
    {Measure.TOTAL_VALUE, Measure.NET_BENEFIT, Measure.ROI, Measure.NPV, Measure.ACCURACY}
)


@dataclass(frozen=True, slots=True)
class Option:
    """One way to do it: costs in currency units, what of the benefit it brings, how accurate and how fast it is.

    A month costs `monthly_cost` + volume x `unit_price`; an unpriced model is a unit price with its reason. The benefit
    is that of the terms, times `benefit_factor` where it is given, else as the accuracy says, else whole.
    """

    name: str
    one_time_cost: float = 0.0
    monthly_cost: float = 0.0
    unit_price: Figure = _UNMETERED
    benefit_factor: float | None = None
    accuracy: float | None = None
    latency_ms: float | None = None
    vendor: str = ""
    architecture: str = ""
    model: str = ""

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise ValueError("Every option needs a name.")
        costs = (self.one_time_cost, self.monthly_cost, self.unit_price.value or 0.0, self.latency_ms or 0.0)
        if not all(0 <= cost < inf for cost in costs):
            raise ValueError(f"{self.name}: costs and latency must be finite numbers, not negative.")
        if self.accuracy is not None and not 0 <= self.accuracy <= 1:
            raise ValueError(f"{self.name}: an accuracy is a fraction between 0 and 1.")
        if self.benefit_factor is not None and not -inf < self.benefit_factor < inf:
            raise ValueError(
                f"{self.name}: a benefit factor must be a finite number; 1 is the whole benefit."
            )


@dataclass(frozen=True, slots=True)
class Terms:
    """What all options share: horizon, volume and benefit a month, the accuracy that benefit is stated at, rates.

    With a latency limit, an option that is slower, or whose latency nobody stated, is shown but cannot be best.
    """

    months: int
    volume: float
    benefit: float
    discount_rate: float
    accuracy: float | None = None
    worthless_accuracy: float = 0.0
    latency_limit_ms: float | None = None

    def __post_init__(self) -> None:
        if self.months < 1:
            raise ValueError("A comparison needs a horizon of at least one month.")
        if not 0 <= self.volume < inf:
            raise ValueError("The volume a month must be a finite number, not negative.")


@dataclass(frozen=True, slots=True)
class Row:
    """One option's figures, in the order the options were given."""

    option: Option
    figures: Mapping[Measure, Figure]
    is_fast_enough: bool


@dataclass(frozen=True, slots=True)
class Table:
    """The options side by side; `best` names the options that are best by a measure, none where nothing differs."""

    rows: tuple[Row, ...]
    best: Mapping[Measure, frozenset[str]]


def compare(options: Sequence[Option], *, terms: Terms) -> Table:
    """Return the table of one to five options. Raises ValueError with a sentence for more, none, or twins."""
    names = [option.name for option in options]
    if not 1 <= len(options) <= MOST_OPTIONS:
        raise ValueError(
            f"Compare between one and {MOST_OPTIONS} options at a time; these are {len(options)}."
        )
    if len(set(names)) != len(names):
        raise ValueError("Two options have the same name; name each so that a reader can tell them apart.")
    computed = projection.figures(_flows(options, terms), discount_rate=terms.discount_rate)
    rows = tuple(
        Row(option, _figures(option, terms, computed, row=at), _is_fast_enough(option, terms))
        for at, option in enumerate(options)
    )
    return Table(rows, {measure: _best(rows, measure) for measure in Measure})


def _flows(options: Sequence[Option], terms: Terms) -> Flows:
    """Return one row per option; an unknown unit price counts as 0 here and its figures are withheld below."""
    benefit = np.array([[terms.benefit * _factor(option, terms)] for option in options])
    run = np.array([[_monthly_cost(option, terms).value or 0.0] for option in options])
    once = np.zeros((len(options), terms.months))
    once[:, 0] = [option.one_time_cost for option in options]
    return Flows(benefit, run, once, terms.months)


def _factor(option: Option, terms: Terms) -> float:
    if option.benefit_factor is not None:
        return option.benefit_factor
    if option.accuracy is None or terms.accuracy is None:
        return 1.0
    accuracy: Floats = np.array([option.accuracy])
    factor = degradation.value_factor(accuracy, initial=terms.accuracy, worthless=terms.worthless_accuracy)
    return float(factor[0])


def _monthly_cost(option: Option, terms: Terms) -> Figure:
    if option.unit_price.value is None:
        return option.unit_price
    return Figure(option.monthly_cost + terms.volume * option.unit_price.value)


def _figures(option: Option, terms: Terms, computed: Figures, *, row: int) -> dict[Measure, Figure]:
    basis, why = computed.by_basis[Basis.SUPPORTED], computed.cumulative_reason
    cost = projection.last_money(Column(computed.tco, why), row=row)
    monthly = _monthly_cost(option, terms)
    depending_on_cost = {
        Measure.MONTHLY_COST: monthly,
        Measure.UNIT_COST: _per_unit(cost, terms.volume * terms.months),
        Measure.TOTAL_COST: cost,
        Measure.NET_BENEFIT: projection.last_money(Column(basis.cumulative_net, why), row=row),
        Measure.ROI: projection.last(basis.roi, row=row),
        Measure.NPV: projection.last_money(basis.npv, row=row),
        Measure.PAYBACK_MONTHS: projection.last(basis.payback, row=row),
    }
    if monthly.value is None:
        depending_on_cost = dict.fromkeys(depending_on_cost, monthly)
    return {
        **depending_on_cost,
        Measure.ONE_TIME_COST: Figure(option.one_time_cost),
        Measure.TOTAL_VALUE: projection.last_money(Column(basis.cumulative_benefit, why), row=row),
        Measure.ACCURACY: _stated(option.accuracy),
        Measure.LATENCY_MS: _stated(option.latency_ms),
    }


def _per_unit(cost: Figure, volume: float) -> Figure:
    if cost.value is None:
        return cost
    return Figure(cost.value / volume) if volume > 0 else undefined(Reason.NO_VOLUME)


def _stated(value: float | None) -> Figure:
    return undefined(Reason.NOT_STATED) if value is None else Figure(value)


def _is_fast_enough(option: Option, terms: Terms) -> bool:
    limit = terms.latency_limit_ms
    return limit is None or (option.latency_ms is not None and option.latency_ms <= limit)


def _best(rows: Sequence[Row], measure: Measure) -> frozenset[str]:
    """Return the options that are best among those fast enough, ties included; none where there is no choice."""
    known = {
        row.option.name: value
        for row in rows
        if row.is_fast_enough and (value := row.figures[measure].value) is not None
    }
    if len(set(known.values())) < 2:
        return frozenset()
    target = max(known.values()) if measure in HIGHER_IS_BETTER else min(known.values())
    return frozenset(name for name, value in known.items() if value == target)
