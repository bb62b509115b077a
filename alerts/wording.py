"""Words and numbers of messages: exact decimals as people read them, and names that stay text everywhere."""

import re
import unicodedata
from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation, localcontext
from typing import Any

from alerts.rules.comparison import decimals_apart

_NAMES = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])\Z", re.ASCII)
# Joiners that scripts and emoji need; every other format character can hide or turn text.
_KEPT_FORMAT = {"\u200c", "\u200d"}
_MOST_DIGITS = 30
_REASONS = {
    "irr_multiple": "several rates fit",
    "irr_no_sign_change": "no rate fits",
    "irr_no_root": "no rate fits",
}


def plain(text: object, *, limit: int = 300) -> str:
    """Return one line of visible text, cut to a limit: no controls, no overrides, nothing invisible."""
    line = "".join(_visible(c) for c in unicodedata.normalize("NFC", str(text)))
    line = " ".join(line.split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def _visible(character: str) -> str:
    category = unicodedata.category(character)
    if category in ("Cc", "Zl", "Zp", "Zs"):
        return " "
    if category in ("Cf", "Cs", "Co", "Cn") and character not in _KEPT_FORMAT:
        return ""
    return character


def number(value: object) -> Decimal | None:
    """Return a copied figure as it was written, or None where there is none; floats never come near."""
    try:
        found = Decimal(str(value)) if value is not None and value != "" else None
    except InvalidOperation:
        return None
    return found if found is not None and found.is_finite() else None


def month(value: object) -> str:
    """Return a month as it is spoken: 2026-10 is Oct 2026."""
    match = _MONTH.match(str(value))
    return (
        f"{_NAMES[int(match[2]) - 1]} {match[1]}" if match else (plain(value, limit=20) if value else "n/a")
    )


def missing(reason: object) -> str:
    """Return how an undefined figure is shown: never as zero, and with its reason."""
    key = str(reason or "")
    words = _REASONS.get(key, plain(key.replace("_", " "), limit=60))
    return f"n/a ({words})" if words else "n/a"


def rate(value: Decimal, digits: int = 1) -> str:
    """Return a fraction in percent, to at least one decimal, negatives in parentheses."""
    shown = _rounded(value, digits, shift=2)
    return _enclosed(f"{shown.copy_abs():,.{digits}f}%", is_negative=shown < 0)


def points(value: Decimal) -> str:
    """Return the change of a fraction in percentage points, with its sign as it is typeset."""
    shown = _rounded(value, 1, shift=2)
    return f"{'' if shown == 0 else '+' if shown > 0 else '−'}{shown.copy_abs():,.1f} pp"


def money(value: Decimal, digits: int | None = None, *, currency: str) -> str:
    """Return money with its currency, negatives in parentheses; cents only where they can matter."""
    digits = _digits(value, "money") if digits is None else digits
    shown = _rounded(value, digits)
    return f"{currency} {_enclosed(f'{shown.copy_abs():,.{digits}f}', is_negative=shown < 0)}"


def count(value: Decimal, digits: int = 0) -> str:
    """Return a number of months."""
    shown = _rounded(value, digits)
    return f"{shown:,.{digits}f} {'month' if shown == 1 else 'months'}"


def judged(message: Mapping[str, Any], *, currency: str) -> tuple[str, str]:
    """Return the judged figure and its threshold, with as many digits as it takes to tell them apart."""
    unit = str(message.get("unit") or "")
    value, threshold = number(message.get("value")), number(message.get("threshold"))
    if value is None or threshold is None:
        return (
            missing(message.get("reason")) if value is None else _shown(value, unit, currency=currency),
            "none" if threshold is None else _shown(threshold, unit, currency=currency),
        )
    digits = max(_digits(value, unit), _digits(threshold, unit))
    shift = 0 if unit in ("money", "months") else 2
    digits = decimals_apart(value, threshold=threshold, at_least=digits + shift, at_most=_MOST_DIGITS + shift)
    digits -= shift
    return (
        _shown(value, unit, digits, currency=currency),
        _shown(threshold, unit, digits, currency=currency),
    )


def _digits(value: Decimal, unit: str) -> int:
    if unit == "money":
        return 0 if abs(value) >= 1000 or value == value.to_integral_value() else 2
    return 0 if unit == "months" else 1


def _shown(value: Decimal, unit: str, digits: int | None = None, *, currency: str) -> str:
    digits = _digits(value, unit) if digits is None else digits
    if unit == "money":
        return money(value, digits, currency=currency)
    return count(value, digits) if unit == "months" else rate(value, digits)


def _enclosed(text: str, *, is_negative: bool) -> str:
    return f"({text})" if is_negative else text


def _rounded(value: Decimal, digits: int, *, shift: int = 0) -> Decimal:
    with localcontext() as context:
        # Wide enough for the largest amount with the most digits; the default would refuse it.
        context.prec = 80
        shown = value.scaleb(shift).quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_EVEN)
    # Zero has no sign on screen.
    return shown.copy_abs() if shown == 0 else shown
