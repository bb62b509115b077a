"""The cells of a pack's workbook: their styles, and how one typed value is written. No report is known here."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from portfolio.importers.cells import safe_cell
from portfolio.terms import parse_month
from reports.pack_numbers import NOT_AVAILABLE

_MONEY, _PERCENT, _NUMBER = '#,##0;[Red](#,##0);"–"', '#,##0.0%;[Red](#,##0.0%);"–"', "#,##0.0"
_INK, _PALE, _LINE = "#1F2937", "#EEF2F7", "#9CA3AF"
# Two lines of a heading in whole pixels; programs that do not fit rows themselves would print them over the first row.
HEAD_HEIGHT = 27.75
_STYLES: dict[str, dict[str, Any]] = {
    "title": {"bold": True, "font_size": 16, "font_color": _INK},
    "note": {"font_color": "#4B5563"},
    "head": {
        "bold": True,
        "bg_color": _PALE,
        "bottom": 1,
        "bottom_color": _LINE,
        "text_wrap": True,
        "valign": "top",
        "align": "left",
        "indent": 1,
    },
    "head_right": {
        "bold": True,
        "bg_color": _PALE,
        "bottom": 1,
        "bottom_color": _LINE,
        "text_wrap": True,
        "valign": "top",
        "align": "right",
    },
    # A text beside a number that stands right keeps its distance; without a side, nobody indents.
    "text": {"align": "left", "indent": 1},
    "wrap": {"text_wrap": True, "valign": "top", "align": "left", "indent": 1},
    "money": {"num_format": _MONEY},
    "percent": {"num_format": _PERCENT},
    "number": {"num_format": _NUMBER},
    "count": {"num_format": '#,##0;(#,##0);"–"'},
    "month": {"num_format": "mmm yyyy", "align": "right"},
    "day": {"num_format": "yyyy-mm-dd", "align": "right"},
    "missing": {"align": "right", "font_color": "#6B7280"},
    "total": {
        "bold": True,
        "num_format": _MONEY,
        "top": 1,
        "bottom": 1,
        "top_color": _LINE,
        "bottom_color": _LINE,
    },
    "total_percent": {
        "bold": True,
        "num_format": _PERCENT,
        "top": 1,
        "bottom": 1,
        "top_color": _LINE,
        "bottom_color": _LINE,
        "align": "right",
    },
    "total_text": {
        "bold": True,
        "top": 1,
        "bottom": 1,
        "top_color": _LINE,
        "bottom_color": _LINE,
        "align": "left",
        "indent": 1,
    },
}


def styles_of(book: Any) -> dict[str, Any]:
    """Return the formats of a workbook by name."""
    return {
        name: book.add_format({"font_name": "Calibri", "font_size": 10} | s) for name, s in _STYLES.items()
    }


def write(page: Any, row: int, column: int, value: Any, kind: str, styles: Mapping[str, Any]) -> None:
    """Write one typed cell; what is missing says so, and is text that no total counts."""
    if value is None:
        page.write_string(row, column, NOT_AVAILABLE, styles["missing"])
    elif kind == "month":
        page.write_datetime(
            row, column, datetime.combine(parse_month(value), datetime.min.time()), styles["month"]
        )
    elif kind == "day":
        day = datetime.combine(date.fromisoformat(value), datetime.min.time())
        page.write_datetime(row, column, day, styles["day"])
    elif kind in ("text", "wrap"):
        page.write_string(row, column, plain(value), styles[kind])
    else:
        page.write_number(row, column, float(value), styles[kind])


def set_paper(page: Any, *, pages_wide: int = 1) -> None:
    """Set a sheet to print on A4, its columns on so many pages beside each other."""
    page.set_landscape()
    page.set_paper(9)
    page.fit_to_pages(pages_wide, 0)


def plain(value: object) -> str:
    """Return text that no spreadsheet takes for a formula."""
    return str(safe_cell(str(value)))


def write_list(
    book: Any,
    styles: Mapping[str, Any],
    name: str,
    columns: Sequence[tuple[str, str, int]],
    rows: Sequence[Sequence[Any]],
) -> None:
    """Write a sheet of rows under a frozen, filtered heading."""
    page = book.add_worksheet(name)
    page.hide_gridlines(2)
    for column, (heading, kind, width) in enumerate(columns):
        page.set_column(column, column, width)
        page.write_string(0, column, heading, styles["head" if kind in ("text", "wrap") else "head_right"])
    for at, row in enumerate(rows, start=1):
        for column, value in enumerate(row):
            write(page, at, column, value, columns[column][1], styles)
    page.set_row(0, HEAD_HEIGHT)
    set_paper(page)
    page.repeat_rows(0)
    page.autofilter(0, 0, max(1, len(rows)), len(columns) - 1)
    page.freeze_panes(1, 1)
