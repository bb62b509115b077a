"""Monthly values from .xlsx workbooks: the guard first, the reader after it. Formulas are never evaluated."""

import io
import posixpath
from collections.abc import Iterator, Sequence

from portfolio.importers.base import Cell, FileRefused, Limits, Mapping, ParsedFile, shown
from portfolio.importers.table import read_table
from portfolio.importers.workbook import checked_parts
from portfolio.importers.xml_scanner import Part

_WORKBOOK = "xl/workbook.xml"
_WORKBOOK_LINKS = "xl/_rels/workbook.xml.rels"


def is_recognized(data: bytes) -> bool:
    """Tell a ZIP archive; the guard tells a workbook from other archives."""
    return data.startswith(b"PK")


def parse(data: bytes, *, mapping: Mapping | None, limits: Limits) -> ParsedFile:
    """Return what the mapping's sheet states, else the first visible one; raises FileRefused."""
    parts = checked_parts(data, limits=limits)
    _check_links(parts)
    sheet, part = _chosen_sheet(parts, wanted=mapping.sheet if mapping is not None else None)
    _check_sheet(sheet, part, limits=limits)
    rows = _rows(data, sheet=sheet)
    return read_table(rows, mapping=mapping, limits=limits, sheet=sheet)


def _check_links(parts: dict[str, Part]) -> None:
    """Refuse data fetched from outside; a hyperlink is only a text to click on."""
    for part in parts.values():
        for name, attributes in part.kept:
            is_outside = name == "Relationship" and attributes.get("TargetMode", "").lower() == "external"
            if is_outside and not attributes.get("Type", "").endswith("/hyperlink"):
                message = "The workbook links to other files; break the links or paste the values."
                raise FileRefused(message, code="external_link")


def _chosen_sheet(parts: dict[str, Part], *, wanted: str | None) -> tuple[str, Part]:
    book, links = parts.get(_WORKBOOK), parts.get(_WORKBOOK_LINKS)
    if book is None or links is None:
        raise FileRefused("The workbook has no list of sheets; save it again.", code="bad_archive")
    targets = {each.get("Id"): each.get("Target", "") for name, each in links.kept if name == "Relationship"}
    sheets = [each for name, each in book.kept if name == "sheet"]
    names = [each.get("name", "") for each in sheets]
    if len({name.casefold() for name in names}) != len(names):
        raise FileRefused("Two sheets of the workbook have the same name.", code="bad_archive")
    for sheet in sheets:
        name = sheet.get("name", "")
        if name != wanted if wanted else sheet.get("state", "visible") != "visible":
            continue
        link = next((value for key, value in sheet.items() if key.rpartition(":")[2] == "id"), "")
        part = parts.get(posixpath.normpath(posixpath.join("xl", targets.get(link, ""))).lstrip("/"))
        if part is not None and part.root == "worksheet":
            return name, part
    if wanted:
        raise FileRefused(f"The workbook has no worksheet named '{shown(wanted)}'.", code="no_sheet")
    raise FileRefused("The workbook has no visible worksheet.", code="no_sheet")


def _check_sheet(sheet: str, part: Part, *, limits: Limits) -> None:
    """Refuse what a reader would evaluate, drop in silence or allocate for."""
    if part.first_formula:
        raise FileRefused(
            f"Sheet '{shown(sheet)}' holds formulas, the first in cell {shown(part.first_formula)}; formulas "
            "are never calculated here: copy the sheet and paste its values.",
            code="formula",
        )
    if part.first_error:
        raise FileRefused(
            f"Sheet '{shown(sheet)}' holds an error like #REF! in cell {shown(part.first_error)}; mend it.",
            code="error_value",
        )
    if part.rows * part.columns > limits.cells:
        raise FileRefused(
            f"Sheet '{shown(sheet)}' spans {part.rows:,} rows by {part.columns:,} columns: too many.",
            code="too_many_cells",
        )


def _rows(data: bytes, *, sheet: str) -> Iterator[tuple[int, Sequence[Cell]]]:
    # Imported here: only the sandboxed child may load the reader, whose failures end the process.
    import python_calamine

    try:
        with python_calamine.load_workbook(io.BytesIO(data)) as book:
            yield from enumerate(book.get_sheet_by_name(sheet).iter_rows(), start=1)
    except python_calamine.CalamineError:
        raise FileRefused(
            "The workbook cannot be read; save it again as .xlsx.", code="bad_archive"
        ) from None
