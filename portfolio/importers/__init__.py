"""Files in, stated values out. `parse` is the one way in: chosen by content, read in a child process."""

from portfolio.importers import csv_actuals, sandbox, xlsx_actuals
from portfolio.importers.base import FileRefused, Importer, Limits, Mapping, ParsedFile

DEFAULT_LIMITS = Limits()

IMPORTERS: dict[str, Importer] = {"xlsx": xlsx_actuals, "csv": csv_actuals}
"""Asked in this order whether they recognize a file."""


def parse(data: bytes, *, mapping: Mapping | None = None, limits: Limits = DEFAULT_LIMITS) -> ParsedFile:
    """Return what a file states, read in the sandbox; raises FileRefused with one sentence for the user."""
    return sandbox.run(data, mapping=mapping, limits=limits)


def importer_of(data: bytes) -> Importer:
    """Return the importer for a file's content; raises FileRefused."""
    for importer in IMPORTERS.values():
        if importer.is_recognized(data):
            return importer
    raise FileRefused("The file is neither CSV nor an .xlsx workbook.", code="not_a_table")
