"""Questions about alerts and the outbox that pages, the API and monitoring ask. Nothing here writes."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, LiteralString

import psycopg
from django.db import connection

from alerts.models import Heartbeat, Notification

_PARTS = ("relay", "beat", "worker")


def asked(question: LiteralString, given: Sequence[Any] | Mapping[str, Any]) -> tuple[Any, ...] | None:
    """Return the first row of an answer, planned once a connection: planning these takes longer than answering."""
    connection.ensure_connection()
    # Django fills in values itself and has nothing prepared; its own cursors stay as they are.
    connection.connection.prepare_threshold = 1
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        return cursor.execute(question, given, prepare=True).fetchone()


def ages(*, now: datetime) -> dict[str, float | None]:
    """Return seconds since each part's last sign of life (None: never), and the age of the oldest due message."""
    beats = dict(Heartbeat.objects.filter(name__in=_PARTS).values_list("name", "beat_at"))
    answer: dict[str, float | None] = {
        name: (now - beats[name]).total_seconds() if name in beats else None for name in _PARTS
    }
    oldest = (
        Notification.objects.filter(state__in=Notification.OPEN, next_at__lte=now)
        .order_by("next_at")
        .values_list("next_at", flat=True)
        .first()
    )
    answer["oldest_due_notification"] = (now - oldest).total_seconds() if oldest else 0.0
    return answer


# Whether something is newer than the evaluation `e` of the snapshots `h`.
IS_NEWER = """(e.revision <> h.revision OR e.policy_knowledge <>
    COALESCE((SELECT max(p.batch_id) FROM alerts_policy p WHERE p.investment_id = h.investment_id), -1)
    OR EXISTS (
        SELECT 1 FROM roi_forecast f
        WHERE f.investment_id = h.investment_id AND f.last_month = h.last_complete_month
          AND f.id > COALESCE((SELECT (p.context->>'forecast')::bigint FROM alerts_evaluationpoint p
                               WHERE p.investment_id = h.investment_id ORDER BY p.id DESC LIMIT 1), 0)
          AND EXISTS (SELECT 1 FROM alerts_policy p
                      WHERE p.investment_id = h.investment_id AND p.rule = 'early_warning')))"""
_PENDING = f"""
    SELECT h.investment_id FROM roi_snapshothead h
    LEFT JOIN alerts_evaluationhead e ON e.investment_id = h.investment_id
    WHERE h.fingerprint IS NOT NULL AND (COALESCE(e.attempts, 0) < %(max_attempts)s OR e.failed_revision <> h.revision)
      AND (%(ids)s::bigint[] IS NULL OR h.investment_id = ANY(%(ids)s)) AND h.investment_id > %(after)s
      AND (e.investment_id IS NULL OR {IS_NEWER})
    ORDER BY h.investment_id LIMIT %(limit)s
"""


def find_pending(*, ids: Sequence[int] | None, after: int, limit: int, max_attempts: int) -> list[int]:
    """Return investments whose snapshots, policies or forecasts are newer than their evaluation, in id order."""
    with connection.cursor() as cursor:
        cursor.execute(
            _PENDING,
            {
                "ids": list(ids) if ids is not None else None,
                "after": after,
                "limit": limit,
                "max_attempts": max_attempts,
            },
        )
        return [row[0] for row in cursor.fetchall()]
