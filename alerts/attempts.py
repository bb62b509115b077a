"""Marks investments before they are judged, so that work which kills its process is counted, cornered and left alone.

A mark names the database session of its worker; where that session is gone, the process died over its work.
"""

from collections.abc import Sequence
from typing import Any

from django.db import connection
from django.db.models import Case, QuerySet, Value, When

from alerts.models import EvaluationHead
from alerts.queries import IS_NEWER
from roi.attempts import DEAD, MARKED, WHO, Groups, split
from roi.attempts import MAX_ATTEMPTS as MAX_ATTEMPTS

# How many investments are judged together, by how often a process died over them: the guilty one ends up alone.
SIZES = (500, 100, 20, 4, 1)
DIED = "The process that judged it ended in the middle of the work."
KILLED = "The process that judged it ended in the middle of the work, five times in a row."

_IS_MARK, _IS_DEAD = MARKED.format(row="e"), DEAD.format(row="e")
# What is due, with its tries so far. Newer figures start anew; after deaths at first alone, to draw nobody in.
_DUE = f"""
    SELECT e.investment_id, h.revision, {_IS_DEAD} AS is_dead, CASE
        WHEN e.failure = %(killed)s AND e.failed_revision <> h.revision THEN %(limit)s - 1
        WHEN e.failed_revision = h.revision OR e.failure = %(died)s OR {_IS_MARK} THEN e.attempts
        ELSE 0 END AS tries
    FROM alerts_evaluationhead e JOIN roi_snapshothead h USING (investment_id)
    WHERE e.investment_id = ANY(%(ids)s) AND h.fingerprint IS NOT NULL AND {IS_NEWER}
    ORDER BY e.investment_id
"""
_COUNT = f"""
    WITH dead AS (SELECT e.investment_id FROM alerts_evaluationhead e
                  WHERE e.investment_id = ANY(%(ids)s) AND {_IS_DEAD} ORDER BY e.investment_id FOR UPDATE)
    UPDATE alerts_evaluationhead e SET attempts = e.attempts + 1,
        failure = CASE WHEN e.attempts + 1 < %(limit)s THEN %(died)s ELSE %(killed)s END
    FROM dead WHERE e.investment_id = dead.investment_id RETURNING e.investment_id, e.attempts
"""
_MARK = f"""
    WITH due AS ({_DUE} FOR UPDATE OF e)
    UPDATE alerts_evaluationhead e SET attempts = due.tries, failed_revision = due.revision,
        failure = (SELECT {WHO} FROM pg_stat_activity a WHERE a.pid = pg_backend_pid())
    FROM due WHERE e.investment_id = due.investment_id AND due.tries < %(limit)s RETURNING e.failure
"""
# Sessions that live and have marked something, to be judged or to be recomputed, and how far they are.
_OTHERS = f"""
    WITH alive AS (SELECT {WHO} AS mark FROM pg_stat_activity a
                   WHERE a.backend_start IS NOT NULL AND a.pid <> pg_backend_pid())
    SELECT (SELECT min(e.investment_id) FROM alerts_evaluationhead e JOIN alive ON alive.mark = e.failure),
           (SELECT min(h.investment_id) FROM roi_snapshothead h JOIN alive ON alive.mark = h.failure)
"""


def groups_of(ids: Sequence[int]) -> Groups:
    """Return what is due among some investments: those nobody died over first and together, suspects apart."""
    rows = _due(ids)
    given_up: tuple[int, ...] = ()
    dead = [row[0] for row in rows if row[2]]
    if dead:
        given_up = _count(dead)
        rows = _due(ids)
    return Groups(split(((row[0], row[3]) for row in rows), SIZES), given_up)


def mark(ids: Sequence[int]) -> str:
    """Mark what is still due as this session's work, before it is begun; returns the mark, empty where nothing is due.

    Waits for whoever judges the same investments, and passes over what they have done.
    """
    with connection.cursor() as cursor:
        cursor.execute(_MARK, _given(ids))
        row = cursor.fetchone()
    return str(row[0]) if row else ""


def others_at_work() -> tuple[int | None, int | None] | None:
    """Return where other sessions are, with judging and with recomputing; None where nobody else is at work."""
    with connection.cursor() as cursor:
        cursor.execute(_OTHERS)
        found: tuple[int | None, int | None] = cursor.fetchone()
    return None if found == (None, None) else found


def quarantined() -> QuerySet[EvaluationHead]:
    """Return the heads of investments that are left alone until they are released or have newer figures."""
    return EvaluationHead.objects.filter(attempts__gte=MAX_ATTEMPTS)


def release(ids: Sequence[int] | None = None) -> int:
    """Let quarantined investments be judged again; one that killed its process gets a single try, alone."""
    chosen = quarantined() if ids is None else quarantined().filter(pk__in=ids)
    return chosen.update(attempts=Case(When(failure=KILLED, then=Value(MAX_ATTEMPTS - 1)), default=Value(0)))


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
