"""The guard against formula injection for every text that leaves in a table's cell, and its inverse."""

_STARTERS = frozenset("=+-@\t\r\n\0＝＋－＠﹢﹣﹦﹫")
_SKIPPED = "'\"`‘’“”\N{ZERO WIDTH SPACE}\N{ZERO WIDTH NO-BREAK SPACE}"


def is_dangerous(text: str) -> bool:
    """Return whether a spreadsheet might read the text as a formula, also behind quotes and blanks."""
    for each in text:
        if each in _STARTERS:
            return True
        if each not in _SKIPPED and not each.isspace():
            return False
    return False


def safe_cell(text: str) -> str:
    """Return the text as it may stand in a CSV or spreadsheet cell: prefixed with `'` where it could be run.

    For texts only; numbers are written as numbers.
    """
    return f"'{text}" if is_dangerous(text) else text


def plain_cell(text: str) -> str:
    """Return the text that `safe_cell` was given, so that an exported file imports again unchanged."""
    return text[1:] if text.startswith("'") and is_dangerous(text[1:]) else text
