"""Workbooks: what honest ones state, and what each part of the guard refuses before a reader sees it."""

import secrets
import zipfile
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolio.importers import importer_of, xlsx_actuals
from portfolio.importers.base import FileRefused, Limits, Mapping, ParsedFile
from portfolio.terms import EntryKind
from tests.portfolio.importers import books


def read(data: bytes, *, mapping: Mapping | None = None, limits: Limits | None = None) -> ParsedFile:
    assert importer_of(data) is xlsx_actuals
    parsed = xlsx_actuals.parse(data, mapping=mapping, limits=limits or Limits())
    assert parsed.accepted + parsed.rejected == parsed.rows_read
    return parsed


def refusal(data: bytes, *, mapping: Mapping | None = None, limits: Limits | None = None) -> FileRefused:
    with pytest.raises(FileRefused) as refused:
        read(data, mapping=mapping, limits=limits)
    assert refused.value.message.endswith(".")
    return refused.value


def test_reads_a_long_sheet_with_typed_cells() -> None:
    rows: list[list[object]] = [
        list(books.HEADER),
        ["AI-1", "2026-03", "dev", 0.1 + 0.2, "USD", None, "plan", 1001, "note"],
        ["AI-1", date(2026, 4, 30), "dev", "12.50", "usd"],
        ["AI-1", "2026-05", "dev", "nil"],
    ]
    parsed = read(books.written(rows))
    assert [row.amount for row in parsed.rows] == [Decimal("0.3"), Decimal("12.5"), None]
    assert [row.month for row in parsed.rows] == [date(2026, 3, 1), date(2026, 4, 1), date(2026, 5, 1)]
    assert (parsed.rows[0].source_ref, parsed.rows[0].row, parsed.sheet) == ("1001", 2, "Actuals")
    assert parsed.rows[2].kind is EntryKind.NIL
    assert parsed.is_clean


def test_reads_a_wide_sheet_with_date_headings() -> None:
    rows: list[list[object]] = [
        ["investment", "account", date(2026, 1, 1), "2026-02"],
        ["AI-1", "dev", 5, None],
    ]
    parsed = read(books.written(rows))
    assert parsed.layout == "wide"
    assert parsed.columns == ("investment", "account", "2026-01", "2026-02")
    assert [(row.column, row.month, row.amount) for row in parsed.rows] == [
        ("2026-01", date(2026, 1, 1), Decimal(5))
    ]


def test_cells_of_another_type_are_rejected_with_a_reason() -> None:
    rows: list[list[object]] = [
        list(books.HEADER),
        ["AI-1", 46082, "dev", 5],
        ["AI-1", "2026-03", "dev", True],
        ["AI-1", "2026-03", "dev", date(2026, 1, 1)],
        ["AI-1", "2026-03", "dev", 1 / 3],
        ["AI-1", "2026-03", "dev", 1e12],
    ]
    codes = [error.code for error in read(books.written(rows)).errors]
    assert codes == ["not_a_month", "not_a_number", "not_a_number", "too_precise", "too_large"]


def test_row_numbers_are_those_of_the_sheet() -> None:
    rows: list[list[object]] = [[], ["", ""], list(books.HEADER), [], ["AI-1", "2026-03", "dev", "x"]]
    assert read(books.written(rows)).errors[0].row == 5


def test_the_mapping_may_name_the_sheet() -> None:
    data = books.written([books.HEADER, ["AI-1", "2026-03", "dev", 5]], name="Blatt 1")
    assert read(data, mapping=Mapping(sheet="Blatt 1")).accepted == 1
    assert refusal(data, mapping=Mapping(sheet="Other")).code == "no_sheet"


def test_a_minimal_workbook_is_read() -> None:
    assert read(books.book()).rows[0].amount == 5
    assert read(books.book(tail='<hyperlinks/><x xmlns="urn:y"/>')).accepted == 1


def test_the_first_formula_is_named() -> None:
    body = books.ONE_ROW.replace("<v>5</v>", "<f>1+1</f><v>2</v>")
    refused = refusal(books.book(body))
    assert refused.code == "formula"
    assert "D2" in refused.message
    assert "paste its values" in refused.message


def test_an_error_value_is_not_an_empty_cell() -> None:
    refused = refusal(books.book(books.ONE_ROW.replace('<c r="D2"', '<c r="D2" t="e"')))
    assert (refused.code, "D2" in refused.message) == ("error_value", True)


FAR = '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
RELATION = (
    f'<Relationships xmlns="{books.PACKAGE}/relationships"><Relationship Id="x" Type="{books.RELATIONS}/'
)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (books.book(FAR), "too_many_rows"),
        (books.book('<row r="1"><c r="XFD1"><v>1</v></c></row>'), "too_many_columns"),
        (books.book('<row r="1"><c r="xfd1"><v>1</v></c></row>'), "too_many_columns"),
        (books.book("<row r='1048576'><c><v>1</v></c></row>"), "too_many_rows"),
        (books.book('<row r="2"><c r="A&#49;048576"><v>1</v></c></row>'), "too_many_rows"),
        (books.book("<row>" + "<c/>" * 500 + "</row>"), "too_many_columns"),
        (books.book("<row/>" * 110_000), "too_many_rows"),
        (books.book('<row r="1"><c r="A0"/></row>'), "bad_xml"),
        (books.book('<row r="1"><c r="1A"/></row>'), "bad_xml"),
        (books.book('<row r="1"><c r="ABCD1"/></row>'), "bad_xml"),
        (books.book('<row r="٣"/>'), "bad_xml"),
        (books.book('<row r="100000"><c r="NA100000"/></row>'), "too_many_cells"),
        (books.book(head="<!DOCTYPE x>"), "doctype"),
        (books.book(head='<!DOCTYPE x [<!ENTITY a "b">]>'), "doctype"),
        (books.book(docProps='<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x>&a;</x>'), "doctype"),
        (books.book(head='<?xml version="1.0" encoding="latin-1"?>'), "bad_xml"),
        (books.packed(books.parts(books.sheet_xml().encode("utf-16"))), "bad_xml"),
        (books.book("<row>"), "bad_xml"),
        (
            books.book(f'<row r="1"><c r="A1" t="inlineStr"><is><t>{"x" * 33_000}</t></is></c></row>'),
            "cell_too_long",
        ),
        (books.book(sharedStrings=f"<sst><si><t>{'x' * 33_000}</t></si></sst>"), "cell_too_long"),
        (books.book(tail=f'<x a="{secrets.token_hex(1_000_000)}"/>'), "bad_xml"),
        (books.packed({**books.parts(), "xl/vbaProject.bin": b"x"}), "macros"),
        (books.packed({**books.parts(), "xl/macrosheets/sheet1.xml": b"<x/>"}), "macros"),
        (books.packed({**books.parts(), "xl/externalLinks/externalLink1.xml": b"<x/>"}), "external_link"),
        (
            books.packed(
                {
                    **books.parts(),
                    "xl/a.rels": f'{RELATION}oleObject" TargetMode="External"/></Relationships>',
                }
            ),
            "external_link",
        ),
        (books.packed({**books.parts(), "xl/embeddings/x.bin": b"x"}), "embedded"),
        (books.packed({**books.parts(), "xl/media/x.png": books.packed({"a": b"b"})}), "nested_archive"),
        (
            books.packed(books.parts(main_type="application/vnd.ms-excel.sheet.macroEnabled.main+xml")),
            "not_a_workbook",
        ),
        (
            books.packed(books.parts(main_type="application/vnd.ms-excel.sheet.binary.macroEnabled.main")),
            "not_a_workbook",
        ),
        (
            books.packed(
                books.parts(
                    main_type="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
                )
            ),
            "not_a_workbook",
        ),
        (books.packed({"mimetype": b"application/vnd.oasis.opendocument.spreadsheet"}), "not_a_workbook"),
        (books.with_flag(books.book(), flag=1), "encrypted"),
        (books.packed(books.parts(), method=zipfile.ZIP_LZMA), "bad_archive"),
        (books.packed({**books.parts(), **{f"xl/{n}.xml": b"<x/>" for n in range(600)}}), "too_many_parts"),
        (books.packed({**books.parts(), "XL/workbook.xml": b"<x/>"}), "bad_archive"),
        (
            books.packed({key: value for key, value in books.parts().items() if "sheet1" not in key}),
            "no_sheet",
        ),
        (
            books.packed({key: value for key, value in books.parts().items() if "rels" not in key}),
            "bad_archive",
        ),
        (books.book()[:-30], "bad_archive"),
        (books.book() + b"tail", "bad_archive"),
        (b"PK\x03\x04", "bad_archive"),
        (b"PK", "bad_archive"),
        (books.book().replace(b"[Content_Types].xml", b"[Content_Types]\xd3xml", 1), "bad_archive"),
        (books.with_lying_size(books.book(), name="xl/worksheets/sheet1.xml", size=50), "bad_archive"),
        (
            books.with_lying_size(books.book(), name="xl/worksheets/sheet1.xml", size=2**31),
            "unpacks_too_large",
        ),
    ],
)
def test_hostile_workbooks_are_refused_with_one_reason(data: bytes, code: str) -> None:
    assert refusal(data).code == code


def test_a_sheet_hidden_by_its_workbook_is_not_read() -> None:
    contents = books.parts()
    book = str(contents["xl/workbook.xml"])
    contents["xl/workbook.xml"] = book.replace('sheetId="1"', 'sheetId="1" state="hidden"')
    assert refusal(books.packed(contents)).code == "no_sheet"
    contents["xl/workbook.xml"] = book.replace(
        "</sheets>", '<sheet name="ACTUALS" sheetId="2" r:id="r1"/></sheets>'
    )
    assert refusal(books.packed(contents)).code == "bad_archive"


def test_the_element_budget_is_shared_by_all_parts() -> None:
    data = books.book(other="<x>" + "<a/>" * 60 + "</x>", more="<x>" + "<a/>" * 60 + "</x>")
    assert read(data, limits=Limits(other_elements=200)).accepted == 1
    assert refusal(data, limits=Limits(other_elements=100)).code == "too_many_cells"
    assert refusal(data, limits=Limits(sheet_elements=10)).code == "too_many_cells"


HONEST = books.written(
    [books.HEADER, ["AI-1", "2026-03", "dev", 5, "USD"], ["AI-1", date(2026, 4, 1), "dev", 7]]
)
CELLS = st.one_of(
    st.none(),
    # XML 1.0 has no notation for the last two: a workbook with them is refused as a whole.
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\ufffe\uffff"), max_size=10),
    st.floats(allow_nan=False, allow_infinity=False),
    st.dates(date(1900, 3, 1), date(2300, 1, 1)),
    st.booleans(),
    st.sampled_from(["AI-1", "2026-03", "dev", "nil", "USD"]),
)


@given(st.lists(st.lists(CELLS, max_size=11), max_size=6))
def test_every_cell_ends_in_a_value_or_a_reason(rows: list[list[object]]) -> None:
    try:
        read(books.written([books.HEADER, *rows]))
    except FileRefused as refused:
        # Formulas are refused; the writer leaves their control characters as they are, which is no XML.
        has_formula = any(isinstance(cell, str) and cell.startswith("=") for row in rows for cell in row)
        if refused.code not in ("formula", "bad_xml") or not has_formula:
            raise


@given(st.lists(st.tuples(st.integers(0, len(HONEST) - 1), st.integers(0, 255)), min_size=1, max_size=4))
def test_damaged_workbooks_are_read_or_refused(changes: list[tuple[int, int]]) -> None:
    data = bytearray(HONEST)
    for at, value in changes:
        data[at] = value
    try:
        importer_of(bytes(data)).parse(bytes(data), mapping=None, limits=Limits())
    except FileRefused:
        return


@given(
    part=st.sampled_from(["xl/worksheets/sheet1.xml", "xl/workbook.xml", "xl/_rels/workbook.xml.rels"]),
    start=st.integers(0, 3_000),
    length=st.integers(0, 30),
    patch=st.text("<>/\"'= racvtsfr:123456789AZ&;#", max_size=30),
)
def test_damaged_parts_are_read_or_refused(part: str, start: int, length: int, patch: str) -> None:
    contents = books.parts()
    text = str(contents[part])
    at = start % len(text)
    contents[part] = text[:at] + patch + text[at + length :]
    try:
        read(books.packed(contents))
    except FileRefused:
        return


def overlapping() -> bytes:
    """Return an archive whose last directory entry points into the part of the first."""
    data = bytearray(books.book())
    at = data.rindex(b"PK\x01\x02") + 42
    data[at : at + 4] = (0).to_bytes(4, "little")
    return bytes(data)


VBA_TYPE = str(books.parts()["[Content_Types].xml"]).replace(
    "</Types>", '<Default Extension="bin" ContentType="application/vnd.ms-office.vbaProject"/></Types>'
)


@pytest.mark.parametrize(
    ("data", "limits", "words"),
    [
        (books.packed({**books.parts(), "XL/workbook.xml": b"<x/>"}), Limits(), "two parts of the same name"),
        (overlapping(), Limits(), "overlap"),
        (books.packed(books.parts(), method=zipfile.ZIP_BZIP2), Limits(), "packed in an unusual way"),
        (books.book(), Limits(unpacked_bytes=500), "unpacks to more than"),
        (books.packed({**books.parts(), "xl/x.bin": b"\0" * 2_000_000}), Limits(), "far more than it weighs"),
        (books.packed({**books.parts(), "[Content_Types].xml": VBA_TYPE}), Limits(), "macros"),
    ],
)
def test_the_archive_itself_is_judged_first(data: bytes, limits: Limits, words: str) -> None:
    assert words in refusal(data, limits=limits).message


def test_a_sheet_that_is_missing_is_named() -> None:
    assert "'Other'" in refusal(books.book(), mapping=Mapping(sheet="Other")).message
