"""The sheet of inputs: every driver with unit, bounds, source and help; the cells a reader may change."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from math import inf
from typing import Any

from reports.case_workbook_book import CENTS, Book, Sheet
from roi.usecases.base import LONGEST_CASE, Case, HiddenCosts
from roi.usecases.drivers import Driver, Group, Unit, drivers_of
from roi.usecases.values import Formula

HORIZON, DISCOUNT, HURDLE = "horizon", "discount_rate", "hurdle_rate"
VALUE, EXPORTED, CHECK = 1, 2, 3
_HEADS = ("Input", "Value", "As exported", "Check", "Unit", "From", "To", "Source", "What it means")
_WIDTHS = (34, 16, 16, 8, 24, 12, 12, 36, 96)
_FIRST = 12
_WHOLE = "#,##0"
_SETTINGS = (
    Driver(HORIZON, "Horizon", Unit.MONTHS, Group.NAME, 0, 1, LONGEST_CASE, True, "",
           "How many months the case looks at. The plan has all 120, so that it may be changed here."),
    Driver(DISCOUNT, "Discount rate", Unit.FRACTION_PER_YEAR, Group.NAME, 0, -0.99, 10, False, "",
           "What capital costs, per year and effective: NPV, discounted payback, MIRR."),
    Driver(HURDLE, "Hurdle rate", Unit.FRACTION_PER_YEAR, Group.NAME, 0, -0.99, 10, False, "",
           "The return that is asked for, per year and effective: NPV at the hurdle."),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Inputs:
    """The cells a case is computed from: a case whose drivers are references, and its three settings."""

    case: Case
    horizon: Formula
    discount_rate: Formula
    hurdle_rate: Formula


@dataclass(frozen=True, slots=True)
class InputSheet:
    """The sheet, the cells on it, how many were changed since the export, and how many are out of bounds."""

    sheet: Sheet
    inputs: Inputs
    changed: Formula
    refused: Formula


@dataclass(frozen=True, slots=True)
class Question:
    """One input of a case and its value; `heading` is the section it stands in."""

    heading: str
    driver: Driver
    value: Any


def questions(case: Case) -> list[Question]:
    """Return what a case is asked, in the order of the page: settings, drivers by group, hidden costs."""
    values = (float(case.months), case.discount_rate, case.hurdle_rate)
    asked = [Question("Settings", one, value) for one, value in zip(_SETTINGS, values, strict=True)]
    asked += [
        Question(one.group.value.capitalize(), one, getattr(case.drivers, one.name))
        for one in drivers_of(case.template.drivers)  # type: ignore[arg-type]  # a class hashes
        if one.name != "horizon_months"  # the horizon is asked once
    ]
    left_out = "Costs that are often left out"
    return asked + [
        Question(left_out, one, getattr(case.hidden_costs, one.name)) for one in drivers_of(HiddenCosts)
    ]


def referring(case: Case, cells: Mapping[str, Formula]) -> Inputs:
    """Return the inputs of a case whose values are the given cells, by name."""
    own = {f.name: cells[f.name] for f in fields(case.drivers) if f.name in cells}
    if hasattr(case.drivers, "horizon_months"):
        own["horizon_months"] = cells[HORIZON]
    hidden = {f.name: cells[f.name] for f in fields(HiddenCosts)}
    pointing = replace(
        case,
        drivers=replace(case.drivers, **own),
        hidden_costs=replace(case.hidden_costs, **hidden),
    )
    return Inputs(pointing, cells[HORIZON], cells[DISCOUNT], cells[HURDLE])


def write(book: Book, case: Case, *, title: str, note: str) -> InputSheet:
    """Write the sheet; its value cells are unlocked, checked on entry, and named like the drivers."""
    sheet = book.sheet("Inputs")
    sheet.words(0, 0, title, "title")
    sheet.words(1, 0, note, "note")
    sheet.words(2, 0, "Change the yellow cells: every figure on every sheet follows.", "note")
    sheet.heads(_FIRST - 1, _HEADS)
    for column in (VALUE, EXPORTED, 5, 6):
        sheet.words(_FIRST - 1, column, _HEADS[column], "head_right")
    cells, last = _rows(sheet, case)
    for column, width in enumerate(_WIDTHS):
        sheet.page.set_column(column, column, width)
    sheet.page.freeze_panes(_FIRST, 1)
    sheet.page.repeat_rows(_FIRST - 1)
    start = (_FIRST, VALUE)
    _mark_changes(sheet, last)
    sheet.protect()
    checks = sheet.range((_FIRST, CHECK), (last, CHECK))
    exported = sheet.range((_FIRST, EXPORTED), (last, EXPORTED))
    changed = Formula(f"SUMPRODUCT(--({sheet.range(start, (last, VALUE))}<>{exported}))", value=0.0)
    refused = Formula(f'COUNTIF({checks},"check")', value=0.0)
    return InputSheet(sheet, referring(case, cells), changed, refused)


def form(one: Driver) -> str:
    """Return the number format of a driver."""
    if one.is_text:
        return "@"
    if one.unit in (Unit.FRACTION, Unit.FRACTION_PER_MONTH, Unit.FRACTION_PER_YEAR):
        return "0.00##%"
    return _WHOLE if one.is_whole or one.unit is Unit.TOKENS else CENTS


def unit(one: Driver, currency: str) -> str:
    """Return what a driver is counted in, with the case's currency; shares are shown in percent."""
    return one.unit.value.replace("currency", currency).replace("fraction", "percent")


def restrict(sheet: Sheet, row: int, column: int, *, one: Driver) -> None:
    """Let a cell refuse what the driver's bounds refuse, in a sentence."""
    limits = f"between {one.low:g} and {one.high:g}" if one.high != inf else f"at or above {one.low:g}"
    kind = "a whole number" if one.is_whole else "a number"
    rule: dict[str, Any] = {
        "validate": "integer" if one.is_whole else "decimal",
        "error_title": one.label[:32],
        "error_message": f"{one.label} is {kind} {limits}."[:255],
    }
    if one.high == inf:
        rule |= {"criteria": ">=", "value": one.low}
    else:
        rule |= {"criteria": "between", "minimum": one.low, "maximum": one.high}
    sheet.page.data_validation(row, column, row, column, rule)


def _rows(sheet: Sheet, case: Case) -> tuple[dict[str, Formula], int]:
    cells: dict[str, Formula] = {}
    row = _FIRST
    for heading, asked in _by_heading(questions(case)):
        sheet.section(row, heading, columns=len(_HEADS))
        for below, question in enumerate(asked, start=1):
            cells[question.driver.name] = _row(sheet, row + below, question, case.currency)
        row += 1 + len(asked)
    return cells, row - 1


def _by_heading(asked: Sequence[Question]) -> Iterator[tuple[str, list[Question]]]:
    for heading in dict.fromkeys(one.heading for one in asked):
        yield heading, [one for one in asked if one.heading == heading]


def _row(sheet: Sheet, row: int, question: Question, currency: str) -> Formula:
    one, style = question.driver, sheet.book.style
    sheet.words(row, 0, one.label)
    for column, look in ((VALUE, "input"), (EXPORTED, "number")):
        if one.is_text:
            sheet.words(row, column, str(question.value), look)
        else:
            sheet.number(row, column, float(question.value), style(look, form(one)))
    sheet.words(row, 4, unit(one, currency), "faint")
    if not one.is_text:
        sheet.number(row, 5, one.low, style("number", form(one)))
        if one.high != inf:
            sheet.number(row, 6, one.high, style("number", form(one)))
    sheet.words(row, 7, one.source, "faint")
    sheet.words(row, 8, one.help)
    address = sheet.address(row, VALUE)
    value = str(question.value) if one.is_text else float(question.value)
    if not one.is_text:
        restrict(sheet, row, VALUE, one=one)
        _check(sheet, row, one)
    return Formula(sheet.book.called(one.name, address), value=value)


def _check(sheet: Sheet, row: int, one: Driver) -> None:
    """Mark a value out of bounds: entry refuses it, but pasting does not ask."""
    cell = f"$B{row + 1}"
    parts = [f"ISNUMBER({cell})", f"N({cell})>=$F{row + 1}"]
    parts += [f"N({cell})<=$G{row + 1}"] if one.high != inf else []
    parts += [f"N({cell})=INT(N({cell}))"] if one.is_whole else []
    checked = Formula(f'IF(AND({",".join(parts)}),"","check")', value="")
    sheet.put(row, CHECK, checked, sheet.book.style("alert"))


def _mark_changes(sheet: Sheet, last: int) -> None:
    changed = sheet.book.book.add_format({"bold": True, "bg_color": "#FED7AA"})
    sheet.page.conditional_format(
        _FIRST, VALUE, last, VALUE,
        {"type": "formula", "criteria": f"=$B{_FIRST + 1}<>$C{_FIRST + 1}", "format": changed},
    )  # fmt: skip
