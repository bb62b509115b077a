"""The bell: after commit, tell the workers that investments have news. Losing it costs seconds, never work."""

import logging
from collections.abc import Sequence
from functools import partial

from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)

# The task stands above this room (recompute, then evaluate); a test checks that this name is registered.
TASK = "alerts.advance"
QUEUE = "evaluate"
# A message names at most this many investments; for more, the workers look for what is stale themselves.
MAX_IDS = 500


def ring(investment_ids: Sequence[int]) -> None:
    """Ring once the running transaction has committed; no ids means "look for all that is stale"."""
    ids = sorted(investment_ids) if len(investment_ids) <= MAX_IDS else []
    transaction.on_commit(partial(_publish, ids), robust=True)


def _publish(investment_ids: list[int]) -> None:
    try:
        current_app.send_task(TASK, kwargs={"ids": investment_ids}, queue=QUEUE, ignore_result=True)
    except (OSError, OperationalError) as error:
        logger.warning("The broker did not take the bell (%s); the periodic sweep will find the work.", error)
