"""What a case amounts to, as formulas over its plan and workings: each figure with the reason why it may be missing."""

from collections.abc import Iterable
from dataclasses import dataclass

from reports.case_workbook_book import MONEY, PERCENT
from reports.case_workbook_cells import (
    absolute,
    at,
    both,
    choose,
    differs,
    equals,
    exp,
    largest,
    reason,
    rounded,
    text,
    total_until,
)
from reports.case_workbook_inputs import Inputs
from reports.case_workbook_plan import Plan
from reports.case_workbook_rates import Rate
from reports.case_workbook_totals import Totals
from reports.case_workbook_workings import EXACT, Workings
from roi.engine.result import Reason
from roi.usecases.values import Formula, Value, formula, minimum

MONTHS = "0.0#"
UNIT_COST = "#,##0.0000;(#,##0.0000)"
NONE = text("")


@dataclass(frozen=True, slots=True)
class FigureFormula:
    """One figure: its name in the product, its label, its value where the reason is nothing, its number format."""

    name: str
    label: str
    value: Formula
    reason: Formula
    number: str = MONEY
    is_strong: bool = False

    @property
    def style(self) -> str:
        """How its value is shown."""
        return "strong_number" if self.is_strong else "number"

    @property
    def words(self) -> str:
        """Its label, set in where it is part of the figure above."""
        return f"    {self.label}" if self.label[0].islower() else self.label


@dataclass(frozen=True, slots=True, eq=False)
class CaseSheets:
    """Everything that is written of one case."""

    inputs: Inputs
    plan: Plan
    workings: Workings
    rate: Rate


def figures(sheets: CaseSheets) -> list[FigureFormula]:
    """Return the figures of a case over its horizon, in the order of the page."""
    one_time = at(sheets.plan.totals.cumulative_one_time.cells, sheets.inputs.horizon)
    cost, *totals = _totals(sheets, sheets.inputs.horizon)
    return [
        cost,
        FigureFormula("one_time_cost", "of it one-time", one_time, NONE),
        *totals,
        *_times(sheets),
        *_worth(sheets, sheets.inputs.horizon),
        *_rates(sheets),
        *_unit_costs(sheets),
    ]


def view(sheets: CaseSheets, months: Formula) -> list[FigureFormula]:
    """Return the figures of a case at the end of a month."""
    return [*_totals(sheets, months), *_worth(sheets, months)]


def one_time_share(sheets: CaseSheets) -> FigureFormula:
    """Return one-time cost as a share of the first year's cost."""
    year = minimum(sheets.workings.reach, 12)
    cost = at(sheets.plan.totals.cumulative_cost.cells, year)
    share = at(sheets.plan.totals.cumulative_one_time.cells, year) / cost
    why = reason((cost <= 0, Reason.NON_POSITIVE_BASE))
    return FigureFormula("one_time_share", "One-time cost in the first year's cost", share, why, PERCENT)


def _totals(sheets: CaseSheets, months: Formula) -> list[FigureFormula]:
    plan = sheets.plan.totals
    cost, value = at(plan.cumulative_cost.cells, months), at(plan.cumulative_benefit.cells, months)
    beyond = (months > sheets.workings.reach, Reason.OVERFLOW)
    seen = reason(beyond)
    why = reason(
        beyond,
        _overflows(sheets),
        (equals(cost, 0), Reason.NO_COST_YET),
        (cost < 0, Reason.NON_POSITIVE_BASE),
    )
    return [
        FigureFormula("total_cost", "Total cost", cost, seen),
        FigureFormula("total_value", "Total value", value, seen),
        FigureFormula(
            "net_benefit", "Net benefit", at(plan.cumulative_net.cells, months), seen, is_strong=True
        ),
        FigureFormula("roi", "ROI", (value - cost) / cost, why, PERCENT, is_strong=True),
    ]


def _times(sheets: CaseSheets) -> list[FigureFormula]:
    plan, workings = sheets.plan.totals, sheets.workings
    one_time, operating = at(plan.one_time_cost.cells, 1), at(plan.operating.cells, 1)
    quotient = choose(workings.is_flat > 0, one_time, 0)
    found = workings.covered_in
    why = reason(_overflows(sheets), *_unreached(sheets, found))
    crossing = _interpolated(found, shortfall=_shortfall(plan, found), net=at(plan.operating.cells, found))
    planned = choose(quotient > 0, one_time / operating, crossing)
    planned_why = choose(quotient > 0, reason((operating <= 0, Reason.NEVER_PAYS_BACK)), why)
    later = workings.worth_covered_in
    discounted_why = reason(_overflows(sheets), *_unreached(sheets, later))
    return [
        FigureFormula("payback_months", "Payback, months", planned, planned_why, MONTHS, is_strong=True),
        FigureFormula(
            "payback_interpolated", "interpolated in the month it is reached", crossing, why, MONTHS
        ),
        FigureFormula("breakeven_month", "Breakeven month", found, why, "0"),
        FigureFormula(
            "last_breakeven_month", "last time it is reached", largest(plan.crossing.cells), why, "0"
        ),
        FigureFormula(
            "discounted_payback_months",
            "Discounted payback, months",
            _discounted(sheets.plan, later),
            discounted_why,
            MONTHS,
        ),
    ]


def _overflows(sheets: CaseSheets) -> tuple[Formula, Reason]:
    return sheets.workings.is_overflow > 0, Reason.OVERFLOW


def _unreached(sheets: CaseSheets, found: Formula) -> Iterable[tuple[Formula, Formula]]:
    never = choose(
        sheets.workings.is_losing > 0, text(Reason.NEVER_PAYS_BACK.value), text(Reason.NOT_REACHED.value)
    )
    return [(equals(found, 0), never)]


def _shortfall(plan: Totals, found: Formula) -> Formula:
    """Return what is not covered at the start of the month, its own one-time cost included."""
    before = at(plan.cumulative_net.cells, found) - at(plan.net.cells, found)
    return rounded(at(plan.one_time_cost.cells, found) - before)


def _interpolated(found: Formula, *, shortfall: Formula, net: Formula) -> Formula:
    """Return the time inside the month at which its net covers the shortfall; its end where that means nothing."""
    return found - 1 + choose(both(shortfall > 0, net >= shortfall), shortfall / net, 1)


def _discounted(plan: Plan, found: Formula) -> Formula:
    net = at(plan.totals.operating.cells, found) * at(plan.worth.factor.cells, found)
    return _interpolated(found, shortfall=net - at(plan.worth.at_discount.cells, found), net=net)


def _worth(sheets: CaseSheets, months: Formula) -> list[FigureFormula]:
    told = (
        ("npv", "NPV at the discount rate", sheets.plan.worth.at_discount),
        ("npv_at_hurdle", "NPV at the hurdle rate", sheets.plan.worth.at_hurdle),
    )
    beyond = (months > sheets.workings.reach, Reason.OVERFLOW)
    present = [(name, label, at(row.cells, months)) for name, label, row in told]
    return [
        FigureFormula(
            name,
            label,
            value,
            reason(beyond, _overflows(sheets), (absolute(value) >= EXACT, Reason.OVERFLOW)),
        )
        for name, label, value in present
    ]


def _rates(sheets: CaseSheets) -> list[FigureFormula]:
    rate = sheets.rate
    why = reason(_overflows(sheets), (differs(rate.reason, NONE), rate.reason))
    gained, spent = (_flows_worth(sheets, sign) for sign in (">", "<"))
    growth = (gained / spent) ** (1 / sheets.inputs.horizon) * (1 + sheets.inputs.discount_rate) ** (
        formula(1) / 12
    )
    missing = reason(
        _overflows(sheets),
        (equals(gained, 0), Reason.IRR_NO_SIGN_CHANGE),
        (equals(spent, 0), Reason.IRR_NO_SIGN_CHANGE),
    )
    return [
        FigureFormula("irr", "IRR, per year", exp(12 * rate.root) - 1, why, PERCENT),
        FigureFormula("mirr", "MIRR at the discount rate, per year", growth**12 - 1, missing, PERCENT),
    ]


def _flows_worth(sheets: CaseSheets, sign: str) -> Formula:
    """Return the present value of the inflows or the outflows, as a positive number."""
    flows = sheets.workings.flows
    kept = flows.flow.values > 0 if sign == ">" else flows.flow.values < 0
    value = abs(float((flows.flow.values * kept * flows.factor.values).sum()))
    told = f"ABS(SUMPRODUCT(({flows.flow.text}{sign}0)*{flows.flow.text}*{flows.factor.text}))"
    return Formula(told, value=value)


def _unit_costs(sheets: CaseSheets) -> list[FigureFormula]:
    unit = sheets.inputs.case.template.unit_of_use
    if not unit:
        return []
    plan, horizon = sheets.plan, sheets.inputs.horizon
    units: Value = formula(0)
    for cells in plan.units_of_use:
        units = units + total_until(cells, plan.months, horizon)
    why = reason((units <= 0, Reason.NO_VOLUME))
    name = unit.replace("_", " ")
    loaded, run = (
        at(row.cells, horizon) / units for row in (plan.totals.cumulative_cost, plan.totals.cumulative_run)
    )
    return [
        FigureFormula("unit_cost", f"Cost per unit of {name}, loaded", loaded, why, UNIT_COST),
        FigureFormula("run_unit_cost", f"Cost per unit of {name}, run only", run, why, UNIT_COST),
    ]
