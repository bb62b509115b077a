"""The lines that the sandboxed child writes and its parent reads: a parsed file, or why it is refused."""

import json
from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from portfolio.importers.base import CellError, FileRefused, Mapping, ParsedFile, ParsedRow
from portfolio.terms import Book, EntryKind


def encoded(parsed: ParsedFile) -> Iterator[str]:
    """Yield one line for the file, then one for each row and each error."""
    yield _line(
        {
            "rows": len(parsed.rows),
            "errors": len(parsed.errors),
            "warnings": parsed.warnings,
            "columns": parsed.columns,
            "layout": parsed.layout,
            "mapping": parsed.mapping.as_dict(),
            "rows_read": parsed.rows_read,
            "rejected": parsed.rejected,
            "errors_left_off": parsed.errors_left_off,
            "sheet": parsed.sheet,
        }
    )
    for row in parsed.rows:
        yield _line(_row_values(row))
    for error in parsed.errors:
        yield _line([error.row, error.column, error.value, error.message, error.code])


def encoded_refusal(refusal: FileRefused) -> str:
    """Return the one line that says why a file is refused."""
    return _line({"refused": refusal.message, "code": refusal.code})


def decoded(lines: Iterable[str]) -> ParsedFile:
    """Return the file that `encoded` wrote; raises FileRefused where it was refused or a line is broken."""
    try:
        iterator = iter(lines)
        head = json.loads(next(iterator))
        if "refused" in head:
            raise FileRefused(str(head["refused"]), code=str(head["code"]))
        rows = tuple(_row(json.loads(next(iterator))) for _ in range(head["rows"]))
        errors = tuple(_error(json.loads(next(iterator))) for _ in range(head["errors"]))
        return ParsedFile(
            rows=rows,
            errors=errors,
            warnings=tuple(head["warnings"]),
            columns=tuple(head["columns"]),
            layout=head["layout"],
            mapping=Mapping.from_dict(head["mapping"]),
            rows_read=head["rows_read"],
            rejected=head["rejected"],
            errors_left_off=head["errors_left_off"],
            sheet=head["sheet"],
        )
    except (StopIteration, RuntimeError, ValueError, TypeError, KeyError, InvalidOperation):
        raise FileRefused("The file could not be read completely.", code="reader_failed") from None


def _line(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def _row_values(row: ParsedRow) -> list[Any]:
    return [
        row.row,
        row.column,
        row.investment,
        row.month.isoformat(),
        row.account,
        None if row.amount is None else str(row.amount),
        row.currency,
        None if row.quantity is None else str(row.quantity),
        row.book,
        row.source_ref,
        row.note,
        row.kind,
    ]


def _row(values: list[Any]) -> ParsedRow:
    row, column, investment, month, account, amount, currency, quantity, book, source_ref, note, kind = values
    return ParsedRow(
        row=row,
        column=column,
        investment=investment,
        month=date.fromisoformat(month),
        account=account,
        amount=None if amount is None else Decimal(amount),
        currency=currency,
        quantity=None if quantity is None else Decimal(quantity),
        book=Book(book),
        source_ref=source_ref,
        note=note,
        kind=EntryKind(kind),
    )


def _error(values: list[Any]) -> CellError:
    row, column, value, message, code = values
    return CellError(row=row, column=column, value=value, message=message, code=code)
