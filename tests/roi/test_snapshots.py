"""Recompute: finds what is stale in any version, does nothing when nothing is, survives bad input."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from portfolio import accounts, assumptions, chart, investments
from portfolio.models import Investment, Portfolio
from portfolio.terms import Book
from roi import inputs, snapshots
from roi.models import FIGURES, Snapshot, SnapshotHead
from tests import factories
from tests.factories import START, close, fact, month, now, record, record_support
from tests.servers import TestDatabase


@pytest.fixture
def support(db: None) -> Investment:
    investment = factories.make_investment(factories.make_portfolio())
    record_support(investment)
    close(investment.portfolio, last=12)
    snapshots.recompute(now=now())
    return investment


def _shown(investment: Investment) -> list[dict[str, Any]]:
    """Return the snapshots without their keys and knowledge times."""
    rows = Snapshot.objects.filter(investment=investment).order_by("month").values()
    return [
        {
            name: bytes(v) if name == "reasons" else v
            for name, v in row.items()
            if name not in ("id", "knowledge")
        }
        for row in rows
    ]


def test_the_support_case_of_source_b(support: Investment) -> None:
    last = Snapshot.objects.get(investment=support, month_number=12)
    assert last.tco == Decimal(312_000)
    assert last.cumulative_benefit_supported == Decimal(315_000)
    assert last.roi_supported == pytest.approx(0.0096154, abs=1e-6)
    assert last.payback_supported == pytest.approx(11.7647, abs=1e-4)
    assert last.breakeven_month_supported == 12
    assert last.npv_supported == pytest.approx(Decimal(-4644), abs=Decimal(1))
    assert last.incremental_roi_supported == pytest.approx(0.9444, abs=1e-4)
    assert not Snapshot.objects.filter(investment=support, is_complete=False).exists()


def test_nothing_is_recomputed_when_nothing_changed(support: Investment) -> None:
    before = list(Snapshot.objects.order_by("pk").values_list("pk", flat=True))
    assert snapshots.find_stale() == []
    assert snapshots.recompute(now=now()) == snapshots.Recomputed(0, [])
    assert list(Snapshot.objects.order_by("pk").values_list("pk", flat=True)) == before


def _restate(support: Investment) -> None:
    record(support.portfolio, fact(support, month(3), "model_api", 6500), reason="Corrected.")


def _other_rates(support: Investment) -> None:
    rates = dict.fromkeys(("hurdle_rate", "discount_rate"), Decimal("0.2"))
    factories.set_rates(support.portfolio, now=now(), asserted_share=Decimal(1), **rates)


def _own_rates(support: Investment) -> None:
    factories.set_rates(support.portfolio, now=now(), investment=support, asserted_share=Decimal("0.9"))


def _close_more(support: Investment) -> None:
    close(support.portfolio, first=13, last=13)


def _fx(support: Investment) -> None:
    rate = assumptions.Rate("EUR", "USD", month(3), Decimal("1.1"), "bank")
    assumptions.set_fx_rates([rate], now=now())


def _account(support: Investment) -> None:
    definition = next(d for d in chart.CHART if d.code == "maintenance")
    accounts.define([replace(definition, is_avoidable=False)], now=now())


def _terms(support: Investment) -> None:
    support.horizon_months = 48
    investments.put(support, now=now())


def _plan(support: Investment) -> None:
    record(support.portfolio, fact(support, START, "model_api", 1), book=Book.PLAN, book_version=1)
    factories.approve_plan(support, 1)


@pytest.mark.parametrize(
    ("change", "differs"),
    [
        (_restate, True),
        (_other_rates, True),
        (_own_rates, True),
        (_close_more, True),
        (_fx, False),
        (_account, True),
        (_terms, True),
        (_plan, True),
    ],
)
def test_a_change_of_any_version_is_stale(
    support: Investment, change: Callable[[Investment], None], differs: bool
) -> None:
    before = SnapshotHead.objects.get(pk=support.pk)
    change(support)
    assert snapshots.find_stale() == [support.pk]
    done = snapshots.recompute(now=now())
    assert done == snapshots.Recomputed(1, [support.pk] if differs else [])
    assert snapshots.find_stale() == []
    after = SnapshotHead.objects.get(pk=support.pk)
    assert after.revision == before.revision + differs
    assert (after.fingerprint != before.fingerprint) is differs


def test_another_engine_makes_everything_stale(support: Investment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "ENGINE_VERSION", snapshots.ENGINE_VERSION + 1)
    assert snapshots.find_stale() == [support.pk]
    assert snapshots.recompute(now=now()).changed == [support.pk]
    assert snapshots.find_stale() == []


@pytest.mark.parametrize("changes", [{"live_month": month(2)}, {"end_month": month(12)}])
def test_what_arms_and_ends_the_rules_is_part_of_the_fingerprint(
    support: Investment, changes: dict[str, object]
) -> None:
    for name, value in changes.items():
        setattr(support, name, value)
    investments.put(support, now=now())
    assert snapshots.recompute(now=now()).changed == [support.pk]


def test_the_end_of_an_investment_is_part_of_the_fingerprint(support: Investment) -> None:
    factories.enter(support, "killed")
    assert snapshots.recompute(now=now()).changed == [support.pk]


def test_a_newer_fact_that_changes_no_figure_leaves_the_revision(support: Investment) -> None:
    before = SnapshotHead.objects.get(pk=support.pk)
    record(support.portfolio, fact(support, month(12), "latency", 100))
    assert snapshots.recompute(now=now()) == snapshots.Recomputed(1, [])
    after = SnapshotHead.objects.get(pk=support.pk)
    assert (after.revision, after.fingerprint) == (before.revision, before.fingerprint)
    assert after.investment_knowledge > before.investment_knowledge


def test_one_takes_the_same_road_as_many(db: None) -> None:
    portfolio = factories.make_portfolio()
    made = [factories.make_investment(portfolio, live_month=None) for _ in range(5)]
    for number, investment in enumerate(made):
        record_support(investment, last=3 + 2 * number)
        record(portfolio, fact(investment, month(number + 1), "error_remediation", 777 * number))
    close(portfolio, last=9)
    snapshots.recompute(now=now())
    together = [_shown(investment) for investment in made]
    SnapshotHead.objects.all().delete()
    Snapshot.objects.all().delete()
    for investment in reversed(made):
        assert snapshots.recompute_chunk([investment.pk], now=now()).computed == 1
    assert [_shown(investment) for investment in made] == together


def test_a_plan_that_nobody_approved_counts_for_nothing(db: None) -> None:
    portfolio = factories.make_portfolio()
    planned, draft = (factories.make_investment(portfolio) for _ in range(2))
    for investment, version in ((planned, 1), (draft, 0)):
        record(portfolio, fact(investment, START, "model_api", 1), book=Book.PLAN, book_version=version)
    factories.approve_plan(planned, 1)
    loaded = inputs.load([Investment.objects.get(pk=planned.pk), draft])
    assert loaded.has_plan.tolist() == [True, False]


def test_a_range_is_taken_in_chunks(support: Investment, monkeypatch: pytest.MonkeyPatch) -> None:
    others = [factories.make_investment(support.portfolio).pk for _ in range(3)]
    assert snapshots.stale_ranges(size=2) == [(others[0], others[1]), (others[2], others[2])]
    assert snapshots.find_stale(after=others[0], last=others[1]) == [others[1]]
    assert snapshots.find_stale(ids=[support.pk, others[2]]) == [others[2]]
    assert snapshots.recompute(ids=others[:1], now=now()).computed == 1
    assert snapshots.recompute(now=now()).computed == 2


def test_one_that_cannot_be_computed_does_not_stop_the_others(
    db: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    portfolio = factories.make_portfolio()
    made = [factories.make_investment(portfolio) for _ in range(4)]
    poison, sound = made[2], inputs.load

    def load(claimed: list[Investment], **terms: Any) -> inputs.Inputs:
        if poison.pk in [i.pk for i in claimed]:
            raise ValueError("indigestible")
        return sound(claimed, **terms)

    monkeypatch.setattr(snapshots.roi_inputs, "load", load)
    for attempt in range(1, snapshots.MAX_ATTEMPTS + 1):
        assert poison.pk in snapshots.find_stale()
        done = snapshots.recompute(now=now())
        assert done.computed == (3 if attempt == 1 else 0)
        head = SnapshotHead.objects.get(pk=poison.pk)
        assert (head.attempts, head.fingerprint) == (attempt, None)
        assert "indigestible" in head.failure
    assert snapshots.find_stale() == []
    assert set(Snapshot.objects.values_list("investment", flat=True)) == {i.pk for i in made} - {poison.pk}
    assert "cannot be recomputed" in caplog.text


def test_a_success_forgets_earlier_failures(support: Investment) -> None:
    SnapshotHead.objects.filter(pk=support.pk).update(attempts=4, failure="x", engine_version=0)
    snapshots.recompute(now=now())
    head = SnapshotHead.objects.get(pk=support.pk)
    assert (head.attempts, head.failure) == (0, "")


def test_sums_beyond_the_engine_are_overflow_not_an_error(db: None) -> None:
    investment = factories.make_investment(factories.make_portfolio())
    vast = [fact(investment, month(1 + n % 2), "model_api", 10**11, source_ref=str(n)) for n in range(100)]
    record(investment.portfolio, *vast, fact(investment, START, "revenue", 1))
    close(investment.portfolio, last=3)
    assert snapshots.recompute(now=now()).changed == [investment.pk]
    reasons = {bytes(s.reasons)[FIGURES.index("roi_supported")] for s in Snapshot.objects.all()}
    assert reasons == {14}
    assert not Snapshot.objects.exclude(roi_supported=None, npv_supported=None).exists()


def test_an_investment_without_facts_has_one_month_and_no_figure(db: None) -> None:
    investment = factories.make_investment(factories.make_portfolio())
    snapshots.recompute(now=now())
    only = Snapshot.objects.get(investment=investment)
    assert (only.month_number, only.roi_supported, only.tco) == (1, None, 0)
    assert SnapshotHead.objects.get(pk=investment.pk).last_complete_month is None


def test_two_recomputes_at_once_write_each_month_once(fresh_database: TestDatabase) -> None:
    portfolio: Portfolio = factories.make_portfolio()
    made = [factories.make_investment(portfolio) for _ in range(6)]
    for investment in made:
        record_support(investment)
    close(portfolio, last=12)
    failures: list[BaseException] = []
    barrier = threading.Barrier(4)

    def work() -> None:
        try:
            barrier.wait(20)
            snapshots.recompute(now=now())
        except BaseException as error:
            failures.append(error)
        finally:
            connection.close()

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert failures == []
    assert Snapshot.objects.count() == 6 * 12
    assert snapshots.find_stale() == []
    assert set(SnapshotHead.objects.values_list("revision", flat=True)) == {1}
