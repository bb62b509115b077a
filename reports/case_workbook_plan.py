"""The sheet of the plan: a column per month, a row per step and planned line, then the totals and what they are worth.

It always has 120 months, so that the horizon may be changed and payback found beyond it; later months are grey.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from xlsxwriter.utility import xl_col_to_name

from portfolio.chart import BY_CODE
from portfolio.terms import AccountKind, Aggregation
from reports import case_workbook_totals
from reports.case_workbook_book import MONEY, Book, Sheet
from reports.case_workbook_cells import Cells, choose, rounded
from reports.case_workbook_inputs import Inputs
from reports.case_workbook_rows import FIRST, FIRST_MONTH, MONTH_ROW, TOTAL, PlanMonth, Row, Writer
from reports.case_workbook_totals import Totals, Worth
from roi.usecases.base import LONGEST_CASE, Line, lines
from roi.usecases.values import Formula, formula

_SHARE = "#,##0.0000"
_KINDS = ("Volume and quality", "Benefit", "Run cost", "One-time cost")
_SUMMED = {Aggregation.SUM: "sum", Aggregation.LAST: "last"}
_LAST = FIRST_MONTH + LONGEST_CASE - 1


@dataclass(frozen=True, slots=True)
class PlannedMonth:
    """What one month holds: its steps by label, and its lines."""

    steps: dict[str, Formula]
    lines: list[Line]


@dataclass(frozen=True, slots=True, eq=False)
class PlannedRow:
    """A planned line and its row."""

    line: Line
    row: Row


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """The rows that figures are computed from."""

    sheet: Sheet
    months: Cells
    units_of_use: tuple[Cells, ...]  # the volume the case is judged by
    totals: Totals
    worth: Worth
    line_total: Formula  # benefit less cost of all lines, summed over the horizon line by line


def write(book: Book, inputs: Inputs, *, name: str, is_base: bool) -> Plan:
    """Write the plan of a case on a sheet of this name; the base case's rows get names."""
    sheet = book.sheet(name)
    called = book.called if is_base else _unnamed
    writer = Writer(sheet, inputs, Cells(called("plan_month", _head(sheet, inputs)), _numbers()), called)
    plan = _rows(writer, [_planned(inputs, month) for month in range(1, LONGEST_CASE + 1)])
    _looks(sheet, inputs, last_row=writer.row - 1)
    return plan


def _unnamed(_: str, address: str) -> str:
    return address


def _numbers() -> np.ndarray:
    return np.arange(1.0, LONGEST_CASE + 1)


def _planned(inputs: Inputs, number: int) -> PlannedMonth:
    month = PlanMonth(number)
    planned = lines(inputs.case, month)
    return PlannedMonth(month.steps, planned)


def _head(sheet: Sheet, inputs: Inputs) -> str:
    """Write the headings and return the address of the months' numbers."""
    sheet.words(0, 0, f"Plan by month, in {inputs.case.currency}", "title")
    told = "Costs and benefits positive. Months beyond the horizon are grey: only payback looks at them."
    sheet.words(1, 0, told, "note")
    for column, (above, below) in enumerate((("Year", "Month"), ("", "Account"), ("", "To horizon"))):
        style = "head_right" if column == TOTAL else "head"
        sheet.words(MONTH_ROW - 1, column, above, style)
        sheet.words(MONTH_ROW, column, below, style)
    look = sheet.book.style("head_right", "0")
    for month in range(1, LONGEST_CASE + 1):
        sheet.number(MONTH_ROW - 1, FIRST_MONTH + month - 1, (month + 11) // 12, look)
        sheet.number(MONTH_ROW, FIRST_MONTH + month - 1, month, look)
    return sheet.range((MONTH_ROW, FIRST_MONTH), (MONTH_ROW, _LAST))


def _rows(writer: Writer, planned: Sequence[PlannedMonth]) -> Plan:
    _steps(writer, planned)
    groups = [_group(writer, planned, kind) for kind in _KINDS]
    every = [one for group in groups for one in group]
    _, benefit, run, one_time = ([one.row for one in group] for group in groups)
    totals = case_workbook_totals.write(
        writer, lines=[one.row for one in every], benefit=benefit, run=run, one_time=one_time
    )
    unit = writer.inputs.case.template.unit_of_use
    return Plan(
        sheet=writer.sheet,
        months=writer.months,
        units_of_use=tuple(one.row.cells for one in every if one.line.account == unit),
        totals=totals,
        worth=case_workbook_totals.write_worth(writer, totals),
        line_total=_line_total(writer, benefit, [*run, *one_time]),
    )


def _steps(writer: Writer, planned: Sequence[PlannedMonth]) -> None:
    """Write intermediate values; they stand first, where the months' formulas expect them."""
    if not planned[0].steps:
        return
    writer.section("How the case unfolds")
    for label in planned[0].steps:
        steps = [month.steps[label] for month in planned]
        writer.write(label, lambda m, steps=steps: steps[m - 1], number=_SHARE, total="")  # type: ignore[misc]


def _kind(line: Line) -> str:
    if line.kind is AccountKind.BENEFIT:
        return _KINDS[1]
    if line.kind is AccountKind.COST:
        return _KINDS[3] if line.is_one_time else _KINDS[2]
    return _KINDS[0]


def _group(writer: Writer, planned: Sequence[PlannedMonth], kind: str) -> list[PlannedRow]:
    places = [at for at, line in enumerate(planned[0].lines) if _kind(line) == kind]
    if places:
        writer.section(kind)
    return [_line(writer, [month.lines[at] for month in planned]) for at in places]


def _line(writer: Writer, months: Sequence[Line]) -> PlannedRow:
    line = months[0]
    is_money = line.kind in (AccountKind.BENEFIT, AccountKind.COST)

    def each(month: int) -> Formula:
        value = formula(months[month - 1].value)
        amount = rounded(value) if is_money else value
        return choose(PlanMonth(month) <= 1, amount, 0) if line.is_once else amount

    row = writer.write(
        line.label,
        each,
        account=f"{line.account} · {line.ref}" if line.ref else line.account,
        number=_SHARE if line.kind is AccountKind.QUALITY else MONEY,
        total=_SUMMED.get(Aggregation(BY_CODE[line.account].aggregation), ""),
    )
    return PlannedRow(line, row)


def _line_total(writer: Writer, benefit: Sequence[Row], cost: Sequence[Row]) -> Formula:
    """Return benefit less cost summed over the lines' own totals, to check the months' totals with."""
    within = writer.months.values <= writer.inputs.horizon.value
    parts: Formula = formula(0)
    for sign, rows in ((1, benefit), (-1, cost)):
        for row in rows:
            value = float(row.cells.values[within].sum())
            cell = Formula(writer.sheet.address(row.number, TOTAL), value=value)
            parts = parts + cell if sign > 0 else parts - cell
    return parts


def _looks(sheet: Sheet, inputs: Inputs, *, last_row: int) -> None:
    """Set widths, panes and print: the horizon's months, a year to the page; grey beyond the horizon."""
    page = sheet.page
    for column, width in ((0, 38), (1, 36), (2, 15)):
        page.set_column(column, column, width)
    page.set_column(FIRST_MONTH, _LAST, 12)
    page.freeze_panes(FIRST, FIRST_MONTH)
    page.repeat_rows(MONTH_ROW - 1, MONTH_ROW)
    page.repeat_columns(0, TOTAL)
    page.fit_to_pages(-(-inputs.case.months // 12), 0)
    page.print_area(0, 0, last_row, FIRST_MONTH + inputs.case.months - 1)
    grey = sheet.book.book.add_format({"font_color": "#B6BCC6"})
    criteria = f"={xl_col_to_name(FIRST_MONTH)}${MONTH_ROW + 1}>{inputs.horizon.text}"
    rule = {"type": "formula", "criteria": criteria, "format": grey}
    page.conditional_format(FIRST, FIRST_MONTH, last_row, _LAST, rule)
    sheet.protect()
