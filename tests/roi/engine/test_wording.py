"""A percentage inside a sentence is written as in a table."""

from __future__ import annotations

from decimal import Decimal

import pytest

from alerts import wording as messages
from reports.console import figures
from roi.engine.wording import amount, percent, points, signed


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
    """One rule for sentences of the engine, cells of a table and messages."""
    assert percent(value) == text == figures.percent_text(value) == messages.rate(Decimal(str(value)))


@pytest.mark.parametrize(
    ("change", "text"), [(0.018, "+1.8 pp"), (-0.021, "−2.1 pp"), (-0.0001, "0.0 pp"), (0.0, "0.0 pp")]
)
def test_a_change_in_points_keeps_its_sign_in_pages_and_in_messages(change: float, text: str) -> None:
    assert points(change) == text == messages.points(Decimal(str(change)))


@pytest.mark.parametrize(
    ("value", "text"), [(-1.374, "−1.37"), (0.1, "+0.10"), (-0.001, "0.00"), (-1234.5, "−1,234.50")]
)
def test_a_slope_has_its_sign_in_front_and_zero_has_none(value: float, text: str) -> None:
    assert signed(value, ",.2f") == text


@pytest.mark.parametrize(
    ("value", "text"), [(-88_750.4, "(88,750)"), (31_790.0, "31,790"), (-0.4, "0"), (Decimal("-0.6"), "(1)")]
)
def test_money_in_a_sentence_is_whole_with_parentheses(value: float | Decimal, text: str) -> None:
    assert amount(value) == text
