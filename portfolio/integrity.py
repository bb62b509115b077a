"""Proof that the ledger is what was written: cells rebuilt from entries, the hash chain of batches verified.

A tail that was cut off leaves a chain that is sound; only a hash kept elsewhere shows that.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from django.db import connection

from portfolio import facts, knowledge
from portfolio.facts import Fact, Writing
from portfolio.models import Batch, Entry
from portfolio.terms import Book, EntryKind

_LEDGER_KINDS = ("actuals", "plan", "forecast", "undo")
_ROWS_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it was written: where, and a sentence."""

    where: str
    message: str


_DIFFERENCES = """
    WITH rebuilt AS (
        SELECT DISTINCT ON (investment_id, book, book_version, month, account_id, currency, source,
            source_ref)
            *
        FROM portfolio_entry
        ORDER BY investment_id, book, book_version, month, account_id, currency, source, source_ref,
            batch_id DESC
    )
    SELECT investment_id, book, book_version, month, account_id, currency, source, source_ref, e.id, c.id
    FROM rebuilt e FULL JOIN portfolio_cell c
        USING (investment_id, book, book_version, month, account_id, currency, source, source_ref)
    WHERE e.id IS NULL OR c.id IS NULL
       OR (e.kind, e.amount, e.quantity, e.batch_id)
          IS DISTINCT FROM (c.kind, c.amount, c.quantity, c.batch_id)
    ORDER BY investment_id, month, account_id
    LIMIT %s
"""


def differing_cells(*, limit: int = 1000) -> list[Finding]:
    """Return the cells that are not the newest entry of their key, rebuilding all of them in the database."""
    with connection.cursor() as cursor:
        cursor.execute(_DIFFERENCES, [limit])
        rows = cursor.fetchall()
    return [_difference(row[:8], entry=row[8], cell=row[9]) for row in rows]


def _difference(key: tuple[object, ...], *, entry: int | None, cell: int | None) -> Finding:
    where = "cell " + " | ".join(str(part) for part in key)
    if cell is None:
        return Finding(where, f"Entry {entry} has no cell.")
    if entry is None:
        return Finding(where, "The cell has no entry.")
    return Finding(where, f"The cell is not what entry {entry} says.")


def broken_links() -> list[Finding]:
    """Return the batches whose hash does not follow from the batch before and from their own entries."""
    contents = _content_hashes()
    newest: tuple[int, str] | None = next(contents, None)
    links: dict[int | None, str] = {}
    findings = []
    for batch in Batch.objects.order_by("pk").iterator(chunk_size=_ROWS_AT_ONCE):
        content = None
        while newest is not None and newest[0] <= batch.pk:
            if newest[0] == batch.pk:
                content = newest[1]
            newest = next(contents, None)
        if batch.kind in _LEDGER_KINDS and content != batch.content_hash:
            findings.append(Finding(f"batch {batch.pk}", "Its entries are not those it was written with."))
        if batch.chain_hash != knowledge.hash_of_chain(batch, before=links.get(batch.portfolio_id, "")):
            sentence = (
                "Its hash does not follow from the batch before it: one of the two was changed or removed."
            )
            findings.append(Finding(f"batch {batch.pk}", sentence))
        links[batch.portfolio_id] = batch.chain_hash
    return findings


def _content_hashes() -> Iterator[tuple[int, str]]:
    """Yield each batch that has entries with the hash of their canonical lines."""
    entries = Entry.objects.order_by("batch_id").iterator(chunk_size=_ROWS_AT_ONCE)
    for batch_id, members in groupby(entries, key=lambda entry: entry.batch_id):
        yield batch_id, knowledge.hash_of_content(sorted(_line(entry) for entry in members))


def _line(entry: Entry) -> str:
    fact = Fact(
        investment_id=entry.investment_id,
        month=entry.month,
        account_id=entry.account_id,
        currency=entry.currency,
        amount=entry.amount,
        quantity=entry.quantity,
        kind=EntryKind(entry.kind),
        source_ref=entry.source_ref,
        note=entry.note,
    )
    writing = Writing(
        source=entry.source, now=entry.recorded_at, book=Book(entry.book), book_version=entry.book_version
    )
    return facts.canonical_line(fact, writing)
