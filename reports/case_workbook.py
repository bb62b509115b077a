"""A business case as a workbook whose formulas are live: change an input, and plan, figures and chart follow."""

from collections.abc import Sequence
from datetime import datetime

from reports import (
    case_workbook_definitions,
    case_workbook_figures,
    case_workbook_inputs,
    case_workbook_plan,
    case_workbook_rates,
    case_workbook_scenarios,
    case_workbook_summary,
    case_workbook_workings,
)
from reports.case_workbook_book import Book
from reports.case_workbook_figures import CaseSheets
from reports.case_workbook_inputs import Inputs
from reports.case_workbook_summary import Curve
from roi.usecases.base import Case, CaseError
from roi.usecases.figures import figures_of

MOST_SCENARIOS = 8


def render(case: Case, *, title: str, now: datetime, scenarios: Sequence[tuple[str, Case]] = ()) -> bytes:
    """Return the case as an .xlsx file; every scenario, a name and a case, gets a plan of its own.

    Money is rounded to micro-units per line and month as the product does; recalculated totals agree to the cent.
    Raises CaseError for a case that cannot be computed, too many scenarios, or one of another template.
    """
    _refuse(case, scenarios)
    computed = figures_of(case)
    book = Book(title=title, now=now)
    known = case_workbook_scenarios.named(scenarios)
    _order(book, known)
    note = f"{case.template.title}. Exported {now:%Y-%m-%d %H:%M %Z}".strip() + "."
    asked = case_workbook_inputs.write(book, case, title=title, note=note)
    base = _sheets(book, asked.inputs, names=("Plan", "Workings"), is_base=True)
    report = dict(case.template.report(case, computed))
    cells = case_workbook_summary.write(book, asked, base, title=title, report=report)
    case_workbook_summary.strip(asked, cells, case_workbook_figures.figures(base))
    others = _scenarios(book, asked.inputs, base, case, known)
    names = case_workbook_scenarios.headings(book, len(others)) if others else [case.template.title]
    curves = [_curve(name, one) for name, one in zip(names, (base, *others), strict=True)]
    case_workbook_summary.draw(book, curves, currency=case.currency)
    case_workbook_definitions.write(book)
    return book.content()


def _refuse(case: Case, scenarios: Sequence[tuple[str, Case]]) -> None:
    if len(scenarios) > MOST_SCENARIOS:
        raise CaseError(
            f"A workbook holds at most {MOST_SCENARIOS} scenarios; {len(scenarios)} were asked for."
        )
    for name, other in scenarios:
        if other.template.name != case.template.name:
            raise CaseError(f"The scenario {name} is of another template than the case; export it by itself.")
        figures_of(other)


def _order(book: Book, known: Sequence[case_workbook_scenarios.Scenario]) -> None:
    """Create the sheets in the order of the tabs: what is read first, workings last."""
    middle = [case_workbook_scenarios.NAME] if known else []
    plans = [one.plan for one in known]
    workings = [one.workings for one in known]
    for name in ("Inputs", "Figures", "Plan", *middle, *plans, "Definitions", "Workings", *workings):
        book.sheet(name)


def _sheets(book: Book, inputs: Inputs, *, names: tuple[str, str], is_base: bool) -> CaseSheets:
    plan = case_workbook_plan.write(book, inputs, name=names[0], is_base=is_base)
    workings = case_workbook_workings.write(book, inputs, plan, name=names[1])
    rate = case_workbook_rates.write(workings, column=workings.flows.next_column + 3)
    workings.sheet.protect()
    return CaseSheets(inputs, plan, workings, rate)


def _scenarios(
    book: Book,
    base_inputs: Inputs,
    base: CaseSheets,
    case: Case,
    known: Sequence[case_workbook_scenarios.Scenario],
) -> list[CaseSheets]:
    if not known:
        return []
    questions = case_workbook_inputs.questions(case)
    asked = case_workbook_scenarios.write_inputs(book, base_inputs, questions, known)
    others = [
        _sheets(book, inputs, names=(one.plan, one.workings), is_base=False)
        for one, inputs in zip(known, asked, strict=True)
    ]
    case_workbook_scenarios.write_figures(book, [base, *others], row=len(questions))
    return others


def _curve(name: str, sheets: CaseSheets) -> Curve:
    months, net = case_workbook_workings.chart_columns(sheets.workings, sheets.inputs, sheets.plan)
    return Curve(name, months, net)
