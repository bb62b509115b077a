"""The sheet of workings: the case's flows, and the few numbers that figures and their reasons are read from."""

from dataclasses import dataclass

import numpy as np

from portfolio.terms import MICRO
from reports.case_workbook_book import Book, Sheet
from reports.case_workbook_cells import (
    Cells,
    absolute,
    at,
    both,
    choose,
    count,
    differs,
    equals,
    first,
    flag,
    largest,
    rounded,
    sign,
    size,
    smallest,
    total,
)
from reports.case_workbook_inputs import Inputs
from reports.case_workbook_plan import Plan
from reports.case_workbook_table import Column, Table
from roi.usecases.base import LONGEST_CASE
from roi.usecases.values import Formula, formula, maximum, minimum

EXACT = 2.0**62 / MICRO  # the engine's sums must stay below this
FIRST = 4
FLOWS = 3  # the column of the first table
_MONEY, _WHOLE = "#,##0.00;(#,##0.00)", "0"


@dataclass(frozen=True, slots=True, eq=False)
class Flows:
    """Columns of the flow table, (121,): flow t falls at the end of month t, 0 is the start of month 1."""

    next_column: int
    flow: Cells
    from_first: Cells
    to_last: Cells
    factor: Cells
    turns: Cells
    total_turns: Cells
    total: Cells
    signs: Cells


@dataclass(frozen=True, slots=True, eq=False)
class Workings:
    """Numbers that figures are read from; truths are 1 and 0."""

    sheet: Sheet
    flows: Flows
    reach: Formula  # months until a line leaves the range of the ledger; what follows is not looked at
    is_in_range: Formula  # the horizon is within
    is_overflow: Formula  # the amounts leave the range of exact arithmetic
    is_flat: Formula  # every month is alike, one-time cost in the first only
    is_losing: Formula  # the last month in range costs at least what it returns
    covered_in: Formula  # breakeven month, 0 = not in 120 months
    worth_covered_in: Formula  # the same, discounted
    turns: Formula  # sign changes of the flows
    is_norstrom: Formula
    next_row: int


def write(book: Book, inputs: Inputs, plan: Plan, *, name: str) -> Workings:
    """Write the sheet of one case."""
    sheet = book.sheet(name)
    sheet.words(0, 0, "Workings", "title")
    sheet.words(1, 0, "What figures are read from. Nothing here needs to be changed.", "note")
    for columns, width in (((0, 0), 50), ((1, 1), 16), ((2, 2), 3), ((FLOWS, FLOWS + 30), 17)):
        sheet.page.set_column(*columns, width)
    sheet.page.freeze_panes(FIRST, 0)
    sheet.page.print_area(0, 0, FIRST + LONGEST_CASE, FLOWS + 10)
    sheet.heads(FIRST - 1, ("Number", "Value"), right_from=1)
    return _numbers(sheet, inputs, plan, _flows(sheet, inputs, plan))


def chart_columns(workings: Workings, inputs: Inputs, plan: Plan) -> tuple[Cells, Cells]:
    """Write the points of the chart, months and net to date; beyond the horizon the last point is repeated."""
    table = Table(workings.sheet, FIRST, workings.flows.next_column, LONGEST_CASE)
    months = table.add("Chart: month", lambda t: minimum(formula(t + 1), inputs.horizon), number=_WHOLE)
    net = table.add(
        "Chart: net to date", lambda t: at(plan.totals.cumulative_net.cells, months.of(t)), number=_MONEY
    )
    return months.cells, net.cells


def _flows(sheet: Sheet, inputs: Inputs, plan: Plan) -> Flows:
    table = Table(sheet, FIRST, FLOWS, LONGEST_CASE + 1)
    month = table.numbers("Month end", float, number=_WHOLE)
    flow = table.add("Flow", lambda t: _flow(month.of(t), inputs, plan), number=_MONEY)
    signs = _carried_signs(table, "Sign so far", flow)
    turns = _turns(table, "Turns", signs)
    total_ = table.running(
        "Flow to date",
        lambda t, above: rounded(flow.of(t) if above is None else above + flow.of(t)),
        number=_MONEY,
    )
    total_turns = _turns(table, "Its turns", _carried_signs(table, "Its sign so far", total_))
    last = table.running(
        "Last flow so far",
        lambda t, above: choose(differs(flow.of(t), 0), month.of(t), 0 if above is None else above),
        number=_WHOLE,
    )
    start, end = count(signs.cells, 0), at(last.cells, LONGEST_CASE + 1)
    ahead = table.add("From first flow", lambda t: maximum(month.of(t) - start, 0), number=_WHOLE)
    behind = table.add("To last flow", lambda t: maximum(end - month.of(t), 0), number=_WHOLE)
    factor = table.add(
        "Factor", lambda t: (1 + inputs.discount_rate) ** ((0 - month.of(t)) / 12), number="0.000000"
    )
    columns = (flow, ahead, behind, factor, turns, total_turns, total_, signs)
    return Flows(table.column, *(column.cells for column in columns))


def _flow(month: Formula, inputs: Inputs, plan: Plan) -> Formula:
    """Return the flow at a month's end: its benefit less run cost, less the one-time cost of the month after it."""
    horizon, following = inputs.horizon, month + 1
    operating = choose(both(month >= 1, month <= horizon), at(plan.totals.operating.cells, month), 0)
    one_time = choose(following <= horizon, at(plan.totals.one_time_cost.cells, following), 0)
    return rounded(operating - one_time)


def _carried_signs(table: Table, head: str, amounts: Column) -> Column:
    """Add the sign of the amounts; where one is 0, that of the last one before it that is not."""

    def each(t: int, above: Formula | None) -> Formula:
        own = sign(amounts.of(t))
        return own if above is None else choose(equals(amounts.of(t), 0), above, own)

    return table.running(head, each, number=_WHOLE)


def _turns(table: Table, head: str, signs: Column) -> Column:
    def each(t: int) -> Formula:
        turned = signs.of(t) * signs.of(t - 1) < 0 if t else None
        return formula(0) if turned is None else flag(turned)

    return table.add(head, each, number=_WHOLE)


def _numbers(sheet: Sheet, inputs: Inputs, plan: Plan, flows: Flows) -> Workings:
    row, look = FIRST, sheet.book.style("number", _WHOLE)

    def put(label: str, told: Formula) -> Formula:
        nonlocal row
        sheet.words(row, 0, label)
        row += 1
        return sheet.put(row - 1, 1, told, look)

    totals = plan.totals
    reach = put("Months within the range of the ledger", total(totals.is_in_range.cells))
    last_net = at(totals.net.cells, maximum(reach, 1))
    return Workings(
        sheet=sheet,
        flows=flows,
        reach=reach,
        is_in_range=put("The horizon is one of them (1)", flag(inputs.horizon <= reach)),
        is_overflow=put("Amounts leave the range of exact arithmetic (1)", _overflow(plan)),
        is_flat=put("Every month is alike, one-time cost in the first only (1)", _flat(plan)),
        is_losing=put("The last of these months costs at least what it returns (1)", flag(last_net <= 0)),
        covered_in=put("First month whose cost to date is covered (0: none)", first(totals.is_covered.cells)),
        worth_covered_in=put("The same, discounted (0: none)", first(plan.worth.is_covered.cells)),
        turns=put("Sign changes of the flows", total(flows.turns)),
        is_norstrom=put("Net to date turns once, from loss to gain (1)", _norstrom(flows)),
        next_row=row,
    )


def _overflow(plan: Plan) -> Formula:
    """Tell whether the amounts within the range of the ledger add up to more than exact arithmetic holds."""
    totals, inside = plan.totals, plan.totals.is_in_range.cells
    sizes: Formula = formula(0)
    for row in (totals.run_cost, totals.one_time_cost, totals.benefit):
        value = float((inside.values * np.abs(row.cells.values)).sum())
        sizes = sizes + Formula(f"SUMPRODUCT({inside.text}*ABS({row.cells.text}))", value=value)
    return flag(sizes >= EXACT)


def _flat(plan: Plan) -> Formula:
    """Tell whether benefit less run cost is the same in every month and one-time cost is paid in month 1 alone."""
    operating, one_time = plan.totals.operating.cells, plan.totals.one_time_cost.cells
    alike = equals(largest(operating), smallest(operating))
    # The sizes of all months are the size of the first only where the others are 0.
    return flag(both(alike, equals(size(one_time), absolute(at(one_time, 1)))))


def _norstrom(flows: Flows) -> Formula:
    """Norstrom's condition for exactly one positive rate."""
    start = at(flows.signs, minimum(count(flows.signs, 0) + 1, LONGEST_CASE + 1))
    ends = at(flows.total, LONGEST_CASE + 1) > 0
    return flag(both(start < 0, ends, equals(total(flows.total_turns), 1)))
