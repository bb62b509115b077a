"""From rows of cells to stated values: one road for every file format, in the long and the wide layout."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from portfolio.importers.base import (
    Cell,
    CellError,
    FileRefused,
    Limits,
    Mapping,
    ParsedFile,
    ParsedRow,
    shown,
)
from portfolio.importers.headings import read_headings
from portfolio.importers.notation import is_blank
from portfolio.importers.statement import Statement

Numbered = tuple[int, Sequence[Cell]]


@dataclass(slots=True)
class _Tally:
    """What has been read so far."""

    limits: Limits
    rows: list[ParsedRow] = field(default_factory=list)
    errors: list[CellError] = field(default_factory=list)
    first_row_of: dict[tuple[object, ...], int] = field(default_factory=dict)
    rows_read: int = 0
    rejected: int = 0
    errors_left_off: int = 0

    def reject(self, errors: Iterable[CellError], *, values: int) -> None:
        self.rejected += values
        for error in errors:
            if len(self.errors) < self.limits.errors:
                self.errors.append(error)
            else:
                self.errors_left_off += 1

    def accept(self, row: ParsedRow) -> None:
        """Take a value, unless the file states the same one already: nobody knows which is meant."""
        key = (row.investment, row.book, row.month, row.account, row.currency, row.source_ref)
        earlier = self.first_row_of.get(key)
        if earlier is None:
            self.first_row_of[key] = row.row
            self.rows.append(row)
            return
        message = (
            f"Row {earlier} states the same investment, book, month, account, currency and reference already."
        )
        stated = row.amount if row.amount is not None else row.quantity
        error = CellError(
            row=row.row, column=row.column, value=shown(stated), message=message, code="duplicate_value"
        )
        self.reject([error], values=1)


def read_table(
    rows: Iterable[Numbered], *, mapping: Mapping | None, limits: Limits, sheet: str = ""
) -> ParsedFile:
    """Return what numbered rows of cells state; the first row that is not blank is the header."""
    numbered = _within_limits(rows, limits)
    header = next(numbered, None)
    if header is None:
        raise FileRefused("The file is empty: it has no header row.", code="empty")
    headings = read_headings(_trimmed(header[1]), row=header[0], mapping=mapping)
    tally = _Tally(limits)
    if headings.errors:
        tally.reject(headings.errors, values=0)
    else:
        for row, cells in numbered:
            _read_row(Statement(headings, row=row, cells=cells), tally)
    return ParsedFile(
        rows=tuple(tally.rows),
        errors=tuple(tally.errors),
        warnings=headings.warnings,
        columns=headings.names,
        layout=headings.layout,
        mapping=headings.mapping,
        rows_read=tally.rows_read,
        rejected=tally.rejected,
        errors_left_off=tally.errors_left_off,
        sheet=sheet,
    )


def _within_limits(rows: Iterable[Numbered], limits: Limits) -> Iterator[Numbered]:
    """Pass rows that state anything; refuse the file at its row and column limits."""
    for row, cells in rows:
        if row > limits.rows + 1:
            raise FileRefused(
                f"The file has more than {limits.rows:,} rows; split it by period.", code="too_many_rows"
            )
        if len(cells) > limits.columns:
            raise FileRefused(
                f"Row {row} has {len(cells):,} columns; at most {limits.columns:,} are read.",
                code="too_many_columns",
            )
        if not all(is_blank(cell) for cell in cells):
            yield row, cells


def _trimmed(header: Sequence[Cell]) -> Sequence[Cell]:
    """Drop the blank cells that spreadsheets leave to the right of a header."""
    end = len(header)
    while end and is_blank(header[end - 1]):
        end -= 1
    return header[:end]


def _read_row(statement: Statement, tally: _Tally) -> None:
    """Read the one value of a long row, or the value of each filled month cell of a wide row."""
    values = statement.wide_values() if statement.headings.layout == "wide" else [statement.long_value()]
    tally.rows_read += len(values)
    tally.reject(statement.shared_errors if values else (), values=0)
    for value in values:
        if isinstance(value, ParsedRow):
            tally.accept(value)
        else:
            tally.reject(value, values=1)
