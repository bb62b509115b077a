"""Monthly values from CSV text: UTF-8, comma, semicolon or tab. Anything else is refused with a sentence."""

import csv
import io
from collections.abc import Iterator, Sequence

from portfolio.importers.base import Cell, FileRefused, Limits, Mapping, ParsedFile
from portfolio.importers.headings import guess_mapping
from portfolio.importers.table import read_table

DELIMITERS = (",", ";", "\t")

_UTF8_MARK = b"\xef\xbb\xbf"
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_HEADER_BYTES = 64 * 1024
_FOREIGN = {
    b"\xd0\xcf\x11\xe0": "an old .xls workbook or one with a password; save it as .xlsx without a password",
    b"%PDF": "a PDF; export the figures as CSV or .xlsx",
    b"\x1f\x8b": "a compressed archive; unpack it first",
    b"7z\xbc\xaf": "a compressed archive; unpack it first",
    b"Rar!": "a compressed archive; unpack it first",
    b"PAR1": "a Parquet file; export the figures as CSV or .xlsx",
    b"<": "a web page or an XML file; save it as CSV or .xlsx",
    b"{\\rtf": "a text document; save the figures as CSV or .xlsx",
}


def is_recognized(data: bytes) -> bool:
    """CSV has no mark of its own: everything that is no archive is tried, and refused with a sentence."""
    return not data.startswith(b"PK")


def parse(data: bytes, *, mapping: Mapping | None, limits: Limits) -> ParsedFile:
    """Return what a CSV file states; raises FileRefused."""
    text = _decodable(data)
    delimiter = _delimiter(text, mapping=mapping, limits=limits)
    return read_table(_rows(text, delimiter=delimiter, limits=limits), mapping=mapping, limits=limits)


def _decodable(data: bytes) -> bytes:
    """Return the file without its byte order mark; refuse what is not UTF-8 text."""
    for mark, name in _FOREIGN.items():
        if data.lstrip(b" \r\n\t" if mark == b"<" else b"").startswith(mark):
            raise FileRefused(f"This file is {name}.", code="not_a_table")
    if data.startswith(_UTF16_MARKS):
        raise FileRefused("The file is UTF-16 text; save it as 'CSV UTF-8'.", code="not_utf8")
    text = data.removeprefix(_UTF8_MARK)
    if not text.strip():
        raise FileRefused("The file is empty: it has no header row.", code="empty")
    nul = text.find(b"\0")
    if nul >= 0:
        line = text.count(b"\n", 0, nul) + 1
        raise FileRefused(f"Line {line} holds a NUL character; the file is not plain CSV text.", code="nul")
    try:
        text.decode("utf-8")
    except UnicodeDecodeError as problem:
        line = text.count(b"\n", 0, problem.start) + 1
        message = f"Line {line} is not UTF-8 text; save the file as 'CSV UTF-8'."
        raise FileRefused(message, code="not_utf8") from None
    return text


def _delimiter(text: bytes, *, mapping: Mapping | None, limits: Limits) -> str:
    """Return the delimiter under which the header names most known columns; the data are never asked."""
    scores = {each: _score(text[:_HEADER_BYTES], each, mapping, limits) for each in DELIMITERS}
    best = max(scores.values())
    winners = [each for each, score in scores.items() if score == best]
    if best[1] < 2 or len(winners) > 1:
        message = (
            "The header row does not show the delimiter; separate the columns by comma, semicolon or tab."
        )
        raise FileRefused(message, code="no_delimiter")
    return winners[0]


def _score(head: bytes, delimiter: str, mapping: Mapping | None, limits: Limits) -> tuple[int, int]:
    """Count the known and all columns of the header under a delimiter."""
    rows = _rows(head, delimiter=delimiter, limits=limits, is_head=True)
    try:
        header = next((cells for _, cells in rows if any(str(cell).strip() for cell in cells)), [])
    except FileRefused:
        # Under a wrong delimiter a long header is one long cell; the right one tells what is wrong with it.
        return 0, 0
    given = mapping.columns if mapping is not None else {}
    known = given or guess_mapping(header[: limits.columns]).columns
    names = {str(cell).strip().casefold() for cell in header}
    return len(names & {name.strip().casefold() for name in known}), len(header)


def _rows(
    text: bytes, *, delimiter: str, limits: Limits, is_head: bool = False
) -> Iterator[tuple[int, Sequence[Cell]]]:
    """Yield records with the number a spreadsheet would show; a file cut for its header may end anywhere."""
    errors = "ignore" if is_head else "strict"
    lines = _Lines(io.TextIOWrapper(io.BytesIO(text), encoding="utf-8", errors=errors, newline=""), limits)
    csv.field_size_limit(limits.cell_chars)
    reader = csv.reader(lines, delimiter=delimiter, strict=not is_head)
    while True:
        lines.row += 1
        lines.chars = 0
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as problem:
            raise _refusal(str(problem), row=lines.row, limits=limits) from None
        yield lines.row, cells


class _Lines:
    """The lines of a file, as long as one record stays short: the reader builds a record whole."""

    def __init__(self, stream: io.TextIOWrapper, limits: Limits) -> None:
        self.row = 0
        self.chars = 0
        self._stream = stream
        self._limits = limits

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._stream.readline(self._limits.record_chars + 1)
        self.chars += len(line)
        if self.chars > self._limits.record_chars:
            message = f"Row {self.row} has more than {self._limits.record_chars:,} characters."
            raise FileRefused(message, code="row_too_long")
        if not line:
            raise StopIteration
        return line


def _refusal(problem: str, *, row: int, limits: Limits) -> FileRefused:
    if "field limit" in problem:
        message = f"Row {row} has a cell of more than {limits.cell_chars:,} characters."
        return FileRefused(message, code="cell_too_long")
    return FileRefused(
        f"Row {row} is not valid CSV: its quotes are not closed or not doubled.", code="bad_quotes"
    )
