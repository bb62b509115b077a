"""A percentage inside a sentence is written as in a table."""

from __future__ import annotations

from decimal import Decimal

import pytest

from reports.console import figures
from roi.engine.wording import percent


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.12, "12.0%"),
        (-0.151, "(15.1%)"),
        (Decimal("-0.0513"), "(5.1%)"),
        (12.345, "1,234.5%"),
        (-0.0001, "0.0%"),
        (0.0, "0.0%"),
    ],
)
def test_a_negative_percentage_is_in_parentheses_and_zero_has_no_sign(
    value: float | Decimal, text: str
) -> None:
    """One rule for sentences of the engine and cells of a table."""
    assert percent(value) == text == figures.percent_text(value)
