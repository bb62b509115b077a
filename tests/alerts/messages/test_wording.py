"""Numbers as people read them, exactly as wide as they must be."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts import wording

D = Decimal


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("0", "USD 0"),
        ("-0.000000", "USD 0"),
        ("-4644.25", "USD (4,644)"),
        ("312000", "USD 312,000"),
        ("0.5", "USD 0.50"),
        ("-0.001", "USD 0.00"),
        ("100000000000", "USD 100,000,000,000"),
    ],
)
def test_money_has_its_currency_and_parentheses(value: str, shown: str) -> None:
    assert wording.money(D(value), currency="USD") == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [("0.0512", "5.1%"), ("-0.0001", "0.0%"), ("-0.05", "(5.0%)"), ("12.3456", "1,234.6%")],
)
def test_rates_are_percent_to_one_decimal(value: str, shown: str) -> None:
    assert wording.rate(D(value)) == shown


def test_points_always_carry_a_sign() -> None:
    assert wording.points(D("0.0031")) == "+0.3 pp"
    assert wording.points(D("-0.0031")) == "−0.3 pp"
    assert wording.points(D("-0.0001")) == "0.0 pp"


@pytest.mark.parametrize(
    ("value", "threshold", "unit", "shown"),
    [
        ("0.0512", "0.12", "rate", ("5.1%", "12.0%")),
        ("0.11999999", "0.12", "rate", ("11.999999%", "12.000000%")),
        ("0.12", "0.12", "rate", ("12.0%", "12.0%")),
        ("0.1196", "0.12", "rate", ("11.96%", "12.00%")),
        ("-0.000001", "0", "money", ("USD (0.000001)", "USD 0.000000")),
        ("-4644.25", "0", "money", ("USD (4,644)", "USD 0")),
        (
            "99999999999.999999",
            "100000000000",
            "money",
            ("USD 99,999,999,999.999999", "USD 100,000,000,000.000000"),
        ),
        ("0." + "1" * 29, "0." + "1" * 28, "rate", (f"11.{'1' * 27}%", f"11.{'1' * 26}0%")),
        (
            f"99999999999.{'9' * 20}",
            "100000000000",
            "money",
            (f"USD 99,999,999,999.{'9' * 20}", f"USD 100,000,000,000.{'0' * 20}"),
        ),
        ("1", "0", "months", ("1 month", "0 months")),
        (None, "0.12", "rate", ("n/a", "12.0%")),
        ("NaN", None, "rate", ("n/a", "none")),
    ],
)
def test_a_judged_figure_is_told_apart_from_its_threshold(
    value: str | None, threshold: str | None, unit: str, shown: tuple[str, str]
) -> None:
    message = {"value": value, "threshold": threshold, "unit": unit}
    assert wording.judged(message, currency="USD") == shown


@given(
    st.decimals(-1, 2, places=20),
    st.integers(1, 10**6).map(lambda n: D(n).scaleb(-20)),
    st.sampled_from(["rate", "money"]),
)
def test_a_breach_never_looks_like_the_threshold(threshold: Decimal, gap: Decimal, unit: str) -> None:
    below = f"{threshold - gap:f}"
    value, limit = wording.judged(
        {"value": below, "threshold": f"{threshold:f}", "unit": unit}, currency="USD"
    )
    assert value != limit


@given(st.text())
def test_plain_text_is_one_printable_line_whatever_comes(text: str) -> None:
    line = wording.plain(text, limit=40)
    assert len(line) <= 40
    assert all(c.isprintable() or c in "\u200c\u200d" for c in line)


def test_joiners_that_scripts_need_are_kept() -> None:
    assert wording.plain("👩\u200d💻 می\u200cخواهم") == "👩\u200d💻 می\u200cخواهم"


@pytest.mark.parametrize(
    ("value", "shown"), [("2026-10", "Oct 2026"), ("", "n/a"), (None, "n/a"), ("2026-13", "2026-13")]
)
def test_months_are_spoken(value: object, shown: str) -> None:
    assert wording.month(value) == shown


@pytest.mark.parametrize("value", [None, "", "NaN", "Infinity", "abc"])
def test_what_is_not_a_number_is_missing(value: object) -> None:
    assert wording.number(value) is None
