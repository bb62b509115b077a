"""The outbox's rows: claim one under a lease, mark it by its token. The database's clock rules throughout."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models.functions import Now

from alerts import channels, inhibitions, queries
from alerts.models import Notification
from alerts.rules import inhibit

logger = logging.getLogger(__name__)

# Evaluation rings it once a transaction; it only shortens the wait, as whoever is not listening misses it.
WAKE_UP = "hurdle_outbox"

# Ordered as the index over what is open, so that a claim costs the same however long the history is; within a
# thread the order of writing holds all the same.
_CLAIM = """
WITH due AS (
    SELECT x.id, x.state, x.locked_until FROM alerts_notification x
    WHERE x.state IN ('pending', 'sending', 'uncertain')
      AND x.next_at <= statement_timestamp()
      AND (x.state <> 'sending' OR x.locked_until <= statement_timestamp())
      AND (%(only)s::text[] IS NULL OR x.channel = ANY(%(only)s)) AND x.channel <> ALL(%(resting)s)
      AND (x.channel || ' ' || x.address) <> ALL(%(resting_targets)s)
      AND NOT EXISTS (
          SELECT 1 FROM alerts_notification earlier
          WHERE earlier.thread_key = x.thread_key AND earlier.channel = x.channel
            AND earlier.address = x.address AND earlier.seq < x.seq
            AND earlier.state IN ('pending', 'sending', 'uncertain'))
    ORDER BY x.next_at, x.seq LIMIT 1 FOR UPDATE OF x SKIP LOCKED
), claimed AS (
    UPDATE alerts_notification n
    SET state = 'sending', attempts = n.attempts + 1, token = gen_random_uuid(),
        locked_until = clock_timestamp() + make_interval(secs => %(lease)s)
    FROM due WHERE n.id = due.id RETURNING n.*
), lost AS (
    -- Whoever held the lease is gone or too slow; it may have sent.
    INSERT INTO alerts_attempt (notification_id, number, outcome, detail, started_at, finished_at)
    SELECT due.id, claimed.attempts - 1, 'lost', 'The sender stopped before it could say how it ended.',
           due.locked_until - make_interval(secs => %(lease)s), clock_timestamp()
    FROM due JOIN claimed USING (id) WHERE due.state = 'sending'
)
SELECT claimed.id, claimed.portfolio_id, claimed.user_id, claimed.event_id, claimed.channel, claimed.address,
       claimed.thread_key, claimed.seq, claimed.message, claimed.attempts, claimed.token, clock_timestamp(),
       due.state = 'sending' OR EXISTS (SELECT 1 FROM alerts_attempt a WHERE a.notification_id = claimed.id
                                        AND a.outcome IN ('lost', 'uncertain')),
       EXISTS (SELECT 1 FROM alerts_attempt a WHERE a.notification_id = claimed.id
               AND a.outcome = 'uncertain'),
       claimed.created_at, claimed.instead_of_id
FROM claimed JOIN due USING (id)
"""
# What was laid over an alert while a message waits counts as well.
_SUPPRESSED = """
SELECT CASE
    WHEN u.id IS NOT NULL AND NOT u.is_active THEN 'disabled'
    WHEN u.id IS NOT NULL AND NOT u.is_superuser
        AND NOT EXISTS (SELECT 1 FROM portfolio_membership m
                        WHERE m.user_id = u.id AND m.portfolio_id = n.portfolio_id)
        AND NOT EXISTS (SELECT 1 FROM portfolio_investment i
                        -- A report is about the whole portfolio: owning one investment of it is not enough.
                        WHERE n.message->>'kind' IS DISTINCT FROM 'report'
                          AND u.id IN (i.owner_id, i.sponsor_id, i.data_owner_id)
                          AND CASE WHEN p.id IS NULL THEN i.portfolio_id = n.portfolio_id
                                   ELSE i.id = p.investment_id END) THEN 'no_access'
    WHEN t.id IS NOT NULL AND NOT t.is_active THEN 'switched_off'
    WHEN r.id IS NOT NULL THEN 'unsubscribed'
    WHEN s.id IS NOT NULL THEN 'silenced'
    WHEN z.id IS NOT NULL THEN 'snoozed'
    WHEN e.kind = ANY(%(ends)s) AND (
        SELECT bool_and(b.state IN ('dead', 'suppressed') OR (b.state = 'merged' AND digest.state = 'dead'))
        FROM alerts_notification b JOIN alerts_event o ON o.id = b.event_id
        LEFT JOIN alerts_notification digest ON digest.id = b.told_in_id AND digest.event_id IS NULL
        WHERE o.episode_id = e.episode_id AND b.seq < n.seq AND b.channel = n.channel
          AND (b.user_id = n.user_id OR (b.user_id IS NULL AND n.user_id IS NULL AND b.address = n.address))
        ) THEN 'untold'
    ELSE '' END,
    s.id, COALESCE(s.comment, z.reason), p.rule,
    CASE WHEN e.kind <> ALL(%(ends)s) AND EXISTS (
        SELECT 1 FROM alerts_episode other
        WHERE other.investment_id = p.investment_id AND other.closed_at IS NULL
          AND other.rule = %(inhibitors)s::jsonb ->> p.rule) THEN p.investment_id END
FROM alerts_notification n
LEFT JOIN portfolio_user u ON u.id = n.user_id
LEFT JOIN alerts_target t ON n.user_id IS NULL AND t.portfolio_id = n.portfolio_id
     AND t.channel = n.channel AND t.address = n.address
LEFT JOIN alerts_event e ON e.id = n.event_id
LEFT JOIN alerts_episode p ON p.id = e.episode_id
LEFT JOIN alerts_unsubscription r ON r.user_id = n.user_id AND r.portfolio_id = n.portfolio_id
     AND r.ended_at IS NULL AND n.channel = 'email' AND n.message->>'kind' NOT IN ('test', 'review')
     AND n.message->'recipient'->>'must_hear' IS DISTINCT FROM 'true'
     -- Who leaves while an alert is on its way to them alone still hears of it.
     AND CASE WHEN e.id IS NULL THEN n.message->>'kind' <> 'digest' OR r.created_at <= n.created_at
              ELSE e.kind = ANY(%(ends)s) OR EXISTS (
                  SELECT 1 FROM alerts_notification o WHERE o.event_id = n.event_id AND o.id <> n.id
                  AND o.state IN ('held', 'pending', 'sending', 'uncertain', 'sent', 'merged')
                  AND o.channel <> ALL(%(unread)s)) END
LEFT JOIN alerts_snooze z ON z.episode_id = p.id AND z.ended_at IS NULL AND z.until > statement_timestamp()
     AND e.kind <> ALL(%(ends)s)
LEFT JOIN LATERAL (
    SELECT x.id, x.comment FROM alerts_silence x
    LEFT JOIN portfolio_approval a ON a.id = x.approval_id
    WHERE x.portfolio_id = n.portfolio_id AND p.id IS NOT NULL
      AND (x.investment_id IS NULL OR x.investment_id = p.investment_id) AND (x.rule = '' OR x.rule = p.rule)
      AND x.starts_at <= statement_timestamp() AND x.ends_at > statement_timestamp() AND x.handled_at IS NULL
      AND (NOT x.needs_approval OR a.decision = 'approved')
    ORDER BY x.id LIMIT 1) s ON TRUE
WHERE n.id = %(id)s
"""
# Held by whoever ends a silence, or judges the alerts of an investment.
_HOLD_HEAD = """
SELECT h.investment_id FROM alerts_evaluationhead h
JOIN alerts_episode p ON p.investment_id = h.investment_id
JOIN alerts_event e ON e.episode_id = p.id
WHERE e.id = %s FOR SHARE OF h
"""
_HOLD_SILENCE = "SELECT id FROM alerts_silence WHERE id = %s FOR SHARE"
_LAST_REFERENCE = """
SELECT n.provider_ref FROM alerts_event own
JOIN alerts_event e ON e.episode_id = own.episode_id
JOIN alerts_notification n ON n.event_id = e.id
WHERE own.id = %s AND n.thread_key = %s AND n.channel = %s AND n.address = %s AND n.seq < %s
  AND n.state = 'sent' AND n.provider_ref <> ''
ORDER BY n.seq DESC LIMIT 1
"""
_MARK = """
UPDATE alerts_notification
SET state = %(state)s, state_reason = %(reason)s, provider_ref = %(provider_ref)s,
    token = NULL, locked_until = NULL,
    next_at = clock_timestamp() + make_interval(secs => %(wait)s),
    rendered = COALESCE(%(rendered)s::jsonb, rendered),
    suppressed_by = %(suppressed_by)s, silence_id = %(silence_id)s,
    sent_at = CASE WHEN %(state)s = 'sent' THEN clock_timestamp() END
WHERE id = %(id)s AND token = %(token)s
"""
_ATTEMPT = """
INSERT INTO alerts_attempt (notification_id, number, outcome, detail, started_at, finished_at)
VALUES (%s, %s, %s, %s, %s, clock_timestamp())
"""


_ENDS = sorted(inhibit.ABOUT_AN_END)
_INHIBITORS = json.dumps(inhibit.INHIBITORS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One notification, ours alone until the lease ends; `attempt` counts from 1."""

    id: UUID
    portfolio_id: int
    user_id: int | None
    event_id: UUID | None
    channel: str
    address: str
    thread_key: str
    seq: int
    message: dict[str, Any]
    attempt: int
    token: UUID
    claimed_at: datetime
    is_repeat: bool
    was_uncertain: bool
    created_at: datetime
    instead_of_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Suppression:
    """Why a message is not sent after all: a code, a sentence, and the silence where it is one."""

    code: str
    reason: str
    silence_id: int | None = None


class LiftedError(Exception):
    """What kept a message back ended just before that was written down."""


# What others lift: it is asked about again while they wait.
_LIFTED = frozenset({"silenced", "inhibited", "snoozed"})
_BECAUSE = {
    "disabled": "The recipient's account is disabled.",
    "no_access": "The recipient has no access to the portfolio any more.",
    "switched_off": "The channel was switched off.",
    "unsubscribed": "They unsubscribed from mail about this portfolio.",
    "silenced": "Silenced while it waited",
    "snoozed": "Snoozed while it waited",
    "untold": "Nothing about this alert got through there, so nothing is said of its end.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """How an attempt ended and what the notification's state is now; `wait` is in seconds."""

    state: str
    outcome: str
    reason: str = ""
    provider_ref: str = ""
    wait: float = 0.0
    rendered: dict[str, Any] | None = None
    suppressed_by: str = ""
    silence_id: int | None = None
    stand_in: Notification | None = None


def claim(
    *,
    lease: float,
    only: Sequence[str] | None = None,
    resting: Sequence[str] = (),
    resting_targets: Sequence[tuple[str, str]] = (),
) -> Claim | None:
    """Take the notification that is due for longest for `lease` seconds, or None when nothing is due.

    A message waits for the earlier ones of its thread to the same address. A lease that ran out is taken
    over. The claim is committed at once: no transaction stays open while a message is sent. What rests is left
    alone: whole channels, and single targets by channel and address.
    """
    given = {
        "lease": lease,
        "only": list(only) if only is not None else None,
        "resting": list(resting),
        "resting_targets": [f"{channel} {address}" for channel, address in resting_targets],
    }
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute(_CLAIM, given)
        row = cursor.fetchone()
    if row is None:
        return None
    message = row[8] if isinstance(row[8], dict) else json.loads(row[8])
    return Claim(
        id=row[0],
        portfolio_id=row[1],
        user_id=row[2],
        event_id=row[3],
        channel=row[4],
        address=row[5],
        thread_key=row[6],
        seq=row[7],
        message=message,
        attempt=row[9],
        token=row[10],
        claimed_at=row[11],
        is_repeat=row[12],
        was_uncertain=row[13],
        created_at=row[14],
        instead_of_id=row[15],
    )


def suppression(claimed: Claim) -> Suppression | None:
    """Return why a claimed notification may not be sent any more; None when it may."""
    given = {
        "id": claimed.id,
        "ends": _ENDS,
        "inhibitors": _INHIBITORS,
        "unread": channels.unread(),
    }
    row = queries.asked(_SUPPRESSED, given)
    if row is None:
        return None
    code, silence, comment, rule, inhibited = row
    if code in ("silenced", "snoozed"):
        return Suppression(code, f"{_BECAUSE[code]}: {comment}", silence if code == "silenced" else None)
    if code:
        return Suppression(code, _BECAUSE[code])
    if inhibited is not None and rule in inhibitions.inhibited([inhibited]).get(inhibited, ()):
        return Suppression("inhibited", inhibitions.reason_for(rule))
    return None


def last_reference(claimed: Claim) -> str:
    """Return the provider's reference of the thread's last message that got through, to answer it there."""
    if claimed.event_id is None:
        return ""
    row = queries.asked(
        _LAST_REFERENCE,
        [claimed.event_id, claimed.thread_key, claimed.channel, claimed.address, claimed.seq],
    )
    return str(row[0]) if row else ""


def mark(claimed: Claim, how: Mark) -> bool:
    """Write how the attempt ended: state, attempt and stand-in together; False when the lease is somebody else's.

    Raises LiftedError where what kept the message back is over: whoever ended it saw a message on its way.
    """
    given: dict[str, Any] = {
        "id": claimed.id,
        "token": claimed.token,
        "state": how.state,
        "reason": how.reason[:300],
        "provider_ref": how.provider_ref[:200],
        "wait": how.wait,
        "rendered": json.dumps(how.rendered) if how.rendered is not None else None,
        "suppressed_by": how.suppressed_by,
        "silence_id": how.silence_id,
    }
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        if how.suppressed_by in _LIFTED:
            cursor.execute(_HOLD_HEAD, [claimed.event_id])
            cursor.execute(_HOLD_SILENCE, [how.silence_id])
            again = suppression(claimed)
            if again is None or (again.code, again.silence_id) != (how.suppressed_by, how.silence_id):
                raise LiftedError
        cursor.execute(_MARK, given)
        if cursor.rowcount == 0:
            return False
        cursor.execute(
            _ATTEMPT, [claimed.id, claimed.attempt, how.outcome, how.reason[:500], claimed.claimed_at]
        )
        if how.stand_in is not None:
            # Marked twice or not, the same dead message has the same stand-in.
            Notification.objects.bulk_create([how.stand_in], ignore_conflicts=True)
            wake()
    return True


@transaction.atomic
def requeue(notification_id: UUID, *, by: str) -> bool:
    """Put a dead notification in the line again and return whether it was dead. Its attempts stay in the record."""
    # Counting starts anew, or the first new try would be its last.
    changed = Notification.objects.filter(pk=notification_id, state="dead").update(
        state="pending",
        state_reason=f"Tried again at the wish of {by}."[:300],
        attempts=0,
        next_at=Now(),
        token=None,
        locked_until=None,
    )
    wake()
    return bool(changed)


def wake() -> None:
    """Wake the relays once the running transaction commits."""
    with connection.cursor() as cursor:
        cursor.execute(f"NOTIFY {WAKE_UP}")
