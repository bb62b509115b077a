"""The file itself: sheets that hand back references to what is written on them, styles, and names for cells."""

import re
from collections.abc import Sequence
from datetime import datetime
from io import BytesIO
from typing import Any

import numpy as np
import xlsxwriter
from xlsxwriter.utility import xl_col_to_name

from portfolio.importers.cells import safe_cell
from reports.case_workbook_cells import Cells
from roi.usecases.values import Formula

MONEY = "#,##0;(#,##0)"
CENTS = "#,##0.00##;(#,##0.00##)"
PERCENT = "0.0#%;(0.0#%)"
_INK, _ACCENT, _INPUT, _LINE, _PALE = "#1F2937", "#1F4E79", "#FFF8DC", "#9CA3AF", "#EEF2F7"
_STYLES: dict[str, dict[str, Any]] = {
    "title": {"bold": True, "font_size": 16, "font_color": _ACCENT},
    "note": {"italic": True, "font_color": "#4B5563"},
    "head": {"bold": True, "font_color": "#FFFFFF", "bg_color": _ACCENT, "valign": "vcenter"},
    "head_right": {"bold": True, "font_color": "#FFFFFF", "bg_color": _ACCENT, "align": "right"},
    "section": {"bold": True, "font_color": _ACCENT, "bg_color": _PALE, "bottom": 1, "bottom_color": _LINE},
    "text": {},
    "strong": {"bold": True},
    "faint": {"font_color": "#6B7280", "font_size": 9},
    "wrap": {"text_wrap": True, "valign": "top"},
    "wrap_strong": {"text_wrap": True, "valign": "top", "bold": True},
    "code": {"font_name": "Consolas", "font_size": 9, "font_color": "#4B5563"},
    "input": {"bg_color": _INPUT, "font_color": "#1D4ED8", "border": 1, "border_color": _LINE, "locked": False},
    "number": {"align": "right"},
    "strong_number": {"align": "right", "bold": True},
    "total": {"align": "right", "bold": True, "top": 1, "top_color": _LINE},
    "total_label": {"bold": True, "top": 1, "top_color": _LINE},
    "alert": {"bold": True, "font_color": "#B91C1C"},
}  # fmt: skip
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,200}\Z")
_LIKE_A_CELL = re.compile(r"([A-Za-z]{1,3}[0-9]+|[RrCc]|[Rr][0-9]*[Cc][0-9]*)\Z")


class Book:
    """A workbook in memory; every text is written as text, whatever it starts with."""

    def __init__(self, *, title: str, now: datetime) -> None:
        self._file = BytesIO()
        options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
        self.book = xlsxwriter.Workbook(self._file, options)
        created = now.replace(tzinfo=None, microsecond=0)
        self.book.set_properties({"title": safe_cell(title), "author": "Hurdle", "created": created})
        self.book.set_calc_mode("auto")
        self._formats: dict[tuple[str, str], Any] = {}
        self._names: set[str] = set()
        self._sheets: dict[str, Sheet] = {}

    def style(self, name: str, number: str = "") -> Any:
        """Return the format of a style, with a number format where the cell holds a number."""
        key = (name, number)
        if key not in self._formats:
            extra = {"num_format": number} if number else {}
            self._formats[key] = self.book.add_format(
                {"font_name": "Calibri", "font_color": _INK, **_STYLES[name], **extra}
            )
        return self._formats[key]

    def sheet(self, name: str) -> "Sheet":
        """Return the sheet of this name, new if there is none: no gridlines, landscape, one page wide."""
        if name not in self._sheets:
            self._sheets[name] = Sheet(self, name)
        return self._sheets[name]

    def called(self, name: str, address: str) -> str:
        """Return what formulas call an address: the name where a spreadsheet takes it and it is free."""
        known = name.lower()
        if not _NAME.match(name) or _LIKE_A_CELL.match(name) or known in self._names:
            return address
        self._names.add(known)
        self.book.define_name(name, f"={address}")
        return name

    def content(self) -> bytes:
        """Close the workbook and return the file."""
        self.book.close()
        return self._file.getvalue()


class Sheet:
    """One sheet. Rows and columns count from 0; references are absolute and name the sheet."""

    def __init__(self, book: Book, name: str) -> None:
        self.book = book
        self.name = name
        self.page = book.book.add_worksheet(name)
        self.page.hide_gridlines(2)
        self.page.set_landscape()
        self.page.set_paper(9)
        self.page.fit_to_pages(1, 0)
        self.page.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.6)
        self.page.set_footer("&L&A&R&P / &N")

    def words(self, row: int, column: int, words: str, style: str = "text") -> None:
        """Write text. What a spreadsheet might read as a formula is marked as text."""
        self.page.write_string(row, column, safe_cell(words), self.book.style(style))

    def heads(self, row: int, labels: Sequence[str], *, right_from: int = 99) -> None:
        """Write a row of headings; from a column on they stand over numbers, flush right."""
        for column, label in enumerate(labels):
            self.words(row, column, label, "head_right" if column >= right_from else "head")

    def section(self, row: int, label: str, *, columns: int) -> None:
        """Write a section's heading over a number of columns."""
        for column in range(columns):
            self.words(row, column, label if column == 0 else "", "section")

    def number(self, row: int, column: int, value: float, style: Any) -> Formula:
        """Write a number and return the reference to it."""
        self.page.write_number(row, column, value, style)
        return Formula(self.address(row, column), value=value)

    def put(self, row: int, column: int, formula: Formula, style: Any) -> Formula:
        """Write a formula with its value and return the reference to it."""
        value = formula.value
        shown = value if not isinstance(value, float) or np.isfinite(value) else 0
        self.page.write_formula(row, column, f"={formula.text}", style, shown)
        return Formula(self.address(row, column), value=value)

    def address(self, row: int, column: int) -> str:
        """Return the absolute address of a cell."""
        return f"{self._prefix}${xl_col_to_name(column)}${row + 1}"

    def range(self, start: tuple[int, int], end: tuple[int, int]) -> str:
        """Return the absolute address of a range."""
        corner = f"${xl_col_to_name(end[1])}${end[0] + 1}"
        return f"{self.address(*start)}:{corner}"

    def column(self, row: int, column: int, values: Sequence[float]) -> Cells:
        """Return the cells of a column from a row downward."""
        return Cells(
            self.range((row, column), (row + len(values) - 1, column)), np.array(values, dtype=np.float64)
        )

    def protect(self) -> None:
        """Keep formulas from being overwritten by accident. There is no password, and columns may be resized."""
        allowed = (
            "format_cells",
            "format_columns",
            "format_rows",
            "select_locked_cells",
            "select_unlocked_cells",
        )
        self.page.protect("", dict.fromkeys(allowed, True))

    @property
    def _prefix(self) -> str:
        is_plain = re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", self.name) and not _LIKE_A_CELL.match(self.name)
        quoted = self.name.replace("'", "''")
        return f"{self.name}!" if is_plain else f"'{quoted}'!"
