"""Days as people paste them: one a line, with a name behind it where they like."""

import re
from datetime import date

from django.core.exceptions import ValidationError

LONGEST_NAME = 120
MOST_DAYS = 500
_LINE = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[\s,;]+(.*))?\Z", re.ASCII)


def read(text: str) -> dict[date, str]:
    """Return names by day, in order; raises ValidationError with a sentence for each line that is no day."""
    found: dict[date, str] = {}
    wrong: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            day, name = _day(line.strip())
        except ValueError as error:
            wrong.append(f"Line {number}: {error}")
            continue
        found[day] = name
    if wrong:
        raise ValidationError(wrong[:10])
    if len(found) > MOST_DAYS:
        raise ValidationError(f"At most {MOST_DAYS} days at once.")
    return dict(sorted(found.items()))


def _day(line: str) -> tuple[date, str]:
    match = _LINE.match(line)
    if match is None:
        raise ValueError(f"“{line[:40]}” does not begin with a day written as 2026-12-25.")
    name = (match[2] or "").strip()
    if len(name) > LONGEST_NAME:
        raise ValueError(f"a name has at most {LONGEST_NAME} characters.")
    try:
        return date.fromisoformat(match[1]), name
    except ValueError:
        raise ValueError(f"there is no day {match[1]}.") from None
