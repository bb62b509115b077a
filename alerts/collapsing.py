"""One notice where two would come late: a beginning that is still unsent when its alert ends is told with the end."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from alerts import notices, queries
from alerts.outbox import Claim
from alerts.rules import inhibit

# The newest end that waits behind a claimed notice, for the same person or target. Only where that target cannot have
# heard of the alert yet; what stood between such a beginning and the end goes the same way.
_END = """
SELECT later.id, later.message, own_event.kind
FROM alerts_notification own
JOIN alerts_event own_event ON own_event.id = own.event_id
JOIN alerts_event ending ON ending.episode_id = own_event.episode_id AND ending.kind = ANY(%(ends)s)
JOIN alerts_notification later ON later.event_id = ending.id AND later.seq > own.seq
    AND later.channel = own.channel AND later.user_id IS NOT DISTINCT FROM own.user_id
    AND (own.user_id IS NOT NULL OR later.address = own.address)
    AND (later.state = 'pending' OR (later.state = 'held' AND later.suppressed_by = 'grouped'))
LEFT JOIN LATERAL (
    SELECT bool_or(b.state IN ('sending', 'uncertain', 'sent', 'logged')
                   OR (b.state = 'merged' AND digest.id IS NOT NULL AND digest.event_id IS NULL)) AS may_know,
           bool_or(b.state = 'merged' AND b.told_in_id IN (own.id, later.id)) AS follows
    FROM alerts_event e JOIN alerts_notification b ON b.event_id = e.id
    LEFT JOIN alerts_notification digest ON digest.id = b.told_in_id
    WHERE e.episode_id = own_event.episode_id AND b.seq < own.seq AND b.channel = own.channel
      AND b.user_id IS NOT DISTINCT FROM own.user_id AND (own.user_id IS NOT NULL OR b.address = own.address)
) before ON TRUE
WHERE own.id = %(id)s AND before.may_know IS NOT TRUE
  AND (own_event.kind = ANY(%(opens)s) OR before.follows)
ORDER BY later.seq DESC LIMIT 1
"""
# All or nothing: an end that is on its way by now, or a lease that was lost, changes neither row.
_HAND_ON = """
WITH told AS (
    UPDATE alerts_notification SET message = message || %(patch)s::jsonb
    WHERE id = %(into)s AND (state = 'pending' OR (state = 'held' AND suppressed_by = 'grouped'))
      AND EXISTS (SELECT 1 FROM alerts_notification o WHERE o.id = %(id)s AND o.token = %(token)s)
    RETURNING id
), own AS (
    UPDATE alerts_notification n SET state = 'merged', told_in_id = told.id, state_reason = %(reason)s,
        token = NULL, locked_until = NULL
    FROM told WHERE n.id = %(id)s AND n.token = %(token)s RETURNING n.id, n.attempts
)
INSERT INTO alerts_attempt (notification_id, number, outcome, detail, started_at, finished_at)
SELECT id, attempts, 'merged', %(reason)s, %(claimed_at)s, clock_timestamp() FROM own
"""
REASON = "The alert was over before this could be sent; its end tells of both."
# What an end says of the verdict that fired, where corrected figures left it nothing to say.
_VERDICT = ("value", "threshold", "unit", "months", "measure", "about", "basis", "policy_version")


@dataclass(frozen=True, slots=True)
class End:
    """The waiting end of an alert, as its notice says it so far."""

    id: UUID
    message: dict[str, Any]
    follows_opening: bool


def end_of(claimed: Claim) -> End | None:
    """Return the end that a claimed notice is to be told with; None where it is to be sent by itself."""
    # What may have arrived is sent again under its own id, so that nobody wonders where it went.
    if claimed.event_id is None or claimed.is_repeat:
        return None
    given: dict[str, Any] = {
        "id": claimed.id,
        "ends": sorted(inhibit.ABOUT_AN_END),
        "opens": sorted(notices.OPENING),
    }
    row = queries.asked(_END, given)
    if row is None:
        return None
    message = row[1] if isinstance(row[1], dict) else json.loads(row[1])
    return End(row[0], message, row[2] in notices.OPENING)


def hand_on(claimed: Claim, end: End) -> bool:
    """Let the end tell of a claimed notice too; False where it cannot any more, and nothing has changed."""
    given: dict[str, Any] = {
        "id": claimed.id,
        "token": claimed.token,
        "into": end.id,
        "patch": json.dumps(_patch(claimed.message, end)),
        "reason": REASON,
        "claimed_at": claimed.claimed_at,
    }
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute(_HAND_ON, given)
        return bool(cursor.rowcount)


def _patch(message: dict[str, Any], end: End) -> dict[str, Any]:
    """Return what the end's message says in addition."""
    if "opened" in end.message:
        return {}
    opened = message.get("opened")
    if opened is None and end.follows_opening:
        opened = {"kind": message.get("kind"), "month": message.get("month"), "since": message.get("since")}
    if opened is None:
        return {}
    missing = end.message.get("value") is None and message.get("value") is not None
    verdict = {name: message[name] for name in _VERDICT if name in message} if missing else {}
    return verdict | {"opened": opened}
