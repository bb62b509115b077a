"""Recomputes what is stale: claim, load once, one vectorized call, bulk write. One investment takes the same road.

Stale means that the heads of the ledger (investment, portfolio, installation) or the engine are newer than what the
snapshots were computed from. A worker locks the rows, reads one consistent view, and writes in the same transaction;
one that was overtaken takes a new view.
"""

import hashlib
import logging
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import numpy as np
from django.db import DatabaseError, connection
from django.db.models import F, Max
from numpy.typing import NDArray

from portfolio import knowledge
from portfolio.models import Investment
from roi import inputs as roi_inputs
from roi import rows
from roi.binary_copy import encode
from roi.engine import metrics
from roi.engine.figures import Figures
from roi.engine.result import ENGINE_VERSION
from roi.inputs import Inputs
from roi.models import SnapshotHead

# Bounds the memory of one pass: 2,500 investments of 36 months stay well under 600 MB.
CHUNK = 2_500
MAX_ATTEMPTS = 5

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
    WHERE COALESCE(h.attempts, 0) < %(max_attempts)s
      AND (%(ids)s::bigint[] IS NULL OR i.id = ANY(%(ids)s)) AND i.id > %(after)s
      AND (h.investment_id IS NULL OR h.engine_version <> %(engine)s
           OR h.investment_knowledge <> COALESCE(hi.knowledge, 0)
           OR h.portfolio_knowledge <> COALESCE(hp.knowledge, 0)
           OR h.installation_knowledge <> COALESCE(hx.knowledge, 0))
    ORDER BY i.id LIMIT %(limit)s
"""


def find_stale(*, ids: Sequence[int] | None = None, after: int = 0, limit: int = CHUNK) -> list[int]:
    """Return investments whose snapshots are older than what is known, in id order, quarantined ones left out."""
    with connection.cursor() as cursor:
        cursor.execute(
            _STALE,
            {
                "ids": list(ids) if ids is not None else None,
                "after": after,
                "limit": limit,
                "engine": ENGINE_VERSION,
                "max_attempts": MAX_ATTEMPTS,
            },
        )
        return [row[0] for row in cursor.fetchall()]


def recompute(*, ids: Sequence[int] | None = None, now: datetime) -> Recomputed:
    """Recompute everything stale (among `ids` when given), chunk by chunk, until nothing stale is left."""
    computed, changed, after = 0, [], 0
    while stale := find_stale(ids=ids, after=after):
        done = recompute_chunk(stale, now=now)
        computed += done.computed
        changed += done.changed
        after = stale[-1]
    return Recomputed(computed, changed)


def recompute_chunk(ids: Sequence[int], *, now: datetime) -> Recomputed:
    """Recompute the given investments in one transaction; one that cannot be computed does not stop the others."""
    SnapshotHead.objects.bulk_create([SnapshotHead(investment_id=pk) for pk in ids], ignore_conflicts=True)
    try:
        return knowledge.with_one_view(partial(_recompute_locked, ids, now=now))
    except DatabaseError:
        raise
    except Exception as error:
        if len(ids) == 1:
            return _quarantine(ids[0], error)
        half = len(ids) // 2
        first, second = recompute_chunk(ids[:half], now=now), recompute_chunk(ids[half:], now=now)
        return Recomputed(first.computed + second.computed, first.changed + second.changed)


def _quarantine(investment_id: int, error: Exception) -> Recomputed:
    """Count a failure; after MAX_ATTEMPTS the investment is left alone until an operator looks at it."""
    logger.exception("Investment %s cannot be recomputed.", investment_id, exc_info=error)
    SnapshotHead.objects.filter(pk=investment_id).update(attempts=F("attempts") + 1, failure=repr(error)[:2000])
    return Recomputed(0, [])


def _recompute_locked(ids: Sequence[int], *, now: datetime) -> Recomputed:
    heads = {
        h.pk: h
        for h in SnapshotHead.objects.select_for_update().filter(pk__in=ids).order_by("pk")
    }
    claimed = list(Investment.objects.filter(pk__in=heads).select_related("portfolio").order_by("pk"))
    if not claimed:
        return Recomputed(0, [])
    known = _knowledge_of(claimed)
    loaded = roi_inputs.load(claimed)
    figures = metrics.compute(loaded.series)
    prints = fingerprints(loaded)
    last = loaded.series.length - 1
    changed = np.array(
        [
            heads[i.pk].fingerprint != uuid.UUID(bytes=prints[row, last[row]].tobytes())
            for row, i in enumerate(claimed)
        ]
    )
    _write(loaded, figures, prints, known=known, changed=np.flatnonzero(changed))
    _write_heads(loaded, prints, heads, known=known, changed=changed, now=now)
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
    for row, investment in enumerate(loaded.investments):
        terms = (
            ENGINE_VERSION,
            investment.pk,
            investment.portfolio.reporting_currency,
            int(loaded.first_month[row]),
            int(series.horizon_months[row]),
            float(series.hurdle_rate[row]),
            float(series.discount_rate[row]),
            _plan_print(loaded, row),
        )
        digest = hashlib.blake2b(repr(terms).encode(), digest_size=16)
        for month in range(series.length[row]):
            digest.update(stacked[row, month].tobytes())
            prints[row, month] = np.frombuffer(digest.digest(), dtype=np.uint8)
    return prints


def _plan_print(loaded: Inputs, row: int) -> str:
    if loaded.plan is None or not loaded.has_plan[row]:
        return ""
    plan = loaded.plan
    parts = [plan.benefit[basis][row].tobytes() for basis in sorted(plan.benefit)]
    parts += [plan.run[row].tobytes(), plan.one_time[row].tobytes()]
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


def _write_heads(
    loaded: Inputs,
    prints: NDArray[np.uint8],
    heads: dict[int, SnapshotHead],
    *,
    known: NDArray[np.int64],
    changed: NDArray[np.bool_],
    now: datetime,
) -> None:
    revision = SnapshotHead.objects.aggregate(newest=Max("revision"))["newest"] or 0
    planned = rows.planned_months(loaded)
    for row, investment in enumerate(loaded.investments):
        head = heads[investment.pk]
        head.investment_knowledge, head.portfolio_knowledge, head.installation_knowledge = known[row].tolist()
        head.engine_version = ENGINE_VERSION
        head.attempts, head.failure, head.computed_at = 0, "", now
        if changed[row]:
            head.fingerprint = uuid.UUID(bytes=prints[row, loaded.series.length[row] - 1].tobytes())
            head.revision = max(revision, head.revision) + 1
            head.last_month, head.last_complete_month = rows.last_months(loaded, row)
            head.planned_breakeven_month, head.planned_discounted_payback_month = planned[row]
    SnapshotHead.objects.bulk_update(heads.values(), _HEAD_FIELDS, batch_size=1_000)


_HEAD_FIELDS = [f.name for f in SnapshotHead._meta.concrete_fields if not f.primary_key]


def stale_ranges(*, size: int) -> list[tuple[int, int]]:
    """Return the stale investments as ranges (first id, last id) of about `size`, for any number of workers."""
    ranges, after = [], 0
    while stale := find_stale(after=after, limit=size):
        ranges.append((stale[0], stale[-1]))
        after = stale[-1]
    return ranges
