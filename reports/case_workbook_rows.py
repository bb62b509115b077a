"""Rows of the plan's sheet: one cell for each of 120 months, and what they come to by the horizon."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from xlsxwriter.utility import xl_col_to_name

from reports.case_workbook_book import MONEY, Sheet
from reports.case_workbook_cells import Cells, at, total_until
from reports.case_workbook_inputs import Inputs
from roi.usecases.base import LONGEST_CASE, CaseError
from roi.usecases.values import Formula, Month

FIRST_MONTH = 3  # the column of month 1
TOTAL = FIRST_MONTH - 1
MONTH_ROW = 4
FIRST = 5
_LAST = FIRST_MONTH + LONGEST_CASE - 1

Each = Callable[[int], Formula]


class PlanMonth(Month):
    """The cell above a month's column; its steps become rows below it, in the order they are first used."""

    __slots__ = ("column", "steps")

    def __init__(self, number: int) -> None:
        self.column = xl_col_to_name(FIRST_MONTH + number - 1)
        self.steps: dict[str, Formula] = {}
        super().__init__(f"{self.column}${MONTH_ROW + 1}", value=float(number))

    def step(self, label: str, value: Formula) -> Formula:
        """Return the cell of this month in the step's row. One label means one formula."""
        known = self.steps.setdefault(label, value)
        if known.text != value.text:
            raise CaseError(f"Two steps of the plan are called {label}; each needs a name of its own.")
        row = FIRST + 1 + list(self.steps).index(label)
        return Formula(f"{self.column}{row + 1}", value=value.value)


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """A row of the sheet: its cells for formulas of any sheet, and each month's for formulas of the same column."""

    number: int
    cells: Cells

    def of(self, month: int) -> Formula:
        """Return the cell of a month from 1."""
        letter = xl_col_to_name(FIRST_MONTH + month - 1)
        return Formula(f"{letter}{self.number + 1}", value=float(self.cells.values[month - 1]))


@dataclass(slots=True)
class Writer:
    """Writes rows downward. `called` gives a range its name, or returns the address where it has none."""

    sheet: Sheet
    inputs: Inputs
    months: Cells
    called: Callable[[str, str], str]
    row: int = FIRST

    def section(self, label: str) -> None:
        """Write a heading."""
        self.sheet.section(self.row, label, columns=_LAST + 1)
        self.row += 1

    def write(self, label: str, each: Each, *, account: str = "", **looks: str) -> Row:
        """Write one row, `each` giving the formula of a month; `looks` are number, style, total and name."""
        return self.running(label, lambda month, _: each(month), account=account, **looks)

    def running(
        self,
        label: str,
        each: Callable[[int, Formula | None], Formula],
        *,
        account: str = "",
        **looks: str,
    ) -> Row:
        """Write a row whose formulas also know the cell to their left; there is none in month 1."""
        style = looks.get("style", "number")
        look = self.sheet.book.style(style, looks.get("number", MONEY))
        self.sheet.words(self.row, 0, label, "total_label" if style == "total" else "text")
        self.sheet.words(self.row, 1, account, "total_label" if style == "total" else "code")
        values: list[float] = []
        left: Formula | None = None
        for month in range(1, LONGEST_CASE + 1):
            column = FIRST_MONTH + month - 1
            values.append(float(self.sheet.put(self.row, column, each(month, left), look).value))
            left = Formula(f"{xl_col_to_name(column)}{self.row + 1}", value=values[-1])
        return self._summed(values, look, looks)

    def _summed(self, values: list[float], look: object, looks: dict[str, str]) -> Row:
        name, summed = looks.get("name", ""), looks.get("total", "sum")
        address = self.sheet.range((self.row, FIRST_MONTH), (self.row, _LAST))
        cells = Cells(self.called(f"plan_{name}", address) if name else address, np.array(values))
        if summed == "last":
            self.sheet.put(self.row, TOTAL, at(cells, self.inputs.horizon), look)
        elif summed == "sum":
            self.sheet.put(self.row, TOTAL, total_until(cells, self.months, self.inputs.horizon), look)
        self.row += 1
        return Row(self.row - 1, cells)
