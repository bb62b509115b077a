"""How a figure is written inside a sentence of the engine: the way tables and reports write it."""

from decimal import Decimal


def percent(value: float | Decimal) -> str:
    """Return a fraction as percent with one decimal, negatives in parentheses; what rounds to zero has no sign."""
    text = f"{abs(float(value)) * 100:,.1f}%"
    return f"({text})" if value < 0 and text != "0.0%" else text
