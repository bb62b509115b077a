"""Knowledge time: the locks that make commit order the order of knowing, batches and their hash chain, and heads.

Every writer of facts or assumptions takes the portfolio's lock (or the installation's), then draws its knowledge time
and holds the lock to commit. A reader asking "as of K" takes the lock shared, so no batch below K can still appear.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from django.db import OperationalError, connection, transaction
from django.db.models import Q, QuerySet
from psycopg.errors import SerializationFailure

from portfolio.models import Batch, Entry, Head, ImportRun, Investment, Portfolio, User
from portfolio.terms import EntryKind

_PORTFOLIO_LOCK = 7101
_INSTALLATION_LOCK = 7102
# A given time may be a little ahead of the database's clock, as two machines' clocks are never equal.
_CLOCK_SKEW = timedelta(minutes=5)
_VIEW_ATTEMPTS = 8
# By column: by relation the accounts would be sorted by their own order.
_KEY = ("investment_id", "book", "book_version", "month", "account_id", "currency", "source", "source_ref")

T = TypeVar("T")


class KnowledgeError(ValueError):
    """A batch that cannot be placed in the order of knowing; the message is for the user."""


def lock_portfolio(portfolio_id: int, *, shared: bool = False) -> None:
    """Hold the portfolio's lock until the transaction ends; writers exclusive, as-of readers shared."""
    _lock(_INSTALLATION_LOCK, 0, shared=True)
    _lock(_PORTFOLIO_LOCK, portfolio_id, shared=shared)


def lock_installation() -> None:
    """Hold the lock of what all portfolios share (FX rates, accounts) until the transaction ends."""
    _lock(_INSTALLATION_LOCK, 0, shared=False)


def _lock(space: int, key: int, *, shared: bool) -> None:
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError(
            "Knowledge locks are held to commit: open a transaction first."
        )
    function = "pg_advisory_xact_lock_shared" if shared else "pg_advisory_xact_lock"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s, %s)", [space, key % (2**31)])


def with_one_view(work: Callable[[], T]) -> T:
    """Run `work` in a transaction that sees one consistent view of the database, again when it was overtaken.

    Inside an outer transaction (tests that roll back) the outer one decides on isolation.
    """
    if connection.in_atomic_block:
        return work()
    for attempt in range(_VIEW_ATTEMPTS):
        try:
            with transaction.atomic():
                with connection.cursor() as cursor:
                    cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                return work()
        except OperationalError as error:
            # Somebody finished the same rows after this view was taken: take a new one.
            if not isinstance(error.__cause__, SerializationFailure) or attempt == _VIEW_ATTEMPTS - 1:
                raise
    raise AssertionError("unreachable: the last attempt returns or raises")


def open_batch(
    *,
    portfolio: Portfolio | None,
    kind: str,
    now: datetime,
    content: Iterable[str],
    actor: User | None = None,
    approver: User | None = None,
    source: str = "",
    reason: str = "",
    undoes: Batch | None = None,
    import_run: ImportRun | None = None,
) -> Batch:
    """Draw the next knowledge time and write the batch, chained to the one before it in the same portfolio.

    The caller holds the lock. `content` is the batch's canonical lines, hashed in the order given. `now` may lie in
    the past (migration of an older system) but not before the portfolio's last batch; one that was read from the clock
    while another writer held the lock is moved up to that writer's time. Raises KnowledgeError.
    """
    last = (
        Batch.objects.filter(portfolio=portfolio)
        .order_by("-id")
        .values_list("recorded_at", "chain_hash")
        .first()
    )
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('portfolio_knowledge_seq'), clock_timestamp()")
        knowledge, clock = cursor.fetchone()
    if now > clock + _CLOCK_SKEW:
        raise KnowledgeError(f"Nothing can be recorded at {now:%Y-%m-%d %H:%M:%S}: that time has not come.")
    if last and now < last[0]:
        if now < clock - _CLOCK_SKEW:
            raise KnowledgeError(
                f"Nothing can be recorded at {now:%Y-%m-%d %H:%M:%S}: the portfolio already knows facts recorded at "
                f"{last[0]:%Y-%m-%d %H:%M:%S}."
            )
        now = last[0]
    batch = Batch(
        id=knowledge,
        portfolio=portfolio,
        kind=kind,
        source=source,
        actor=actor,
        approver=approver,
        reason=reason,
        undoes=undoes,
        import_run=import_run,
        recorded_at=now,
        content_hash=hash_of_content(content),
    )
    batch.chain_hash = hash_of_chain(batch, before=last[1] if last else "")
    batch.save(force_insert=True)
    return batch


def hash_of_content(lines: Iterable[str]) -> str:
    """Return the hash of a batch's canonical lines, in the order given."""
    digest = hashlib.sha256()
    for line in lines:
        digest.update(line.encode())
        digest.update(b"\n")
    return digest.hexdigest()


def hash_of_chain(batch: Batch, *, before: str) -> str:
    """Return the hash that ties a batch to the chain hash before it; the same for the row read back."""
    header = (
        batch.pk,
        batch.kind,
        batch.recorded_at.astimezone(UTC).isoformat(),
        batch.actor_id or "",
        batch.approver_id or "",
        batch.source,
        batch.reason,
        batch.undoes_id or "",
    )
    text = before + "|".join(str(part) for part in header) + "|" + batch.content_hash
    return hashlib.sha256(text.encode()).hexdigest()


def advance_heads(scope: str, scope_ids: Sequence[int], knowledge: int) -> None:
    """Mark scopes as knowing something new, so that what was computed from them is found stale."""
    Head.objects.bulk_create(
        [Head(scope=scope, scope_id=scope_id, knowledge=knowledge) for scope_id in sorted(scope_ids)],
        update_conflicts=True,
        unique_fields=["scope", "scope_id"],
        update_fields=["knowledge"],
    )


def knowledge_at(portfolio: Portfolio, moment: datetime) -> int:
    """Return the knowledge time of everything the portfolio knew at a moment (0: nothing yet)."""
    newest = (
        Batch.objects.filter(Q(portfolio=portfolio) | Q(portfolio__isnull=True), recorded_at__lte=moment)
        .order_by("-id")
        .values_list("id", flat=True)
        .first()
    )
    return newest or 0


def values_known(investment: Investment, known: int) -> QuerySet[Entry]:
    """Return the line that stood for each of an investment's keys at a knowledge time; what was withdrawn is none."""
    latest = (
        Entry.objects.filter(investment=investment, batch_id__lte=known)
        .order_by(*_KEY, "-batch_id")
        .distinct(*_KEY)
        .values("pk")
    )
    return Entry.objects.filter(pk__in=latest).exclude(kind=EntryKind.WITHDRAWN.value)
