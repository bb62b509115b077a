"""Workbooks for the tests: written honestly, or put together part by part to be hostile."""

import io
import struct
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import xlsxwriter

Content = str | bytes | Iterable[bytes]

HEADER = ["investment", "month", "account", "amount", "currency", "quantity", "book", "source_ref", "note"]
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
MAIN_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"

ONE_ROW = (
    '<row r="1"><c r="A1" t="inlineStr"><is><t>investment</t></is></c>'
    '<c r="B1" t="inlineStr"><is><t>month</t></is></c><c r="C1" t="inlineStr"><is><t>account</t></is></c>'
    '<c r="D1" t="inlineStr"><is><t>amount</t></is></c></row>'
    '<row r="2"><c r="A2" t="inlineStr"><is><t>AI-1</t></is></c>'
    '<c r="B2" t="inlineStr"><is><t>2026-01</t></is></c>'
    '<c r="C2" t="inlineStr"><is><t>dev</t></is></c><c r="D2"><v>5</v></c></row>'
)


def written(rows: Sequence[Sequence[Any]], *, name: str = "Actuals", date_format: str = "yyyy-mm") -> bytes:
    """Return an honest workbook of one sheet."""
    target = io.BytesIO()
    with xlsxwriter.Workbook(target, {"in_memory": True, "default_date_format": date_format}) as workbook:
        sheet = workbook.add_worksheet(name)
        for at, row in enumerate(rows):
            sheet.write_row(at, 0, row)
    return target.getvalue()


def sheet_xml(body: str = ONE_ROW, *, head: str = "", tail: str = "") -> str:
    """Return a worksheet part around the given rows."""
    return f'{head}<worksheet xmlns="{MAIN}"><sheetData>{body}</sheetData>{tail}</worksheet>'


def parts(sheet: str | bytes | None = None, *, main_type: str = MAIN_TYPE) -> dict[str, Content]:
    """Return the parts of a minimal workbook whose only sheet is the given one."""
    return {
        "[Content_Types].xml": (
            f'<Types xmlns="{PACKAGE}/content-types"><Override PartName="/xl/workbook.xml" '
            f'ContentType="{main_type}"/></Types>'
        ),
        "_rels/.rels": (
            f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="r1" '
            f'Type="{RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
        ),
        "xl/workbook.xml": (
            f'<workbook xmlns="{MAIN}" xmlns:r="{RELATIONS}"><sheets><sheet name="Actuals" sheetId="1" '
            'r:id="r1"/></sheets></workbook>'
        ),
        "xl/_rels/workbook.xml.rels": (
            f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="r1" '
            f'Type="{RELATIONS}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>'
        ),
        "xl/worksheets/sheet1.xml": sheet_xml() if sheet is None else sheet,
    }


def packed(contents: Mapping[str, Content], *, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return an archive of the given parts; a part given in chunks is never held whole."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", method) as archive:
        for name, content in contents.items():
            with archive.open(name, "w") as part:
                if isinstance(content, str):
                    part.write(content.encode())
                elif isinstance(content, bytes):
                    part.write(content)
                else:
                    for chunk in content:
                        part.write(chunk)
    return target.getvalue()


def book(body: str = ONE_ROW, *, head: str = "", tail: str = "", **more: str | bytes) -> bytes:
    """Return a minimal workbook around the given rows; keyword parts are named `xl/<keyword>.xml`."""
    extra = {f"xl/{name}.xml": content for name, content in more.items()}
    return packed({**parts(sheet_xml(body, head=head, tail=tail)), **extra})


def with_flag(data: bytes, *, flag: int) -> bytes:
    """Return an archive whose first directory entry has another general purpose flag."""
    at = data.index(b"PK\x01\x02") + 8
    return data[:at] + struct.pack("<H", flag) + data[at + 2 :]


def with_lying_size(data: bytes, *, name: str, size: int) -> bytes:
    """Return an archive whose directory states another unpacked size for one part."""
    at = data.rindex(name.encode()) - 46
    assert data[at : at + 4] == b"PK\x01\x02"
    return data[: at + 24] + struct.pack("<L", size) + data[at + 28 :]
