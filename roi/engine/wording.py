"""How a figure is written inside a sentence of the engine: the way tables and reports write it."""

from decimal import Decimal


def percent(value: float | Decimal) -> str:
    """Return a fraction as percent with one decimal, negatives in parentheses; what rounds to zero has no sign."""
    text = f"{abs(float(value)) * 100:,.1f}%"
    return f"({text})" if value < 0 and text != "0.0%" else text


def amount(value: float | Decimal) -> str:
    """Return money in whole units, negatives in parentheses; what rounds to zero has no sign."""
    text = f"{abs(value):,.0f}"
    return f"({text})" if value < 0 and text != "0" else text


def signed(value: float | Decimal, form: str) -> str:
    """Return a change or slope with its sign in front, the minus as it is typeset; what rounds to zero has none."""
    text = format(abs(value), form)
    is_nothing = not any(digit in text for digit in "123456789")
    return text if is_nothing else f"{'+' if value > 0 else '−'}{text}"


def points(change: float | Decimal) -> str:
    """Return the change of a fraction in percentage points, one decimal, with its sign."""
    return f"{signed(change * 100, ',.1f')} pp"
