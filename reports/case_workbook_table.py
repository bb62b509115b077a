"""A table of formulas that runs downward: columns are added from left to right, each from those before it."""

from collections.abc import Callable
from dataclasses import dataclass

from xlsxwriter.utility import xl_col_to_name

from reports.case_workbook_book import Sheet
from reports.case_workbook_cells import Cells
from roi.usecases.values import Formula


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """A column of a table: its cells for other tables, and its cell in each row, counted from 0, for this one."""

    cells: Cells
    letter: str
    top: int

    def of(self, at: int) -> Formula:
        """Return the cell in a row of the table."""
        return Formula(f"{self.letter}{self.top + at + 1}", value=float(self.cells.values[at]))


@dataclass(slots=True)
class Table:
    """Where the next column goes; all columns have `count` rows below a heading."""

    sheet: Sheet
    top: int
    column: int
    count: int

    def numbers(self, head: str, each: Callable[[int], float], *, number: str) -> Column:
        """Add a column of numbers."""
        return self._add(head, lambda at, _: each(at), number)

    def add(self, head: str, each: Callable[[int], Formula], *, number: str) -> Column:
        """Add a column of formulas."""
        return self._add(head, lambda at, _: each(at), number)

    def running(self, head: str, each: Callable[[int, Formula | None], Formula], *, number: str) -> Column:
        """Add a column of formulas that also know the cell above; there is none in the first row."""
        return self._add(head, each, number)

    def _add(self, head: str, each: Callable[[int, Formula | None], Formula | float], number: str) -> Column:
        letter, look = xl_col_to_name(self.column), self.sheet.book.style("number", number)
        self.sheet.words(self.top - 1, self.column, head, "head_right")
        values: list[float] = []
        above: Formula | None = None
        for at in range(self.count):
            told = each(at, above)
            row = self.top + at
            if isinstance(told, Formula):
                self.sheet.put(row, self.column, told, look)
            else:
                self.sheet.number(row, self.column, told, look)
            values.append(float(told.value if isinstance(told, Formula) else told))
            above = Formula(f"{letter}{row + 1}", value=values[-1])
        cells = self.sheet.column(self.top, self.column, values)
        self.column += 1
        return Column(cells, letter, self.top)
