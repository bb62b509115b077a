"""Numbers, months and texts: each notation has one written outcome, and the ambiguous is rejected."""

from datetime import date, datetime, time
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolio.importers.base import GROUPING_SEPARATORS, MONTH_FORMATS, Cell, Mapping
from portfolio.importers.notation import Unreadable, parse_month_cell, parse_number, parse_text

POINT = Mapping()
COMMA = Mapping(decimal_separator=",")


@pytest.mark.parametrize(
    ("text", "mapping", "value"),
    [
        ("1234.56", POINT, "1234.56"),
        ("-1234.56", POINT, "-1234.56"),
        ("+7", POINT, "7"),
        ("(1234.56)", POINT, "-1234.56"),
        (" 5 ", POINT, "5"),
        (".5", POINT, "0.5"),
        ("-0", POINT, "0"),
        ("1.50000000", POINT, "1.5"),
        ("100000000000", POINT, "100000000000"),
        ("1234,56", COMMA, "1234.56"),
        ("1,234.56", Mapping(grouping_separator=","), "1234.56"),
        ("(1,234,567)", Mapping(grouping_separator=","), "-1234567"),
        ("1.234.567,89", Mapping(decimal_separator=",", grouping_separator="."), "1234567.89"),
        ("1234,89", Mapping(decimal_separator=",", grouping_separator="."), "1234.89"),
        ("1\u202f234,5", Mapping(decimal_separator=",", grouping_separator="\u202f"), "1234.5"),
    ],
)
def test_reads_a_number_in_full(text: str, mapping: Mapping, value: str) -> None:
    number = parse_number(text, mapping=mapping)
    assert number == Decimal(value)
    assert not number.is_signed() or number < 0


@pytest.mark.parametrize(
    ("text", "mapping", "code"),
    [
        ("1.234,56", POINT, "ambiguous_separator"),
        ("1,234.56", POINT, "ambiguous_separator"),
        ("1,234", POINT, "ambiguous_separator"),
        ("(1,234)", POINT, "ambiguous_separator"),
        ("1 234", POINT, "ambiguous_separator"),
        ("1'234", POINT, "ambiguous_separator"),
        ("1234.56", COMMA, "ambiguous_separator"),
        ("1,23,456", Mapping(grouping_separator=","), "ambiguous_separator"),
        ("1234,567", Mapping(grouping_separator=","), "ambiguous_separator"),
        ("1.234", COMMA, "ambiguous_separator"),
        ("1e400", POINT, "scientific"),
        ("1.2E+11", POINT, "scientific"),
        ("NaN", POINT, "not_finite"),
        ("-Infinity", POINT, "not_finite"),
        ("0x1F", POINT, "not_a_number"),
        ("1_000", POINT, "not_a_number"),
        ("٣٤٥", POINT, "foreign_digits"),
        ("１２３", POINT, "foreign_digits"),
        ("$5", POINT, "not_a_number"),
        ("5 €", POINT, "not_a_number"),
        ("5-", POINT, "not_a_number"),
        ("−5", POINT, "not_a_number"),
        ("-(5)", POINT, "not_a_number"),
        ("5.", POINT, "not_a_number"),
        ("", POINT, "not_a_number"),
        ("n/a", POINT, "not_a_number"),
        ("5\0", POINT, "not_a_number"),
        ("\ufeff5", POINT, "not_a_number"),
        ("5\n", POINT, "not_a_number"),
        ("9" * 10_000_000, POINT, "not_a_number"),
        ("1.1234567", POINT, "too_precise"),
        ("100000000000.000001", POINT, "too_large"),
    ],
)
def test_rejects_with_one_reason(text: str, mapping: Mapping, code: str) -> None:
    with pytest.raises(Unreadable) as refused:
        parse_number(text, mapping=mapping)
    assert refused.value.code == code
    assert refused.value.message.endswith(".")


def test_spreadsheet_numbers_lose_their_binary_noise_only() -> None:
    assert parse_number(0.1 + 0.2, mapping=POINT) == Decimal("0.3")
    assert parse_number(1e11, mapping=POINT) == Decimal(10) ** 11
    assert parse_number(7, mapping=COMMA) == 7
    assert str(parse_number(-0.0, mapping=POINT)) == "0.000000"
    cases: list[tuple[Cell, str]] = [
        (1 / 3, "too_precise"),
        (1e300, "too_large"),
        (float("nan"), "not_finite"),
        (float("inf"), "not_finite"),
        (True, "not_a_number"),
        (date(2026, 1, 1), "not_a_number"),
        (time(1), "not_a_number"),
    ]
    for cell, code in cases:
        with pytest.raises(Unreadable) as refused:
            parse_number(cell, mapping=POINT)
        assert refused.value.code == code


@given(
    micros=st.integers(-(10**17), 10**17),
    decimal=st.sampled_from(".,"),
    grouping=st.sampled_from([None, *GROUPING_SEPARATORS]),
)
def test_every_written_number_is_read_back(micros: int, decimal: str, grouping: str | None) -> None:
    if decimal == grouping:
        return
    value = Decimal(micros).scaleb(-6)
    grouped = f"{value:,.6f}" if grouping else f"{value:.6f}"
    text = grouped.translate({ord(","): grouping or "", ord("."): decimal})
    mapping = Mapping(decimal_separator=decimal, grouping_separator=grouping)
    assert parse_number(text, mapping=mapping) == value


@given(
    text=st.text(max_size=40) | st.text("0123456789.,-+()' eE", max_size=20), decimal=st.sampled_from(".,")
)
def test_a_text_is_read_in_full_or_rejected(text: str, decimal: str) -> None:
    try:
        value = parse_number(text, mapping=Mapping(decimal_separator=decimal))
    except Unreadable:
        return
    plain = text.strip(" \t").replace(decimal, ".")
    negative = plain.startswith("(")
    assert value == Decimal(plain.strip("()")) * (-1 if negative else 1)


@pytest.mark.parametrize(
    ("cell", "month_format"),
    [
        ("2026-03", "YYYY-MM"),
        ("2026-03-31", "YYYY-MM-DD"),
        ("2026/3", "YYYY/MM"),
        ("3/2026", "MM/YYYY"),
        ("03.2026", "MM.YYYY"),
        ("3/31/2026", "MM/DD/YYYY"),
        ("31/3/2026", "DD/MM/YYYY"),
        ("31.03.2026", "DD.MM.YYYY"),
        (date(2026, 3, 9), "YYYY-MM"),
        (datetime(2026, 3, 9, 12, 30), "MM/YYYY"),  # noqa: DTZ001
    ],
)
def test_reads_a_month(cell: str | date, month_format: str) -> None:
    assert parse_month_cell(cell, month_format=month_format) == date(2026, 3, 1)


@pytest.mark.parametrize(
    "cell",
    [
        "2026-13",
        "2026-3",
        "Mar-26",
        "26-03",
        "1989-01",
        "9999-01",
        "٢٠٢٦-03",
        "2026-03 x",
        "",
        46082.0,
        202603,
        None,
        time(1),
    ],
)
def test_rejects_what_is_no_month(cell: str | float | None) -> None:
    with pytest.raises(Unreadable) as refused:
        parse_month_cell(cell, month_format="YYYY-MM")
    assert refused.value.code == "not_a_month"


def test_rejects_a_day_that_does_not_exist() -> None:
    with pytest.raises(Unreadable):
        parse_month_cell("2/30/2026", month_format="MM/DD/YYYY")


@given(st.text(max_size=12) | st.dates() | st.floats() | st.none(), st.sampled_from(MONTH_FORMATS))
def test_a_month_cell_is_read_or_rejected(cell: str | date | float | None, month_format: str) -> None:
    try:
        assert parse_month_cell(cell, month_format=month_format).day == 1
    except Unreadable:
        return


def test_text_is_plain_and_short() -> None:
    assert parse_text(" AI-1 ", max_chars=9) == "AI-1"
    assert parse_text(1001.0, max_chars=9) == "1001"
    assert parse_text(None, max_chars=9) == ""
    assert parse_text("one\ntwo \U0001f469\u200d\U0001f52c", max_chars=20, has_lines=True)
    for text in ("a\nb", "a\0b", "a\u202eb", "a\u200bb", "a\x1b[31m", "aaaaaaaaaa"):
        with pytest.raises(Unreadable):
            parse_text(text, max_chars=9)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("layout", "round"),
        ("decimal_separator", ";"),
        ("grouping_separator", "x"),
        ("grouping_separator", "."),
        ("month_format", "MM"),
        ("default_book", "diary"),
        ("columns", {"a": "nothing"}),
        ("columns", {"a": "amount", "b": "amount"}),
        ("unheard", 1),
    ],
)
def test_a_mapping_that_cannot_be_applied_is_refused(setting: str, value: object) -> None:
    with pytest.raises(ValueError, match=r"\.$"):
        Mapping.from_dict({setting: value})


def test_a_mapping_survives_storage() -> None:
    mapping = Mapping(columns={"Kosten": "amount"}, decimal_separator=",", sheet="Blatt 1")
    assert Mapping.from_dict(mapping.as_dict()) == mapping
