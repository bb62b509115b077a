"""A workbook that is computed anew says what the engine says: every figure, every month, to the cent."""

from functools import cache
from io import BytesIO
from typing import Any

import openpyxl
import pytest

from reports import case_workbook
from reports.case_workbook_inputs import questions
from roi.engine.result import Figure
from roi.usecases import TEMPLATES
from roi.usecases.base import Case
from roi.usecases.figures import MULTI_YEAR, CaseFigures, figures_of
from tests.reports.workbook import cases
from tests.reports.workbook.evaluator import Spreadsheet

CENT = 0.005
SEEDS = (1, 2)


def exported(case: Case) -> bytes:
    return case_workbook.render(case, title="A case", now=cases.NOW)


@cache
def support_content() -> bytes:
    return exported(cases.default("customer_support"))


@cache
def _support() -> Spreadsheet:
    return Spreadsheet(support_content())


def support() -> Spreadsheet:
    """Return the exported default of customer support, read once."""
    return _support().again()


def put(sheet: Spreadsheet, case: Case) -> None:
    """Type a case's values into the inputs."""
    for question in questions(case):
        if not question.driver.is_text:
            sheet.set(question.driver.name, question.value)


def assert_agrees(sheet: Spreadsheet, case: Case, computed: CaseFigures) -> None:
    for name, figure in cases.expected(computed).items():
        if f"figure_{name}" in sheet.names:
            assert_same(sheet, name, figure)
        else:
            assert name.endswith("unit_cost")
            assert not case.template.unit_of_use
    for name, amounts in computed.monthly.items():
        planned = sheet.cells(*address(sheet, f"plan_{name}"))[0][: case.months]
        assert list(planned) == pytest.approx([amount / 1e6 for amount in amounts], abs=CENT), name
    assert_years_agree(sheet, computed)


def assert_same(sheet: Spreadsheet, name: str, figure: Figure) -> None:
    value = sheet.get(f"figure_{name}")
    where = sheet.names[f"figure_{name}"].replace("$B", "$C")
    assert (sheet.get(where) or None) == figure.reason, name
    if figure.value is None:
        assert value == "n/a"
    else:
        assert value == pytest.approx(
            figure.value, abs=CENT, rel=1e-12 if abs(figure.value) > 1e9 else 1e-9
        ), name


def assert_years_agree(sheet: Spreadsheet, computed: CaseFigures) -> None:
    labels = {sheet.cell("Figures", row, 1): row for row in range(1, 60)}
    top = labels["At the end of month"]
    for view in computed.multi_year:
        column = 2 + MULTI_YEAR.index(view.months) if view.months in MULTI_YEAR else 6
        assert sheet.cell("Figures", top, column) == view.months
        for below, figure in enumerate(list(cases.of_view(view).values())[:4], start=1):
            shown = sheet.cell("Figures", top + below, column)
            wanted = (
                f"n/a: {figure.reason}" if figure.value is None else pytest.approx(figure.value, abs=CENT)
            )
            assert shown == wanted, (view.months, below)


def address(sheet: Spreadsheet, name: str) -> tuple[str, int, int, int, int]:
    page, corners = sheet.names[name].split("!")
    start, end = corners.split(":")
    ends = [openpyxl.utils.cell.coordinate_from_string(corner.replace("$", "")) for corner in (start, end)]
    (left, top), (right, bottom) = ends
    index = openpyxl.utils.column_index_from_string
    return page, top, index(left), bottom, index(right)


def cached(content: bytes) -> Any:
    return openpyxl.load_workbook(BytesIO(content), data_only=True)


@pytest.mark.parametrize("template", TEMPLATES)
def test_every_template_follows_its_inputs(template: str) -> None:
    sheet = Spreadsheet(exported(cases.default(template)))
    for case in (cases.default(template), *(cases.drawn(template, seed) for seed in SEEDS)):
        put(sheet, case)
        assert_agrees(sheet, case, figures_of(case))


def test_every_reason_is_given_as_the_engine_gives_it() -> None:
    sheet = support()
    seen = set()
    for name, case in cases.hard():
        computed = figures_of(case)
        put(sheet, case)
        try:
            assert_agrees(sheet, case, computed)
        except AssertionError as error:
            raise AssertionError(f"{name}: {error}") from error
        seen |= {figure.reason.value for figure in cases.expected(computed).values() if figure.reason}
    assert seen >= {
        "no_cost_yet",
        "never_pays_back",
        "not_reached",
        "irr_no_sign_change",
        "irr_multiple",
        "no_volume",
    }


def test_a_viewer_that_does_not_compute_shows_the_same() -> None:
    case = cases.drawn("customer_support", seed=7)
    content = exported(case)
    sheet, stored = Spreadsheet(content), cached(content)
    for (page, row, column), value in sheet.calculate().items():
        shown = stored[page].cell(row, column).value
        if isinstance(value, str):
            assert (shown or "") == value, (page, row, column)
        else:
            assert shown == pytest.approx(value, abs=1e-6, rel=1e-9), (page, row, column)


def test_what_an_input_changes_moves_and_is_marked() -> None:
    sheet = support()
    report = next(
        row for row in range(1, 80) if str(sheet.cell("Figures", row, 1)).startswith("More of this")
    )
    before = sheet.get("figure_npv")
    assert isinstance(sheet.cell("Figures", report + 1, 2), float)
    sheet.set("deflection_rate", 0.6)
    assert sheet.get("figure_npv") > before
    assert sheet.cell("Figures", report + 1, 2) == "n/a"
    assert sheet.cell("Figures", report + 1, 3) == "inputs differ from the export"


CHECKS = (
    ("deflection_rate", 0.5, set()),
    ("deflection_rate", 1.5, {"Every input within its bounds"}),
    ("build_months", 2.5, {"Every input within its bounds"}),
    ("dev_cost", 2e11, {"Every line within 100 billion a month"}),
)


def test_the_workbook_checks_itself() -> None:
    case = cases.default("customer_support")
    sheet = support()
    for name, value, failing in CHECKS:
        put(sheet, case)
        sheet.set(name, value)
        top = next(row for row in range(1, 80) if sheet.cell("Figures", row, 1) == "Checks")
        told = {
            sheet.cell("Figures", row, 1): sheet.cell("Figures", row, 2) for row in range(top + 1, top + 4)
        }
        assert {label for label, word in told.items() if word != "ok"} == failing, (name, value)
    sheet.set("infra_monthly", "a lot")
    assert "check" in {sheet.cell("Inputs", row, 4) for row in range(12, 60)}
