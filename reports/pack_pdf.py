"""A pack on paper: typst lays out the words, with the charts as drawings. Tagged, to PDF/UA-1."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reports import fonts

_ROOT = Path(__file__).parent / "typst"
TEMPLATE = _ROOT / "pack.typ"


def render(shown: Mapping[str, Any], charts: Mapping[str, Mapping[str, str]]) -> bytes:
    """Return the PDF of a pack; `charts` has by id a drawing (`svg`) and what it says (`words`)."""
    made = _compile(shown, charts, format="pdf", pdf_standards=["ua-1"])
    return bytes(made[0] if isinstance(made, list) else made)


def pages(
    shown: Mapping[str, Any], charts: Mapping[str, Mapping[str, str]], *, dots_per_inch: int
) -> list[bytes]:
    """Return the same pages as PNG, to look at."""
    made = _compile(shown, charts, format="png", ppi=float(dots_per_inch))
    return [bytes(page) for page in (made if isinstance(made, list) else [made])]


def _compile(shown: Mapping[str, Any], charts: Mapping[str, Any], **how: Any) -> Any:
    import typst

    # The text goes in as data: a name that looks like markup stays a name, and no file but the template is read.
    given = json.dumps({**shown, "charts": charts}, ensure_ascii=False)
    directory = fonts.directory()
    return typst.compile(
        str(TEMPLATE),
        root=str(_ROOT),
        font_paths=[str(directory)] if directory.is_dir() else [],
        ignore_system_fonts=True,
        sys_inputs={"pack": given},
        **how,
    )
