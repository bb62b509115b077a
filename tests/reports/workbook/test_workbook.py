"""The file: scenarios that live beside the base case, texts that stay texts, refusals, and what a reader may change."""

from io import BytesIO
from typing import Any
from zipfile import ZipFile

import openpyxl
import pytest

from reports import case_workbook
from roi.usecases import TEMPLATES
from roi.usecases.base import CaseError, Line, Template, read_case
from roi.usecases.figures import figures_of
from roi.usecases.generic_llm import Drivers
from roi.usecases.values import Value, step
from tests.reports.workbook import cases
from tests.reports.workbook.evaluator import Spreadsheet

INJECTION = "=cmd|' /C calc'!A0"


def support(**stated: Any) -> Any:
    months = stated.pop("months", 12)
    return read_case(TEMPLATES["customer_support"], stated, months=months)


def test_scenarios_are_live_side_by_side() -> None:
    others = [("Pessimistic", support(deflection_rate=0.4)), ("Best [of/all]*?:", support(months=36))]
    content = case_workbook.render(support(), title="A case", now=cases.NOW, scenarios=others)
    sheet = Spreadsheet(content)
    labels = {str(sheet.cell("Scenarios", row, 1)).strip(): row for row in range(1, 90)}
    columns = {"Base case": 3, "Pessimistic": 4, "Best": 5}
    for column, case in zip(columns.values(), (support(), *(case for _, case in others)), strict=True):
        computed = figures_of(case)
        shown = sheet.cell("Scenarios", labels["Net benefit"], column)
        assert shown == pytest.approx(float(computed.view.net_benefit), abs=0.005)
        irr = sheet.cell("Scenarios", labels["IRR, per year"], column)
        assert irr == (
            f"n/a: {computed.irr.reason}" if computed.irr.reason else pytest.approx(computed.irr.value)
        )
    sheet.set(f"Scenarios!$D${labels['Deflection']}", 0.7)
    sheet.set("deflection_rate", 0.6)
    for column, rate in ((3, 0.6), (4, 0.7)):
        wanted = float(figures_of(support(deflection_rate=rate)).view.net_benefit)
        assert sheet.cell("Scenarios", labels["Net benefit"], column) == pytest.approx(wanted, abs=0.005)
    assert [name for name in openpyxl.load_workbook(BytesIO(content)).sheetnames if name.startswith("Plan")] == [
        "Plan", "Plan Pessimistic", "Plan Best of all",
    ]  # fmt: skip


def test_texts_stay_texts() -> None:
    drivers = {"name": INJECTION}
    case = read_case(TEMPLATES["generic_llm"], drivers)
    content = case_workbook.render(case, title=INJECTION, now=cases.NOW, scenarios=[(INJECTION, case)])
    book = openpyxl.load_workbook(BytesIO(content))
    found = [cell for page in book for row in page.iter_rows() for cell in row if "cmd|" in str(cell.value)]
    assert len(found) >= 4
    assert {cell.data_type for cell in found} == {"s"}
    assert all(cell.value.startswith("'=") for cell in found)
    with ZipFile(BytesIO(content)) as archive:
        assert "externalLink" not in " ".join(archive.namelist())


def test_only_inputs_may_be_changed() -> None:
    content = case_workbook.render(support(), title="A case", now=cases.NOW, scenarios=[("Other", support())])
    book = openpyxl.load_workbook(BytesIO(content))
    assert all(page.protection.sheet for page in book)
    for page in book:
        for row in page.iter_rows():
            assert all(cell.protection.locked or cell.data_type != "f" for cell in row)
    restricted = {str(one.sqref) for one in book["Inputs"].data_validations.dataValidation}
    free = {c.coordinate for row in book["Inputs"].iter_rows() for c in row if not c.protection.locked}
    assert free == restricted
    assert len(free) > 20


def test_the_same_case_is_the_same_file() -> None:
    one, two = (case_workbook.render(support(), title="A case", now=cases.NOW) for _ in range(2))
    assert one == two


def test_what_cannot_be_exported_is_refused_in_a_sentence() -> None:
    other = read_case(TEMPLATES["generic_llm"], {})
    with pytest.raises(CaseError, match="another template"):
        case_workbook.render(support(), title="A case", now=cases.NOW, scenarios=[("Other", other)])
    with pytest.raises(CaseError, match="at most 8 scenarios; 9"):
        case_workbook.render(support(), title="A case", now=cases.NOW, scenarios=[("A", support())] * 9)
    with pytest.raises(CaseError, match="leaves the range"):
        case_workbook.render(support(dev_cost=2e11), title="A case", now=cases.NOW)


def test_one_name_of_a_step_means_one_row() -> None:
    def plan(d: Drivers, month: Value) -> list[Line]:
        twice = step(month, "Same", month * 2) + step(month, "Same", month * 3)
        return [Line("speed", twice * d.dev_cost, "Speed")]

    template = Template("twice", "Twice", "Two steps of one name.", Drivers, plan)
    with pytest.raises(CaseError, match="called Same"):
        case_workbook.render(read_case(template, {}), title="A case", now=cases.NOW)
