"""A business case: a template, its drivers and hidden costs, and the monthly plan they make. Siblings import only this.

A template is one pure module: a frozen dataclass of drivers, a function from drivers and month to planned lines, and
the figures of its own that it reports beside the common ones.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from portfolio.chart import BY_CODE
from portfolio.terms import MAX_AMOUNT, AccountKind, Nature
from roi.engine.flows import Flows, Model
from roi.engine.result import Figure, Floats, Ints
from roi.usecases.drivers import DriverError, DriversRejected, drivers_of, read
from roi.usecases.hidden_costs import ACCOUNTS as HIDDEN_ACCOUNTS
from roi.usecases.hidden_costs import HiddenCosts as HiddenCosts  # callers know it as a part of a case
from roi.usecases.values import Value

if TYPE_CHECKING:
    from roi.usecases.figures import CaseFigures

LONGEST_CASE = 120
MICRO = 1e6


class CaseError(ValueError):
    """A case that cannot be computed; the message says why in a sentence."""


@dataclass(frozen=True, slots=True)
class Line:
    """One planned line: an account of the chart, and what it carries in each month.

    `value` is money or a quantity, by the account's kind, signs as recorded. `is_once`: in month 1 only. `ref` tells
    lines of one account apart (the channels of customer support), `label` names the line on paper.
    """

    account: str
    value: Value
    label: str
    ref: str = ""
    is_once: bool = False

    @property
    def kind(self) -> AccountKind:
        """Return what the account measures."""
        return AccountKind(BY_CODE[self.account].kind)

    @property
    def is_one_time(self) -> bool:
        """Whether the account is one-time cost."""
        return BY_CODE[self.account].nature == Nature.ONE_TIME


@dataclass(frozen=True, slots=True)
class Template:
    """One kind of business case. `plan(drivers, month)` is written once for arrays and formulas alike (`values`)."""

    name: str
    title: str
    description: str
    drivers: type[Any]
    plan: Callable[[Any, Value], Sequence[Line]]
    months: int = 36
    problems: "Callable[[Any], Sequence[DriverError]]" = field(default=lambda drivers: ())  # between drivers
    unit_of_use: str = ""  # the volume account whose unit cost the case is judged by
    report: "Callable[[Case, CaseFigures], Mapping[str, Figure]]" = field(default=lambda case, figures: {})
    is_labor_realized: bool = False  # its plan counts only the part of saved labor that becomes money
    notes: "Callable[[Case], Sequence[str]]" = field(default=lambda case: ())  # what a reader should mind


@dataclass(frozen=True, slots=True)
class Case:
    """A template with its values: all that its figures depend on. Rates are effective and annual."""

    template: Template
    drivers: Any
    months: int
    hidden_costs: HiddenCosts = field(default_factory=HiddenCosts)
    discount_rate: float = 0.10
    hurdle_rate: float = 0.10
    currency: str = "USD"

    def __post_init__(self) -> None:
        if not 1 <= self.months <= LONGEST_CASE:
            raise CaseError(f"A case runs from 1 to {LONGEST_CASE} months; {self.months} is outside.")
        if min(self.discount_rate, self.hurdle_rate) <= -1:
            raise CaseError("An annual rate must be above -100%.")


def read_case(
    template: Template,
    stated: Mapping[str, Any],
    *,
    hidden_costs: Mapping[str, Any] | None = None,
    months: int | None = None,
    **settings: Any,
) -> Case:
    """Return a case from plain values; `settings` are the rates and the currency.

    The horizon is `months`, else the driver `horizon_months` where the template has one, else the template's. Raises
    DriversRejected with a sentence for every value that cannot be used, CaseError for the horizon or a rate.
    """
    drivers = read(template.drivers, stated)
    if errors := template.problems(drivers):
        raise DriversRejected(errors)
    hidden = read(HiddenCosts, hidden_costs or {})
    horizon = int(getattr(drivers, "horizon_months", template.months)) if months is None else months
    if hasattr(drivers, "horizon_months"):
        drivers = replace(drivers, horizon_months=horizon)
    return Case(template, drivers, horizon, hidden, **settings)


@dataclass(frozen=True, slots=True, eq=False)
class PlannedLine:
    """One line over the months: int64 micro-units of money, or float quantities, (T,)."""

    account: str
    ref: str
    label: str
    amounts: Ints | Floats

    @property
    def is_money(self) -> bool:
        """Whether the line is money."""
        return self.amounts.dtype == np.int64

    @property
    def kind(self) -> AccountKind:
        """Return what the account measures."""
        return AccountKind(BY_CODE[self.account].kind)

    @property
    def is_one_time(self) -> bool:
        """Whether the account is one-time cost."""
        return BY_CODE[self.account].nature == Nature.ONE_TIME


def lines(case: Case, month: Value) -> list[Line]:
    """Return every line of a case, hidden costs last; a hidden cost that is 0 everywhere makes no line."""
    planned = list(case.template.plan(case.drivers, month))
    for one in drivers_of(HiddenCosts):
        value = getattr(case.hidden_costs, one.name)
        account, is_once = HIDDEN_ACCOUNTS[one.name]
        if not _is_nothing(value):
            planned.append(Line(account, value, one.label, ref=one.name, is_once=is_once))
    return planned


def project(case: Case, *, months: int | None = None) -> tuple[PlannedLine, ...]:
    """Return the monthly plan: money rounded half-even to micro-units once per cell, quantities as they are."""
    horizon = months or case.months
    number = np.arange(1.0, horizon + 1)[None, :]
    return tuple(_planned(line, horizon, reach=horizon) for line in lines(case, number))


def outlook(case: Case) -> tuple[PlannedLine, ...]:
    """Return the plan as far as it can be seen: to 120 months, or until growth leaves the ledger's range.

    Raises CaseError where that happens within the case's own horizon.
    """
    number = np.arange(1.0, LONGEST_CASE + 1)[None, :]
    planned = lines(case, number)
    with np.errstate(over="ignore"):
        reach = min((_reach(line.value) for line in planned), default=LONGEST_CASE)
    return tuple(_planned(line, LONGEST_CASE, reach=max(reach, case.months)) for line in planned)


def model(case: Case) -> Model:
    """Return the case as a function of draws: driver name -> (n, 1) array; what is not drawn keeps its value.

    Hidden costs are drawn under their own names. Money stays in currency units and is not rounded.
    """
    own = {one.name for one in fields(case.drivers)}
    hidden = {one.name for one in fields(HiddenCosts)}
    number = np.arange(1.0, case.months + 1)[None, :]

    def evaluate(draws: Mapping[str, Floats]) -> Flows:
        unknown = [name for name in draws if name not in own | hidden]
        if unknown:
            raise CaseError(f"The case has no driver {', '.join(unknown)}.")
        drawn = replace(
            case,
            drivers=replace(case.drivers, **{name: draws[name] for name in draws if name in own}),
            hidden_costs=replace(
                case.hidden_costs, **{name: draws[name] for name in draws if name in hidden}
            ),
        )
        return _flows(lines(drawn, number), case.months)

    return evaluate


def _flows(planned: Sequence[Line], months: int) -> Flows:
    nothing = np.zeros((1, 1))
    benefit, run, one_time = nothing, nothing, nothing
    first = (np.arange(months) == 0)[None, :]
    for line in planned:
        if line.kind is AccountKind.BENEFIT:
            benefit = benefit + line.value
        elif line.kind is AccountKind.COST:
            amount = line.value * first if line.is_once else line.value
            if line.is_one_time:
                one_time = one_time + amount
            else:
                run = run + amount
    return Flows(np.asarray(benefit), np.asarray(run), np.asarray(one_time), months)


def _reach(value: Value) -> int:
    """Return in how many months from the first on a value stays within the ledger's range."""
    is_beyond = ~(np.abs(np.broadcast_to(value, (1, LONGEST_CASE))[0]) <= float(MAX_AMOUNT))
    return int(is_beyond.argmax()) if is_beyond.any() else LONGEST_CASE


def _planned(line: Line, months: int, *, reach: int) -> PlannedLine:
    values = np.broadcast_to(np.asarray(line.value, dtype=np.float64), (1, months))[0, :reach]
    if line.is_once:
        values = np.where(np.arange(reach) == 0, values, 0.0)
    if not (np.abs(values) <= float(MAX_AMOUNT)).all():
        raise CaseError(
            f"{line.label} leaves the range of the ledger (100 billion a month); check its drivers."
        )
    if line.kind in (AccountKind.COST, AccountKind.BENEFIT):
        return PlannedLine(line.account, line.ref, line.label, np.rint(values * MICRO).astype(np.int64))
    return PlannedLine(line.account, line.ref, line.label, np.array(values))


def _is_nothing(value: Value) -> bool:
    return isinstance(value, int | float) and value == 0
