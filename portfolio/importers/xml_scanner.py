"""One XML part of a workbook, streamed under limits: no DOCTYPE, no giant token, no far-away cell."""

import re
from dataclasses import dataclass, field
from xml.parsers import expat

from portfolio.importers.base import FileRefused, Limits, shown

_ENCODINGS = {None, "utf-8", "utf8", "us-ascii", "ascii"}
_KEPT = frozenset({"sheet", "Relationship", "Override", "Default"})
_CELL_ELEMENTS = frozenset({"c", "row", "v", "f", "is", "si", "t"})
_KEPT_MAX = 2_000
_LETTERS = re.compile(r"[A-Z]{1,3}", re.ASCII)


@dataclass(slots=True)
class Part:
    """What streaming one XML part found. `kept` holds the elements that say how the parts belong together."""

    name: str
    root: str = ""
    rows: int = 0
    columns: int = 0
    first_formula: str = ""
    first_error: str = ""
    kept: list[tuple[str, dict[str, str]]] = field(default_factory=list)


@dataclass(slots=True)
class Budget:
    """How many elements the file may still hold: those that cells are made of, and all others."""

    sheet: int
    other: int


class Scanner:
    """Streams one part; its elements are taken from the budget of the whole file."""

    def __init__(self, part: Part, *, limits: Limits, budget: Budget) -> None:
        self.part = part
        self._limits = limits
        self._budget = budget
        self._row = 0
        self._column = 0
        self._reference = ""
        self._chars = 0
        self._fed = 0
        self._column_of: dict[str, int] = {}
        self._parser = expat.ParserCreate()
        self._parser.StartElementHandler = self._start
        self._parser.CharacterDataHandler = self._text
        self._parser.StartDoctypeDeclHandler = self._doctype
        self._parser.XmlDeclHandler = self._declaration

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes of the part; raises FileRefused."""
        if self._fed == 0 and chunk.startswith((b"\xff\xfe", b"\xfe\xff", b"\0", b"<\0")):
            raise FileRefused("A part of the workbook is not UTF-8 text.", code="bad_xml")
        self._parse(chunk, is_final=False)
        self._fed += len(chunk)
        # Expat reads an unfinished token again with every chunk, so a giant one would cost quadratic time.
        if self._fed - self._parser.CurrentByteIndex > self._limits.xml_token_bytes:
            raise FileRefused("A part of the workbook holds an oversized tag.", code="bad_xml")

    def closed(self) -> Part:
        """Return what was found once the part has ended; raises FileRefused."""
        self._parse(b"", is_final=True)
        return self.part

    def _parse(self, chunk: bytes, *, is_final: bool) -> None:
        try:
            self._parser.Parse(chunk, is_final)
        except expat.ExpatError:
            raise FileRefused(
                "A part of the workbook is not well-formed XML; save it again.", code="bad_xml"
            ) from None

    def _doctype(self, *_: object) -> None:
        raise FileRefused("The workbook declares a DOCTYPE, which no spreadsheet needs.", code="doctype")

    def _declaration(self, _version: str, encoding: str | None, _standalone: int) -> None:
        if encoding is not None and encoding.lower() not in _ENCODINGS:
            raise FileRefused("A part of the workbook is not UTF-8 text.", code="bad_xml")

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition(":")[2]
        if name in _CELL_ELEMENTS:
            self._budget.sheet -= 1
        else:
            self._budget.other -= 1
        if self._budget.sheet < 0 or self._budget.other < 0:
            raise FileRefused("The workbook holds too many cells or other elements.", code="too_many_cells")
        if name == "c":
            self._cell(attributes)
        elif name == "row":
            self._next_row(attributes)
        elif name == "f":
            self.part.first_formula = self.part.first_formula or self._reference or "A1"
        elif name == "si":
            self._chars = 0
        elif name in _KEPT and len(self.part.kept) < _KEPT_MAX:
            self.part.kept.append((name, attributes))
        if not self.part.root:
            self.part.root = name

    def _next_row(self, attributes: dict[str, str]) -> None:
        stated = attributes.get("r")
        self._column = 0
        self._row = self._row + 1 if stated is None else self._number(stated)
        self._place(self._row, 0)

    def _cell(self, attributes: dict[str, str]) -> None:
        """Follow the position of a cell, stated or counted, as a reader would."""
        self._chars = 0
        stated = attributes.get("r")
        if stated is None:
            self._column += 1
        else:
            letters = stated.rstrip("0123456789")
            self._row = self._number(stated[len(letters) :])
            self._column = self._column_of.get(letters) or self._column_number(letters)
        self._place(self._row, self._column)
        self._reference = stated or f"number {self._column} of row {self._row}"
        if attributes.get("t") == "e" and not self.part.first_error:
            self.part.first_error = self._reference

    def _place(self, row: int, column: int) -> None:
        if row > self._limits.rows + 1 or column > self._limits.columns:
            at = f"row {row:,}, column {column:,}" if column else f"row {row:,}"
            raise FileRefused(
                f"The workbook uses {at}; at most {self._limits.rows:,} rows and {self._limits.columns:,} "
                "columns are read. Delete what lies outside.",
                code="too_many_rows" if row > self._limits.rows + 1 else "too_many_columns",
            )
        self.part.rows = max(self.part.rows, row)
        self.part.columns = max(self.part.columns, column)

    def _number(self, digits: str) -> int:
        if not (digits.isascii() and digits.isdigit() and len(digits) <= 7 and int(digits) > 0):
            raise FileRefused(f"The workbook names an impossible cell: '{shown(digits)}'.", code="bad_xml")
        return int(digits)

    def _column_number(self, letters: str) -> int:
        upper = letters.upper()
        if not _LETTERS.fullmatch(upper):
            raise FileRefused(f"The workbook names an impossible cell: '{shown(letters)}'.", code="bad_xml")
        number = 0
        for letter in upper:
            number = number * 26 + ord(letter) - 64
        self._column_of[letters] = number
        return number

    def _text(self, text: str) -> None:
        self._chars += len(text)
        if self._chars > self._limits.cell_chars and self.part.root in ("worksheet", "sst"):
            raise FileRefused(
                f"A cell of the workbook holds more than {self._limits.cell_chars:,} characters.",
                code="cell_too_long",
            )
