"""The relay's work: take a due notification, hand it to its channel in time, write down how it ended.

Retrying lives here and nowhere else; channels only say what happened. Nothing is lost: a message whose end is
unknown is sent once more under the same id, and one that cannot be delivered ends as `dead`; people see it.
"""

from __future__ import annotations

import logging
import random
import threading
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection, transaction

from alerts import channels, collapsing, envelopes, fallbacks, outbox, secrets, targets
from alerts.breaker import Breaker
from alerts.channels.base import (
    Accepted,
    Channel,
    Logged,
    Message,
    Outcome,
    Permanent,
    Retry,
    Uncertain,
    redact,
)
from alerts.models import Notification, Target
from alerts.outbox import Claim, Mark
from portfolio import clock
from portfolio.models import Portfolio, User

logger = logging.getLogger(__name__)

# Seconds before each attempt; together about three days.
STEPS = (0, 5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
JITTER = 0.2
AFTER_UNCERTAIN = 900.0
LONGEST_WAIT = 86_400.0
DEADLINE, LEASE = 30.0, 120.0
SHORTEST_DEADLINE = 0.5
REST, LONGEST_REST = 30.0, 300.0
STOP_GRACE = 3.0
DRAIN_SECONDS = 300.0

breaker = Breaker()
_lost = 0
# Where targets with a host of their own lead, by channel and address, as far as this process has met them.
_hosts: dict[tuple[str, str], str] = {}


@dataclass(frozen=True, slots=True)
class Pace:
    """The times of delivery in seconds, scaled; the lease is always a multiple of the sending deadline."""

    deadline: float
    lease: float
    scale: float


def pace() -> Pace:
    """Return the times as the settings scale them."""
    deadline = max(SHORTEST_DEADLINE, DEADLINE * settings.TIME_SCALE)
    return Pace(deadline, deadline * LEASE / DEADLINE, settings.TIME_SCALE)


def leases_lost() -> int:
    """Return how many marks came too late in this process."""
    return _lost


def drain(*, limit: int, only: Sequence[str] | None = None, stop: threading.Event | None = None) -> int:
    """Deliver up to `limit` due notifications one by one; return how many were taken."""
    stop, taken, ends = stop or threading.Event(), 0, time.monotonic() + DRAIN_SECONDS
    while taken < limit and not stop.is_set() and time.monotonic() < ends:
        # Read before the claim: whoever is stopped in the middle of it has lost the time all the same.
        latest = time.monotonic() + pace().lease - pace().deadline
        claimed = outbox.claim(
            lease=pace().lease, only=only, resting=_resting(), resting_targets=_resting_targets()
        )
        if claimed is None:
            break
        taken += 1
        _deliver(claimed, stop, latest=latest)
    return taken


def send_test(
    *, portfolio: Portfolio, channel: str, address: str, user: User | None, now: datetime
) -> Notification:
    """Put a test message to one address into the outbox; raise UnknownChannelError for an unknown channel."""
    channels.resolve(channel)
    message = {
        "kind": "test",
        "title": "Test message",
        "severity": "info",
        "portfolio": {"code": portfolio.code, "name": portfolio.name},
        "path": "/",
        "recipient": {
            "name": address,
            "why": "you or a colleague asked for a test",
            "sender": str(user or ""),
        },
    }
    with transaction.atomic():
        notification = Notification.objects.create(
            id=uuid.uuid4(),
            portfolio=portfolio,
            channel=channel,
            address=address,
            thread_key=f"test:{uuid.uuid4()}",
            message=message,
            next_at=now,
            created_at=now,
        )
        outbox.wake()
    return notification


def _resting() -> list[str]:
    """Return the channels whose one host is left alone for now."""
    shared = [name for name, kind in channels.CHANNELS.items() if kind.is_shared]
    return [name for name in shared if breaker.is_open(channels.resolve(name).host)]


def _resting_targets() -> list[tuple[str, str]]:
    """Return the targets whose own host is left alone for now."""
    return [target for target, host in _hosts.items() if breaker.is_open(host)]


def _deliver(claimed: Claim, stop: threading.Event, *, latest: float) -> None:
    """Take one claimed notification to its end; after `latest` (of time.monotonic) it is not handed over any more.

    1. What may not be sent any more, was tried too often, or is told with the end of its alert, ends here.
    2. It is put into words; failing that is a defect of ours that a new version may cure, so it waits.
    3. It is handed over, and how that ended is written down, state and attempt in one transaction.
    """
    while (ended := _barred(claimed)) is not None:
        try:
            _mark(claimed, ended)
        except outbox.LiftedError:
            continue
        return
    end = collapsing.end_of(claimed)
    if end is not None and collapsing.hand_on(claimed, end):
        return
    try:
        target = _target_of(claimed)
        channel = channels.resolve(claimed.channel, targets.options_of(target) if target else None)
    except channels.UnknownChannelError as error:
        _mark(claimed, _dead(claimed, Mark(state="dead", outcome="permanent", reason=str(error))))
        return
    except secrets.UnreadableError as error:
        _mark(claimed, after(claimed, Retry(str(error))))
        return
    if not channels.kind_of(claimed.channel).is_shared:
        if target is None:
            gone = Mark(
                state="suppressed",
                outcome="suppressed",
                reason="The target was removed.",
                suppressed_by="removed",
            )
            _mark(claimed, gone)
            return
        _hosts[claimed.channel, claimed.address] = channel.host
    _send(claimed, channel, target, stop, latest=latest)


def _target_of(claimed: Claim) -> Target | None:
    if claimed.user_id is not None:
        return None
    return targets.find(claimed.portfolio_id, channel=claimed.channel, address=claimed.address)


def _barred(claimed: Claim) -> Mark | None:
    """Return the end of what may not be sent, None where it may."""
    barred = outbox.suppression(claimed)
    if barred is not None and barred.code == "switched_off":
        target = _target_of(claimed)
        why = targets.why_switched_off(target) if target else ""
        if why and target is not None and targets.is_wish(target):
            barred = replace(barred, reason=f"Switched off: {why}")
        elif why:
            # Nobody chose that: whoever should have heard of it is told by another way.
            return _dead(claimed, Mark(state="dead", outcome="permanent", reason=f"Switched off: {why}"))
    if barred is not None:
        return Mark(
            state="suppressed",
            outcome="suppressed",
            reason=barred.reason,
            suppressed_by=barred.code,
            silence_id=barred.silence_id,
        )
    if claimed.attempt > len(STEPS):
        # Senders that die over a message leave no outcome; their attempts count all the same.
        tried = Mark(state="dead", outcome="dead", reason="It was tried too often without an answer.")
        return _dead(claimed, tried)
    return None


def _send(
    claimed: Claim, channel: Channel, target: Target | None, stop: threading.Event, *, latest: float
) -> None:
    try:
        message = envelopes.message_of(claimed, is_read=channel.name == claimed.channel)
        handed = channel.describe(message, claimed.address)
    except DatabaseError:
        raise
    except Exception as error:
        logger.exception("Notification %s cannot be put into words.", claimed.id)
        _mark(claimed, after(claimed, Retry(f"It cannot be put into words ({type(error).__name__}).")))
        return
    if time.monotonic() > latest:
        # This process was stopped or starved: its lease would end in the middle, and another would send as well.
        _note_lost(claimed, "it was not handed over")
        return
    outcome = _hand_over(channel, message, claimed.address, stop)
    _note_host(channel.host, outcome)
    if isinstance(outcome, Permanent) and outcome.is_gone and target is not None:
        targets.switch_off(target, reason=outcome.detail, now=clock.now())
    kept = envelopes.kept(handed, message) | {"channel": channel.name, "is_repeat": message.is_repeat}
    _mark(claimed, after(claimed, outcome, rendered=kept))


def _dead(claimed: Claim, how: Mark) -> Mark:
    """Return the end of a message that cannot be delivered, with the one that is sent in its place."""
    stand_in = fallbacks.stand_in(claimed, now=clock.now())
    why = f"{how.reason[:200].rstrip().removesuffix('.')}."
    if stand_in is None:
        heard = fallbacks.is_told_elsewhere(claimed)
        return replace(how, reason=f"{why} Others are told of the same.") if heard else how
    label = channels.kind_of(stand_in.channel).label
    told = stand_in.message["recipient"]["name"] or stand_in.address
    return replace(how, reason=f"{why} Told instead: {told} ({label}).", stand_in=stand_in)


def _hand_over(channel: Channel, message: Message, address: str, stop: threading.Event) -> Outcome:
    """Return the channel's outcome, or `Uncertain` at the deadline: a server that drips keeps no sender.

    The channel works in a thread of its own, since no socket timeout bounds the whole of a conversation. A
    thread given up is left to its sockets' timeouts; what it still does counts as nothing.
    """
    ends = time.monotonic() + pace().deadline
    box: list[Outcome] = []

    def work() -> None:
        try:
            box.append(channel.send(message, address, deadline=ends))
        except Exception as error:
            logger.error("Channel %s failed with %s: %s", channel.name, type(error).__name__, redact(error))
            box.append(Uncertain(f"The channel failed in the middle ({type(error).__name__})."))

    thread = threading.Thread(target=work, name=f"send-{channel.name}", daemon=True)
    thread.start()
    while thread.is_alive() and time.monotonic() < ends:
        thread.join(min(0.2, max(0.0, ends - time.monotonic())))
        if stop.is_set():
            ends = min(ends, time.monotonic() + STOP_GRACE)
            thread.join(max(0.0, ends - time.monotonic()))
            break
    return box[0] if box else Uncertain("No answer came within the deadline.")


def _note_host(host: str, outcome: Outcome) -> None:
    scale = settings.TIME_SCALE
    if isinstance(outcome, Uncertain) or (isinstance(outcome, Retry) and outcome.is_host_down):
        breaker.failed(host, rest=REST * scale, longest=LONGEST_REST * scale)
    else:
        breaker.succeeded(host)
    if isinstance(outcome, Retry) and outcome.after is not None:
        breaker.pause(host, seconds=min(outcome.after, LONGEST_REST) * scale)


def after(claimed: Claim, outcome: Outcome, *, rendered: dict[str, Any] | None = None) -> Mark:
    """Return what becomes of a notification after an outcome: the one place where retrying is decided."""
    how = _after(claimed, outcome, rendered)
    return _dead(claimed, how) if how.state == "dead" else how


def _after(claimed: Claim, outcome: Outcome, rendered: dict[str, Any] | None) -> Mark:
    match outcome:
        case Accepted(reference):
            return Mark(state="sent", outcome="accepted", provider_ref=reference, rendered=rendered)
        case Logged(detail):
            return Mark(state="logged", outcome="logged", reason=detail, rendered=rendered)
        case Permanent(detail):
            return Mark(state="dead", outcome="permanent", reason=detail, rendered=rendered)
        case Uncertain(detail):
            return _after_uncertain(claimed, detail, rendered)
        case Retry(detail, asked):
            return _after_retry(claimed, detail, asked, rendered)


def _after_uncertain(claimed: Claim, detail: str, rendered: dict[str, Any] | None) -> Mark:
    if claimed.was_uncertain:
        # Two sends of unknown end: a third would more likely annoy than inform, so people decide.
        reason = f"{detail} It was handed over twice and may have arrived."
        return Mark(state="dead", outcome="uncertain", reason=reason, rendered=rendered)
    wait = AFTER_UNCERTAIN * settings.TIME_SCALE
    return Mark(state="uncertain", outcome="uncertain", reason=detail, wait=wait, rendered=rendered)


def _after_retry(claimed: Claim, detail: str, asked: float | None, rendered: dict[str, Any] | None) -> Mark:
    if claimed.attempt >= len(STEPS):
        return Mark(state="dead", outcome="retry", reason=f"{detail} No try is left.", rendered=rendered)
    wait = STEPS[claimed.attempt] * random.uniform(1 - JITTER, 1 + JITTER)
    if asked is not None:
        # Never sooner than the host asked for; never so late that nobody would notice.
        wait = min(max(asked, 1.0), LONGEST_WAIT)
    return Mark(
        state="pending", outcome="retry", reason=detail, wait=wait * settings.TIME_SCALE, rendered=rendered
    )


def _mark(claimed: Claim, how: Mark) -> None:
    """Write the outcome, if need be over a new connection: losing it would repeat a message that went out."""
    try:
        held = outbox.mark(claimed, how)
    except DatabaseError:
        if connection.in_atomic_block:
            raise
        connection.close()
        held = outbox.mark(claimed, how)
    if not held:
        _note_lost(claimed, f"its outcome {how.outcome} is ignored")
    elif how.state == "dead":
        logger.error("Notification %s is dead: %s", claimed.id, redact(how.reason))


def _note_lost(claimed: Claim, what: str) -> None:
    global _lost
    _lost += 1
    logger.warning("The lease on notification %s was lost; %s.", claimed.id, what)
