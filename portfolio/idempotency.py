"""Answers given once: a request sent again under its key has one effect, and the same answer for 24 hours."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from portfolio.models import IdempotencyKey, User

KEPT = timedelta(hours=24)


class KeyReused(ValueError):
    """A key that was used for another request; the message is for the user."""


class StillRunning(ValueError):
    """A key whose first request has not been answered yet; the message is for the user."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered, and whether it was answered before."""

    status_code: int
    body: Any
    is_replayed: bool


@transaction.atomic
def once(
    user: User, *, key: str, request_hash: str, now: datetime, act: Callable[[datetime], tuple[int, Any]]
) -> Answer:
    """Act and keep the answer, or return the kept one. The key's row and the effect commit together.

    `act` returns a status and a JSON body; when it raises, neither remains. Keys are per user.
    Raises KeyReused for the same key with another request, StillRunning while the first one runs.
    """
    if not _claim(user, key):
        raise StillRunning("A request with this idempotency key is still running; ask again in a moment.")
    IdempotencyKey.objects.filter(user=user, created_at__lt=now - KEPT).delete()
    kept = IdempotencyKey.objects.filter(user=user, key=key).first()
    if kept is not None:
        if kept.body_hash != request_hash:
            raise KeyReused("This idempotency key was used for another request; take a new key.")
        return Answer(kept.status_code or 200, kept.answer, is_replayed=True)
    status_code, body = act(now)
    IdempotencyKey.objects.create(
        user=user, key=key, body_hash=request_hash, status_code=status_code, answer=body, created_at=now
    )
    return Answer(status_code, body, is_replayed=False)


def _claim(user: User, key: str) -> bool:
    """Take the key's lock to the end of the transaction; False while another request holds it."""
    digest = hashlib.blake2b(f"{user.pk}|{key}".encode(), digest_size=8).digest()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [int.from_bytes(digest, "big", signed=True)])
        return bool(cursor.fetchone()[0])
