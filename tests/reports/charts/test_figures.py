"""How figures are written: rounding, parentheses, units and reasons."""

from __future__ import annotations

from decimal import Decimal

import pytest

from reports.console import figures
from roi.engine.result import Reason


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("312000", "312,000"),
        ("-4643.51", "(4,644)"),
        ("0", "–"),
        ("0.004", "0"),
        ("-0.004", "0"),
        ("12.345", "12"),
        ("-0.51", "(1)"),
        ("100000000000", "100,000,000,000"),
    ],
)
def test_money(value: str, text: str) -> None:
    """Whole units in every cell of a column, negatives in parentheses; a dash is nothing at all."""
    assert figures.money_text(Decimal(value)) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("60000.000000", "60,000"),
        ("1E+3", "1,000"),
        ("99.5", "99.50"),
        ("-1234.567", "(1,234.567)"),
        ("0.000001", "0.000001"),
        ("0", "0"),
    ],
)
def test_an_exact_amount_loses_nothing(value: str, text: str) -> None:
    """What people stated is shown as they stated it: the ledger, a budget that moves, a restated value."""
    assert figures.exact_text(Decimal(value)) == text


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        ("0.06", "fraction", "6%"),
        ("0.0350", "fraction", "3.5%"),
        ("1", "fraction", "100%"),
        ("-0.02", "fraction", "(2%)"),
        ("310.0", "minutes", "310 minutes"),
        ("12000", "", "12,000"),
    ],
)
def test_a_measure_has_its_unit_and_a_fraction_is_percent(value: str, unit: str, text: str) -> None:
    assert figures.measured_text(Decimal(value), unit) == text


def test_nothing_is_a_dash_in_a_table_and_zero_in_a_sentence() -> None:
    assert ">–<" in figures.money(Decimal(0))
    assert ">0<" in figures.amount(Decimal(0))
    assert ">0.00<" in figures.exact(Decimal(0))
    assert ">8,900.00<" in figures.exact(Decimal(8900))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("829000", "829k"),
        ("1594583", "1.6M"),
        ("-109000", "(109k)"),
        ("2500000000", "2.5bn"),
        ("9999", "9,999"),
    ],
)
def test_compact(value: str, text: str) -> None:
    """Headlines in three digits."""
    assert figures.compact_text(Decimal(value)) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0096154, "1.0%"), (-0.838, "(83.8%)"), (0.0, "0.0%"), (-0.0001, "0.0%"), (18.416, "1,841.6%")],
)
def test_percent(value: float, text: str) -> None:
    """One decimal; a rounded zero has no sign."""
    assert figures.percent_text(value) == text


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_has_a_sentence(reason: Reason) -> None:
    """A new reason code without words would show as a code."""
    shown = figures.missing(reason)
    assert "n/a" in shown
    assert figures.WHY[reason].endswith(".")


def test_undefined_is_never_zero() -> None:
    """None shows n/a with its reason, for every kind of figure."""
    for show in (figures.money, figures.percent, figures.months, figures.compact, figures.unit_cost):
        assert "n/a" in show(None, reason=Reason.NO_COST_YET)
        assert "No cost is recorded yet." in show(None, reason=Reason.NO_COST_YET)


@pytest.mark.parametrize(("value", "text"), [("25000.000000", "25,000"), ("0.120000", "0.12"), ("-3", "(3)")])
def test_quantities_have_no_trailing_zeros(value: str, text: str) -> None:
    """0.120000 is 0.12."""
    assert f">{text}<" in figures.quantity(Decimal(value))
