"""The sheet of scenarios: the base case and each scenario side by side, inputs above, figures below, all live."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from reports import case_workbook_figures, case_workbook_inputs
from reports.case_workbook_book import Book, Sheet
from reports.case_workbook_cells import inline
from reports.case_workbook_figures import CaseSheets
from reports.case_workbook_inputs import Inputs, Question
from roi.usecases.base import Case
from roi.usecases.values import Formula

NAME = "Scenarios"
_FIRST = 4


@dataclass(frozen=True, slots=True)
class Scenario:
    """A case beside the base case, and the names of its sheets."""

    name: str
    case: Case
    plan: str
    workings: str


def named(scenarios: Sequence[tuple[str, Case]]) -> list[Scenario]:
    """Return the scenarios with names for their sheets: short, plain and each only once."""
    taken: set[str] = set()
    known: list[Scenario] = []
    for number, (name, case) in enumerate(scenarios, start=1):
        plain = " ".join(re.sub(r"[^\w .-]", " ", name).split())[:18].strip() or str(number)
        plain = f"{plain} {number}" if plain.lower() in taken else plain
        taken.add(plain.lower())
        known.append(Scenario(name, case, f"Plan {plain}", f"Workings {plain}"))
    return known


def write_inputs(
    book: Book, base: Inputs, questions: Sequence[Question], scenarios: Sequence[Scenario]
) -> list[Inputs]:
    """Write the inputs of all scenarios, one column each after the base's, and return their cells."""
    sheet = book.sheet(NAME)
    sheet.words(0, 0, "Scenarios side by side", "title")
    note = "Change the yellow cells: each scenario has a plan of its own. Bold: differs from the base case."
    sheet.words(1, 0, note, "note")
    sheet.heads(_FIRST - 1, ("Input", "Unit", "Base case", *(one.name for one in scenarios)), right_from=2)
    sheet.page.set_column(0, 0, 46)
    sheet.page.set_column(1, 1, 24)
    sheet.page.set_column(2, 2 + len(scenarios), 19)
    sheet.page.freeze_panes(_FIRST, 1)
    for row, question in enumerate(questions, start=_FIRST):
        sheet.words(row, 0, question.driver.label)
        sheet.words(row, 1, case_workbook_inputs.unit(question.driver, base.case.currency), "faint")
        look = sheet.book.style("number", case_workbook_inputs.form(question.driver))
        sheet.put(row, 2, Formula(_address(base, question), value=question.value), look)
    _mark_differences(sheet, last=_FIRST + len(questions) - 1, count=len(scenarios))
    return [_column(sheet, one.case, column) for column, one in enumerate(scenarios, start=3)]


def write_figures(book: Book, cases: Sequence[CaseSheets], *, row: int) -> None:
    """Write the figures of the base case and of every scenario below their inputs."""
    sheet = book.sheet(NAME)
    row += _FIRST + 1
    sheet.section(row, "Figures", columns=2 + len(cases))
    for column, sheets in enumerate(cases, start=2):
        for below, figure in enumerate(case_workbook_figures.figures(sheets), start=1):
            sheet.words(row + below, 0, figure.words, "strong" if figure.is_strong else "text")
            look = sheet.book.style(figure.style, figure.number)
            sheet.put(row + below, column, inline(figure.reason, figure.value), look)
    names = [figure.name for figure in case_workbook_figures.figures(cases[0])]
    bars = [row + 1 + names.index(name) for name in ("net_benefit", "npv")]
    _draw(sheet, bars, count=len(cases))
    sheet.protect()


def headings(book: Book, count: int) -> list[str]:
    """Return references to the names of the base case and of every scenario."""
    return [f"={book.sheet(NAME).address(_FIRST - 1, column)}" for column in range(2, 3 + count)]


def _address(base: Inputs, question: Question) -> str:
    settings = {
        case_workbook_inputs.HORIZON: base.horizon,
        case_workbook_inputs.DISCOUNT: base.discount_rate,
        case_workbook_inputs.HURDLE: base.hurdle_rate,
    }
    name = question.driver.name
    if name in settings:
        return settings[name].text
    owner = base.case.drivers if hasattr(base.case.drivers, name) else base.case.hidden_costs
    return str(getattr(owner, name).text)


def _column(sheet: Sheet, case: Case, column: int) -> Inputs:
    cells: dict[str, Formula] = {}
    for row, question in enumerate(case_workbook_inputs.questions(case), start=_FIRST):
        one = question.driver
        address = sheet.address(row, column)
        if one.is_text:
            sheet.words(row, column, str(question.value), "input")
            cells[one.name] = Formula(address, value=str(question.value))
            continue
        look = sheet.book.style("input", case_workbook_inputs.form(one))
        cells[one.name] = sheet.number(row, column, float(question.value), look)
        case_workbook_inputs.restrict(sheet, row, column, one=one)
    return case_workbook_inputs.referring(case, cells)


def _mark_differences(sheet: Sheet, *, last: int, count: int) -> None:
    bold = sheet.book.book.add_format({"bold": True, "bg_color": "#FED7AA"})
    sheet.page.conditional_format(
        _FIRST, 3, last, 2 + count,
        {"type": "formula", "criteria": f"=D{_FIRST + 1}<>$C{_FIRST + 1}", "format": bold},
    )  # fmt: skip


def _draw(sheet: Sheet, rows: Sequence[int], *, count: int) -> None:
    """Draw net benefit and NPV of every case as bars."""
    chart = sheet.book.book.add_chart({"type": "column"})
    names = sheet.range((_FIRST - 1, 2), (_FIRST - 1, 1 + count))
    for row in rows:
        values, label = sheet.range((row, 2), (row, 1 + count)), sheet.address(row, 0)
        chart.add_series({"name": f"={label}", "categories": f"={names}", "values": f"={values}"})
    chart.set_y_axis(
        {"num_format": "#,##0;(#,##0)", "major_gridlines": {"visible": True, "line": {"color": "#E5E7EB"}}}
    )
    chart.set_x_axis({"label_position": "low"})
    chart.set_legend({"position": "bottom"})
    chart.set_size({"width": 620, "height": 340})
    sheet.page.insert_chart(
        _FIRST - 1, 4 + count, chart, {"description": "Net benefit and NPV of every scenario"}
    )
