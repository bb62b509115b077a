"""A circuit breaker per host, in this process: a host that is down is left alone and uses up no tries."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(slots=True)
class _Circuit:
    failures: int = 0
    closed_until: float = 0.0


class Breaker:
    """Counts failures in a row by host; from the limit on the host rests, longer each time."""

    def __init__(self, *, limit: int = 5, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit, self._clock = limit, clock
        self._circuits: dict[str, _Circuit] = {}
        self._lock = threading.Lock()

    def is_open(self, host: str) -> bool:
        """Return whether the host is resting."""
        with self._lock:
            circuit = self._circuits.get(host)
            return circuit is not None and self._clock() < circuit.closed_until

    def succeeded(self, host: str) -> None:
        """Forget the host's failures: it answered."""
        with self._lock:
            self._circuits.pop(host, None)

    def failed(self, host: str, *, rest: float, longest: float) -> None:
        """Count a failure; at the limit the host rests for `rest` seconds, doubled with every further one."""
        with self._lock:
            circuit = self._circuits.setdefault(host, _Circuit())
            circuit.failures += 1
            excess = circuit.failures - self._limit
            if excess >= 0:
                pause = min(longest, rest * 2 ** min(excess, 20))
                circuit.closed_until = max(circuit.closed_until, self._clock() + pause)

    def pause(self, host: str, *, seconds: float) -> None:
        """Let the host rest because it asked for it."""
        with self._lock:
            circuit = self._circuits.setdefault(host, _Circuit())
            circuit.closed_until = max(circuit.closed_until, self._clock() + seconds)
