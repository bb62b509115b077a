"""CSV files: encodings, delimiters, layouts, headings, and the arithmetic of accepted and rejected."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolio.importers import csv_actuals
from portfolio.importers.base import FileRefused, Limits, Mapping, ParsedFile
from portfolio.terms import Book, EntryKind

HEADER = "investment,month,account,amount,currency,quantity,book,source_ref,note\n"


def read(text: str | bytes, *, mapping: Mapping | None = None, limits: Limits | None = None) -> ParsedFile:
    data = text.encode() if isinstance(text, str) else text
    parsed = csv_actuals.parse(data, mapping=mapping, limits=limits or Limits())
    assert parsed.accepted + parsed.rejected == parsed.rows_read
    return parsed


def refusal(text: str | bytes, *, limits: Limits | None = None) -> FileRefused:
    with pytest.raises(FileRefused) as refused:
        read(text, limits=limits)
    assert refused.value.message.endswith(".")
    return refused.value


def codes(parsed: ParsedFile) -> list[str]:
    return [error.code for error in parsed.errors]


def test_reads_every_field_of_a_long_row() -> None:
    parsed = read(HEADER + 'AI-1,2026-03,dev,-12.5,usd,3,plan,INV-7,"two\r\nlines"\r\n')
    (row,) = parsed.rows
    assert (row.row, row.column, row.investment, row.month, row.account) == (
        2,
        "amount",
        "AI-1",
        date(2026, 3, 1),
        "dev",
    )
    assert (row.amount, row.quantity, row.currency) == (Decimal("-12.5"), Decimal(3), "USD")
    assert (row.book, row.source_ref, row.note, row.kind) == (
        Book.PLAN,
        "INV-7",
        "two\r\nlines",
        EntryKind.VALUE,
    )
    assert parsed.layout == "long"
    assert parsed.is_clean


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_finds_the_delimiter_from_the_header(delimiter: str, mark: str, line_end: str) -> None:
    text = mark + line_end.join(["investment,month,account,amount", "AI-1,2026-03,dev,5", ""])
    (row,) = read(text.replace(",", delimiter)).rows
    assert row.amount == 5


def test_reads_a_decimal_comma_only_where_the_mapping_says_so() -> None:
    text = "investment;month;account;amount\nAI-1;2026-03;dev;1234,56\n"
    assert codes(read(text)) == ["ambiguous_separator"]
    assert read(text, mapping=Mapping(decimal_separator=",")).rows[0].amount == Decimal("1234.56")


def test_an_unquoted_grouping_comma_cannot_shift_a_figure() -> None:
    parsed = read("investment,month,account,amount\nAI-1,2026-03,dev,1,234\n")
    assert codes(parsed) == ["no_heading"]
    assert parsed.rejected == 1


@pytest.mark.parametrize(
    ("line", "code", "column"),
    [
        (",2026-03,dev,5,,,,,", "missing_code", "investment"),
        ("AI-1,,dev,5,,,,,", "missing_month", "month"),
        ("AI-1,2026-03,,5,,,,,", "missing_code", "account"),
        ("AI-1,2026-03,dev,,,,,,", "missing_value", "amount"),
        ("AI-1,2026-03,dev,nil,,5,,,", "nil_and_value", "amount"),
        ("AI-1,2026-03,dev,5,dollar,,,,", "not_a_currency", "currency"),
        ("AI-1,2026-03,dev,5,,x,,,", "not_a_number", "quantity"),
        ("AI-1,2026-03,dev,5,,,diary,,", "not_a_book", "book"),
        ("AI-1,03/2026,dev,5,,,,,", "not_a_month", "month"),
        ("AI\u202e-1,2026-03,dev,5,,,,,", "control_character", "investment"),
        (f"{'A' * 65},2026-03,dev,5,,,,,", "too_long", "investment"),
        (f"AI-1,2026-03,dev,5,,,,{'r' * 201},", "too_long", "source_ref"),
    ],
)
def test_a_rejected_row_names_cell_and_reason(line: str, code: str, column: str) -> None:
    parsed = read(f"{HEADER}{line}\n")
    assert [(error.row, error.code, error.column) for error in parsed.errors] == [(2, code, column)]
    assert parsed.errors[0].message.endswith(".")
    assert (parsed.accepted, parsed.rejected) == (0, 1)


def test_all_that_is_wrong_with_a_row_is_said_at_once() -> None:
    parsed = read(HEADER + ",Mar-26,,x,,,,,\n")
    assert sorted(codes(parsed)) == ["missing_code", "missing_code", "not_a_month", "not_a_number"]
    assert parsed.rejected == 1


def test_shown_values_are_short_and_harmless() -> None:
    parsed = read(HEADER + f"AI-1,2026-03,dev,\x1b[31m{'x' * 500},,,,,\n")
    assert len(parsed.errors[0].value) <= 80
    assert parsed.errors[0].value.isprintable()


def test_nil_is_a_statement() -> None:
    (amount, quantity) = read(HEADER + "AI-1,2026-03,dev,NIL,,,,,\nAI-1,2026-03,users,,,nil,,,\n").rows
    assert (amount.kind, amount.amount, amount.quantity) == (EntryKind.NIL, None, None)
    assert (quantity.kind, quantity.column) == (EntryKind.NIL, "amount")


def test_the_same_value_twice_is_rejected_with_its_first_row() -> None:
    parsed = read(
        HEADER + "AI-1,2026-03,dev,5,,,,,\n\nAI-1,2026-03,dev,6,,,,,\nAI-1,2026-03,dev,6,,,,other,\n"
    )
    assert parsed.accepted == 2
    assert [(error.row, error.code) for error in parsed.errors] == [(4, "duplicate_value")]
    assert "Row 2" in parsed.errors[0].message


def test_defaults_fill_empty_cells_only() -> None:
    mapping = Mapping(default_account="dev", default_currency="eur", default_book="plan")
    text = "investment,month,amount,currency\nAI-1,2026-03,5,\nAI-1,2026-04,5,USD\n"
    first, second = read(text, mapping=mapping).rows
    assert (first.account, first.currency, first.book) == ("dev", "EUR", Book.PLAN)
    assert second.currency == "USD"


def test_blank_rows_are_not_counted_but_keep_their_number() -> None:
    parsed = read("\n\n" + HEADER + "\n ,,,,,,,,\nAI-1,2026-03,dev,5,,,,,\n")
    assert parsed.rows_read == 1
    assert parsed.rows[0].row == 6


class TestWide:
    def test_each_filled_month_cell_states_a_value(self) -> None:
        parsed = read("investment,account,currency,2026-01,2026-02,2026-03\nAI-1,dev,USD,5,,nil\n")
        assert parsed.layout == "wide"
        assert [(row.column, row.amount, row.kind) for row in parsed.rows] == [
            ("2026-01", 5, EntryKind.VALUE),
            ("2026-03", None, EntryKind.NIL),
        ]

    def test_a_measure_column_makes_quantities(self) -> None:
        parsed = read(
            "investment,account,measure,2026-01\nAI-1,users,quantity,5\nAI-1,dev,,6\nAI-1,x,much,6\n"
        )
        assert [(row.amount, row.quantity) for row in parsed.rows] == [(None, 5), (6, None)]
        assert codes(parsed) == ["not_a_measure"]

    def test_a_wrong_row_rejects_each_of_its_values_and_says_why_once(self) -> None:
        parsed = read("investment,account,2026-01,2026-02,2026-03\n,dev,5,6,\nAI-1,dev,x,7,\n,dev,,,\n")
        assert codes(parsed) == ["missing_code", "not_a_number"]
        assert (parsed.rows_read, parsed.accepted, parsed.rejected) == (4, 1, 3)

    def test_month_headings_follow_the_mapping_too(self) -> None:
        mapping = Mapping(month_format="MM/YYYY")
        parsed = read("investment,account,01/2026,2026-02\nAI-1,dev,5,6\n", mapping=mapping)
        assert [row.month for row in parsed.rows] == [date(2026, 1, 1), date(2026, 2, 1)]
        doubled = read("investment,account,01/2026,2026-01\nAI-1,dev,5,6\n", mapping=mapping)
        assert codes(doubled) == ["duplicate_heading"]


class TestHeadings:
    def test_known_names_are_recognized_in_any_case(self) -> None:
        parsed = read("Use  Case,PERIOD,Account Code,Value,Ccy,Remark\nAI-1,2026-03,dev,5,USD,hello\n")
        assert parsed.rows[0].note == "hello"
        assert parsed.mapping.columns["PERIOD"] == "month"

    def test_a_field_name_wins_over_an_alias(self) -> None:
        parsed = read("investment,month,account,value,amount\nAI-1,2026-03,dev,9,5\n")
        assert parsed.rows[0].amount == 5
        assert "'value'" in parsed.warnings[0]

    def test_the_mapping_names_other_columns(self) -> None:
        mapping = Mapping(
            columns={"Vorhaben": "investment", "Monat": "month", "Konto": "account", "Betrag": "amount"}
        )
        text = "vorhaben;Monat;Konto;Betrag;amount\nAI-1;2026-03;dev;5;7\n"
        parsed = read(text, mapping=mapping)
        assert parsed.rows[0].amount == 5
        assert parsed.warnings == ("These columns are not known and were ignored: 'amount'.",)
        absent = read("Vorhaben;Monat;Konto\nAI-1;2026-03;dev\n", mapping=mapping)
        assert codes(absent) == ["absent_columns", "missing_columns"]

    def test_missing_columns_are_one_sentence(self) -> None:
        parsed = read("investment,colour\nAI-1,red\n")
        assert [error.message for error in parsed.errors] == [
            "The file lacks the required columns: account, month, amount (or quantity)."
        ]
        assert parsed.columns == ("investment", "colour")
        assert parsed.rows_read == 0
        assert not parsed.is_clean

    def test_two_equal_headings_are_an_error(self) -> None:
        parsed = read("investment,month,account,amount,Amount \nAI-1,2026-03,dev,5,6\n")
        assert codes(parsed) == ["duplicate_heading"]
        assert parsed.accepted == 0


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty"),
        (b"\n\n", "empty"),
        ("investment,month\n".encode("utf-16"), "not_utf8"),
        ("investment,month,account,amount,note\nAI,2026-03,dev,5,caf\xe9\n".encode("latin-1"), "not_utf8"),
        (b"investment,month,account,amount\nAI\0,2026-03,dev,5\n", "nul"),
        (b"investment|month|account|amount\n", "no_delimiter"),
        (b"a;b,c\n", "no_delimiter"),
        (HEADER.encode() + b'AI-1,"2026\n', "bad_quotes"),
        (HEADER.encode() + b'AI-1,"2026"x,\n', "bad_quotes"),
        (HEADER.encode() + b"x" * 40_000, "cell_too_long"),
        (HEADER.encode() + b"x," * 600_000, "row_too_long"),
        (b"month," * 600, "too_many_columns"),
        (b"%PDF-1.7 ...", "not_a_table"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "not_a_table"),
        (b"  <html><table>", "not_a_table"),
    ],
)
def test_a_file_that_is_no_csv_is_refused_with_a_sentence(data: bytes, code: str) -> None:
    assert refusal(data).code == code


def test_row_and_column_limits() -> None:
    line = "AI-1,2026-03,dev,5,,,,,\n"
    assert refusal(HEADER + line * 4, limits=Limits(rows=3)).code == "too_many_rows"
    assert refusal(HEADER + line + "," * 40 + "\n", limits=Limits(columns=30)).code == "too_many_columns"


def test_errors_beyond_the_limit_are_counted() -> None:
    parsed = read(HEADER + ",2026-03,dev,x,,,,,\n" * 5, limits=Limits(errors=3))
    assert (len(parsed.errors), parsed.errors_left_off, parsed.rejected) == (3, 7, 5)


cells = st.one_of(
    st.sampled_from(
        ["", "AI-1", "2026-03", "dev", "5", "-1,5", "nil", "USD", "plan", "=1+1", "1e400", "quantity"]
    ),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
)
headings = st.sampled_from(
    [*HEADER.strip().split(","), "measure", "2026-01", "2026-02", "value", "", "other"]
)


@given(
    header=st.lists(headings, min_size=2, max_size=8, unique=True),
    rows=st.lists(st.lists(cells, max_size=9), max_size=8),
    decimal=st.sampled_from(".,"),
)
def test_every_value_is_accepted_or_rejected_with_a_reason(
    header: list[str], rows: list[list[str]], decimal: str
) -> None:
    lines = [";".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in [header, *rows]]
    try:
        parsed = read("\n".join(lines), mapping=Mapping(decimal_separator=decimal))
    except FileRefused as refused:
        if refused.code not in {"nul", "no_delimiter", "empty"}:
            raise
        return
    assert bool(parsed.errors) >= bool(parsed.rejected)
    assert all(error.message and len(error.value) <= 80 for error in parsed.errors)


@given(st.binary(max_size=400))
def test_arbitrary_bytes_are_read_or_refused(data: bytes) -> None:
    for content in (data, HEADER.encode() + data):
        try:
            read(content)
        except FileRefused:
            continue
