"""Where the harness looks into the product's processes: it writes down what they do, and lets them die at a point.

Everything is put in from outside, in processes that the harness started; the product has no such doors. Guards can
be taken out by name here, to see that a run without them fails.
"""

from __future__ import annotations

import os
import signal
import threading
import time
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from alerts import attempts, delivery, evaluate, judging, outbox
from alerts.channels import pictures
from alerts.channels.slack import SlackChannel
from alerts.models import EvaluationHead
from alerts.outbox import Claim, Mark
from alerts.rules import ids
from portfolio import clock
from tests.faults.journal import LABEL, Journal, Snares

# Where a sender can be killed or stopped.
POINTS = ("before_claim", "after_claim", "before_send", "after_accept", "before_mark")
GUARDS = ("lease", "token", "order", "evaluation_lock", "unique_key", "clock")
# How long an evaluation that nobody excludes from another stays open, so that they meet.
OVERLAP = 0.3
# What keeps one episode and one event from being written twice.
UNIQUE = {
    "alerts_episode": ("episode_number_once", "episode_one_open"),
    "alerts_event": ("event_once",),
}
_here = threading.local()


class Seams:
    """The harness's eyes and hands in one process; `role` is "relay", "worker" or "beat"."""

    def __init__(self, role: str, folder: Path) -> None:
        self.role = role
        self.journal = Journal(folder / "journal.jsonl")
        self.snares = Snares(folder / "snares")

    def put_in(self, without: frozenset[str]) -> None:
        """Put every seam into this process and take the named guards out."""
        # A child that draws would be started anew with every sender that is killed.
        pictures.studio.draw = lambda *args, **kwargs: None  # type: ignore[method-assign]
        for guard in sorted(without):
            _TAKEN_OUT[guard]()
        outbox.claim = self._claim(outbox.claim)
        outbox.mark = self._mark(outbox.mark)
        delivery._hand_over = self._hand_over(delivery._hand_over, marks_first="order" in without)
        evaluate._evaluate_locked = self._evaluate(evaluate._evaluate_locked)
        judging.context_of = self._context_of(judging.context_of)
        timezone.now = self._now(timezone.now)
        _label_posts()

    def _point(self, name: str) -> None:
        """Die or stop here, where that was laid out for whoever comes by."""
        if self.snares.take(f"kill:{name}"):
            self._die(name, os.getpid())
        if self.snares.take(f"stop:{name}"):
            self.journal.write(what="stopped", pid=os.getpid(), point=name, id=str(_here.claim.id))
            os.kill(os.getpid(), signal.SIGSTOP)

    def _die(self, point: str, pid: int) -> None:
        self.journal.write(what="died", pid=os.getpid(), point=point)
        os.kill(pid, signal.SIGKILL)
        # The signal may take a moment; nothing may happen meanwhile.
        signal.pause() if threading.current_thread() is threading.main_thread() else time.sleep(60)

    def _claim(self, claim: Callable[..., Claim | None]) -> Callable[..., Claim | None]:
        @wraps(claim)
        def seen(**given: Any) -> Claim | None:
            self._point("before_claim")
            began = time.monotonic()
            taken = claim(**given)
            if taken is not None:
                # From before the claim: whoever is stopped in it has lost the time all the same.
                _here.claim, _here.claimed = taken, began
                self._point("after_claim")
            return taken

        return seen

    def _hand_over(self, hand_over: Callable[..., Any], *, marks_first: bool) -> Callable[..., Any]:
        @wraps(hand_over)
        def seen(channel: Any, message: Any, address: str, stop: threading.Event) -> Any:
            taken: Claim = _here.claim
            if marks_first:
                outbox.mark(taken, Mark(state="sent", outcome="accepted"))
            self._point("before_send")
            about = {"pid": os.getpid(), "id": str(taken.id), "try": str(taken.token)}
            self.journal.write(what="begin", channel=channel.name, **about)
            outcome = hand_over(channel, message, address, stop)
            self.journal.write(what="outcome", outcome=type(outcome).__name__, **about)
            if isinstance(outcome, delivery.Accepted):
                self._point("after_accept")
            return outcome

        return seen

    def _mark(self, mark: Callable[[Claim, Mark], bool]) -> Callable[[Claim, Mark], bool]:
        @wraps(mark)
        def seen(claimed: Claim, how: Mark) -> bool:
            self._point("before_mark")
            if how.state == "pending":
                self._point("before_mark_of_failure")
            held = mark(claimed, how)
            about = {"pid": os.getpid(), "id": str(claimed.id), "try": str(claimed.token)}
            # A second mark of the same attempt finds its own first one: the answer to that was lost.
            again = getattr(_here, "marking", None) == claimed.token
            age = time.monotonic() - _here.claimed
            self.journal.write(what="mark", held=held, again=again, state=how.state, age=age, **about)
            return held

        @wraps(mark)
        def tried(claimed: Claim, how: Mark) -> bool:
            try:
                return seen(claimed, how)
            finally:
                _here.marking = claimed.token

        return tried

    def _evaluate(self, evaluate_locked: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(evaluate_locked)
        def seen(*args: Any, **kwargs: Any) -> Any:
            done = evaluate_locked(*args, **kwargs)
            # In the middle of the transaction: everything is written, nothing is committed.
            if done.investments:
                self._in_the_middle()
            return done

        return seen

    def _in_the_middle(self) -> None:
        if self.snares.take(f"kill:{self.role}_mid_evaluation"):
            self._die("mid_evaluation", os.getpid())
        if self.role == "worker" and self.snares.take("kill:worker_tree"):
            self._die("worker_tree", -os.getpgrp())
        if self.snares.take("wait:mid_evaluation"):
            time.sleep(0.3)

    def _now(self, right: Callable[[], datetime]) -> Callable[[], datetime]:
        @wraps(right)
        def shown() -> datetime:
            return right() + timedelta(seconds=float(self.snares.read("clock") or 0))

        return shown

    def _context_of(self, context_of: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(context_of)
        def seen(investment: Any, *args: Any, **kwargs: Any) -> Any:
            poison = self.snares.read(f"poison:{investment.pk}")
            if poison == "exit":
                self.journal.write(what="died", pid=os.getpid(), point="poison")
                os._exit(9)
            if poison == "error":
                self.journal.write(what="poisoned", pid=os.getpid(), investment=investment.pk)
                raise ValueError("This investment cannot be digested.")
            return context_of(investment, *args, **kwargs)

        return seen


def _label_posts() -> None:
    """Let posts to Slack carry the delivery's id: unlike mails and webhooks they have no place for it."""
    send, client = SlackChannel.send, SlackChannel._client

    def labelled_send(self: SlackChannel, message: Any, address: str, *, deadline: float) -> Any:
        _here.sending = str(message.id)
        return send(self, message, address, deadline=deadline)

    def labelled_client(self: SlackChannel, deadline: float) -> Any:
        made = client(self, deadline)
        made.headers[LABEL] = _here.sending
        return made

    SlackChannel.send = labelled_send  # type: ignore[method-assign]
    SlackChannel._client = labelled_client  # type: ignore[method-assign]


def _without_lease() -> None:
    claim = outbox.claim
    outbox.claim = lambda **given: claim(**given | {"lease": 0.0})


def _without_token() -> None:
    outbox._MARK = outbox._MARK.replace(" AND token = %(token)s", "")


def _without_evaluation_lock() -> None:
    """Let any number judge the same investment at once, none of them knowing of the others, and take their time."""

    def plain_view(work: Callable[[], Any]) -> Any:
        with transaction.atomic():
            done = work()
            if done.events:
                time.sleep(OVERLAP)
            return done

    def same_mark(ids: Any) -> str:
        EvaluationHead.objects.filter(pk__in=ids).update(failure="anybody")
        return "anybody"

    evaluate.knowledge = SimpleNamespace(with_one_view=plain_view)  # type: ignore[assignment]
    attempts.mark = same_mark
    QuerySet.select_for_update = lambda self, *args, **kwargs: self  # type: ignore[method-assign]


def _without_unique_key() -> None:
    """Give every event and delivery a number of its own, as rows that nobody named would have."""
    ids.event_id = lambda *args, **kwargs: uuid.uuid4()  # type: ignore[assignment]
    ids.delivery_id = lambda *args, **kwargs: uuid.uuid4()  # type: ignore[assignment]


def _without_clock() -> None:
    """Let every process go by its own clock."""
    clock.now = lambda: timezone.now()


_TAKEN_OUT: dict[str, Callable[[], None]] = {
    "lease": _without_lease,
    "token": _without_token,
    "order": lambda: None,
    "evaluation_lock": _without_evaluation_lock,
    "unique_key": _without_unique_key,
    "clock": _without_clock,
}
