"""Templates: what is written imports again once it is filled, hostile names included."""

import csv
import io
from datetime import date

import openpyxl
import pytest

from portfolio import importers
from portfolio.importers.template import (
    TemplateAccount,
    TemplateRefused,
    build_csv_template,
    build_template,
)
from portfolio.terms import Book

INVESTMENTS = ["AI-1", '=HYPERLINK("http://example.org")', "+1", "-2", "@x", "'=quoted"]
ACCOUNTS = [TemplateAccount("dev"), TemplateAccount("=users", measure="quantity")]
MONTHS = [date(2026, 1, 1), date(2026, 2, 1)]


def filled_book(data: bytes) -> bytes:
    """Return the workbook with a 7 in each figure cell, as somebody would type it."""
    book = openpyxl.load_workbook(io.BytesIO(data))
    sheet = book.worksheets[0]
    header = [str(cell.value) for cell in sheet[1]]
    for row in sheet.iter_rows(min_row=2):
        for name, cell in zip(header, row, strict=True):
            if name == "amount" or name.startswith("2026"):
                cell.value = 7
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def filled_csv(data: bytes) -> bytes:
    header, *rows = csv.reader(io.StringIO(data.decode("utf-8-sig")))
    is_figure = [name == "amount" or name.startswith("2026") for name in header]
    target = io.StringIO()
    csv.writer(target).writerows(
        [header, *([7 if is_figure[at] else cell for at, cell in enumerate(row)] for row in rows)]
    )
    return target.getvalue().encode()


@pytest.mark.parametrize("layout", ["long", "wide"])
@pytest.mark.parametrize("form", ["xlsx", "csv"])
def test_a_filled_template_imports(layout: str, form: str) -> None:
    if form == "xlsx":
        data = filled_book(build_template(INVESTMENTS, ACCOUNTS, MONTHS, layout=layout, book=Book.PLAN))
    else:
        data = filled_csv(build_csv_template(INVESTMENTS, ACCOUNTS, MONTHS, layout=layout, book=Book.PLAN))
    parsed = importers.parse(data)
    assert parsed.errors == ()
    assert parsed.layout == layout
    assert {(row.investment, row.account, row.month) for row in parsed.rows} == {
        (investment, account.code, month)
        for investment in INVESTMENTS
        for account in ACCOUNTS
        for month in MONTHS
    }
    assert {row.book for row in parsed.rows} == {Book.PLAN}
    if layout == "wide":
        assert {row.account for row in parsed.rows if row.quantity == 7} == {"=users"}


def test_an_empty_template_states_nothing_in_the_wide_layout() -> None:
    parsed = importers.parse(build_template(INVESTMENTS, ACCOUNTS, MONTHS, layout="wide"))
    assert (parsed.rows_read, parsed.errors, parsed.warnings) == (0, (), ())


def test_an_empty_long_template_asks_for_a_figure_in_each_row() -> None:
    parsed = importers.parse(build_csv_template(INVESTMENTS[:1], ACCOUNTS[:1], MONTHS))
    assert [error.code for error in parsed.errors] == ["missing_value", "missing_value"]


def test_the_workbook_holds_text_drop_downs_and_a_frozen_header() -> None:
    data = build_template(INVESTMENTS, ACCOUNTS, MONTHS)
    book = openpyxl.load_workbook(io.BytesIO(data))
    sheet = book.worksheets[0]
    assert book.sheetnames == ["Actual", "Instructions", "Lists"]
    assert book["Lists"].sheet_state == "hidden"
    assert sheet.freeze_panes == "D2"
    assert sheet["A2"].number_format == "@"
    assert {each.formula1 for each in sheet.data_validations.dataValidation} == {
        "Lists!$A$1:$A$6",
        "Lists!$B$1:$B$2",
    }


def test_long_lists_get_no_drop_down() -> None:
    data = build_template([f"AI-{each}" for each in range(251)], ACCOUNTS, MONTHS, layout="wide")
    sheet = openpyxl.load_workbook(io.BytesIO(data)).worksheets[0]
    assert [each.formula1 for each in sheet.data_validations.dataValidation] == ["Lists!$B$1:$B$2"]


def test_every_csv_text_is_guarded() -> None:
    text = build_csv_template(INVESTMENTS, ACCOUNTS, MONTHS, layout="wide").decode("utf-8-sig")
    for row in csv.reader(io.StringIO(text)):
        assert not any(cell.startswith(("=", "+", "-", "@")) for cell in row)


@pytest.mark.parametrize(
    ("investments", "months", "layout"),
    [([], MONTHS, "long"), (["A"], [], "long"), (["A"], MONTHS, "round")]
    + [(["A"] * 60_000, MONTHS, "long"), (["A"], MONTHS * 300, "wide")],
)
def test_a_template_nobody_could_import_is_refused(
    investments: list[str], months: list[date], layout: str
) -> None:
    with pytest.raises(TemplateRefused):
        build_template(investments, ACCOUNTS, months, layout=layout)
