"""The archive: one frozen content, written down with its hash and its files, and derived again to be compared."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from django.db import transaction

from portfolio import knowledge
from portfolio.models import Portfolio
from reports import (
    pack_charts,
    pack_content,
    pack_csv,
    pack_labels,
    pack_mail,
    pack_pdf,
    pack_words,
    pack_workbook,
)
from reports.models import ArchivedReport, ReportFile
from reports.pack_views import View
from roi.engine.result import ENGINE_VERSION

Json = dict[str, Any]
MAIL, PICTURE = "html", "png"
MEDIA_TYPES = {
    "pdf": "application/pdf",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv; charset=utf-8",
    MAIL: "text/html; charset=utf-8",
    PICTURE: "image/png",
}
# What a mail is made of, beside what people download.
INNER = frozenset({MAIL, PICTURE})
MOST_DIFFERENCES = 20


@dataclass(frozen=True, slots=True)
class Frozen:
    """A content as it was read in one view of the database, with its labels."""

    portfolio: Portfolio
    audience: str
    view: View
    content: Json
    labels: Json

    @property
    def content_hash(self) -> str:
        """The hash that the content derives again to."""
        return pack_content.hash_of(self.content)

    def shown(self) -> Json:
        """Return the report in words."""
        return pack_words.shown(
            self.content, self.labels, audience=self.audience, content_hash=self.content_hash
        )


@dataclass(frozen=True, slots=True)
class Derived:
    """What came of deriving a report again: the hash now, and in sentences why it differs, if it does."""

    content_hash: str
    differences: Sequence[str]

    @property
    def is_same(self) -> bool:
        """Whether the report says today what it said then."""
        return not self.differences


def freeze(portfolio: Portfolio, audience: str, view: View, *, now: datetime) -> Frozen:
    """Read what a report says, in one view of the database."""

    def read() -> Frozen:
        content = pack_content.content_of(portfolio, view)
        return Frozen(portfolio, audience, view, content, pack_labels.labels_of(portfolio, content, now=now))

    return knowledge.with_one_view(read)


def of(report: ArchivedReport) -> Frozen:
    """Return an archived report as it was frozen."""
    view = View.read(report.content["view"])
    return Frozen(report.portfolio, report.audience, view, report.content, report.labels)


def files_of(frozen: Frozen, *, path: str) -> dict[str, bytes]:
    """Return the report in every format; it takes seconds, so only a report worker or a command calls it."""
    shown, content, labels = frozen.shown(), frozen.content, frozen.labels
    specs = pack_charts.specs_of(content) if frozen.audience != "overdue_reviews" else {}
    drawings = pack_charts.draw(specs)
    picture = drawings.picture
    words = str(specs[pack_charts.PORTFOLIO]["description"]) if picture else ""
    at = f"cid:{pack_mail.PICTURE}" if picture else ""
    files = {MAIL: pack_mail.html(shown, path=path, picture_words=words, picture_at=at).encode()}
    if picture:
        files[PICTURE] = picture
    if frozen.audience == "overdue_reviews":
        return files
    drawn = {key: {"svg": svg, "words": specs[key]["description"]} for key, svg in drawings.svgs.items()}
    return files | {
        "pdf": pack_pdf.render(shown, drawn),
        "xlsx": pack_workbook.render(content, labels, title=shown["title"], content_hash=shown["hash"]),
        "csv": pack_csv.render(content, labels, content_hash=shown["hash"]),
    }


@transaction.atomic
def store(report: ArchivedReport, frozen: Frozen, files: Mapping[str, bytes]) -> ArchivedReport:
    """Write a report and its files. `report` brings its public id, which the files may name, and its time."""
    report.portfolio, report.audience = frozen.portfolio, frozen.audience
    report.month, report.knowledge = frozen.view.month, frozen.view.knowledge
    report.engine_version = ENGINE_VERSION
    report.content, report.content_hash = frozen.content, frozen.content_hash
    report.labels, report.labels_hash = frozen.labels, pack_content.hash_of(frozen.labels)
    report.save(force_insert=True)
    ReportFile.objects.bulk_create(
        ReportFile(
            report=report,
            format=kind,
            name=f"{frozen.portfolio.code}-{frozen.audience.replace('_', '-')}-{frozen.view.month:%Y-%m}.{kind}",
            media_type=MEDIA_TYPES[kind],
            content=content,
            content_hash=hashlib.sha256(content).hexdigest(),
        )
        for kind, content in files.items()
    )
    return report


def derive(report: ArchivedReport) -> Derived:
    """Derive a report's content again from the ledger, and say what differs from what was archived."""
    view = View.read(report.content["view"])
    stored = report.content.get("layout")
    layout = stored if stored in pack_content.LAYOUTS else pack_content.LAYOUT
    again = knowledge.with_one_view(partial(pack_content.content_of, report.portfolio, view, layout=layout))
    found = pack_content.hash_of(again)
    altered = [
        f"The archived {name} is not what was written: its hash differs."
        for name, text, written in (
            ("content", report.content, report.content_hash),
            ("labels", report.labels, report.labels_hash),
        )
        if pack_content.hash_of(text) != written
    ]
    if found == report.content_hash:
        return Derived(found, altered)
    return Derived(found, altered + _why(report, again))


def _why(report: ArchivedReport, again: Json) -> list[str]:
    if report.engine_version != ENGINE_VERSION:
        return [
            f"It was computed by engine version {report.engine_version}; this installation has version "
            f"{ENGINE_VERSION}, so its figures may differ for the same facts."
        ]
    if report.content.get("layout") != again["layout"]:
        return ["It was laid out by another version of the product; the same facts are said differently now."]
    found = list(_differences("", report.content, again))
    shown = [f"{where} was {then}, and derives as {now}." for where, then, now in found[:MOST_DIFFERENCES]]
    left = len(found) - MOST_DIFFERENCES
    return shown + ([f"{left} more values differ."] if left > 0 else [])


def _differences(where: str, then: Any, now: Any) -> Sequence[tuple[str, str, str]]:
    if isinstance(then, dict) and isinstance(now, dict):
        keys = sorted({*then, *now})
        return [d for key in keys for d in _differences(f"{where}/{key}", then.get(key), now.get(key))]
    if isinstance(then, list) and isinstance(now, list) and len(then) == len(now):
        pairs = enumerate(zip(then, now, strict=True))
        return [d for at, (a, b) in pairs for d in _differences(f"{where}/{at}", a, b)]
    return [] if then == now else [(where, str(then)[:80], str(now)[:80])]
