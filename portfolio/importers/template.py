"""Files to fill in: a workbook or CSV with the rows expected, which imports again once it is filled."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import xlsxwriter

from portfolio.importers.base import COLUMNS, LAYOUTS, MEASURES, Limits
from portfolio.importers.cells import safe_cell
from portfolio.terms import Book, format_month

WIDE_COLUMNS = ("investment", "account", "measure", "currency", "book", "note")
DROP_DOWN_MAX = 250
_FIGURES = frozenset({"amount", "quantity"})
_INSTRUCTIONS = (
    "Fill in the figures on the first sheet, save the file and import it; delete rows you do not need.",
    "Months are written YYYY-MM. Costs and benefits are positive; credits and refunds are negative.",
    "Write nil where there is none: that is a statement, an empty cell is not.",
    "In the long layout each row states one figure; an empty amount and quantity is rejected.",
    "In the wide layout each filled month cell states one figure; empty ones are skipped.",
    "Amounts are money; quantities count what the account measures and have no currency.",
    "An empty currency means the portfolio's currency. Figures have at most six decimals.",
    "Formulas are never calculated on import: paste values.",
)


class TemplateRefused(ValueError):
    """A template cannot be made as asked; the message is a sentence for the user."""


@dataclass(frozen=True, slots=True)
class TemplateAccount:
    """An account to be filled in, and whether its figures are amounts or quantities."""

    code: str
    measure: str = MEASURES[0]


@dataclass(frozen=True, slots=True)
class _Sheet:
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]]


def build_template(
    investments: Sequence[str],
    accounts: Sequence[TemplateAccount],
    months: Sequence[date],
    *,
    layout: str = "long",
    book: Book = Book.ACTUAL,
) -> bytes:
    """Return an .xlsx workbook with a row for each expected figure (long) or account (wide)."""
    sheet = _laid_out(investments, accounts, months, layout=layout, book=book)
    target = io.BytesIO()
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(target, options) as workbook:
        _write_figures(workbook, sheet, title=book.value.capitalize(), lists=(investments, accounts))
        instructions = workbook.add_worksheet("Instructions")
        instructions.set_column(0, 0, 110)
        for at, line in enumerate(_INSTRUCTIONS):
            instructions.write_string(at, 0, line)
        _write_lists(workbook, investments, [account.code for account in accounts])
    return target.getvalue()


def build_csv_template(
    investments: Sequence[str],
    accounts: Sequence[TemplateAccount],
    months: Sequence[date],
    *,
    layout: str = "long",
    book: Book = Book.ACTUAL,
) -> bytes:
    """Return the same template as CSV text (UTF-8 with a byte order mark, for spreadsheets' sake)."""
    sheet = _laid_out(investments, accounts, months, layout=layout, book=book)
    target = io.StringIO(newline="")
    writer = csv.writer(target)
    writer.writerow(sheet.columns)
    writer.writerows([safe_cell(text) for text in row] for row in sheet.rows)
    return target.getvalue().encode("utf-8-sig")


def _laid_out(
    investments: Sequence[str],
    accounts: Sequence[TemplateAccount],
    months: Sequence[date],
    *,
    layout: str,
    book: Book,
) -> _Sheet:
    if layout not in LAYOUTS:
        raise TemplateRefused("The layout is 'long' or 'wide'.")
    if not (investments and accounts and months):
        raise TemplateRefused("A template needs at least one investment, one account and one month.")
    limits = Limits()
    count = len(investments) * len(accounts) * (len(months) if layout == "long" else 1)
    if count > limits.rows:
        raise TemplateRefused(f"The template would have more than {limits.rows:,} rows; choose fewer months.")
    if len(WIDE_COLUMNS) + len(months) > limits.columns:
        raise TemplateRefused(
            f"The template would have more than {limits.columns:,} columns; choose fewer months."
        )
    names = [format_month(month) for month in months]
    if layout == "long":
        return _Sheet(COLUMNS, list(_long_rows(investments, accounts, names, book)))
    return _Sheet((*WIDE_COLUMNS, *names), list(_wide_rows(investments, accounts, names, book)))


def _long_rows(
    investments: Sequence[str], accounts: Sequence[TemplateAccount], months: list[str], book: Book
) -> Iterator[tuple[str, ...]]:
    for investment in investments:
        for account in accounts:
            for month in months:
                yield (investment, month, account.code, "", "", "", book.value, "", "")


def _wide_rows(
    investments: Sequence[str], accounts: Sequence[TemplateAccount], months: list[str], book: Book
) -> Iterator[tuple[str, ...]]:
    for investment in investments:
        for account in accounts:
            yield (investment, account.code, account.measure, "", book.value, "", *("" for _ in months))


def _write_figures(
    workbook: Any,
    sheet: _Sheet,
    *,
    title: str,
    lists: tuple[Sequence[str], Sequence[TemplateAccount]],
) -> None:
    """Write the sheet to fill in; its texts are guarded, for they may be edited or saved as CSV."""
    text = workbook.add_format({"num_format": "@"})
    figure = workbook.add_format({"num_format": "#,##0.00####;[Red]-#,##0.00####"})
    heading = workbook.add_format({"bold": True, "bottom": 1, "num_format": "@"})
    worksheet = workbook.add_worksheet(title)
    worksheet.freeze_panes(1, sheet.columns.index("account") + 1)
    texts = {*COLUMNS, *WIDE_COLUMNS} - _FIGURES
    is_figure = [name not in texts for name in sheet.columns]
    for at, name in enumerate(sheet.columns):
        worksheet.set_column(at, at, 16, figure if is_figure[at] else text)
        worksheet.write_string(0, at, name, heading)
    for name, values in zip(("investment", "account"), lists, strict=True):
        if len(values) <= DROP_DOWN_MAX:
            column = "A" if name == "investment" else "B"
            source = f"=Lists!${column}$1:${column}${len(values)}"
            at = sheet.columns.index(name)
            worksheet.data_validation(1, at, Limits().rows, at, {"validate": "list", "source": source})
    for row, cells in enumerate(sheet.rows, start=1):
        for at, cell in enumerate(cells):
            if cell:
                worksheet.write_string(row, at, safe_cell(cell), text)


def _write_lists(workbook: Any, investments: Sequence[str], accounts: Sequence[str]) -> None:
    lists = workbook.add_worksheet("Lists")
    lists.hide()
    for row in range(min(DROP_DOWN_MAX, max(len(investments), len(accounts)))):
        for at, values in enumerate((investments, accounts)):
            if row < len(values):
                lists.write_string(row, at, safe_cell(values[row]))
