"""What the tests of reports share: the newest month of a portfolio with figures, frozen and archived."""

from __future__ import annotations

from datetime import UTC, datetime

from reports import archive, pack_views
from reports.archive import Frozen
from reports.models import ArchivedReport
from tests.reports.figures_cast import LAST, Figures


def frozen_of(figures: Figures, *, audience: str = "monthly_pack", now: datetime | None = None) -> Frozen:
    """Return the newest month of the cast's portfolio as a report freezes it."""
    moment = now or datetime.now(UTC)
    view = pack_views.monthly(figures.cast.portfolio, month=LAST, as_of=moment)
    return archive.freeze(figures.cast.portfolio, audience, view, now=moment)


def archived(figures: Figures, files: dict[str, bytes] | None = None) -> ArchivedReport:
    """Archive that month, with the files given."""
    return archive.store(ArchivedReport(created_at=datetime.now(UTC)), frozen_of(figures), files or {})
