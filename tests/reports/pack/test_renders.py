"""Paper, sheet, comma-separated values and mail of one pack say the same numbers, and run nothing that a name says."""

from __future__ import annotations

import csv
import re
import subprocess
import sys
from io import BytesIO, StringIO
from pathlib import Path
from zipfile import ZipFile

import pytest
from openpyxl import load_workbook
from pypdf import PdfReader
from python_calamine import CalamineWorkbook

from reports import fonts, pack_charts, pack_csv, pack_mail, pack_pdf, pack_words, pack_workbook
from tests.reports.pack import said

HASH = "ab" * 32
SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"><rect width="10" height="10"/></svg>'


@pytest.fixture(scope="module")
def shown() -> dict:
    """The pack in words."""
    return pack_words.shown(said.content(), said.labels(), audience="monthly_pack", content_hash=HASH)


@pytest.fixture(scope="module")
def pdf(shown: dict) -> PdfReader:
    """The pack on paper, with a chart on every page that has one."""
    charts = {key: {"svg": SVG, "words": "A chart."} for key in ("portfolio", said.ONE, said.TWO)}
    return PdfReader(BytesIO(pack_pdf.render(shown, charts)))


def text_of(pdf: PdfReader) -> str:
    """Return all that can be read, in one line, without the places where a long word may break."""
    return " ".join(" ".join(page.extract_text() for page in pdf.pages).replace("\u200b", "").split())


def test_paper_is_tagged_titled_and_has_a_page_for_each_investment(pdf: PdfReader) -> None:
    """PDF/UA-1 as far as it is declared: structure, language, title; one page an investment after the summary."""
    catalog = pdf.trailer["/Root"]
    assert catalog["/MarkInfo"]["/Marked"]
    assert "/StructTreeRoot" in catalog
    assert catalog["/Lang"] == "en"
    assert pdf.metadata.title == "Monthly business review, CX Customer operations, May 2026"
    assert b"pdfuaid" in pdf.xmp_metadata.stream.get_data()
    starts = [page.extract_text() for page in pdf.pages]
    assert sum("Figures in USD" in text for text in starts) == 2


def test_paper_writes_negatives_in_parentheses_and_says_why_something_is_missing(pdf: PdfReader) -> None:
    """No zero stands for what is not known."""
    text = text_of(pdf)
    assert "(2,000)" in text
    assert "(100.0%)" in text
    assert "n/a: IRR per year: The cash flows never change sign" in text
    assert "2 of 2 investments have figures" in text


def test_names_stay_names_on_paper(pdf: PdfReader) -> None:
    """What looks like markup of the page language is printed."""
    assert '#image("/etc/passwd")' in text_of(pdf).replace("“", '"').replace("”", '"')


def renamed(shown: dict, name: str) -> dict:
    """Return the pack with a name of somebody's own in every part."""
    rows = {key: [row | {"name": name} for row in shown[key]] for key in ("ranking", "sections", "worsened")}
    return shown | rows


def test_a_name_in_a_script_without_a_typeface_costs_nobody_the_pack(shown: dict) -> None:
    """Its characters are boxes, and the first page says so; every other pack is PDF/UA-1 and has no such line."""
    words = "no typeface here has are boxes"
    told = PdfReader(BytesIO(pack_pdf.render(renamed(shown, "Support \U00013000"), {})))
    assert words in text_of(told)
    assert b"pdfuaid" not in told.xmp_metadata.stream.get_data()
    assert words not in text_of(PdfReader(BytesIO(pack_pdf.render(renamed(shown, "دعم العملاء"), {}))))


def test_any_other_fault_of_the_page_is_raised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only a missing character is worth another try."""
    template = tmp_path / "pack.typ"
    template.write_text('#panic("broken")')
    monkeypatch.setattr(pack_pdf, "TEMPLATE", template)
    monkeypatch.setattr(pack_pdf, "_ROOT", tmp_path)
    with pytest.raises(Exception, match="broken"):
        pack_pdf.render({}, {})


def test_a_word_longer_than_its_column_breaks(shown: dict) -> None:
    """It runs over no figure beside it: no line of it is as long as the word."""
    text = "".join(
        page.extract_text().replace("\u200b", "")
        for page in PdfReader(BytesIO(pack_pdf.render(renamed(shown, "W" * 80), {}))).pages
    )
    longest = max(len(run) for run in re.findall("W+", text))
    assert 10 < longest < 60


def test_the_same_month_is_compared_with_what_was_known_then() -> None:
    """A weekly digest of one month names the day, not the month against itself."""
    content = said.content()
    content["view"] |= {"before_month": content["view"]["month"], "since": "2026-06-09"}
    week = pack_words.shown(content, said.labels(), audience="weekly_digest", content_hash=HASH)
    assert (week["before"], week["compared"]) == ("9 Jun", "what was known on 9 Jun")
    assert "since 9 Jun" in pack_mail.text(week, path="/")


def test_people_are_written_as_names_are() -> None:
    """No line of their own, no override that turns the text around."""
    labels = said.labels()
    for one in labels["investments"].values():
        one["owner"] = "Mallory\r\nBcc: all\u202egnp.exe"
    told = pack_words.shown(said.content(), labels, audience="monthly_pack", content_hash=HASH)
    assert told["sections"][0]["people"].startswith("Owner Mallory Bcc: allgnp.exe")
    assert {review["owner"] for review in told["reviews"]} == {"Mallory Bcc: allgnp.exe"}


def test_an_investment_with_two_overdue_reviews_waits_once(shown: dict) -> None:
    """The sentence counts investments; the list says when it is not whole."""
    overdue = shown | {"audience": "overdue_reviews", "reviews": shown["reviews"][:1] * 7}
    assert pack_mail.lead(overdue) == "1 of 2 investments waits for a review that is overdue."
    assert pack_mail.facts(overdue)[-1] == ("And", "2 more in Hurdle")


def test_the_template_can_read_no_other_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even a template that tries is refused outside its own directory."""
    template = tmp_path / "pack.typ"
    template.write_text('#read("/etc/hostname")\n#read("../secret")')
    monkeypatch.setattr(pack_pdf, "TEMPLATE", template)
    monkeypatch.setattr(pack_pdf, "_ROOT", tmp_path)
    with pytest.raises(Exception, match=r"not found|denied|outside"):
        pack_pdf.render({}, {})


def book(name: str = "Investments") -> list[list[object]]:
    """Return a sheet of the workbook."""
    content = pack_workbook.render(said.content(), said.labels(), title="Review", content_hash=HASH)
    return CalamineWorkbook.from_filelike(BytesIO(content)).get_sheet_by_name(name).to_python()


def test_the_sheet_has_typed_figures_and_says_what_is_missing() -> None:
    """Numbers are numbers, months are dates, an undefined figure is the words n/a."""
    head, one, two = book()[4:7]
    row = dict(zip(head, two, strict=True))
    assert (row["Cost to date"], row["Net supported"], row["ROI to date"]) == (2000.0, -2000.0, -1.0)
    assert row["IRR per year"] == row["Breakeven month"] == row["Next review"] == "n/a"
    assert f"{row['Figures through']:%Y-%m}" == "2026-05"
    assert dict(zip(head, one, strict=True))["Benefit supported"] == 3300.0


def test_totals_follow_the_filter_and_are_right_as_written() -> None:
    """Live SUBTOTALs under a filter; the ROI of the total is that of the sums."""
    content = pack_workbook.render(said.content(), said.labels(), title="Review", content_hash=HASH)
    with ZipFile(BytesIO(content)) as parts:
        sheet = parts.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>SUBTOTAL(109,H6:H7)</f><v>4500.0</v>" in sheet
    assert '<f>IF(H4&gt;0,L4/H4,"n/a")</f><v>-0.26666666666' in sheet
    assert '<autoFilter ref="A5:X7"/>' in sheet
    assert 'state="frozen"' in sheet
    assert sheet.count("<f>") == 10


def pooled() -> dict:
    """Return a content in which a pool leaves out a part of the benefit."""
    content = said.content()
    content["totals"] |= {
        name: {
            "benefit": "3300.000000",
            "overlap": "900.000000",
            "net": "-2100.000000",
            "roi": {"value": "-0.4667"},
        }
        for name in ("claimed", "supported", "cashable")
    }
    content["overlaps"] = {"2026-05": "900.000000"}
    return content


def test_what_a_pool_leaves_out_is_named_everywhere() -> None:
    """Paper, mail in both forms and workbook say the net after pools, and why the rows add up to more."""
    content = pooled()
    shown = pack_words.shown(content, said.labels(), audience="monthly_pack", content_hash=HASH)
    paper = text_of(PdfReader(BytesIO(pack_pdf.render(shown, {}))))
    sheets = CalamineWorkbook.from_filelike(
        BytesIO(pack_workbook.render(content, said.labels(), title="Review", content_hash=HASH))
    )
    _, note, portfolio, rows, head, *_ = sheets.get_sheet_by_name("Investments").to_python()
    for text in (
        paper,
        pack_mail.text(shown, path="/"),
        pack_mail.html(shown, path="/", picture_words="", picture_at=""),
        note[0],
    ):
        assert "Members of benefit pools claim USD 900 more than they may together" in text
    named = dict(zip(head, portfolio, strict=True))
    assert portfolio[1] == "Portfolio to May 2026, after pools"
    assert (named["Benefit supported"], named["Net supported"]) == (3300.0, -2100.0)
    assert named["ROI to date"] == pytest.approx(-0.4667)
    # The total under the filter stays that of the rows.
    assert dict(zip(head, rows, strict=True))["Net supported"] == -1200.0
    assert pack_charts.points_of_all(content)[-1].benefit == 4000 - 900


def test_an_undefined_roi_of_the_portfolio_is_no_number_of_the_sheet() -> None:
    """It says n/a, and the note says why."""
    content = said.content()
    content["totals"]["supported"] = content["totals"]["supported"] | {"roi": {"reason": "missing_actuals"}}
    sheet = pack_workbook.render(content, said.labels(), title="Review", content_hash=HASH)
    _, note, portfolio, _, head, *_ = (
        CalamineWorkbook.from_filelike(BytesIO(sheet)).get_sheet_by_name("Investments").to_python()
    )
    assert dict(zip(head, portfolio, strict=True))["ROI to date"] == "n/a"
    assert "ROI to date of the portfolio: " in note[0]


def test_every_sheet_prints_with_its_headings() -> None:
    """Landscape, at most two pages wide, and rows of headings high enough for two lines."""
    content = pack_workbook.render(said.content(), said.labels(), title="Review", content_hash=HASH)
    with ZipFile(BytesIO(content)) as parts:
        sheets = [parts.read(f"xl/worksheets/sheet{number}.xml").decode() for number in range(1, 6)]
        book = parts.read("xl/workbook.xml").decode()
    assert [sheet.count('orientation="landscape"') for sheet in sheets] == [1] * 5
    assert 'fitToWidth="2"' in sheets[0]
    assert [sheet.count('ht="27.75" customHeight="1"') for sheet in sheets[:4]] == [1] * 4
    assert book.count("_xlnm.Print_Titles") == 4


def test_days_are_whole_and_great_percentages_are_grouped() -> None:
    """An IRR of a pilot can be enormous, and no review is half a day overdue."""
    content = pack_workbook.render(said.content(), said.labels(), title="Review", content_hash=HASH)
    book = load_workbook(BytesIO(content))
    (days,) = {
        row[4].number_format for row in book["Reviews"].iter_rows(min_row=2) if row[4].value is not None
    }
    assert days.startswith("#,##0;")
    formats = {cell.number_format for row in book["Investments"].iter_rows() for cell in row}
    assert {one for one in formats if "%" in one} == {'#,##0.0%;[Red](#,##0.0%);"–"'}


def test_no_name_is_a_formula_in_sheet_or_text() -> None:
    """A name that begins with = is text in the workbook and prefixed in comma-separated values."""
    assert book()[6][1] == f"'{said.EVIL}"
    text = pack_csv.render(said.content(), said.labels(), content_hash=HASH).decode("utf-8-sig")
    rows = list(csv.DictReader(StringIO(text)))
    assert [row["name"][0] for row in rows] == ["S", "'"]
    assert (rows[1]["net_supported"], rows[1]["irr_supported"]) == ("-2000.000000", "")
    assert {row["content_hash"] for row in rows} == {HASH}


def test_the_definitions_name_currency_knowledge_and_hash() -> None:
    """The workbook says what its figures mean and what they were computed from."""
    known = {row[0]: row[1] for row in book("Definitions")}
    assert known["Content hash (SHA-256)"] == HASH
    assert "knowledge time 7" in known["As known on"]
    assert "(ΣB − ΣC) / ΣC" in known["ROI to date"]


def test_mail_says_the_same_and_runs_nothing(shown: dict) -> None:
    """The figures of paper stand in the mail, in HTML and as text; a name is escaped."""
    html = pack_mail.html(shown, path="/admin/reports/x/", picture_words="A chart.", picture_at="cid:c")
    text = pack_mail.text(shown, path="/admin/reports/x/")
    for one in (html, text):
        assert "(26.7%)" in one
        assert "AI-001" in one
        assert "11 days overdue" in one
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert 'src="cid:c"' in html


def test_a_long_part_of_a_mail_is_cut_and_says_how_much_is_left(shown: dict) -> None:
    """At most five lines of each part; the rest is in the files and in Hurdle."""
    many = shown | {"worsened": shown["ranking"] * 4}
    assert "and 3 more" in pack_mail.text(many, path="/")


def test_the_portfolio_chart_adds_up_the_months_of_all() -> None:
    """Cumulative sums over investments, month by month."""
    last = pack_charts.points_of_all(said.content())[-1]
    assert (last.cost, last.benefit) == (4000, 4000)


def test_charts_are_drawn_in_a_child_that_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine, its threads and its memory never live in the process that lays out the pack."""
    monkeypatch.setitem(sys.modules, "vl_convert", None)
    drawn = pack_charts.draw(pack_charts.specs_of(said.content()))
    assert [drawn.svgs[key][:4] for key in ("portfolio", said.ONE, said.TWO)] == ["<svg"] * 3
    assert drawn.picture[:4] == b"\x89PNG"


def test_a_chart_that_breaks_the_child_is_no_empty_chart() -> None:
    """The pack is tried again; it never goes out without a chart that it should have."""
    with pytest.raises(subprocess.CalledProcessError):
        pack_charts.draw({"portfolio": {"mark": "no such mark"}})


def test_the_typeface_is_converted_once(tmp_path: Path) -> None:
    """Four faces that the page compiler can read; the second build finds them there."""
    assert fonts.build(tmp_path)
    assert not fonts.build(tmp_path)
    assert (tmp_path / "Inter-Regular.ttf").read_bytes()[:4] == b"\x00\x01\x00\x00"
    (tmp_path / "Inter-Bold.ttf").unlink()
    assert fonts.build(tmp_path)
