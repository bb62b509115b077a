"""Where investments stand: their figures at the newest closed and complete month, with reasons. No writes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import OuterRef, Q, Subquery

from portfolio.models import Hypothesis, Investment
from portfolio.terms import add_months
from reports.console import figures
from reports.console.past import Past
from roi.engine.result import REASON_OF_CODE, Reason
from roi.models import FIGURES, Snapshot, SnapshotHead

_POSITION = {name: i for i, name in enumerate(FIGURES)}


@dataclass(frozen=True, slots=True)
class Standing:
    """The head and the snapshot of an investment's newest closed and complete month, where there is one.

    As known at an earlier `knowledge` time, `known` holds every month of then, and
    `past` the day; None is now, read when asked for.
    """

    investment: Investment
    head: SnapshotHead | None
    snapshot: Snapshot | None
    knowledge: int | None = None
    known: Sequence[Snapshot] | None = None
    past: Past | None = None

    @property
    def as_of(self) -> date | None:
        """The month the figures are of."""
        return self.snapshot.month if self.snapshot else None

    def figure(self, name: str) -> Any:
        """Return a stored figure, None where undefined."""
        return getattr(self.snapshot, name) if self.snapshot else None

    def reason(self, name: str) -> Reason | str:
        """Return why a figure is undefined."""
        return reason_of(self.snapshot, name) if self.snapshot else figures.NO_CLOSED_MONTH

    def history(self) -> list[Snapshot]:
        """Return every month's snapshot, the oldest first."""
        if self.known is not None:
            return list(self.known)
        return list(Snapshot.objects.filter(investment=self.investment).order_by("month"))

    def hypothesis(self) -> Hypothesis | None:
        """Return the newest version of the hypothesis that was stated."""
        versions = Hypothesis.objects.filter(investment=self.investment)
        if self.knowledge is not None:
            # A version without a batch was stated before versions were part of what is known; it is the oldest.
            versions = versions.filter(Q(batch__isnull=True) | Q(batch_id__lte=self.knowledge))
        return versions.order_by("-version").first()

    def breakeven(self, basis: str = "supported") -> date | None:
        """Return the month breakeven was first reached in."""
        number = self.figure(f"breakeven_month_{basis}")
        return add_months(self.investment.start_month, number - 1) if number else None


def reason_of(snapshot: Snapshot, name: str) -> Reason | str:
    """Return why a figure of a snapshot is undefined; an empty sentence where it is defined."""
    position, codes = _POSITION.get(name), bytes(snapshot.reasons)
    if position is None or position >= len(codes) or codes[position] == 0:
        return ""
    return REASON_OF_CODE[codes[position]]


def of(investments: Sequence[Investment]) -> dict[int, Standing]:
    """Return where each of the investments stands: two queries, however many they are."""
    ids = [i.pk for i in investments]
    heads = SnapshotHead.objects.in_bulk(ids)
    newest = SnapshotHead.objects.filter(pk=OuterRef("investment_id")).values("last_complete_month")[:1]
    snapshots = {
        s.investment_id: s for s in Snapshot.objects.filter(investment__in=ids, month=Subquery(newest))
    }
    return {i.pk: Standing(i, heads.get(i.pk), snapshots.get(i.pk)) for i in investments}
