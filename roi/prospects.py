"""What could go on: each investment's future as it is selected by, and why one cannot be chosen. No selection here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from portfolio.models import Investment, InvestmentDependency
from portfolio.terms import format_month
from roi import inputs
from roi.engine import selection_value
from roi.engine.result import REASON_OF_CODE, Reason
from roi.engine.selection_value import Prospects
from roi.forecasts import preparation
from roi.inputs import Inputs, month_of

_HUNDREDTHS = 100


class ReallocationError(ValueError):
    """A question that cannot be answered, or a proposal that cannot be made; the message is for the user."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prospect:
    """An investment and its future; money in micro-units, None with a reason. `sunk` is shown and never summed."""

    code: str
    name: str
    stage: str
    month: str | None
    method: str | None
    sunk: int
    mean: int | None
    p10: int | None
    value: int | None
    cost: int | None
    capacity: int
    is_exploration: bool
    is_must_fund: bool
    needs: tuple[str, ...]
    group: str
    reason: str | None
    left_out: str = ""


def gather(
    members: Sequence[Investment],
    aversion: Decimal,
    stated: Mapping[str, Decimal],
    knowledge: int | None,
) -> list[Prospect]:
    """Return the future of investments as known now or at a knowledge time, by code. Raises ReallocationError.

    `stated` names those that go on without a forecast, and what they cost next year.
    """
    found = _found(members, aversion, knowledge) if members else []
    if unknown := sorted(set(stated) - {one.code for one in found}):
        raise ReallocationError(f"{', '.join(unknown)} is no investment of the portfolio that could go on.")
    return _without_those_left_out(found, stated)


def _found(members: Sequence[Investment], aversion: Decimal, knowledge: int | None) -> list[Prospect]:
    loaded = inputs.load(members, knowledge=knowledge)
    prepared = preparation.prepare(loaded)
    future = selection_value.prospects(
        prepared.series, prepared.terms, aversion=float(aversion), basis=preparation.BASIS
    )
    row_of = {one.pk: row for row, one in enumerate(prepared.investments)}
    by_id = {one.pk: one for one in members}
    needs = _needs(members)
    return [
        _prospect(by_id[known.pk], loaded, at, future, row_of.get(known.pk), needs.get(known.pk, ()))
        for at, known in enumerate(loaded.investments)
    ]


def _needs(members: Sequence[Investment]) -> dict[int, tuple[str, ...]]:
    found: dict[int, tuple[str, ...]] = {}
    rows = InvestmentDependency.objects.filter(investment__in=members).order_by("needs__code")
    for pk, code in rows.values_list("investment_id", "needs__code"):
        found[pk] = (*found.get(pk, ()), code)
    return found


def _prospect(
    investment: Investment,
    loaded: Inputs,
    at: int,
    future: Prospects,
    row: int | None,
    needs: tuple[str, ...],
) -> Prospect:
    series = loaded.series
    month = int(future.month[row]) if row is not None else 0
    reason = _reason(future, row)
    # To where the future begins: what is recorded of later months is forecast there.
    spent = slice(month or None)
    sunk = int(series.run[at, spent].sum()) + int(series.one_time[at, spent].sum())

    def micros(values: Any) -> int | None:
        return None if row is None or reason else int(values[row])

    return Prospect(
        code=investment.code,
        name=investment.name,
        stage=investment.stage,
        month=format_month(month_of(int(loaded.first_month[at]), month - 1)) if month else None,
        method=None if row is None or reason else str(future.method[row].value),
        sunk=sunk,
        mean=micros(future.mean),
        p10=micros(future.p10),
        value=micros(future.value),
        cost=micros(future.cost),
        capacity=hundredths(investment.capacity_person_months),
        is_exploration=investment.is_exploration,
        is_must_fund=investment.is_must_fund,
        needs=needs,
        group=investment.exclusive_group,
        reason=reason,
    )


def _reason(future: Prospects, row: int | None) -> str | None:
    if row is None:
        return Reason.NO_HISTORY.value
    found = REASON_OF_CODE.get(int(future.reason[row]))
    return None if found is None else found.value


def _without_those_left_out(prospects: Sequence[Prospect], stated: Mapping[str, Decimal]) -> list[Prospect]:
    """Say of each that cannot be chosen why; a duty that cannot be chosen is an error."""
    why = {
        one.code: "There is no forecast of it."
        for one in prospects
        if one.value is None and one.code not in stated
    }
    codes = {one.code for one in prospects}
    is_changing = True
    while is_changing:
        lacking = {
            one.code: [code for code in one.needs if code in why or code not in codes]
            for one in prospects
            if one.code not in why
        }
        new = {
            code: f"It needs {', '.join(some)}, which cannot go on." for code, some in lacking.items() if some
        }
        why |= new
        is_changing = bool(new)
    for one in prospects:
        if one.is_must_fund and one.code in why:
            raise ReallocationError(
                f"{one.code} must be funded. {why[one.code]} State what it costs next year, or lift the duty."
            )
    return [replace(one, left_out=why.get(one.code, "")) for one in prospects]


def hundredths(person_months: Decimal) -> int:
    """Return person-months in whole hundredths."""
    return int((person_months * _HUNDREDTHS).to_integral_value())
