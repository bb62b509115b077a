"""The long-running relay: a sender per channel, so that a slow host delays no other; a listener; a sweep."""

import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from itertools import chain
from types import FrameType

import psycopg
from django.conf import settings
from django.db import DatabaseError, connection, connections

from alerts import attempts, channels, delivery, due, evaluate, heartbeats, outbox
from portfolio import clock

logger = logging.getLogger(__name__)

POLL_SECONDS, SWEEP_SECONDS, HEARTBEAT_SECONDS = 2.0, 10.0, 5.0
PATIENCE_SECONDS = 60.0
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 10.0
STOP_SECONDS = 4.0
# A full batch is a backlog; so many more senders, each with a connection to the database, then work on it.
BATCH, HELPERS = 50, 2


def _longer(pause: float) -> float:
    return min(pause * 2, max(FIRST_PAUSE, LONGEST_PAUSE * settings.TIME_SCALE))


class Relay:
    """Runs its parts in threads until told to stop; none of them ends because of an error."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._bells = {name: threading.Event() for name in channels.CHANNELS}
        self._helpers: dict[str, list[threading.Thread]] = {name: [] for name in channels.CHANNELS}
        self._sent, self._counting = 0, threading.Lock()
        # Where others were with judging and recomputing when they last came on, and when that was.
        self._others: tuple[int | None, int | None] | None = None
        self._others_since = 0.0

    def run(self) -> None:
        """Run until SIGTERM or SIGINT; the message in hand is finished, or given up within seconds."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        threads = [self._thread(f"sender-{name}", self._sender(name)) for name in self._bells]
        threads += [self._thread("listener", self._listen), self._thread("sweeper", self._sweep)]
        logger.info("The relay runs (%s).", ", ".join(self._bells))
        self._keep_beating()
        ends = time.monotonic() + STOP_SECONDS
        for thread in chain(threads, *self._helpers.values()):
            thread.join(max(0.0, ends - time.monotonic()))
        logger.info("The relay has stopped.")

    def stop(self) -> None:
        """Ask every part to stop."""
        self._stop.set()
        for bell in self._bells.values():
            bell.set()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.stop()

    def _thread(self, name: str, work: Callable[[], None]) -> threading.Thread:
        # Daemon: a thread held by a dead network must not keep the process.
        thread = threading.Thread(target=self._forever, args=(name, work), name=name, daemon=True)
        thread.start()
        return thread

    def _forever(self, name: str, work: Callable[[], None]) -> None:
        """Repeat one part's step; after an error wait, longer each time, and start on a new connection."""
        pause = FIRST_PAUSE
        while not self._stop.is_set():
            try:
                work()
                pause = FIRST_PAUSE
            except (DatabaseError, psycopg.Error, OSError) as error:
                logger.warning(
                    "%s lost the database (%s); again in %.1f s.", name, type(error).__name__, pause
                )
                connection.close()
                self._stop.wait(pause)
                pause = _longer(pause)
            except Exception:
                logger.exception("%s failed; again in %.1f s.", name, pause)
                self._stop.wait(pause)
                pause = _longer(pause)
        connection.close()

    def _sender(self, name: str) -> Callable[[], None]:
        bell = self._bells[name]

        def step() -> None:
            bell.clear()
            if self._drain(name) < BATCH:
                bell.wait(POLL_SECONDS * settings.TIME_SCALE)
            else:
                self._call_helpers(name)

        return step

    def _drain(self, name: str) -> int:
        taken = delivery.drain(limit=BATCH, only=[name], stop=self._stop)
        with self._counting:
            self._sent += taken
        return taken

    def _call_helpers(self, name: str) -> None:
        """Let more senders work on a channel's backlog: most of a sender's time is waiting."""
        self._helpers[name] = [thread for thread in self._helpers[name] if thread.is_alive()]
        for number in range(len(self._helpers[name]), HELPERS):
            thread = threading.Thread(
                target=self._help, args=(name,), name=f"helper-{name}-{number}", daemon=True
            )
            self._helpers[name].append(thread)
            thread.start()

    def _help(self, name: str) -> None:
        """Send until there is no backlog any more; after an error the channel's own sender goes on alone."""
        try:
            while not self._stop.is_set() and self._drain(name) == BATCH:
                pass
        except (DatabaseError, psycopg.Error, OSError) as error:
            logger.warning("A helper of %s lost the database (%s).", name, type(error).__name__)
        finally:
            connection.close()

    def _listen(self) -> None:
        """Ring every sender's bell on a wake-up; what is missed meanwhile is found by polling."""
        listener = connections.create_connection("default")
        try:
            listener.ensure_connection()
            listener.connection.execute(f"LISTEN {outbox.WAKE_UP}")
            while not self._stop.is_set():
                for _ in listener.connection.notifies(timeout=1.0, stop_after=1):
                    self._ring()
        finally:
            listener.close()

    def _ring(self) -> None:
        for bell in self._bells.values():
            bell.set()

    def _sweep(self) -> None:
        """Make up for lost bells and dead workers; whoever is at work on it is left alone, as senders need the time."""
        evaluate.sweep(now=clock.now(), go_on=self._is_wanted)
        due.run_due(now=clock.now())
        self._stop.wait(SWEEP_SECONDS * settings.TIME_SCALE)

    def _is_wanted(self) -> bool:
        """Whether nobody else judges or recomputes, or has not come on for so long that he seems to hang."""
        others, at = attempts.others_at_work(), time.monotonic()
        if others is None or others != self._others:
            self._others, self._others_since = others, at
        is_stuck = at - self._others_since > PATIENCE_SECONDS * settings.TIME_SCALE
        return not self._stop.is_set() and (others is None or is_stuck)

    def _keep_beating(self) -> None:
        """Leave a sign of life every few seconds, in the main thread: it stops when the process does."""
        while not self._stop.is_set():
            detail: dict[str, object] = {
                "process": os.getpid(),
                "taken": self._sent,
                "leases_lost": delivery.leases_lost(),
            }
            try:
                heartbeats.beat("relay", now=clock.now(), detail=detail)
            except DatabaseError as error:
                logger.warning("The heartbeat was not written (%s).", type(error).__name__)
                connection.close()
            self._stop.wait(HEARTBEAT_SECONDS)
        connection.close()
