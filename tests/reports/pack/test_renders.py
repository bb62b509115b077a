"""Paper, sheet, comma-separated values and mail of one pack say the same numbers, and run nothing that a name says."""

from __future__ import annotations

import csv
import subprocess
import sys
from io import BytesIO, StringIO
from pathlib import Path
from zipfile import ZipFile

import pytest
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
    """Return all that can be read, in one line."""
    return " ".join(" ".join(page.extract_text() for page in pdf.pages).split())


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


def test_charts_are_drawn_in_the_typeface_of_paper() -> None:
    """In a process of its own, as the engine must not live where tests fork: one drawing, one picture."""
    code = (
        "import django; django.setup()\n"
        "from reports import pack_charts\n"
        "from tests.reports.pack import said\n"
        "specs = pack_charts.specs_of(said.content())\n"
        "print(len(pack_charts.draw(specs)), pack_charts.picture(specs['portfolio'])[:4])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == r"3 b'\x89PNG'", done.stderr


def test_the_typeface_is_converted_once(tmp_path: Path) -> None:
    """Four faces that the page compiler can read; the second build finds them there."""
    assert fonts.build(tmp_path)
    assert not fonts.build(tmp_path)
    assert (tmp_path / "Inter-Regular.ttf").read_bytes()[:4] == b"\x00\x01\x00\x00"
    (tmp_path / "Inter-Bold.ttf").unlink()
    assert fonts.build(tmp_path)
