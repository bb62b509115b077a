"""Recomputes what is stale: claim, load once, one vectorized call, bulk write. One investment takes the same road.

Stale means that the heads of the ledger (investment, portfolio, installation) or the engine are newer than what the
snapshots were computed from. A worker locks the rows, reads one consistent view, and writes in the same transaction;
one that was overtaken takes a new view.
"""

import hashlib
import logging
import uuid
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import chain

import numpy as np
from django.db import DatabaseError, connection
from django.db.models import Case, F, Value, When
from numpy.typing import NDArray

from portfolio import knowledge
from portfolio.models import Investment
from portfolio.terms import ENDED_STAGES
from roi import attempts, rows
from roi import inputs as roi_inputs
from roi.binary_copy import encode
from roi.engine import metrics
from roi.engine.figures import Figures
from roi.engine.result import ENGINE_VERSION
from roi.inputs import Inputs
from roi.models import SnapshotHead

# Bounds the memory of one stream: 1,250 investments of 36 months take about 100 MB.
CHUNK = attempts.SIZES[0]
STREAMS = 2
MAX_ATTEMPTS = attempts.MAX_ATTEMPTS

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Recomputed:
    """What one recompute did: how many investments it computed, and which of them changed."""

    computed: int
    changed: list[int]


_STALE = """
    SELECT i.id FROM portfolio_investment i
    LEFT JOIN roi_snapshothead h ON h.investment_id = i.id
    LEFT JOIN portfolio_head hi ON hi.scope = 'investment' AND hi.scope_id = i.id
    LEFT JOIN portfolio_head hp ON hp.scope = 'portfolio' AND hp.scope_id = i.portfolio_id
    LEFT JOIN portfolio_head hx ON hx.scope = 'installation' AND hx.scope_id = 0
    WHERE (COALESCE(h.attempts, 0) < %(max_attempts)s OR h.failed_knowledge <>
           GREATEST(COALESCE(hi.knowledge, 0), COALESCE(hp.knowledge, 0), COALESCE(hx.knowledge, 0)))
      AND (%(ids)s::bigint[] IS NULL OR i.id = ANY(%(ids)s)) AND i.id > %(after)s
      AND (%(last)s::bigint IS NULL OR i.id <= %(last)s)
      AND (h.investment_id IS NULL OR h.engine_version <> %(engine)s
           OR h.investment_knowledge <> COALESCE(hi.knowledge, 0)
           OR h.portfolio_knowledge <> COALESCE(hp.knowledge, 0)
           OR h.installation_knowledge <> COALESCE(hx.knowledge, 0))
    ORDER BY i.id LIMIT %(limit)s
"""


def find_stale(
    *, ids: Sequence[int] | None = None, after: int = 0, last: int | None = None, limit: int | None = None
) -> list[int]:
    """Return investments whose snapshots are older than what is known, in id order, quarantined ones left out.

    Only those among `ids` when given, and only ids above `after` and up to `last`.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            _STALE,
            {
                "ids": list(ids) if ids is not None else None,
                "after": after,
                "last": last,
                "limit": limit or CHUNK,
                "engine": ENGINE_VERSION,
                "max_attempts": MAX_ATTEMPTS,
            },
        )
        return [row[0] for row in cursor.fetchall()]


def recompute(*, ids: Sequence[int] | None = None, now: datetime) -> Recomputed:
    """Recompute everything stale (among `ids` when given), chunk by chunk, until nothing stale is left.

    Several chunks run in two streams, so that one computes while the database sums for the other. Inside an outer
    transaction there is one stream: another connection would not see what is not committed.
    """
    chunks = _stale_chunks(ids)
    first = next(chunks, [])
    if len(first) < CHUNK or connection.in_atomic_block:
        return _sum(recompute_chunk(chunk, now=now) for chunk in chain([first] if first else [], chunks))
    with ThreadPoolExecutor(max_workers=STREAMS, thread_name_prefix="recompute") as pool:
        return _sum(pool.map(partial(_recompute_in_stream, now=now), chain([first], chunks)))


def _stale_chunks(ids: Sequence[int] | None) -> Iterator[list[int]]:
    after = 0
    while stale := find_stale(ids=ids, after=after):
        yield stale
        after = stale[-1]


def _recompute_in_stream(ids: Sequence[int], *, now: datetime) -> Recomputed:
    try:
        return recompute_chunk(ids, now=now)
    finally:
        # The stream's thread has a connection of its own, which nobody else would close.
        connection.close()


def _sum(parts: Iterable[Recomputed]) -> Recomputed:
    computed, changed = 0, []
    for part in parts:
        computed += part.computed
        changed += part.changed
    return Recomputed(computed, changed)


def recompute_chunk(ids: Sequence[int], *, now: datetime) -> Recomputed:
    """Recompute the given investments; one that cannot be computed, or kills the process, stops no other for good.

    What a process died over is counted, and put into smaller and smaller groups until it is alone. Each group is
    marked before the work on it, and computed in one transaction.
    """
    with connection.cursor() as cursor:
        cursor.execute(_ENSURE_HEADS, [list(ids)])
    found = attempts.groups_of(ids)
    for investment_id in found.given_up:
        logger.error("Investment %s is quarantined: %s", investment_id, attempts.KILLED)
    return _sum(_recompute_marked(group, now=now) for group in found.groups)


def _recompute_marked(ids: Sequence[int], *, now: datetime) -> Recomputed:
    mark = attempts.mark(ids)
    try:
        return _recompute_group(ids, now=now)
    except BaseException:
        # The process lives: the database or the program is broken as a whole, and no investment is to blame.
        with suppress(DatabaseError):
            attempts.unmark(ids, mark)
        raise


def _recompute_group(ids: Sequence[int], *, now: datetime) -> Recomputed:
    try:
        return knowledge.with_one_view(partial(_recompute_locked, ids, now=now))
    except (ValueError, ArithmeticError, LookupError, TypeError, MemoryError, RecursionError) as error:
        # Facts this code cannot digest; a broken database or program fails as a whole and is tried again.
        if len(ids) == 1:
            return _quarantine(ids[0], error)
        half = len(ids) // 2
        return _sum(_recompute_group(part, now=now) for part in (ids[:half], ids[half:]))


_ENSURE_HEADS = """
    INSERT INTO roi_snapshothead (investment_id, investment_knowledge, portfolio_knowledge, installation_knowledge,
                                  engine_version, revision, attempts, failed_knowledge, failure)
    SELECT unnest(%s::bigint[]), -1, -1, -1, 0, 0, 0, -1, '' ON CONFLICT (investment_id) DO NOTHING
"""


def _quarantine(investment_id: int, error: Exception) -> Recomputed:
    """Count a failure on the facts known now; after MAX_ATTEMPTS the investment waits for newer facts or a release."""
    logger.exception("Investment %s cannot be recomputed.", investment_id, exc_info=error)
    known = int(_knowledge_of([Investment.objects.get(pk=investment_id)]).max())
    tries = Case(When(failed_knowledge=known, then=F("attempts") + 1), default=Value(1))
    SnapshotHead.objects.filter(pk=investment_id).update(
        attempts=tries, failed_knowledge=known, failure=repr(error)[:2000]
    )
    return Recomputed(0, [])


def release() -> int:
    """Let quarantined investments be tried again, one that killed its process once, alone; returns how many."""
    again = Case(When(failure=attempts.KILLED, then=Value(MAX_ATTEMPTS - 1)), default=Value(0))
    return SnapshotHead.objects.filter(attempts__gte=MAX_ATTEMPTS).update(attempts=again)


def _recompute_locked(ids: Sequence[int], *, now: datetime) -> Recomputed:
    heads = dict(
        SnapshotHead.objects.select_for_update()
        .filter(pk__in=ids)
        .order_by("pk")
        .values_list("investment_id", "fingerprint")
    )
    claimed = list(Investment.objects.filter(pk__in=heads).select_related("portfolio").order_by("pk"))
    if not claimed:
        return Recomputed(0, [])
    known = _knowledge_of(claimed)
    loaded = roi_inputs.load(claimed)
    figures = metrics.compute(loaded.series)
    prints = fingerprints(loaded)
    newest = [uuid.UUID(bytes=prints[row, end].tobytes()) for row, end in enumerate(loaded.series.length - 1)]
    changed = np.array([heads[i.pk] != mine for i, mine in zip(claimed, newest, strict=True)])
    _write(loaded, figures, prints, known=known, changed=np.flatnonzero(changed))
    _write_heads(loaded, newest, known=known, changed=changed, now=now)
    return Recomputed(len(claimed), [i.pk for i, differs in zip(claimed, changed, strict=True) if differs])


def _knowledge_of(investments: Sequence[Investment]) -> NDArray[np.int64]:
    """Return (n, 3) knowledge times: the investment's, its portfolio's, the installation's (0: nothing yet)."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT scope, scope_id, knowledge FROM portfolio_head WHERE scope = 'installation' "
            "OR (scope = 'investment' AND scope_id = ANY(%s)) OR (scope = 'portfolio' AND scope_id = ANY(%s))",
            [[i.pk for i in investments], list({i.portfolio_id for i in investments})],
        )
        heads = {(scope, scope_id): knowledge for scope, scope_id, knowledge in cursor.fetchall()}
    return np.array(
        [
            (
                heads.get(("investment", i.pk), 0),
                heads.get(("portfolio", i.portfolio_id), 0),
                heads.get(("installation", 0), 0),
            )
            for i in investments
        ],
        dtype=np.int64,
    )


def fingerprints(loaded: Inputs) -> NDArray[np.uint8]:
    """Return (n, T, 16): for each month the hash of every input of months 1 to it, in canonical order."""
    series = loaded.series
    matrices = [
        *(series.benefit[basis] for basis in sorted(series.benefit)),
        series.run,
        series.avoidable_run,
        series.one_time,
        series.usage,
        *(series.volume[key].view(np.int64) for key in sorted(series.volume)),
        series.closed.astype(np.int64) + 2 * series.complete + 4 * series.missing_fx,
    ]
    rows_, months = series.run.shape
    stacked = np.stack(matrices, axis=2).astype(">i8")
    prints = np.zeros((rows_, months, 16), dtype=np.uint8)
    width = len(matrices) * 8
    for row, investment in enumerate(loaded.investments):
        terms = (
            ENGINE_VERSION,
            investment.pk,
            investment.portfolio.reporting_currency,
            int(loaded.first_month[row]),
            int(series.horizon_months[row]),
            float(series.hurdle_rate[row]),
            float(series.discount_rate[row]),
            # The rules are armed and ended by these: a change of them is a change of what is judged.
            str(investment.live_month),
            str(investment.end_month),
            investment.stage in ENDED_STAGES,
            _plan_print(loaded, row),
        )
        digest = hashlib.blake2b(repr(terms).encode(), digest_size=16)
        months_of_row = memoryview(stacked[row].tobytes())
        chain = bytearray()
        for end in range(width, (int(series.length[row]) + 1) * width, width):
            digest.update(months_of_row[end - width : end])
            chain += digest.digest()
        prints[row, : series.length[row]] = np.frombuffer(chain, dtype=np.uint8).reshape(-1, 16)
    return prints


def _plan_print(loaded: Inputs, row: int) -> str:
    if loaded.plan is None or not loaded.has_plan[row]:
        return ""
    plan = loaded.plan
    # Its own months alone: behind them the row is filled up to the longest plan that was loaded with it.
    end = int(plan.length[row])
    parts = [plan.benefit[basis][row, :end].tobytes() for basis in sorted(plan.benefit)]
    parts += [plan.run[row, :end].tobytes(), plan.one_time[row, :end].tobytes()]
    return hashlib.blake2b(b"".join(parts), digest_size=16).hexdigest()


def _write(
    loaded: Inputs,
    figures: Figures,
    prints: NDArray[np.uint8],
    *,
    known: NDArray[np.int64],
    changed: NDArray[np.int64],
) -> None:
    if not len(changed):
        return
    columns = rows.columns(loaded, figures, prints, knowledge=known.max(axis=1), members=changed)
    names = ", ".join(f'"{column.name}"' for column in columns)
    ids = [loaded.investments[row].pk for row in changed]
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM roi_snapshot WHERE investment_id = ANY(%s)", [ids])
        with cursor.copy(f"COPY roi_snapshot ({names}) FROM STDIN (FORMAT binary)") as copy:
            for part in encode(columns):
                copy.write(part)


_UPDATE_HEADS = """
    UPDATE roi_snapshothead h SET investment_knowledge = n.investment_knowledge,
        portfolio_knowledge = n.portfolio_knowledge, installation_knowledge = n.installation_knowledge,
        engine_version = %(engine)s, attempts = 0, failure = '', computed_at = %(now)s, fingerprint = n.fingerprint,
        revision = h.revision + n.changed::int, last_month = n.last_month,
        last_complete_month = n.last_complete_month, planned_breakeven_month = n.planned_breakeven,
        planned_discounted_payback_month = n.planned_payback, planned_live_month = n.planned_live
    FROM unnest(%(ids)s::bigint[], %(investment)s::bigint[], %(portfolio)s::bigint[], %(installation)s::bigint[],
                %(changed)s::bool[], %(fingerprint)s::uuid[], %(last)s::date[], %(complete)s::date[],
                %(planned_breakeven)s::date[], %(planned_payback)s::date[], %(planned_live)s::date[])
         AS n(id, investment_knowledge, portfolio_knowledge, installation_knowledge, changed, fingerprint, last_month,
              last_complete_month, planned_breakeven, planned_payback, planned_live)
    WHERE h.investment_id = n.id
"""


def _write_heads(
    loaded: Inputs,
    newest: Sequence[uuid.UUID],
    *,
    known: NDArray[np.int64],
    changed: NDArray[np.bool_],
    now: datetime,
) -> None:
    last = [rows.last_months(loaded, row) for row in range(len(loaded.investments))]
    planned = rows.planned_months(loaded)
    investment, portfolio, installation = known.T.tolist()
    with connection.cursor() as cursor:
        cursor.execute(
            _UPDATE_HEADS,
            {
                "engine": ENGINE_VERSION,
                "now": now,
                "ids": [i.pk for i in loaded.investments],
                "investment": investment,
                "portfolio": portfolio,
                "installation": installation,
                "changed": changed.tolist(),
                "fingerprint": list(newest),
                "last": [months[0] for months in last],
                "complete": [months[1] for months in last],
                "planned_breakeven": [months.breakeven for months in planned],
                "planned_payback": [months.payback for months in planned],
                "planned_live": [months.live for months in planned],
            },
        )


def stale_ranges(*, size: int) -> list[tuple[int, int]]:
    """Return the stale investments as ranges (first id, last id) of about `size`, for any number of workers."""
    ranges, after = [], 0
    while stale := find_stale(after=after, limit=size):
        ranges.append((stale[0], stale[-1]))
        after = stale[-1]
    return ranges
