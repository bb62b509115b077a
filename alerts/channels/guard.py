"""The one way to an address that a user gave: resolved once, checked, pinned, without redirects, within a deadline."""

from __future__ import annotations

import http.client
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
from alerts.channels.pinned import Connection, Place

ANSWER_BYTES = 64 * 1024
LONGEST_SECONDS = 10.0
URL_LENGTH = 2000


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
    if port == 0:
        raise NotAllowedError("Port 0 is no port that could be called.")
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
    connection = Connection(place, _resolve(place, ends), ends)
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


def _hand_over(connection: Connection, place: Place, body: bytes, headers: Mapping[str, str]) -> None:
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


def _answer(connection: Connection) -> Answer:
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
