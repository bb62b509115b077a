"""The guard in front of every .xlsx reader: the archive and all of its XML are streamed under limits first.

Spreadsheet readers allocate for the outermost cell and trust sizes the file states; nothing here does.
"""

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator

from portfolio.importers.base import FileRefused, Limits
from portfolio.importers.xml_scanner import Budget, Part, Scanner

MAIN_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"
CONTENT_TYPES = "[Content_Types].xml"

_CHUNK = 256 * 1024
_END_RECORD = b"PK\x05\x06"
_END_RECORD_BYTES = 22
_RATIO_FREE_BYTES = 2**20
# What the archive reader raises on bytes it did not expect; NotImplementedError is a RuntimeError.
_DAMAGE = (zipfile.BadZipFile, zlib.error, struct.error, ValueError, RuntimeError, OSError, EOFError)
_OTHER_TYPES = {
    "application/vnd.ms-excel.sheet.macroenabled.main+xml": "a workbook with macros (.xlsm)",
    "application/vnd.ms-excel.template.macroenabled.main+xml": "a template with macros (.xltm)",
    "application/vnd.ms-excel.sheet.binary.macroenabled.main": "a binary workbook (.xlsb)",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.template.main+xml": "a template (.xltx)",
}


def checked_parts(data: bytes, *, limits: Limits) -> dict[str, Part]:
    """Return what each XML part holds, after the whole archive has been read once; raises FileRefused."""
    with _opened(data, limits) as archive:
        entries = archive.infolist()
        _check_entries(entries, limits)
        _check_content_types(archive, limits)
        budget = Budget(sheet=limits.sheet_elements, other=limits.other_elements)
        parts = {}
        for entry in entries:
            part = _scan(archive, entry, limits=limits, budget=budget)
            if part is not None:
                parts[entry.filename] = part
    return parts


def _opened(data: bytes, limits: Limits) -> zipfile.ZipFile:
    """Open the archive once its directory is known to be small: reading a huge one is an attack by itself."""
    end = data[-_END_RECORD_BYTES:]
    if len(end) < _END_RECORD_BYTES or not end.startswith(_END_RECORD) or end[-2:] != b"\0\0":
        raise FileRefused(
            "The workbook is cut off or has bytes after its end; save it again.", code="bad_archive"
        )
    directory_bytes = int.from_bytes(end[12:16], "little")
    if directory_bytes > limits.archive_entries * 256:
        raise FileRefused("The workbook holds too many parts.", code="too_many_parts")
    try:
        return zipfile.ZipFile(io.BytesIO(data))
    except _DAMAGE:
        raise FileRefused("The workbook is damaged; save it again.", code="bad_archive") from None


def _check_entries(entries: list[zipfile.ZipInfo], limits: Limits) -> None:
    """Refuse by what the directory states: number, names, sizes, ratio, overlap, method, encryption."""
    names = [entry.filename.casefold() for entry in entries]
    if len(entries) > limits.archive_entries:
        raise FileRefused("The workbook holds too many parts.", code="too_many_parts")
    if len(set(names)) != len(names):
        raise FileRefused("The workbook holds two parts of the same name.", code="bad_archive")
    unpacked = sum(entry.file_size for entry in entries)
    if unpacked > limits.unpacked_bytes:
        limit = limits.unpacked_bytes // 2**20
        raise FileRefused(f"The workbook unpacks to more than {limit} MB.", code="unpacks_too_large")
    end = 0
    for entry in sorted(entries, key=lambda each: each.header_offset):
        if entry.header_offset < end:
            raise FileRefused("Parts of the workbook overlap; save it again.", code="bad_archive")
        end = entry.header_offset + entry.compress_size
        if entry.flag_bits & 0x1:
            raise FileRefused("The workbook is encrypted; save it without a password.", code="encrypted")
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise FileRefused("The workbook is packed in an unusual way; save it again.", code="bad_archive")
        if entry.file_size > max(_RATIO_FREE_BYTES, entry.compress_size * limits.unpack_ratio):
            raise FileRefused(
                "A part of the workbook unpacks to far more than it weighs.", code="unpacks_too_large"
            )
        _check_name(entry.filename.casefold())


def _check_name(name: str) -> None:
    if "externallinks/" in name:
        raise FileRefused(
            "The workbook links to other workbooks; break the links or paste the values.",
            code="external_link",
        )
    if name.endswith("vbaproject.bin") or "macrosheets/" in name:
        raise FileRefused("The workbook holds macros; save it as a plain .xlsx.", code="macros")
    if "embeddings/" in name or "activex/" in name:
        raise FileRefused("The workbook holds embedded objects; remove them.", code="embedded")


def _check_content_types(archive: zipfile.ZipFile, limits: Limits) -> None:
    """Tell by the declared content, never by the name, whether this is an .xlsx workbook."""
    if CONTENT_TYPES not in archive.namelist():
        raise FileRefused("This is a ZIP archive, not an .xlsx workbook.", code="not_a_workbook")
    budget = Budget(sheet=0, other=limits.archive_entries * 4)
    part = _scan(archive, archive.getinfo(CONTENT_TYPES), limits=limits, budget=budget)
    types = {attributes.get("ContentType", "").lower() for _, attributes in (part.kept if part else [])}
    for other, name in _OTHER_TYPES.items():
        if other in types:
            raise FileRefused(f"This is {name}; save it as a plain .xlsx.", code="not_a_workbook")
    if any("macroenabled" in each or "vbaproject" in each for each in types):
        raise FileRefused("The workbook holds macros; save it as a plain .xlsx.", code="macros")
    if MAIN_TYPE not in types:
        raise FileRefused("This is an Office document, not an .xlsx workbook.", code="not_a_workbook")


def _chunks(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Iterator[bytes]:
    try:
        with archive.open(entry) as stream:
            while chunk := stream.read(_CHUNK):
                yield chunk
    except _DAMAGE:
        raise FileRefused("The workbook is damaged; save it again.", code="bad_archive") from None


def _scan(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, *, limits: Limits, budget: Budget) -> Part | None:
    """Stream one part: XML through the scanner; anything else only to its end, and never an archive."""
    scanner: Scanner | None = None
    is_first = True
    for chunk in _chunks(archive, entry):
        if is_first:
            is_first = False
            if chunk.startswith((b"PK\x03\x04", b"\x1f\x8b", b"\xd0\xcf\x11\xe0")):
                raise FileRefused("The workbook holds another archive inside.", code="nested_archive")
            if _is_xml(entry.filename, chunk):
                scanner = Scanner(Part(entry.filename), limits=limits, budget=budget)
        if scanner is not None:
            scanner.feed(chunk)
    return None if scanner is None else scanner.closed()


def _is_xml(name: str, head: bytes) -> bool:
    is_named = name.lower().endswith((".xml", ".rels"))
    return is_named or head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"<?xml", b"<worksheet", b"<!"))
