"""The one way to an address that a user gave: resolved once, checked, pinned, without redirects, within a deadline."""

from __future__ import annotations

import http.client
import io
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from alerts.addresses import Allowances, allowances

ANSWER_BYTES = 64 * 1024
LONGEST_SECONDS = 10.0
URL_LENGTH = 2000
_CONNECT_SECONDS, _TRIED_ADDRESSES = 5.0, 4


class NotAllowedError(Exception):
    """The address may not be called; the message is a sentence for the person who wrote it."""


class UnreachableError(Exception):
    """Nothing was handed over: the name did not resolve, nobody answered, or the request was cut off."""


class UntrustedError(Exception):
    """The host could not prove who it is; nothing was handed over."""


class UnconfirmedError(Exception):
    """The whole request was handed over and no answer came that could be read."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the host said: header names in lower case, the body cut at ANSWER_BYTES."""

    status: int
    headers: Mapping[str, str]
    body: bytes


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


def place_of(url: str) -> Place:
    """Return where an address leads; raise NotAllowedError with a sentence where it may not be called.

    Nothing is resolved: names are checked here, the addresses behind them when a request is made.
    """
    if (
        not url
        or len(url) > URL_LENGTH
        or not url.isascii()
        or not url.isprintable()
        or set(url) & set(' \\"<>')
    ):
        raise NotAllowedError("This is no web address: write https://, a host and a path, without spaces.")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise NotAllowedError("This web address cannot be read.") from error
    if parts.scheme not in ("https", "http") or not host:
        raise NotAllowedError("The address must start with https:// and name a host.")
    if parts.username is not None or parts.password is not None:
        raise NotAllowedError("The address may not hold a user name or password.")
    is_plain = parts.scheme == "http"
    found = Place(is_plain, host, port or (80 if is_plain else 443), _path(parts.path, parts.query))
    _check_words(found, _allowed())
    return found


def post(url: str, *, body: bytes, headers: Mapping[str, str], deadline: float) -> Answer:
    """POST to an address a user gave, before `deadline` (of time.monotonic), and return what the host said.

    The name is resolved once, every address behind it must be allowed, and the connection goes to one of those
    that were checked; a redirect is an answer like any other. Raises NotAllowedError, UnreachableError,
    UntrustedError or UnconfirmedError.
    """
    place, ends = place_of(url), min(deadline, time.monotonic() + LONGEST_SECONDS)
    connection = _Connection(place, _resolve(place, ends), ends)
    try:
        _hand_over(connection, place, body, headers)
        return _answer(connection)
    finally:
        connection.hang_up()


def _allowed() -> Allowances:
    return allowances(settings.OUTGOING_ALLOWED)


def _path(path: str, query: str) -> str:
    return (path or "/") + (f"?{query}" if query else "")


def _check_words(place: Place, allowed: Allowances) -> None:
    if place.is_plain and not allowed.may_be_plain(place.host, port=place.port):
        raise NotAllowedError("The address must start with https://.")
    if not allowed.has_port(place.host, port=place.port):
        raise NotAllowedError(
            f"Port {place.port} is not open to messages; use 443, or ask the operator to allow it."
        )


def _resolve(place: Place, ends: float) -> list[Any]:
    """Return what the name resolves to, once; nobody of it is called unless all of it is allowed."""
    found: list[Any] = []

    def ask() -> None:
        try:
            found.append(socket.getaddrinfo(place.host, place.port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            found.append(error)

    # The resolver takes no deadline, so it is asked on the side.
    thread = threading.Thread(target=ask, name="resolve", daemon=True)
    thread.start()
    thread.join(max(0.05, ends - time.monotonic()))
    if not found or not isinstance(found[0], list) or not found[0]:
        raise UnreachableError("The host's name cannot be resolved.")
    allowed = _allowed()
    for *_, target in found[0]:
        if not allowed.may_reach(target[0], host=place.host, port=place.port):
            raise NotAllowedError(
                "The host leads into an internal network; the operator can allow it by HURDLE_OUTGOING_ALLOWED."
            )
    return list(found[0])


class _Connection(http.client.HTTPConnection):
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
        self.sock = self._bounded  # type: ignore[assignment]

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


def _hand_over(connection: _Connection, place: Place, body: bytes, headers: Mapping[str, str]) -> None:
    """Write the whole request. Any failure up to here means that the host has no complete message."""
    try:
        connection.connect()
        connection.putrequest("POST", place.path, skip_host=True, skip_accept_encoding=True)
        ours = {"Host": place.header, "Content-Length": str(len(body)), "Connection": "close"}
        for name, value in (ours | dict(headers)).items():
            connection.putheader(name, value)
        connection.endheaders(body)
    except ssl.SSLCertVerificationError as error:
        raise UntrustedError("The host's certificate is not trusted or has expired.") from error
    except ssl.SSLError as error:
        raise UnreachableError("The host does not speak TLS as it should.") from error
    except OSError as error:
        raise UnreachableError(f"The host cannot be reached ({type(error).__name__}).") from error


def _answer(connection: _Connection) -> Answer:
    try:
        answer = connection.getresponse()
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise UnconfirmedError(f"The host did not confirm the message ({type(error).__name__}).") from error
    headers = {name.lower(): value for name, value in answer.getheaders()}
    return Answer(answer.status, headers, _beginning(answer))


def _beginning(answer: http.client.HTTPResponse) -> bytes:
    """Return what came of the body: the status has said how it ended, so a body that never ends changes nothing."""
    body = bytearray()
    try:
        while len(body) < ANSWER_BYTES and (piece := answer.read1(ANSWER_BYTES - len(body))):
            body += piece
    except (OSError, http.client.HTTPException, ValueError):
        return bytes(body)
    return bytes(body)
