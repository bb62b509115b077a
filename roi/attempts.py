"""Marks investments before they are recomputed, so that work which kills its process is counted, cornered, left alone.

A mark names the database session of its worker; where that session is gone, the process died over its work.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

MAX_ATTEMPTS = 5
# How many investments are worked on together, by how often a process died over them: the guilty one ends up alone.
SIZES = (1_250, 250, 25, 5, 1)
DIED = "The process that recomputed it ended in the middle of the work."
KILLED = "The process that recomputed it ended in the middle of the work, five times in a row."

# A session is its process number and its beginning, as numbers are used again. Evaluations are marked by it as well.
WHO = "'In work by session ' || a.pid || ' since ' || extract(epoch FROM a.backend_start)"
MARKED = "{row}.failure LIKE 'In work by session %%'"
DEAD = f"""({MARKED} AND {{row}}.failure NOT IN
    (SELECT {WHO} FROM pg_stat_activity a WHERE a.backend_start IS NOT NULL))"""

_KNOWN = "GREATEST(COALESCE(hi.knowledge, 0), COALESCE(hp.knowledge, 0), COALESCE(hx.knowledge, 0))"
# Tries so far: newer facts start anew, and after deaths at first alone, to draw nobody in.
_DUE = f"""
    SELECT h.investment_id, {_KNOWN} AS known, {DEAD.format(row="h")} AS is_dead, CASE
        WHEN h.failure = %(killed)s AND h.failed_knowledge <> {_KNOWN} THEN %(limit)s - 1
        WHEN h.failed_knowledge = {_KNOWN} OR h.failure = %(died)s OR {MARKED.format(row="h")} THEN h.attempts
        ELSE 0 END AS tries
    FROM roi_snapshothead h JOIN portfolio_investment i ON i.id = h.investment_id
    LEFT JOIN portfolio_head hi ON hi.scope = 'investment' AND hi.scope_id = i.id
    LEFT JOIN portfolio_head hp ON hp.scope = 'portfolio' AND hp.scope_id = i.portfolio_id
    LEFT JOIN portfolio_head hx ON hx.scope = 'installation' AND hx.scope_id = 0
    WHERE h.investment_id = ANY(%(ids)s)
    ORDER BY h.investment_id
"""
_COUNT = f"""
    WITH dead AS (SELECT h.investment_id FROM roi_snapshothead h
                  WHERE h.investment_id = ANY(%(ids)s) AND {DEAD.format(row="h")}
                  ORDER BY h.investment_id FOR UPDATE)
    UPDATE roi_snapshothead h SET attempts = h.attempts + 1,
        failure = CASE WHEN h.attempts + 1 < %(limit)s THEN %(died)s ELSE %(killed)s END
    FROM dead WHERE h.investment_id = dead.investment_id RETURNING h.investment_id, h.attempts
"""
_MARK = f"""
    WITH due AS ({_DUE} FOR UPDATE OF h)
    UPDATE roi_snapshothead h SET attempts = due.tries, failed_knowledge = due.known,
        failure = (SELECT {WHO} FROM pg_stat_activity a WHERE a.pid = pg_backend_pid())
    FROM due WHERE h.investment_id = due.investment_id AND due.tries < %(limit)s RETURNING h.failure
"""
_UNMARK = "UPDATE roi_snapshothead SET failure = '' WHERE investment_id = ANY(%s) AND failure = %s"


@dataclass(frozen=True, slots=True)
class Groups:
    """What may be worked on, in groups to be marked and done one after the other, and what was given up just now."""

    groups: tuple[tuple[int, ...], ...]
    given_up: tuple[int, ...] = ()


def split(tries: Iterable[tuple[int, int]], sizes: Sequence[int]) -> tuple[tuple[int, ...], ...]:
    """Return investments, given with their tries, in groups: those nobody died over first and together."""
    by_tries: dict[int, list[int]] = defaultdict(list)
    for investment_id, tried in tries:
        if tried < len(sizes):
            by_tries[tried].append(investment_id)
    return tuple(
        tuple(members[at : at + sizes[tried]])
        for tried, members in sorted(by_tries.items())
        for at in range(0, len(members), sizes[tried])
    )


def groups_of(ids: Sequence[int]) -> Groups:
    """Return stale investments in groups to recompute; the deaths since the last time are counted first."""
    rows = _due(ids)
    given_up: tuple[int, ...] = ()
    dead = [row[0] for row in rows if row[2]]
    if dead:
        given_up = _count(dead)
        rows = _due(ids)
    return Groups(split(((row[0], row[3]) for row in rows), SIZES), given_up)


def mark(ids: Sequence[int]) -> str:
    """Mark investments as this session's work, before it is begun; returns the mark.

    Waits for whoever recomputes the same investments.
    """
    with connection.cursor() as cursor:
        cursor.execute(_MARK, _given(ids))
        row = cursor.fetchone()
    return str(row[0]) if row else ""


def unmark(ids: Sequence[int], mark: str) -> None:
    """Take marks back from work that was given up by a process that lives: nobody died over it."""
    with connection.cursor() as cursor:
        cursor.execute(_UNMARK, [list(ids), mark])


def _due(ids: Sequence[int]) -> list[tuple[int, int, bool, int]]:
    with connection.cursor() as cursor:
        cursor.execute(_DUE, _given(ids))
        return list(cursor.fetchall())


def _count(ids: Sequence[int]) -> tuple[int, ...]:
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, _given(ids))
        return tuple(sorted(pk for pk, attempts in cursor.fetchall() if attempts >= MAX_ATTEMPTS))


def _given(ids: Sequence[int]) -> dict[str, Any]:
    return {"ids": list(ids), "limit": MAX_ATTEMPTS, "died": DIED, "killed": KILLED}
