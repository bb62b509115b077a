"""Two other spreadsheets agree: `formulas` on every shape of formula, LibreOffice on whole workbooks."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pytest

from reports import case_workbook
from reports.case_workbook_inputs import questions
from roi.usecases.figures import figures_of
from tests.reports.workbook import cases
from tests.reports.workbook.evaluator import Spreadsheet
from tests.reports.workbook.test_recalculation import assert_agrees

OFFICE = shutil.which("soffice") or shutil.which("libreoffice")
RECALCULATE = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry">
<item oor:path="/org.openoffice.Office.Calc/Formula/Load">
<prop oor:name="OOXMLRecalcMode" oor:op="fuse"><value>0</value></prop></item>
</oor:items>
"""
_CELL = re.compile(r"(\$?)([A-Z]{1,3})(\$?)(\d+)\b(?!\()")


def shapes(sheet: Spreadsheet) -> Iterator[tuple[tuple[str, int, int], str]]:
    """Return one cell of every shape of formula: the same text relative to where it stands."""
    seen: set[str] = set()
    for (page, row, column), text in sheet.formulas.items():

        def relative(found: re.Match[str], row: int = row, column: int = column) -> str:
            at = openpyxl.utils.column_index_from_string(found[2])
            across = f"C{at}" if found[1] else f"C[{at - column}]"
            return across + (f"R{found[4]}" if found[3] else f"R[{int(found[4]) - row}]")

        shape = _CELL.sub(relative, text) if page == "Plan" else re.sub(r"\d+", "0", text)
        if shape not in seen:
            seen.add(shape)
            yield (page, row, column), text


def test_every_shape_of_formula_means_the_same_to_another_reader() -> None:
    from formulas import Parser

    case = cases.drawn("customer_support", seed=5)
    sheet = Spreadsheet(case_workbook.render(case, title="A case", now=cases.NOW))
    parser, compared = Parser(), 0
    for (page, row, column), text in shapes(sheet):
        compiled = parser.ast(f"={text}")[1].compile()
        told = compiled(*(_given(sheet, page, name) for name in compiled.inputs))
        value = np.asarray(told, dtype=object).ravel()[0]
        own = sheet.cell(page, row, column)
        if isinstance(own, str):
            assert str(value) == own, text
        else:
            assert float(value) == pytest.approx(own, abs=1e-9, rel=1e-9), text
        compared += 1
    assert compared > 100


def _given(sheet: Spreadsheet, page: str, name: str) -> Any:
    """Return what a reference of the other reader, in capitals, stands for."""
    names = {known.upper(): address for known, address in sheet.names.items()}
    pages = {known.upper(): known for known, _, _ in (*sheet.formulas, *sheet.stated)}
    where, _, corners = names.get(name, name).rpartition("!")
    where = pages[where.strip("'").upper()] if where else page
    start, _, end = corners.replace("$", "").partition(":")
    cells = [openpyxl.utils.cell.coordinate_from_string(one) for one in (start, end or start)]
    (left, top), (right, bottom) = cells
    index = openpyxl.utils.column_index_from_string
    found = sheet.cells(where, top, index(left), bottom, index(right))
    return np.where(found == None, 0.0, found) if found.size == 1 else found  # noqa: E711


@pytest.mark.skipif(
    OFFICE is None, reason="LibreOffice is not installed; the workbook is not opened with it."
)
def test_libreoffice_comes_to_the_same(tmp_path: Path) -> None:
    profile = tmp_path / "profile" / "user"
    profile.mkdir(parents=True)
    (profile / "registrymodifications.xcu").write_text(RECALCULATE)
    wanted = {}
    for template in ("customer_support", "conversational_agent"):
        case = cases.drawn(template, seed=11)
        book = openpyxl.load_workbook(
            BytesIO(case_workbook.render(cases.default(template), title="A case", now=cases.NOW))
        )
        for question in questions(case):
            if not question.driver.is_text:
                where, cell = book.defined_names[question.driver.name].attr_text.split("!")
                book[where][cell.replace("$", "")] = question.value
        book.save(tmp_path / f"{template}.xlsx")
        wanted[template] = case
    assert OFFICE is not None
    subprocess.run(
        [OFFICE, f"-env:UserInstallation=file://{tmp_path}/profile", "--headless", "--convert-to", "xlsx",
         "--outdir", str(tmp_path / "computed"), *(str(tmp_path / f"{name}.xlsx") for name in wanted)],
        check=True, capture_output=True, timeout=300,
    )  # fmt: skip
    for template, case in wanted.items():
        computed = Computed(tmp_path / "computed" / f"{template}.xlsx")
        assert_agrees(computed, case, figures_of(case))


class Computed(Spreadsheet):
    """A workbook that another program has computed: only read, nothing is computed here."""

    def __init__(self, path: Path) -> None:
        book = openpyxl.load_workbook(path, data_only=True)
        self.names = {name: one.attr_text for name, one in book.defined_names.items()}
        self.book, self.formulas, self.ranges = book, {}, {}

    def cell(self, sheet: str, row: int, column: int) -> Any:
        return self.book[sheet].cell(row, column).value
