"""A pack on paper: typst lays out the words, with the charts as drawings. Tagged, to PDF/UA-1."""

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reports import fonts

_ROOT = Path(__file__).parent / "typst"
TEMPLATE = _ROOT / "pack.typ"
# How typst says that no typeface has a character, which PDF/UA-1 forbids.
_NOT_SHOWN = "could not be displayed"
logger = logging.getLogger(__name__)


def render(shown: Mapping[str, Any], charts: Mapping[str, Mapping[str, str]]) -> bytes:
    """Return the PDF of a pack; `charts` has by id a drawing (`svg`) and what it says (`words`)."""
    import typst

    for is_system in (False, True):
        try:
            return _pdf(shown, charts, is_system=is_system, pdf_standards=["ua-1"])
        except typst.TypstError as error:
            if _NOT_SHOWN not in str(error):
                raise
    # One name in a script that no typeface here has must not cost everybody the pack.
    logger.warning("A pack has characters of no installed typeface; it is no PDF/UA-1.")
    return _pdf({**shown, "has_boxes": True}, charts, is_system=True)


def _pdf(shown: Mapping[str, Any], charts: Mapping[str, Any], *, is_system: bool, **how: Any) -> bytes:
    import typst

    # The text goes in as data: a name that looks like markup stays a name, and no file but the template is read.
    given = json.dumps({**shown, "charts": charts}, ensure_ascii=False)
    directory = fonts.directory()
    made = typst.compile(
        str(TEMPLATE),
        root=str(_ROOT),
        font_paths=[str(directory)] if directory.is_dir() else [],
        ignore_system_fonts=not is_system,
        sys_inputs={"pack": given},
        format="pdf",
        **how,
    )
    return bytes(made[0] if isinstance(made, list) else made)
