"""How numbers, months and texts are written in a cell, and what that means. The ambiguous is rejected."""

import re
import unicodedata
from datetime import date, datetime
from decimal import Decimal
from functools import cache

from portfolio.importers.base import Cell, Mapping
from portfolio.terms import MAX_AMOUNT, first_of_month, parse_month, round_micro

_MAX_NUMBER_CHARS = 64
_FLOAT_DIGITS = 15
_EXPONENT = re.compile(r"[-+]?[0-9.,]+[eE][-+]?[0-9]+")
_MONTH_PATTERNS = {
    "YYYY-MM": r"(?P<year>\d{4})-(?P<month>\d{2})",
    "YYYY-MM-DD": r"(?P<year>\d{4})-(?P<month>\d{2})-(?P<day>\d{2})",
    "YYYY/MM": r"(?P<year>\d{4})/(?P<month>\d{1,2})",
    "MM/YYYY": r"(?P<month>\d{1,2})/(?P<year>\d{4})",
    "MM.YYYY": r"(?P<month>\d{1,2})\.(?P<year>\d{4})",
    "MM/DD/YYYY": r"(?P<month>\d{1,2})/(?P<day>\d{1,2})/(?P<year>\d{4})",
    "DD/MM/YYYY": r"(?P<day>\d{1,2})/(?P<month>\d{1,2})/(?P<year>\d{4})",
    "DD.MM.YYYY": r"(?P<day>\d{1,2})\.(?P<month>\d{1,2})\.(?P<year>\d{4})",
}


class Unreadable(ValueError):
    """A cell cannot be read; the message is a sentence for the user."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@cache
def _number_pattern(decimal: str, grouping: str | None) -> re.Pattern[str]:
    whole = r"[0-9]+"
    if grouping is not None:
        whole = rf"(?:[0-9]{{1,3}}(?:{re.escape(grouping)}[0-9]{{3}})+|[0-9]+)"
    point = re.escape(decimal)
    plain = rf"(?:{whole}(?:{point}[0-9]+)?|{point}[0-9]+)"
    return re.compile(rf"(?:(?P<sign>[-+]?)(?P<plain>{plain})|\((?P<negative>{plain})\))")


def parse_number(cell: Cell, *, mapping: Mapping) -> Decimal:
    """Return the number of a cell, read in full under the mapping's separators; raises Unreadable.

    `(1234.56)` is negative. Separators are never stripped: grouping is read only where the mapping states it.
    """
    if isinstance(cell, bool):
        raise Unreadable("not_a_number", "This is a true/false value, not a number.")
    if isinstance(cell, int | float | Decimal):
        return _checked(_from_binary(cell))
    if not isinstance(cell, str):
        raise Unreadable(
            "not_a_number", "This is a date or a time, not a number; format the cell as a number."
        )
    text = cell.strip(" \t")
    if len(text) > _MAX_NUMBER_CHARS:
        raise Unreadable("not_a_number", f"A number has at most {_MAX_NUMBER_CHARS} characters.")
    match = _number_pattern(mapping.decimal_separator, mapping.grouping_separator).fullmatch(text)
    if match is None:
        raise _not_a_number(text, mapping)
    digits = match["plain"] or match["negative"]
    if mapping.grouping_separator is not None:
        digits = digits.replace(mapping.grouping_separator, "")
    value = Decimal(digits.replace(mapping.decimal_separator, "."))
    return _checked(value.copy_negate() if match["negative"] or match["sign"] == "-" else value)


def _from_binary(cell: int | float | Decimal) -> Decimal:
    """Return a spreadsheet number as it is shown there: binary noise ends at the 15th significant digit."""
    if isinstance(cell, float):
        return Decimal(format(cell, f".{_FLOAT_DIGITS}g"))
    return Decimal(cell)


def _checked(value: Decimal) -> Decimal:
    if not value.is_finite():
        raise Unreadable("not_finite", "This is not a finite number.")
    if abs(value) > MAX_AMOUNT:
        raise Unreadable("too_large", "The number is beyond 100,000,000,000, the largest that is recorded.")
    if round_micro(value) != value:
        raise Unreadable(
            "too_precise", "The number has more than six decimals and would be rounded; round it in the file."
        )
    # Adding zero turns a negative zero into zero, which compares and prints like any other.
    return round_micro(value) + 0


def _not_a_number(text: str, mapping: Mapping) -> Unreadable:
    """Name the most helpful reason why a text is no number."""
    example = f"1234{mapping.decimal_separator}56"
    if text.lower().lstrip("+-") in {"nan", "inf", "infinity"}:
        return Unreadable("not_finite", "This is not a finite number.")
    if _EXPONENT.fullmatch(text):
        return Unreadable(
            "scientific",
            f"Scientific notation may have lost digits; write the number in full, like {example}.",
        )
    if re.search(r"[^\x00-\x7f]", text) and any(each.isdigit() and not each.isascii() for each in text):
        return Unreadable("foreign_digits", f"Write the number with the digits 0 to 9, like {example}.")
    if re.search(r"[0-9][.,'’\s][0-9]", text) and re.fullmatch(r"[-+(]?[0-9.,'’\s]+\)?", text):
        return Unreadable(
            "ambiguous_separator",
            f"The separators do not fit the decimal separator '{mapping.decimal_separator}' of this import; "
            f"write {example}, or state the separators in the import's settings.",
        )
    return Unreadable("not_a_number", f"This is not a number; write it like {example} without any symbol.")


@cache
def _month_pattern(month_format: str) -> re.Pattern[str]:
    return re.compile(_MONTH_PATTERNS[month_format], re.ASCII)


def parse_month_cell(cell: Cell, *, month_format: str) -> date:
    """Return the month a cell names: a date cell's month, or text in the given format; raises Unreadable."""
    if isinstance(cell, datetime):
        cell = cell.date()
    if isinstance(cell, date):
        return _month_of(cell.year, cell.month, month_format)
    if not isinstance(cell, str):
        raise Unreadable(
            "not_a_month", f"This is not a month; write it as {month_format}, or as a date cell."
        )
    match = _month_pattern(month_format).fullmatch(cell.strip(" \t"))
    if match is None:
        raise Unreadable(
            "not_a_month", f"This is not a month; this import expects it written as {month_format}."
        )
    parts = {name: int(text) for name, text in match.groupdict().items()}
    try:
        day = date(parts["year"], parts["month"], parts.get("day", 1))
    except ValueError:
        raise Unreadable(
            "not_a_month", f"There is no such date; this import expects {month_format}."
        ) from None
    return _month_of(day.year, day.month, month_format)


def _month_of(year: int, month: int, month_format: str) -> date:
    try:
        return first_of_month(parse_month(f"{year:04d}-{month:02d}"))
    except ValueError:
        message = f"The month must lie between 1990 and 2200; this import expects {month_format}."
        raise Unreadable("not_a_month", message) from None


def parse_text(cell: Cell, *, max_chars: int, has_lines: bool = False) -> str:
    """Return a cell's text without outer blanks; raises Unreadable for control and invisible characters."""
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 10**_FLOAT_DIGITS:
        cell = int(cell)
    text = str(cell).strip()
    if len(text) > max_chars:
        raise Unreadable("too_long", f"The text has more than {max_chars} characters.")
    # Notes may hold lines and the joiners that several scripts and emoji need; in a code they would hide.
    allowed = "\n\r\t\u200c\u200d" if has_lines else ""
    if any(unicodedata.category(each)[0] == "C" and each not in allowed for each in text):
        raise Unreadable(
            "control_character", "The text holds a control or invisible character; type it again."
        )
    return text


def is_blank(cell: Cell) -> bool:
    """Return whether a cell states nothing."""
    return cell is None or (isinstance(cell, str) and not cell.strip())
