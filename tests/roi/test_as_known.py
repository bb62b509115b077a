"""Figures as known at a time: the very columns that were stored then, whatever has been restated since."""

from typing import Any

import pytest

from portfolio.models import Batch, Investment
from roi import as_known, snapshots
from roi.models import Snapshot, SnapshotHead
from tests import factories
from tests.factories import close, fact, now, record, record_support

_SKIPPED = ("id", "knowledge", "_state")


@pytest.fixture
def support(db: None) -> Investment:
    """Source B's support case, closed and computed."""
    investment = factories.make_investment(factories.make_portfolio())
    record_support(investment)
    close(investment.portfolio, last=12)
    snapshots.recompute(now=now())
    return investment


def _columns(rows: Any) -> list[dict[str, Any]]:
    return [
        {
            field.name: bytes(value) if field.name == "reasons" else value
            for field in Snapshot._meta.concrete_fields
            if field.name not in _SKIPPED
            for value in [getattr(row, field.attname)]
        }
        for row in rows
    ]


def test_as_known_now_is_what_is_stored(support: Investment) -> None:
    """Column by column, the head included."""
    stored = Snapshot.objects.filter(investment=support).order_by("month")
    known = as_known.figures([support], knowledge=None)[support.pk]
    assert _columns(known.snapshots) == _columns(stored)
    head = SnapshotHead.objects.get(pk=support.pk)
    names = ("fingerprint", "last_month", "last_complete_month", "planned_breakeven_month")
    assert [getattr(known.head, n) for n in names] == [getattr(head, n) for n in names]
    assert known.newest_complete is not None
    assert known.newest_complete.month == head.last_complete_month


def test_a_restatement_does_not_reach_into_the_past(support: Investment) -> None:
    """What was known before it stays what it was; what is known now differs."""
    moment = Batch.objects.order_by("-pk").values_list("pk", flat=True)[0]
    before = _columns(Snapshot.objects.filter(investment=support).order_by("month"))
    record(
        support.portfolio,
        fact(support, factories.month(6), "infrastructure", "9999"),
        reason="A bill came late.",
    )
    snapshots.recompute(now=now())
    then = as_known.figures([support], knowledge=moment)[support.pk]
    assert _columns(then.snapshots) == before
    current = as_known.figures([support], knowledge=None)[support.pk]
    assert _columns(current.snapshots) == _columns(
        Snapshot.objects.filter(investment=support).order_by("month")
    )
    assert _columns(current.snapshots) != before


def test_who_was_not_registered_is_left_out(support: Investment) -> None:
    """Before the first batch there is nobody to tell of."""
    assert as_known.figures([support], knowledge=0) == {}
    assert as_known.figures([], knowledge=None) == {}


def test_plain_keeps_money_exact(support: Investment) -> None:
    """Copied evidence has money as text and undefined as null."""
    known = as_known.figures([support], knowledge=None)[support.pk]
    kept = as_known.plain(known.snapshots[-1])
    assert kept["tco"] == "312000.000000"
    assert kept["month"] == known.snapshots[-1].month.isoformat()
    assert kept["loaded_cost_per_user"] is None
    assert "id" not in kept
