"""The bell: after commit, tell the workers that investments have news. Losing it costs seconds, never work."""

import logging
import threading
from collections.abc import Sequence
from functools import partial

from celery import current_app
from django.db import connection, transaction
from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)

# The task stands above this room (recompute, then evaluate); a test checks that this name is registered.
TASK = "alerts.advance"
QUEUE = "evaluate"
# A message names at most this many investments; for more, the workers look for what is stale themselves.
MAX_IDS = 500
_EVERYTHING = -1


class _Waiting(threading.local):
    ids: set[int]


_waiting = _Waiting()


def ring(investment_ids: Sequence[int]) -> None:
    """Ring once, when the running transaction has committed; no ids means "look for all that is stale"."""
    is_first = not any(function is _flush for _, function, *_ in connection.run_on_commit)
    if is_first:
        # A rollback took the earlier callback away, and with it whatever was waiting.
        _waiting.ids = set()
    _waiting.ids.update(investment_ids or [_EVERYTHING])
    if is_first:
        transaction.on_commit(_flush, robust=True)


def _flush() -> None:
    ids = _waiting.ids
    _publish(sorted(ids) if _EVERYTHING not in ids and len(ids) <= MAX_IDS else [])


def call(task: str, *, queue: str) -> None:
    """Call a task when the running transaction has committed; a call that is lost is made up by the task's own beat."""
    transaction.on_commit(partial(_send, task, queue, {}), robust=True)


def _publish(investment_ids: list[int]) -> None:
    _send(TASK, QUEUE, {"ids": investment_ids})


def _send(task: str, queue: str, kwargs: dict[str, object]) -> None:
    try:
        current_app.send_task(task, kwargs=kwargs, queue=queue, ignore_result=True)
    except (OSError, OperationalError) as error:
        logger.warning("The broker did not take the bell (%s); the periodic sweep will find the work.", error)
