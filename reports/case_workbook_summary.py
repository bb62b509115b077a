"""The sheet of figures: the case over its horizon and over several years, its cash curve, and the workbook's checks."""

from collections.abc import Sequence
from dataclasses import dataclass

from reports import case_workbook_definitions as definitions
from reports import case_workbook_figures as case_figures
from reports.case_workbook_book import CENTS, Book, Sheet
from reports.case_workbook_cells import Cells, absolute, at, available, choose, equals, inline, text
from reports.case_workbook_figures import CaseSheets, FigureFormula
from reports.case_workbook_inputs import InputSheet
from roi.engine.result import Figure
from roi.usecases.figures import MULTI_YEAR, SIGNIFICANT_SHARE
from roi.usecases.values import Formula, formula, where

NAME = "Figures"
_FIRST = 4
_CENT = 0.005


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """A line of the chart. Its name is a word of ours or refers to a cell: a chart would run other texts."""

    name: str
    months: Cells
    net: Cells


def write(
    book: Book, asked: InputSheet, sheets: CaseSheets, *, title: str, report: dict[str, Figure]
) -> dict[str, Formula]:
    """Write the sheet and return the cells of the figures by name; the chart is drawn apart."""
    sheet = book.sheet(NAME)
    sheet.words(0, 0, title, "title")
    case = sheets.inputs.case
    sheet.words(1, 0, f"{case.template.title}. Money in {case.currency}.", "note")
    sheet.heads(_FIRST - 1, ("Over the horizon", "Value", "Reason", "Why", "", ""), right_from=1)
    cells, row = _figures(sheet, sheets)
    row = _years(sheet, sheets, row + 1)
    row = _checks(sheet, asked, sheets, row + 1)
    _report(sheet, asked, report, row + 1)
    sheet.page.set_column(0, 0, 46)
    sheet.page.set_column(1, 5, 17)
    sheet.page.freeze_panes(_FIRST, 1)
    sheet.protect()
    return cells


def draw(book: Book, curves: Sequence[Curve], *, currency: str) -> None:
    """Draw the net to date of each curve beside the figures."""
    chart = book.book.add_chart({"type": "scatter", "subtype": "straight"})
    for curve in curves:
        chart.add_series(
            {"name": curve.name, "categories": f"={curve.months.text}", "values": f"={curve.net.text}",
             "line": {"width": 2.25}}
        )  # fmt: skip
    chart.set_title({"name": f"Net to date, {currency}", "name_font": {"size": 12}})
    chart.set_x_axis({"name": "Month", "min": 0, "major_gridlines": {"visible": False}, "label_position": "low",
                      "num_format": "0"})  # fmt: skip
    chart.set_y_axis(
        {"num_format": "#,##0;(#,##0)", "major_gridlines": {"visible": True, "line": {"color": "#E5E7EB"}}}
    )
    chart.set_legend({"none": True} if len(curves) == 1 else {"position": "bottom"})
    chart.set_size({"width": 760, "height": 400})
    book.sheet(NAME).page.insert_chart(
        _FIRST - 1, 7, chart, {"description": "Net to date by month, to the horizon"}
    )


def strip(asked: InputSheet, cells: dict[str, Formula], figures: Sequence[FigureFormula]) -> None:
    """Show the figures that matter most above the inputs, so that a change is seen where it is made."""
    shown = ("total_cost", "net_benefit", "roi", "payback_months", "npv", "irr")
    by_name = {one.name: one for one in figures}
    sheet = asked.sheet
    for row, name in enumerate(shown, start=4):
        figure = by_name[name]
        sheet.words(row, 0, figure.label, "strong")
        sheet.put(row, 1, cells[name], _look(sheet, figure))


def _figures(sheet: Sheet, sheets: CaseSheets) -> tuple[dict[str, Formula], int]:
    cells: dict[str, Formula] = {}
    row = _FIRST
    for row, figure in enumerate(case_figures.figures(sheets), start=_FIRST):
        _label(sheet, row, figure)
        code = sheet.put(row, 2, figure.reason, sheet.book.style("code"))
        cells[figure.name] = sheet.put(row, 1, available(code, figure.value), _look(sheet, figure))
        sheet.put(row, 3, definitions.meaning(code), sheet.book.style("note"))
        sheet.book.called(f"figure_{figure.name}", cells[figure.name].text)
    return cells, row + 1


def _label(sheet: Sheet, row: int, figure: FigureFormula) -> None:
    sheet.words(row, 0, figure.words, "strong" if figure.is_strong else "text")


def _look(sheet: Sheet, figure: FigureFormula) -> object:
    return sheet.book.style(figure.style, figure.number)


def _years(sheet: Sheet, sheets: CaseSheets, row: int) -> int:
    """Write the figures at the end of 12, 24, 36 and 60 months and of the horizon."""
    sheet.heads(row, ("At the end of month", *("" for _ in range(5))))
    ends = [
        sheet.number(row, column, months, sheet.book.style("head_right", "0"))
        for column, months in enumerate(MULTI_YEAR, start=1)
    ]
    ends.append(
        sheet.put(row, len(MULTI_YEAR) + 1, sheets.inputs.horizon, sheet.book.style("head_right", "0"))
    )
    for column, months in enumerate(ends, start=1):
        for below, figure in enumerate(case_figures.view(sheets, months), start=1):
            _label(sheet, row + below, figure)
            sheet.put(row + below, column, inline(figure.reason, figure.value), _look(sheet, figure))
    row += 1 + len(case_figures.view(sheets, ends[0]))
    share = case_figures.one_time_share(sheets)
    sheet.words(row, 0, share.label)
    sheet.put(row, 1, inline(share.reason, share.value), _look(sheet, share))
    is_large = share.reason.value == "" and share.value.value >= SIGNIFICANT_SHARE
    words = "One-time cost weighs on the first year: look at several."
    told = Formula(
        f'IF(ISNUMBER(B{row + 1}),IF(B{row + 1}>={SIGNIFICANT_SHARE},"{words}",""),"")',
        value=words if is_large else "",
    )
    sheet.put(row, 2, told, sheet.book.style("note"))
    return row + 1


def _checks(sheet: Sheet, asked: InputSheet, sheets: CaseSheets, row: int) -> int:
    sheet.heads(row, ("Checks", "", "", "", "", ""))
    checks = (
        ("Every input within its bounds", equals(asked.refused, 0)),
        ("Every line within 100 billion a month", sheets.workings.is_in_range > 0),
        ("Lines add up to the totals", absolute(sheets.plan.line_total - _net(sheets)) <= _CENT),
        ("The spreadsheet's own NPV() agrees", _own_npv(sheets)),
        ("The spreadsheet's own IRR() agrees, where there is one", _own_irr(sheets)),
    )
    for below, (label, holds) in enumerate(checks, start=1):
        sheet.words(row + below, 0, label)
        told = choose(holds, text("ok"), text("check"))
        sheet.put(row + below, 1, told, sheet.book.style("number"))
    alert = sheet.book.book.add_format({"bold": True, "font_color": "#B91C1C"})
    sheet.page.conditional_format(
        row + 1,
        1,
        row + len(checks),
        1,
        {"type": "cell", "criteria": "==", "value": '"check"', "format": alert},
    )
    return row + len(checks) + 1


def _net(sheets: CaseSheets) -> Formula:
    return at(sheets.plan.totals.cumulative_net.cells, sheets.inputs.horizon)


def _own_npv(sheets: CaseSheets) -> Formula:
    """Tell whether NPV(), which discounts its first value too, comes to the same."""
    flows, worth = sheets.workings.flows.flow, at(sheets.plan.worth.at_discount.cells, sheets.inputs.horizon)
    rate = (1 + sheets.inputs.discount_rate) ** (formula(1) / 12) - 1
    own = Formula(f"NPV({rate.text},{flows.text})", value=worth.value / (1 + rate.value))
    return absolute(own * (1 + rate) - worth) <= _CENT


def _own_irr(sheets: CaseSheets) -> Formula:
    root, flows = sheets.rate.root, sheets.workings.flows.flow
    monthly = Formula(f"EXP({root.text})-1", 1, value=0.0)
    own = f"ABS(IRR({flows.text},{monthly.text})-({monthly.text}))<0.000001"
    return Formula(f'IF({sheets.rate.reason.text}<>"",TRUE,IFERROR({own},FALSE))', value=True)


def _report(sheet: Sheet, asked: InputSheet, report: dict[str, Figure], row: int) -> None:
    """Write what the template reports of its own: values of the export, withdrawn once an input is changed."""
    if not report:
        return
    sheet.heads(row, ("More of this template, as exported", "Value", "Reason", "", "", ""), right_from=1)
    look = sheet.book.style("number", CENTS)
    is_same = equals(asked.changed, 0)
    for below, (name, figure) in enumerate(report.items(), start=1):
        sheet.words(row + below, 0, name.replace("_", " ").capitalize())
        value = text("n/a") if figure.value is None else formula(figure.value)
        sheet.put(row + below, 1, choose(is_same, value, text("n/a")), look)
        why = figure.reason.value if figure.reason else ""
        told = where(is_same, text(why), text("inputs differ from the export"))
        sheet.put(row + below, 2, told, sheet.book.style("code"))
