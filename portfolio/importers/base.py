"""What every importer takes and returns: mapping, limits, parsed rows, cell errors. No file format here."""

from dataclasses import asdict, dataclass, field, fields
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Protocol

from portfolio.terms import Book, EntryKind

SHOWN_CHARS = 80
"""How much of a rejected cell is shown back to the user."""

LAYOUTS = ("long", "wide")
COLUMNS = (
    "investment",
    "month",
    "account",
    "amount",
    "currency",
    "quantity",
    "book",
    "source_ref",
    "note",
)
"""What states one value: the columns of a long file, and the fields of a row of the API."""

FIELDS = (*COLUMNS, "measure")
MEASURES = ("amount", "quantity")
MONTH_FORMATS = (
    "YYYY-MM",
    "YYYY-MM-DD",
    "YYYY/MM",
    "MM/YYYY",
    "MM.YYYY",
    "MM/DD/YYYY",
    "DD/MM/YYYY",
    "DD.MM.YYYY",
)
GROUPING_SEPARATORS = (".", ",", "'", "’", " ", "\N{NO-BREAK SPACE}", "\N{NARROW NO-BREAK SPACE}")

Cell = str | int | float | date | datetime | time | timedelta | Decimal | None


class FileRefused(Exception):
    """The whole file is refused; the message is one sentence for the user, the code is for programs."""

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.message = message
        self.code = code


@dataclass(frozen=True, slots=True)
class Limits:
    """What a file may cost before it is refused. Sizes in bytes, times in seconds."""

    file_bytes: int = 20 * 2**20
    unpacked_bytes: int = 80 * 2**20
    unpack_ratio: int = 200
    archive_entries: int = 500
    sheet_elements: int = 1_500_000
    other_elements: int = 250_000
    xml_token_bytes: int = 2**20
    rows: int = 100_000
    columns: int = 400
    cells: int = 2_000_000
    cell_chars: int = 32_767
    record_chars: int = 2**20
    errors: int = 10_000
    memory_bytes: int = 256 * 2**20
    output_bytes: int = 128 * 2**20
    cpu_seconds: int = 20
    wall_seconds: float = 60.0


@dataclass(frozen=True, slots=True)
class Mapping:
    """How a file's columns and notation are to be read. Without `columns` known headings are recognized."""

    columns: dict[str, str] = field(default_factory=dict)
    layout: str | None = None
    decimal_separator: str = "."
    grouping_separator: str | None = None
    month_format: str = "YYYY-MM"
    default_account: str = ""
    default_currency: str = ""
    default_book: str = Book.ACTUAL.value
    sheet: str | None = None

    def __post_init__(self) -> None:
        check_mapping(self)

    def as_dict(self) -> dict[str, Any]:
        """Return the mapping as plain JSON values, for storing it beside an import."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Mapping":
        """Return the mapping written by `as_dict`; raises ValueError for an unknown key."""
        unknown = set(values) - {each.name for each in fields(cls)}
        if unknown:
            raise ValueError(f"An import mapping has no setting '{min(unknown)}'.")
        return cls(**values)


def check_mapping(mapping: Mapping) -> None:
    """Refuse a mapping that cannot be applied; raises ValueError with a sentence."""
    if mapping.layout not in (None, *LAYOUTS):
        raise ValueError("The layout is 'long' or 'wide'.")
    if mapping.decimal_separator not in (".", ","):
        raise ValueError("The decimal separator is '.' or ','.")
    if mapping.grouping_separator is not None and mapping.grouping_separator not in GROUPING_SEPARATORS:
        raise ValueError("The grouping separator is a point, a comma, an apostrophe or a space.")
    if mapping.grouping_separator == mapping.decimal_separator:
        raise ValueError("The grouping separator and the decimal separator must differ.")
    if mapping.month_format not in MONTH_FORMATS:
        raise ValueError(f"The month format is one of {', '.join(MONTH_FORMATS)}.")
    if mapping.default_book not in set(Book):
        raise ValueError(f"The book is one of {', '.join(Book)}.")
    unknown = set(mapping.columns.values()) - set(FIELDS)
    if unknown:
        raise ValueError(f"'{min(unknown)}' is not a field that a column can fill.")
    taken = list(mapping.columns.values())
    doubled = sorted(each for each in set(taken) if taken.count(each) > 1)
    if doubled:
        raise ValueError(f"Two columns cannot both fill '{doubled[0]}'.")


@dataclass(frozen=True, slots=True)
class ParsedRow:
    """One stated value. `row` counts as a spreadsheet does; `column` is the heading the value stood under."""

    row: int
    column: str
    investment: str
    month: date
    account: str
    amount: Decimal | None
    currency: str
    quantity: Decimal | None
    book: Book
    source_ref: str
    note: str
    kind: EntryKind = EntryKind.VALUE


@dataclass(frozen=True, slots=True)
class CellError:
    """Why a cell, row or heading was rejected; `value` is shortened and free of control characters."""

    row: int
    column: str
    value: str
    message: str
    code: str


@dataclass(frozen=True, slots=True)
class ParsedFile:
    """What a file states. Accepted and rejected values add up to `rows_read`; blank rows are not counted.

    In the long layout every row states one value, in the wide layout every filled month cell does.
    `errors_left_off` counts errors beyond the limit: their values are rejected, only not listed.
    """

    rows: tuple[ParsedRow, ...]
    errors: tuple[CellError, ...]
    warnings: tuple[str, ...]
    columns: tuple[str, ...]
    layout: str
    mapping: Mapping
    rows_read: int
    rejected: int
    errors_left_off: int = 0
    sheet: str = ""

    @property
    def accepted(self) -> int:
        """Return how many values may be recorded."""
        return len(self.rows)

    @property
    def is_clean(self) -> bool:
        """Return whether every value of the file was accepted."""
        return not self.errors and not self.rejected


class Importer(Protocol):
    """A file format. Implementations are modules; they run inside the sandboxed child only."""

    def is_recognized(self, data: bytes) -> bool:
        """Tell from the content, never from a name, whether this importer reads the file."""

    def parse(self, data: bytes, *, mapping: Mapping | None, limits: Limits) -> ParsedFile:
        """Return what the file states; raises FileRefused."""


def shown(value: object) -> str:
    """Return a cell's text as it may be shown: at most 80 characters, control characters escaped."""
    text = "" if value is None else str(value)
    head = text[:SHOWN_CHARS]
    escaped = "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in head)
    is_whole = len(text) <= SHOWN_CHARS and len(escaped) <= SHOWN_CHARS
    return escaped if is_whole else escaped[: SHOWN_CHARS - 1] + "…"
