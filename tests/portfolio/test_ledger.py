"""What recording does: nothing, an entry and its cell, or a refusal; and what undoing does."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from portfolio import facts, ledger, months
from portfolio.facts import FactsRejected, Writing
from portfolio.knowledge import KnowledgeError
from portfolio.models import Batch, Cell, Entry, Investment, Portfolio
from portfolio.terms import Book, EntryKind, add_months
from tests import factories
from tests.factories import START, close, fact, record, refusals, withdrawn

pytestmark = pytest.mark.django_db


@pytest.fixture
def portfolio() -> Portfolio:
    return factories.make_portfolio()


@pytest.fixture
def support(portfolio: Portfolio) -> Investment:
    return factories.make_investment(portfolio)


def test_a_first_value_writes_an_entry_and_its_cell(portfolio: Portfolio, support: Investment) -> None:
    done = record(portfolio, fact(support, START, "model_api", "10.50"))
    assert (done.new, done.changed, done.unchanged) == (1, 0, 0)
    assert Entry.objects.get().amount == Cell.objects.get().amount == Decimal("10.50")
    assert Cell.objects.get().batch == done.batch


def test_the_same_value_again_writes_nothing(portfolio: Portfolio, support: Investment) -> None:
    first = record(portfolio, fact(support, START, "model_api", "10.5"))
    again = record(portfolio, fact(support, START, "model_api", "10.500000", note="another note"))
    assert (again.batch, again.unchanged) == (None, 1)
    assert Entry.objects.count() == 1
    assert Batch.objects.order_by("-pk").first() == first.batch


def test_a_changed_value_adds_one_entry_and_moves_the_cell(portfolio: Portfolio, support: Investment) -> None:
    record(portfolio, fact(support, START, "model_api", 10))
    done = record(portfolio, fact(support, START, "model_api", 11), fact(support, START, "queries", 5))
    assert (done.new, done.changed) == (1, 1)
    cell = Cell.objects.get(currency="USD")
    assert (cell.amount, cell.batch) == (Decimal(11), done.batch)
    assert Entry.objects.count() == 3


def test_nil_and_withdrawn_are_statements(portfolio: Portfolio, support: Investment) -> None:
    record(portfolio, fact(support, START, "model_api", None))
    assert Cell.objects.get().kind == "nil"
    assert record(portfolio, fact(support, START, "model_api", None)).unchanged == 1
    assert record(portfolio, withdrawn(support, START, "model_api")).changed == 1
    assert Cell.objects.get().kind == "withdrawn"
    assert record(portfolio, withdrawn(support, START, "model_api")).unchanged == 1
    assert record(portfolio, fact(support, START, "model_api", 3)).new == 1


def test_withdrawing_what_was_never_stated_writes_nothing(portfolio: Portfolio, support: Investment) -> None:
    assert record(portfolio, withdrawn(support, START, "model_api")).batch is None
    assert not Entry.objects.exists()


def test_sources_keep_their_own_cells(portfolio: Portfolio, support: Investment) -> None:
    record(portfolio, fact(support, START, "model_api", 10), source="actuals")
    record(portfolio, fact(support, START, "model_api", 7), source="bill")
    assert sorted(Cell.objects.values_list("source", "amount")) == [("actuals", 10), ("bill", 7)]


def test_a_late_entry_needs_no_reason_and_a_restatement_does(
    portfolio: Portfolio, support: Investment
) -> None:
    record(portfolio, fact(support, START, "model_api", 10))
    close(portfolio, last=1)
    assert record(portfolio, fact(support, START, "maintenance", 1)).late == 1
    changed = fact(support, START, "model_api", 12)
    with pytest.raises(FactsRejected) as refused:
        record(portfolio, changed, reason="  ")
    assert refusals(refused) == [(0, "reason_required")]
    assert record(portfolio, changed, reason="The bill was corrected.").restated == 1


def test_a_plan_is_not_bound_to_closed_months(portfolio: Portfolio, support: Investment) -> None:
    close(portfolio, last=1)
    done = record(portfolio, fact(support, START, "model_api", 1), book=Book.PLAN, book_version=1)
    assert (done.new, done.late) == (1, 0)


def test_case_26_a_locked_month_needs_a_second_person(portfolio: Portfolio, support: Investment) -> None:
    finn, fiona = factories.make_user("finn"), factories.make_user("fiona")
    close(portfolio, last=1)
    months.lock(portfolio, [START], now=factories.now(), actor=finn)
    late = fact(support, START, "model_api", 10)
    with pytest.raises(FactsRejected) as refused:
        record(portfolio, late, actor=finn, reason="Late bill.")
    assert refusals(refused) == [(0, "locked")]
    done = record(portfolio, late, actor=finn, approver=fiona, reason="Late bill.")
    assert done.batch is not None
    assert done.batch.approver == fiona


def test_case_26_the_approver_is_never_the_author(portfolio: Portfolio, support: Investment) -> None:
    finn = factories.make_user("finn")
    with pytest.raises(FactsRejected) as refused:
        record(portfolio, fact(support, START, "model_api", 10), actor=finn, approver=finn)
    assert refusals(refused) == [(0, "four_eyes")]


def test_nothing_is_recorded_when_one_fact_is_refused(portfolio: Portfolio, support: Investment) -> None:
    before = Batch.objects.count()
    with pytest.raises(FactsRejected) as refused:
        record(
            portfolio,
            fact(support, START, "model_api", 1),
            fact(support, add_months(START, -1), "model_api", 1),
        )
    assert refusals(refused) == [(1, "before_start")]
    assert not Entry.objects.exists()
    assert not Cell.objects.exists()
    assert Batch.objects.count() == before


def test_the_same_key_twice_needs_a_reference(portfolio: Portfolio, support: Investment) -> None:
    pair = [fact(support, START, "model_api", 1), fact(support, START, "model_api", 2)]
    with pytest.raises(FactsRejected) as refused:
        record(portfolio, *pair)
    assert refusals(refused) == [(1, "duplicate")]
    assert record(portfolio, pair[0], replace(pair[1], source_ref="invoice 7")).new == 2


@pytest.mark.parametrize(
    ("account", "changes", "code"),
    [
        ("model_api", {"amount": Decimal("100000000000.000001")}, "out_of_range"),
        ("model_api", {"amount": Decimal("-1e12")}, "out_of_range"),
        ("model_api", {"amount": Decimal("NaN")}, "out_of_range"),
        ("model_api", {"amount": Decimal("Infinity")}, "out_of_range"),
        ("model_api", {"amount": Decimal("0.0000001")}, "too_precise"),
        ("model_api", {"quantity": Decimal("1e19")}, "out_of_range"),
        ("model_api", {"amount": None}, "required"),
        ("model_api", {"currency": ""}, "required"),
        ("model_api", {"currency": "usd"}, "invalid"),
        ("model_api", {"currency": "U1D"}, "invalid"),
        ("queries", {"quantity": None}, "required"),
        ("queries", {"currency": "USD"}, "required"),
        ("model_api", {"kind": EntryKind.NIL}, "invalid"),
        ("model_api", {"kind": EntryKind.NIL, "amount": None, "currency": ""}, "invalid"),
        ("model_api", {"kind": EntryKind.NIL, "amount": None, "currency": "EURO"}, "invalid"),
        ("queries", {"kind": EntryKind.NIL, "quantity": None, "currency": "USD"}, "invalid"),
        ("model_api", {"month": date(2024, 1, 2)}, "invalid"),
        ("model_api", {"account_id": 0}, "unknown"),
        ("model_api", {"investment_id": 0}, "unknown"),
        ("model_api", {"source_ref": "a\nb"}, "invalid"),
        ("model_api", {"source_ref": "x" * 201}, "too_long"),
        ("model_api", {"note": "\x00"}, "invalid"),
        ("model_api", {"note": "x" * 501}, "too_long"),
        ("model_api", {"kind": EntryKind.NIL, "amount": None, "note": "\x00"}, "invalid"),
    ],
)
def test_a_fact_that_is_none_is_refused(
    portfolio: Portfolio, support: Investment, account: str, changes: dict[str, object], code: str
) -> None:
    with pytest.raises(FactsRejected) as refused:
        record(portfolio, replace(fact(support, START, account, 1), **changes))
    assert refusals(refused) == [(0, code)]
    assert refused.value.errors[0].message.endswith(".")


@pytest.mark.parametrize("amount", ["100000000000", "-100000000000", "0.000001", "0", "-0"])
def test_the_largest_and_the_smallest_amounts_are_taken(
    portfolio: Portfolio, support: Investment, amount: str
) -> None:
    record(portfolio, fact(support, START, "model_api", amount))
    assert Cell.objects.get().amount == Decimal(amount)


def test_facts_of_another_portfolio_are_refused(portfolio: Portfolio) -> None:
    foreign = factories.make_investment(factories.make_portfolio())
    with pytest.raises(FactsRejected) as refused:
        record(portfolio, fact(foreign, START, "model_api", 1))
    assert refusals(refused) == [(0, "unknown")]


@pytest.mark.parametrize(
    ("moment", "month", "is_taken"),
    [
        # Noon UTC of the last day: it is the first of the next month in the furthest zone (14 hours ahead).
        (datetime(2024, 3, 31, 9, 59, tzinfo=UTC), date(2024, 4, 1), False),
        (datetime(2024, 3, 31, 10, 0, tzinfo=UTC), date(2024, 4, 1), True),
        (datetime(2024, 2, 29, 10, 0, tzinfo=UTC), date(2024, 3, 1), True),
    ],
)
def test_a_month_that_has_begun_nowhere_is_in_the_future(
    support: Investment, portfolio: Portfolio, moment: datetime, month: date, is_taken: bool
) -> None:
    writing = Writing(source="actuals", now=moment)
    errors = facts.check(portfolio, [fact(support, month, "model_api", 1)], writing=writing)
    assert [error.code for error in errors] == ([] if is_taken else ["future_month"])
    planned = replace(writing, book=Book.PLAN, book_version=1)
    assert facts.check(portfolio, [fact(support, month, "model_api", 1)], writing=planned) == []


def test_a_mistyped_year_of_a_plan_is_refused(portfolio: Portfolio, support: Investment) -> None:
    """Figures are matrices from the first month to the last: one line in 2204 would make them huge."""
    plan: dict[str, object] = {"book": Book.PLAN, "book_version": 1}
    with pytest.raises(FactsRejected) as refused:
        record(portfolio, fact(support, factories.month(601), "model_api", 1), **plan)
    assert refusals(refused) == [(0, "too_far")]
    assert record(portfolio, fact(support, factories.month(600), "model_api", 1), **plan).new == 1


def test_preview_says_what_record_does_and_writes_nothing(portfolio: Portfolio, support: Investment) -> None:
    record(portfolio, fact(support, START, "model_api", 10), fact(support, START, "maintenance", 1))
    close(portfolio, last=1)
    given = [
        fact(support, START, "model_api", 12),
        fact(support, START, "maintenance", 1),
        fact(support, START, "revenue", 1),
        fact(support, START, "revenue", "0.0000001", source_ref="x"),
    ]
    before = Entry.objects.count()
    judged, errors = ledger.preview(portfolio, given, writing=Writing(source="actuals", now=factories.now()))
    assert [(j.position, j.status, j.is_late, j.is_restatement) for j in judged] == [
        (0, "changed", False, True),
        (1, "unchanged", False, False),
        (2, "new", True, False),
    ]
    assert judged[0].old_amount == Decimal(10)
    assert sorted((e.position, e.code) for e in errors) == [(0, "reason_required"), (3, "too_precise")]
    assert Entry.objects.count() == before


def test_a_time_before_what_is_known_is_refused(portfolio: Portfolio, support: Investment) -> None:
    record(portfolio, fact(support, START, "model_api", 1))
    with pytest.raises(KnowledgeError, match="already knows"):
        record(portfolio, fact(support, START, "model_api", 2), now=factories.now() - timedelta(days=1))
    with pytest.raises(KnowledgeError, match="has not come"):
        record(portfolio, fact(support, START, "model_api", 2), now=factories.now() + timedelta(hours=1))


def test_a_past_time_after_the_last_is_taken() -> None:
    past = datetime(2025, 6, 1, tzinfo=UTC)
    portfolio = Portfolio.objects.create(code="OLD", name="Migrated")
    investment = Investment.objects.create(portfolio=portfolio, code="OLD-1", name="Old", start_month=START)
    done = record(portfolio, fact(investment, START, "model_api", 1), now=past)
    assert done.batch is not None
    assert done.batch.recorded_at == Entry.objects.get().recorded_at == past


def test_a_clock_read_before_a_faster_writer_finished_is_moved_up(
    portfolio: Portfolio, support: Investment
) -> None:
    early = factories.now()
    first = record(portfolio, fact(support, START, "model_api", 1)).batch
    second = record(portfolio, fact(support, START, "model_api", 2), now=early).batch
    assert first is not None
    assert second is not None
    assert second.recorded_at == first.recorded_at
    assert second.pk > first.pk


def test_recorded_at_follows_the_order_of_knowing(portfolio: Portfolio, support: Investment) -> None:
    for value in range(5):
        record(portfolio, fact(support, START, "model_api", value))
    times = list(
        Batch.objects.filter(portfolio=portfolio).order_by("pk").values_list("recorded_at", flat=True)
    )
    assert times == sorted(times)
    assert set(Entry.objects.values_list("recorded_at", flat=True)) <= set(times)


def test_undo_states_what_was_known_before(portfolio: Portfolio, support: Investment) -> None:
    record(portfolio, fact(support, START, "model_api", 10, note="first"))
    second = record(
        portfolio, fact(support, START, "model_api", 11), fact(support, START, "revenue", 5)
    ).batch
    assert second is not None
    undone = ledger.undo(second, actor=None, now=factories.now())
    assert undone.batch is not None
    assert undone.batch.undoes == second
    api, revenue = Cell.objects.order_by("account__position")
    assert (api.kind, api.amount) == ("value", Decimal(10))
    assert revenue.kind == "withdrawn"
    assert Entry.objects.count() == 5


def test_undo_is_done_once_and_never_over_later_values(portfolio: Portfolio, support: Investment) -> None:
    first = record(portfolio, fact(support, START, "model_api", 10), fact(support, START, "revenue", 1)).batch
    second = record(portfolio, fact(support, START, "model_api", 11)).batch
    assert first is not None
    assert second is not None
    with pytest.raises(FactsRejected, match="1 of its 2 values") as refused:
        ledger.undo(first, actor=None, now=factories.now())
    assert refusals(refused) == [(0, "superseded")]
    ledger.undo(second, actor=None, now=factories.now())
    with pytest.raises(FactsRejected) as refused:
        ledger.undo(second, actor=None, now=factories.now())
    assert refusals(refused) == [(0, "already_undone")]


def test_only_batches_of_the_ledger_are_undone(portfolio: Portfolio, support: Investment) -> None:
    for batch in Batch.objects.exclude(kind__in=["actuals", "plan", "forecast"])[:3]:
        with pytest.raises(FactsRejected) as refused:
            ledger.undo(batch, actor=None, now=factories.now())
        assert refusals(refused) == [(0, "not_undoable")]


def test_undo_in_a_locked_month_needs_the_second_person(portfolio: Portfolio, support: Investment) -> None:
    finn, fiona = factories.make_user("finn"), factories.make_user("fiona")
    batch = record(portfolio, fact(support, START, "model_api", 10)).batch
    assert batch is not None
    close(portfolio, last=1)
    months.lock(portfolio, [START], now=factories.now(), actor=finn)
    with pytest.raises(FactsRejected) as refused:
        ledger.undo(batch, actor=finn, now=factories.now())
    assert refusals(refused) == [(0, "locked")]
    assert ledger.undo(batch, actor=finn, approver=fiona, now=factories.now()).restated == 1


def test_last_value_months_leave_out_what_was_withdrawn(portfolio: Portfolio, support: Investment) -> None:
    later = add_months(START, 1)
    record(portfolio, fact(support, START, "model_api", 1), fact(support, later, "model_api", 1))
    assert ledger.last_value_months(portfolio) == {support.pk: later}
    record(portfolio, withdrawn(support, later, "model_api"))
    assert ledger.last_value_months(portfolio) == {support.pk: START}
