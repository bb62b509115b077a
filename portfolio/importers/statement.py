"""One row of a file: the values it states, or the reasons why it states none."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import TypeVar

from portfolio.importers.base import MEASURES, Cell, CellError, ParsedRow, shown
from portfolio.importers.cells import plain_cell
from portfolio.importers.headings import Headings
from portfolio.importers.notation import Unreadable, is_blank, parse_month_cell, parse_number, parse_text
from portfolio.terms import Book, EntryKind

CODE_CHARS = 64
REFERENCE_CHARS = 200
NOTE_CHARS = 2_000
NIL = "nil"

_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)
_T = TypeVar("_T")
Outcome = ParsedRow | list[CellError]


@dataclass(slots=True)
class Statement:
    """Reads one row under its headings. Errors that concern every value of a wide row are kept once."""

    headings: Headings
    row: int
    cells: Sequence[Cell]
    shared_errors: list[CellError] = field(default_factory=list)

    def long_value(self) -> Outcome:
        """Return the value of a row in the long layout, or all that is wrong with it."""
        errors: list[CellError] = []
        month = self._read("month", self._month, errors)
        amount, quantity, kind = self._figures(errors)
        common = self._common(errors)
        if errors or common is None or month is None:
            return errors
        column = self._column("amount" if amount is not None or kind is EntryKind.NIL else "quantity")
        return self._parsed(common, column=column, month=month, amount=amount, quantity=quantity, kind=kind)

    def wide_values(self) -> list[Outcome]:
        """Return one outcome for each filled month cell; an empty month cell states nothing."""
        filled = [at for at in self.headings.months if not is_blank(self._cell(at))]
        if not filled:
            return []
        common = self._common(self.shared_errors)
        measure = self._read("measure", self._measure, self.shared_errors)
        if common is None or self.shared_errors or measure is None:
            return [[] for _ in filled]
        return [self._month_value(at, common, measure) for at in filled]

    def _month_value(self, at: int, common: "_Common", measure: str) -> Outcome:
        errors: list[CellError] = []
        number, kind = self._figure(at, errors)
        if errors:
            return errors
        return self._parsed(
            common,
            column=shown(self.headings.names[at]),
            month=self.headings.months[at],
            amount=number if measure == "amount" else None,
            quantity=number if measure == "quantity" else None,
            kind=kind,
        )

    def _parsed(
        self,
        common: "_Common",
        *,
        column: str,
        month: date,
        amount: Decimal | None,
        quantity: Decimal | None,
        kind: EntryKind,
    ) -> ParsedRow:
        return ParsedRow(
            row=self.row,
            column=column,
            investment=common.investment,
            month=month,
            account=common.account,
            amount=amount,
            currency=common.currency,
            quantity=quantity,
            book=common.book,
            source_ref=common.source_ref,
            note=common.note,
            kind=kind,
        )

    def _common(self, errors: list[CellError]) -> "_Common | None":
        """Read the fields that both layouts share; None when one of them is unreadable."""
        self._strays(errors)
        investment = self._read("investment", self._code, errors)
        account = self._read("account", self._account, errors)
        currency = self._read("currency", self._currency, errors)
        book = self._read("book", self._book, errors)
        source_ref = self._read("source_ref", self._reference, errors)
        note = self._read("note", self._note, errors)
        if investment is None or account is None or currency is None:
            return None
        if book is None or source_ref is None or note is None:
            return None
        return _Common(investment, account, currency, book, source_ref, note)

    def _figures(self, errors: list[CellError]) -> tuple[Decimal | None, Decimal | None, EntryKind]:
        """Read amount and quantity of a long row: one of them at least, or an explicit nil."""
        positions = {name: self.headings.fields.get(name) for name in MEASURES}
        filled = {
            name: at for name, at in positions.items() if at is not None and not is_blank(self._cell(at))
        }
        if not filled:
            self._fail(
                errors, "amount", "missing_value", "State an amount or a quantity, or write nil for none."
            )
            return None, None, EntryKind.VALUE
        read = {name: self._figure(at, errors) for name, at in filled.items()}
        kinds = {kind for _, kind in read.values()}
        if len(kinds) > 1:
            message = "The row says nil and states a figure as well; keep one of the two."
            self._fail(errors, "amount", "nil_and_value", message)
        numbers = {name: number for name, (number, _) in read.items()}
        return numbers.get("amount"), numbers.get("quantity"), kinds.pop()

    def _figure(self, at: int, errors: list[CellError]) -> tuple[Decimal | None, EntryKind]:
        cell = self._cell(at)
        if isinstance(cell, str) and cell.strip().lower() == NIL:
            return None, EntryKind.NIL
        try:
            return parse_number(cell, mapping=self.headings.mapping), EntryKind.VALUE
        except Unreadable as problem:
            errors.append(self._error(at, problem))
            return None, EntryKind.VALUE

    def _read(self, name: str, reader: Callable[[Cell], _T], errors: list[CellError]) -> _T | None:
        at = self.headings.fields.get(name)
        cell = None if at is None else self._cell(at)
        try:
            return reader(cell)
        except Unreadable as problem:
            self._fail(errors, name, problem.code, problem.message)
            return None

    def _strays(self, errors: list[CellError]) -> None:
        """Reject cells under no heading: an unquoted separator shifts a row's cells to the right."""
        for at, cell in enumerate(self.cells):
            if (at >= len(self.headings.names) or not self.headings.names[at]) and not is_blank(cell):
                message = "This cell stands under no heading; an unquoted separator may have split the row."
                errors.append(
                    CellError(row=self.row, column="", value=shown(cell), message=message, code="no_heading")
                )
                return

    def _month(self, cell: Cell) -> date:
        if is_blank(cell):
            raise Unreadable("missing_month", "State the month.")
        return parse_month_cell(cell, month_format=self.headings.mapping.month_format)

    def _code(self, cell: Cell) -> str:
        text = plain_cell(parse_text(cell, max_chars=CODE_CHARS + 1))
        if not text:
            raise Unreadable("missing_code", "State the code; this cell is empty.")
        if len(text) > CODE_CHARS:
            raise Unreadable("too_long", f"The text has more than {CODE_CHARS} characters.")
        return text

    def _account(self, cell: Cell) -> str:
        return self._code(self.headings.mapping.default_account if is_blank(cell) else cell)

    def _currency(self, cell: Cell) -> str:
        given = self.headings.mapping.default_currency if is_blank(cell) else cell
        text = parse_text(given, max_chars=CODE_CHARS).upper()
        if text and not _CURRENCY.fullmatch(text):
            raise Unreadable("not_a_currency", "Write the currency as three letters, like USD.")
        return text

    def _book(self, cell: Cell) -> Book:
        given = self.headings.mapping.default_book if is_blank(cell) else cell
        text = parse_text(given, max_chars=CODE_CHARS).lower()
        if text not in set(Book):
            raise Unreadable("not_a_book", f"The book is one of {', '.join(Book)}.")
        return Book(text)

    def _measure(self, cell: Cell) -> str:
        text = parse_text(cell, max_chars=CODE_CHARS).lower() or MEASURES[0]
        if text not in MEASURES:
            raise Unreadable("not_a_measure", f"The measure is one of {', '.join(MEASURES)}.")
        return text

    def _reference(self, cell: Cell) -> str:
        return plain_cell(parse_text(cell, max_chars=REFERENCE_CHARS))

    def _note(self, cell: Cell) -> str:
        return plain_cell(parse_text(cell, max_chars=NOTE_CHARS, has_lines=True))

    def _cell(self, at: int) -> Cell:
        return self.cells[at] if at < len(self.cells) else None

    def _column(self, name: str) -> str:
        at = self.headings.fields.get(name)
        return name if at is None else shown(self.headings.names[at])

    def _fail(self, errors: list[CellError], name: str, code: str, message: str) -> None:
        at = self.headings.fields.get(name)
        value = "" if at is None else shown(self._cell(at))
        errors.append(
            CellError(row=self.row, column=self._column(name), value=value, message=message, code=code)
        )

    def _error(self, at: int, problem: Unreadable) -> CellError:
        return CellError(
            row=self.row,
            column=shown(self.headings.names[at]),
            value=shown(self._cell(at)),
            message=problem.message,
            code=problem.code,
        )


@dataclass(frozen=True, slots=True)
class _Common:
    """The fields that every value of a row shares."""

    investment: str
    account: str
    currency: str
    book: Book
    source_ref: str
    note: str
