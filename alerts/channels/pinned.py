"""An HTTP connection to addresses that were checked, under the name they were resolved from, within one deadline."""

from __future__ import annotations

import http.client
import io
import socket
import ssl
import time
from dataclasses import dataclass
from typing import Any

_CONNECT_SECONDS, _TRIED_ADDRESSES = 5.0, 4


@dataclass(frozen=True, slots=True)
class Place:
    """Where an address leads, taken apart and allowed as far as its words go."""

    is_plain: bool
    host: str
    port: int
    path: str

    @property
    def header(self) -> str:
        """The Host header."""
        name = f"[{self.host}]" if ":" in self.host else self.host
        return name if self.port == (80 if self.is_plain else 443) else f"{name}:{self.port}"


class Connection(http.client.HTTPConnection):
    """A connection to addresses that were checked, under the name they were resolved from."""

    def __init__(self, place: Place, resolved: list[Any], ends: float) -> None:
        super().__init__(place.host, place.port)
        self._place, self._resolved, self._ends = place, resolved, ends
        self._bounded: _Bounded | None = None

    def connect(self) -> None:
        """Connect to the first address that answers; never asks the resolver again."""
        raw = self._open()
        if not self._place.is_plain:
            context = ssl.create_default_context()
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            try:
                raw = context.wrap_socket(raw, server_hostname=self._place.host)
            except BaseException:
                raw.close()
                raise
        self._bounded = _Bounded(raw, self._ends)
        self.sock = self._bounded

    def hang_up(self) -> None:
        """Let go of the network."""
        if self._bounded is not None:
            self._bounded.hang_up()

    def _open(self) -> socket.socket:
        problem: OSError = TimeoutError("no time was left")
        for family, kind, protocol, _, target in self._resolved[:_TRIED_ADDRESSES]:
            made = socket.socket(family, kind, protocol)
            made.settimeout(max(0.05, min(_CONNECT_SECONDS, self._ends - time.monotonic())))
            try:
                made.connect(target)
                return made
            except OSError as error:
                made.close()
                problem = error
        raise problem


class _Bounded:
    """A socket whose every wait counts against one deadline: a host that drips gains nothing by it."""

    def __init__(self, sock: socket.socket, ends: float) -> None:
        self._sock, self._ends = sock, ends

    def sendall(self, data: bytes) -> None:
        self._sock.settimeout(self._left())
        self._sock.sendall(data)

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Reader(self))

    def receive_into(self, buffer: Any) -> int:
        self._sock.settimeout(self._left())
        return self._sock.recv_into(buffer)

    def close(self) -> None:
        """Do nothing: the library closes before it has read the answer's body."""

    def hang_up(self) -> None:
        self._sock.close()

    def _left(self) -> float:
        left = self._ends - time.monotonic()
        if left <= 0:
            raise TimeoutError("no time was left")
        return left


class _Reader(io.RawIOBase):
    def __init__(self, source: _Bounded) -> None:
        self._source = source

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._source.receive_into(buffer)
