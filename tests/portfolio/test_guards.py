"""What the database refuses to the application's own role, whatever the code says."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.db.utils import DatabaseError, IntegrityError

from portfolio import integrity, knowledge, ledger, plan_approvals
from portfolio.models import Assumptions, Cell, Entry, Investment, Portfolio
from portfolio.terms import Book
from tests import factories
from tests.factories import START, close, fact, month, record
from tests.servers import TestDatabase

_REFUSED = (
    "INSERT INTO {table} SELECT * FROM {table} LIMIT 1",
    "UPDATE {table} SET amount = amount + 1",
    "DELETE FROM {table}",
    "TRUNCATE {table}",
    "ALTER TABLE {table} DISABLE TRIGGER ALL",
    "SET session_replication_role = replica; DELETE FROM {table}",
    "DROP TABLE {table}",
    "COPY {table} FROM PROGRAM 'echo 1'",
)


@pytest.fixture
def support(db: None) -> Investment:
    portfolio = factories.make_portfolio()
    investment = factories.make_investment(portfolio)
    record(portfolio, fact(investment, START, "model_api", 10), fact(investment, START, "revenue", 20))
    close(portfolio, last=1)
    return investment


@pytest.mark.parametrize("table", ["portfolio_entry", "portfolio_cell"])
@pytest.mark.parametrize("statement", _REFUSED)
def test_the_ledger_cannot_be_written_around_its_writer(
    support: Investment, table: str, statement: str
) -> None:
    before = list(Entry.objects.values_list("pk", "amount")), list(Cell.objects.values_list("pk", "amount"))
    with (
        pytest.raises(DatabaseError),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement.format(table=table))
    after = list(Entry.objects.values_list("pk", "amount")), list(Cell.objects.values_list("pk", "amount"))
    assert after == before


@pytest.mark.parametrize(
    "table",
    [
        "portfolio_batch",
        "portfolio_assumptions",
        "portfolio_monthstate",
        "portfolio_accountversion",
        "portfolio_investmentversion",
        "portfolio_investmentevent",
    ],
)
@pytest.mark.parametrize("statement", ["UPDATE {table} SET {column} = {column}", "DELETE FROM {table}"])
def test_history_is_written_once(support: Investment, table: str, statement: str) -> None:
    column = "pgh_id" if table.endswith("event") else "id"
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement.format(table=table, column=column))


def _raw_entry(support: Investment, *, says: int | None = None, **changes: Any) -> None:
    """Insert an entry past the code, as the writer the trigger lets through, or one that `says` another batch."""
    entry = Entry.objects.order_by("pk").first()
    assert entry is not None
    row = {field.attname: getattr(entry, field.attname) for field in Entry._meta.concrete_fields}
    row = {name: value for name, value in row.items() if name != "id"} | {"source": "raw"} | changes
    names = ", ".join(row)
    marks = ", ".join(["%s"] * len(row))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('hurdle.ledger_batch', %s, true)", [str(says or row["batch_id"])])
        cursor.execute(f"INSERT INTO portfolio_entry ({names}) VALUES ({marks})", list(row.values()))


def test_every_guard_finds_its_tables_by_name_alone_where_they_are(db: None) -> None:
    """Temporary tables come last, though PostgreSQL would look there first."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT p.proname, p.proconfig FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang "
            "WHERE p.pronamespace = 'public'::regnamespace AND l.lanname = 'plpgsql'"
        )
        guards = dict(cursor.fetchall())
    assert "hurdle_guard_hurdle_rate" in guards
    assert {tuple(found or ()) for found in guards.values()} == {("search_path=pg_catalog, public, pg_temp",)}


def test_an_empty_table_before_the_real_one_hides_nothing(support: Investment) -> None:
    """The first hurdle of a portfolio needs nobody; an empty temporary table would make any hurdle the first."""
    copied = ", ".join(f.column for f in Assumptions._meta.concrete_fields if not f.primary_key)
    changed = copied.replace("hurdle_rate", "0.01")
    hidden = (
        "CREATE TEMP TABLE portfolio_assumptions (LIKE public.portfolio_assumptions);"
        f"INSERT INTO public.portfolio_assumptions ({copied}) SELECT {changed} "
        f"FROM public.portfolio_assumptions WHERE portfolio_id = {support.portfolio_id} LIMIT 1"
    )
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(hidden)


def test_an_approved_plan_takes_no_more_entries(support: Investment) -> None:
    """Not by a writer of raw rows either: another version takes its place."""
    record(
        support.portfolio, fact(support, START, "model_api", 10), book=Book.PLAN, book_version=1, actor=None
    )
    plan_approvals.approve(support, 1, now=factories.now(), actor=factories.make_user())
    with pytest.raises(DatabaseError, match="approved stays as it is"):
        _raw_entry(support, book="plan", book_version=1)
    _raw_entry(support, book="plan", book_version=2)


def test_an_entry_is_of_the_batch_that_is_being_written(
    committed: tuple[Portfolio, TestDatabase],
) -> None:
    """Neither of another batch, nor of one that was committed before: what was known then stays as it was."""
    portfolio = committed[0]
    investment = Investment.objects.get(code="CX-1")
    with pytest.raises(DatabaseError, match="was written stays as it is"):
        _raw_entry(investment)
    with pytest.raises(DatabaseError, match="batch that is being written"):
        _raw_entry(investment, says=1_000_000)
    record(portfolio, fact(investment, START, "licenses", 3))


@pytest.mark.parametrize(
    ("changes", "constraint"),
    [
        ({"month": "2150-01-01"}, "entry_no_future_actuals"),
        ({"amount": "100000000000.000001"}, "entry_amount_in_range"),
        ({"amount": "NaN"}, "entry_amount_in_range"),
        ({"amount": None}, "entry_value_matches_kind"),
        ({"currency": ""}, "entry_value_matches_kind"),
        ({"kind": "nil"}, "entry_value_matches_kind"),
        ({"month": "2024-01-02"}, "entry_first_day"),
        ({"source": "actuals"}, "entry_key_once_a_batch"),
    ],
)
def test_the_database_checks_what_an_entry_may_be(
    support: Investment, changes: dict[str, Any], constraint: str
) -> None:
    _raw_entry(support)
    with pytest.raises(IntegrityError, match=constraint):
        _raw_entry(support, **({"source": "other"} | changes))


def test_a_plan_may_lie_in_the_future(support: Investment) -> None:
    _raw_entry(support, book="plan", book_version=1, month="2150-01-01")


@pytest.mark.parametrize("table", ["portfolio_batch", "portfolio_monthstate"])
def test_the_database_wants_four_eyes(support: Investment, table: str) -> None:
    finn = factories.make_user()
    is_batch = table == "portfolio_batch"
    columns = (
        "id, portfolio_id, kind, source, reason, recorded_at, content_hash, chain_hash, actor_id, approver_id"
        if is_batch
        else "batch_id, portfolio_id, month, status, reason, actor_id, approver_id"
    )
    picked = (
        "id + 1000000, portfolio_id, kind, source, reason, recorded_at, content_hash, chain_hash, %s, %s"
        if is_batch
        else "batch_id, portfolio_id, month, status, reason, %s, %s"
    )
    statement = f"INSERT INTO {table} ({columns}) SELECT {picked} FROM {table} LIMIT 1"
    with (
        pytest.raises(IntegrityError, match="four_eyes"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement, [finn.pk, finn.pk])
    with connection.cursor() as cursor:
        cursor.execute(statement, [finn.pk, factories.make_user().pk])


def test_a_batch_is_undone_once_whoever_writes(support: Investment) -> None:
    first = record(support.portfolio, fact(support, month(2), "model_api", 1)).batch
    assert first is not None
    ledger.undo(first, actor=None, now=factories.now())
    knowledge.lock_portfolio(support.portfolio_id)
    with pytest.raises(IntegrityError, match="undoes"), transaction.atomic():
        knowledge.open_batch(
            portfolio=support.portfolio, kind="undo", now=factories.now(), content=[], undoes=first
        )


@pytest.fixture
def committed(fresh_database: TestDatabase) -> tuple[Portfolio, TestDatabase]:
    portfolio = factories.make_portfolio("CX")
    investment = factories.make_investment(portfolio, "CX-1")
    finn, fiona = factories.make_user("finn"), factories.make_user("fiona")
    record(portfolio, fact(investment, START, "model_api", "-0"), fact(investment, START, "queries", 7))
    close(portfolio, last=1, actor=finn)
    changed = fact(investment, START, "model_api", "10.5", note="Corrected bill")
    local = factories.now().astimezone(ZoneInfo("Pacific/Auckland"))
    done = record(portfolio, changed, now=local, actor=finn, approver=fiona, reason="Corrected bill.")
    record(factories.make_portfolio("OT"))
    assert done.batch is not None
    ledger.undo(done.batch, actor=fiona, now=factories.now())
    return portfolio, fresh_database


def test_an_honest_ledger_is_found_sound(
    committed: tuple[Portfolio, TestDatabase], capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("check_ledger")
    assert "sound" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("tampering", "finding"),
    [
        ("UPDATE portfolio_entry SET amount = 11 WHERE amount = 10.5", "Its entries are not"),
        ("UPDATE portfolio_entry SET note = 'fine' WHERE note = 'Corrected bill'", "Its entries are not"),
        ("UPDATE portfolio_entry SET month = '2023-12-01' WHERE amount = 10.5", "Its entries are not"),
        ("DELETE FROM portfolio_entry WHERE amount = 10.5", "Its entries are not"),
        ("UPDATE portfolio_batch SET reason = 'x' WHERE reason = 'Corrected bill.'", "does not follow"),
        ("UPDATE portfolio_batch SET approver_id = NULL WHERE approver_id IS NOT NULL", "does not follow"),
        ("UPDATE portfolio_batch SET recorded_at = recorded_at - interval '1 day'", "does not follow"),
        (
            "UPDATE portfolio_batch SET content_hash = repeat('0', 64) WHERE kind = 'months'",
            "does not follow",
        ),
        ("DELETE FROM portfolio_monthstate; DELETE FROM portfolio_batch WHERE kind = 'months'", "not follow"),
        ("UPDATE portfolio_cell SET amount = 5 WHERE currency <> ''", "is not what entry"),
        ("UPDATE portfolio_cell SET kind = 'nil', quantity = NULL WHERE quantity = 7", "is not what entry"),
        ("DELETE FROM portfolio_cell WHERE quantity = 7", "has no cell"),
        ("UPDATE portfolio_cell SET source = 'x' WHERE quantity = 7", "has no entry"),
    ],
)
def test_a_tampered_copy_is_found(
    committed: tuple[Portfolio, TestDatabase],
    capsys: pytest.CaptureFixture[str],
    tampering: str,
    finding: str,
) -> None:
    with psycopg.connect(committed[1].owner_url, autocommit=True) as owner:
        tables = ("portfolio_entry", "portfolio_cell", "portfolio_batch", "portfolio_monthstate")
        for table in tables:
            owner.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER".encode())
        owner.execute(tampering.encode())
    with pytest.raises(SystemExit) as ended:
        call_command("check_ledger")
    assert ended.value.code == 1
    assert finding in capsys.readouterr().out


def test_a_difference_is_reported_up_to_a_limit(committed: tuple[Portfolio, TestDatabase]) -> None:
    with psycopg.connect(committed[1].owner_url, autocommit=True) as owner:
        owner.execute(b"ALTER TABLE portfolio_cell DISABLE TRIGGER USER; DELETE FROM portfolio_cell")
    assert len(integrity.differing_cells()) == 2
    assert len(integrity.differing_cells(limit=1)) == 1
