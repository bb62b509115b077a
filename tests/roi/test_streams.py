"""Many chunks in two streams come to the same figures as one by one, and a failure is not swallowed."""

import pytest

from portfolio.models import Investment
from roi import snapshots
from roi.models import Snapshot, SnapshotHead
from tests import factories
from tests.servers import TestDatabase


@pytest.fixture
def nine(fresh_database: TestDatabase) -> list[int]:
    """Nine investments with two closed months each, committed."""
    portfolio = factories.make_portfolio()
    for number in range(9):
        investment = factories.make_investment(portfolio, f"S-{number}")
        factories.record_support(investment, last=2)
    factories.close(portfolio, last=2)
    return list(Investment.objects.order_by("pk").values_list("pk", flat=True))


def test_streams_agree_with_one_by_one(nine: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    for pk in nine:
        snapshots.recompute(ids=[pk], now=factories.now())
    alone = dict(SnapshotHead.objects.values_list("investment_id", "fingerprint"))
    SnapshotHead.objects.all().delete()
    Snapshot.objects.all().delete()
    monkeypatch.setattr(snapshots, "CHUNK", 2)

    done = snapshots.recompute(now=factories.now())

    assert (done.computed, sorted(done.changed)) == (9, nine)
    assert dict(SnapshotHead.objects.values_list("investment_id", "fingerprint")) == alone
    assert snapshots.find_stale() == []


def test_what_fails_in_a_stream_is_raised(nine: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: object, **kwargs: object) -> snapshots.Recomputed:
        raise RuntimeError("the database went away")

    monkeypatch.setattr(snapshots, "CHUNK", 2)
    monkeypatch.setattr(snapshots, "recompute_chunk", broken)
    with pytest.raises(RuntimeError, match="went away"):
        snapshots.recompute(now=factories.now())
