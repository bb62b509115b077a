"""The ledger: the only writer of entries and cells.

A fact states the value of a key (investment, book, version, month, account, currency, source, reference). `record`
compares facts with the current cells, writes an entry for what differs, and nothing for what does not; it is all or
nothing. `preview` answers what `record` would do. `undo` states again what was known before a batch.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import connection, transaction

from portfolio import facts as checks
from portfolio import knowledge, nudge
from portfolio.facts import Fact, FactError, FactsRejected, Judged, Writing
from portfolio.models import Batch, ImportRun, Portfolio, User
from portfolio.terms import Book, EntryKind

_CHUNK = 20_000


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a recording did: the batch (None when nothing differed) and how many facts were of each kind."""

    batch: Batch | None
    new: int
    changed: int
    unchanged: int
    late: int
    restated: int


def preview(
    portfolio: Portfolio, facts: Sequence[Fact], *, writing: Writing
) -> tuple[list[Judged], list[FactError]]:
    """Return what recording the facts would do to each, and why some cannot be recorded; writes nothing."""
    errors = checks.check(portfolio, facts, writing=writing)
    broken = {error.position for error in errors}
    sound = [(i, fact) for i, fact in enumerate(facts) if i not in broken]
    judged = _compare(portfolio, sound, writing=writing)
    return judged, errors + checks.check_states(judged, facts, writing=writing)


@transaction.atomic
def record(
    portfolio: Portfolio,
    facts: Sequence[Fact],
    *,
    writing: Writing,
    kind: str = "actuals",
    undoes: Batch | None = None,
    import_run: ImportRun | None = None,
) -> Recorded:
    """Record facts of one portfolio, all or nothing, and return what changed; the same facts again change nothing.

    Takes the portfolio's lock, draws the knowledge time and holds the lock to commit. Raises FactsRejected with one
    sentence per refused fact, KnowledgeError when `writing.now` lies before what is already known.
    """
    knowledge.lock_portfolio(portfolio.pk)
    judged, errors = preview(portfolio, facts, writing=writing)
    if errors:
        raise FactsRejected(errors)
    different = [j for j in judged if j.status != "unchanged"]
    batch = None
    if different:
        batch = knowledge.open_batch(
            portfolio=portfolio,
            kind=kind,
            now=writing.now,
            content=_canonical(facts, different, writing),
            actor=writing.actor,
            approver=writing.approver,
            source=writing.source,
            reason=writing.reason,
            undoes=undoes,
            import_run=import_run,
        )
        _write(batch, [facts[j.position] for j in different], writing=writing)
        touched = sorted({facts[j.position].investment_id for j in different})
        knowledge.advance_heads("investment", touched, batch.pk)
        nudge.ring(touched)
    return Recorded(
        batch=batch,
        new=sum(j.status == "new" for j in judged),
        changed=sum(j.status == "changed" for j in judged),
        unchanged=sum(j.status == "unchanged" for j in judged),
        late=sum(j.is_late for j in judged),
        restated=sum(j.is_restatement for j in judged),
    )


@transaction.atomic
def undo(batch: Batch, *, actor: User | None, now: datetime, approver: User | None = None) -> Recorded:
    """State again, in a new batch, what was known before `batch`.

    Raises FactsRejected where later facts stand on it.
    """
    if batch.portfolio is None or batch.kind not in ("actuals", "plan", "forecast"):
        raise FactsRejected(
            [FactError(0, "", "Only batches of ledger entries can be undone.", "not_undoable")]
        )
    knowledge.lock_portfolio(batch.portfolio_id or 0)
    if Batch.objects.filter(undoes=batch).exists():
        raise FactsRejected([FactError(0, "", "This batch has already been undone.", "already_undone")])
    with connection.cursor() as cursor:
        cursor.execute(_BEFORE, {"batch": batch.pk})
        rows = cursor.fetchall()
    superseded = sum(row[-1] for row in rows)
    if superseded:
        sentence = (
            f"{superseded} of its {len(rows)} values have been changed since; undo the later batch first."
        )
        raise FactsRejected([FactError(0, "", sentence, "superseded")])
    groups: dict[tuple[str, int, str], list[Fact]] = defaultdict(list)
    for (
        investment,
        book,
        version,
        month,
        account,
        currency,
        source,
        ref,
        kind,
        amount,
        quantity,
        note,
        _,
    ) in rows:
        groups[book, version, source].append(
            Fact(investment, month, account, currency, amount, quantity, EntryKind(kind), ref, note)
        )
    if len(groups) != 1:
        raise FactsRejected(
            [FactError(0, "", "A batch of several books cannot be undone at once.", "not_undoable")]
        )
    ((book, version, source), facts) = next(iter(groups.items()))
    writing = Writing(
        source=source,
        now=now,
        actor=actor,
        approver=approver,
        reason=f"Undo of batch {batch.pk}.",
        book=Book(book),
        book_version=version,
    )
    return record(batch.portfolio, facts, writing=writing, kind="undo", undoes=batch)


_BEFORE = """
    SELECT e.investment_id, e.book, e.book_version, e.month, e.account_id, e.currency, e.source, e.source_ref,
           COALESCE(before.kind, 'withdrawn'), before.amount, before.quantity, COALESCE(before.note, ''),
           (c.batch_id <> e.batch_id)
    FROM portfolio_entry e
    JOIN portfolio_cell c USING (investment_id, book, book_version, month, account_id, currency, source, source_ref)
    LEFT JOIN LATERAL (
        SELECT b.kind, b.amount, b.quantity, b.note FROM portfolio_entry b
        WHERE (b.investment_id, b.book, b.book_version, b.month, b.account_id, b.currency, b.source, b.source_ref)
            = (e.investment_id, e.book, e.book_version, e.month, e.account_id, e.currency, e.source, e.source_ref)
          AND b.batch_id < e.batch_id
        ORDER BY b.batch_id DESC LIMIT 1
    ) before ON true
    WHERE e.batch_id = %(batch)s
    ORDER BY e.investment_id, e.month, e.account_id, e.id
"""

_COMPARE = """
    SELECT f.position, c.kind, c.amount, c.quantity,
           (c.kind IS NOT DISTINCT FROM f.kind AND c.amount IS NOT DISTINCT FROM f.amount
            AND c.quantity IS NOT DISTINCT FROM f.quantity) AS same
    FROM unnest(%(position)s::int[], %(investment)s::bigint[], %(month)s::date[], %(account)s::bigint[],
                %(currency)s::text[], %(ref)s::text[], %(kind)s::text[], %(amount)s::numeric[],
                %(quantity)s::numeric[])
         AS f(position, investment_id, month, account_id, currency, source_ref, kind, amount, quantity)
    LEFT JOIN portfolio_cell c
      ON c.investment_id = f.investment_id AND c.book = %(book)s AND c.book_version = %(version)s
     AND c.month = f.month AND c.account_id = f.account_id AND c.currency = f.currency
     AND c.source = %(source)s AND c.source_ref = f.source_ref
"""


def _compare(portfolio: Portfolio, facts: Sequence[tuple[int, Fact]], *, writing: Writing) -> list[Judged]:
    states = checks.month_states(portfolio)
    found: dict[int, tuple[str | None, Decimal | None, Decimal | None, bool]] = {}
    with connection.cursor() as cursor:
        for start in range(0, len(facts), _CHUNK):
            chunk = facts[start : start + _CHUNK]
            cursor.execute(
                _COMPARE,
                _columns([fact for _, fact in chunk], writing)
                | {"position": [position for position, _ in chunk]},
            )
            found |= {row[0]: row[1:] for row in cursor.fetchall()}
    return [
        checks.judge(position, fact, found[position], states.get(fact.month, "open"), writing=writing)
        for position, fact in facts
    ]


def _columns(facts: Sequence[Fact], writing: Writing) -> dict[str, Any]:
    return {
        "investment": [f.investment_id for f in facts],
        "month": [f.month for f in facts],
        "account": [f.account_id for f in facts],
        "currency": [f.currency for f in facts],
        "ref": [f.source_ref for f in facts],
        "kind": [f.kind.value for f in facts],
        "amount": [f.amount for f in facts],
        "quantity": [f.quantity for f in facts],
        "note": [f.note for f in facts],
        "book": writing.book.value,
        "version": writing.book_version,
        "source": writing.source,
    }


_UNNEST = """
    unnest(%(investment)s::bigint[], %(month)s::date[], %(account)s::bigint[], %(currency)s::text[],
           %(ref)s::text[], %(kind)s::text[], %(amount)s::numeric[], %(quantity)s::numeric[], %(note)s::text[])
         AS f(investment_id, month, account_id, currency, source_ref, kind, amount, quantity, note)
"""
_KEY = "investment_id, book, book_version, month, account_id, currency, source, source_ref"
_ENTRY = f"""
    INSERT INTO portfolio_entry ({_KEY}, kind, amount, quantity, batch_id, note, recorded_at)
    SELECT f.investment_id, %(book)s, %(version)s, f.month, f.account_id, f.currency, %(source)s, f.source_ref,
           f.kind, f.amount, f.quantity, %(batch)s, f.note, %(now)s FROM {_UNNEST}
"""
_CELL = f"""
    INSERT INTO portfolio_cell ({_KEY}, kind, amount, quantity, batch_id)
    SELECT f.investment_id, %(book)s, %(version)s, f.month, f.account_id, f.currency, %(source)s, f.source_ref,
           f.kind, f.amount, f.quantity, %(batch)s FROM {_UNNEST}
    ON CONFLICT ({_KEY}) DO UPDATE SET kind = EXCLUDED.kind, amount = EXCLUDED.amount,
        quantity = EXCLUDED.quantity, batch_id = EXCLUDED.batch_id
"""


def _write(batch: Batch, facts: Sequence[Fact], *, writing: Writing) -> None:
    with connection.cursor() as cursor:
        # The triggers on both tables refuse every statement of a transaction that has not said this.
        cursor.execute("SELECT set_config('hurdle.ledger_batch', %s, true)", [str(batch.pk)])
        for start in range(0, len(facts), _CHUNK):
            columns = _columns(facts[start : start + _CHUNK], writing) | {
                "batch": batch.pk,
                "now": batch.recorded_at,
            }
            cursor.execute(_ENTRY, columns)
            cursor.execute(_CELL, columns)
        cursor.execute("SELECT set_config('hurdle.ledger_batch', '', true)")


def _canonical(facts: Sequence[Fact], judged: Sequence[Judged], writing: Writing) -> Iterator[str]:
    lines = (checks.canonical_line(facts[j.position], writing) for j in judged)
    return iter(sorted(lines))


def last_value_months(portfolio: Portfolio) -> dict[int, date]:
    """Return the newest month with an actual value of each investment of a portfolio."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.investment_id, max(c.month) FROM portfolio_cell c JOIN portfolio_investment i "
            "ON i.id = c.investment_id WHERE i.portfolio_id = %s AND c.book = 'actual' AND c.kind <> 'withdrawn' "
            "GROUP BY 1",
            [portfolio.pk],
        )
        return dict(cursor.fetchall())
