"""The guard against real sockets: what is refused before a packet is sent, what is pinned, what is cut."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from alerts.channels import guard
from tests.alerts.channels.mail_servers import free_port
from tests.alerts.channels.web_servers import OK, RawServer, certificate, web_server

OpenPort = Callable[[int], None]


def post(url: str, *, seconds: float = 5.0, body: bytes = b"{}", **headers: str) -> guard.Answer:
    return guard.post(url, body=body, headers=headers, deadline=time.monotonic() + seconds)


def plain(settings: Settings, server: RawServer, path: str = "/hook") -> str:
    settings.OUTGOING_ALLOWED = f"http://127.0.0.1:{server.port}"
    return f"http://127.0.0.1:{server.port}{path}"


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that makes names resolve to these addresses, one list for each time it is asked."""
    asked: list[str] = []

    def become(*answers: Sequence[str]) -> list[str]:
        left = [list(answer) for answer in answers]

        def resolve(host: str, port: int, **kwargs: Any) -> list[Any]:
            asked.append(host)
            found = left.pop(0) if len(left) > 1 else left[0]
            if not found:
                raise socket.gaierror("no such name")
            family = {True: socket.AF_INET6, False: socket.AF_INET}
            return [(family[":" in a], socket.SOCK_STREAM, 6, "", (a, port)) for a in found]

        monkeypatch.setattr(socket, "getaddrinfo", resolve)
        return asked

    return become


@pytest.fixture
def open_port(monkeypatch: pytest.MonkeyPatch) -> OpenPort:
    """Return a function that makes a port one of the usual ones, so that the address alone decides."""

    def become(port: int) -> None:
        monkeypatch.setattr("alerts.addresses._DEFAULT_PORTS", frozenset({port}))

    return become


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hooks.example.com/x",
        "//hooks.example.com/x",
        "http://hooks.example.com/x",
        "http://127.0.0.1/x",
        "ftp://hooks.example.com/x",
        "file:///etc/passwd",
        "gopher://127.0.0.1:6379/_SLAVEOF",
        "https://",
        "https:///x",
        "https://user@hooks.example.com/x",
        "https://user:word@hooks.example.com/x",
        "https://@hooks.example.com/x",
        "https://hooks.example.com:22/x",
        "https://hooks.example.com:6379/x",
        "https://hooks.example.com:99999/x",
        "https://hooks.example.com/a b",
        "https://hooks.example.com/\r\nHost: evil",
        "https://hooks.example.com\\@evil.example/",
        "https://hööks.example.com/x",
        "https://[::1/x",
        "https://hooks.example.com/" + "x" * 2000,
    ],
)
def test_an_address_of_the_wrong_shape_is_refused_in_a_sentence(url: str) -> None:
    with pytest.raises(guard.NotAllowedError, match=r"\.$"):
        guard.place_of(url)
    with pytest.raises(guard.NotAllowedError):
        post(url)


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "0",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::]",
        "10.0.0.1",
        "169.254.169.254",
        "[fd00:ec2::254]",
        "[64:ff9b::a9fe:a9fe]",
        "localhost.",
    ],
)
def test_however_an_inside_address_is_written_nobody_is_called(host: str, open_port: OpenPort) -> None:
    with web_server() as server:
        open_port(server.port)
        # Where the resolver takes the notation at all, it leads inside.
        with pytest.raises((guard.NotAllowedError, guard.UnreachableError)):
            post(f"https://{host}:{server.port}/x")
    assert server.met == 0


@pytest.mark.parametrize("order", [["127.0.0.2", "127.0.0.1"], ["127.0.0.1", "127.0.0.2"]])
def test_every_address_behind_a_name_is_checked_before_any_is_called(
    order: list[str], settings: Settings, names: Any, open_port: OpenPort
) -> None:
    with web_server(host="127.0.0.2") as good, web_server(port=good.port) as inside:
        settings.OUTGOING_ALLOWED = "127.0.0.2/32"
        open_port(good.port)
        names(order)
        with pytest.raises(guard.NotAllowedError, match="internal network"):
            post(f"https://hooks.example.com:{good.port}/x")
    assert (good.met, inside.met) == (0, 0)


def test_a_name_that_changes_its_mind_reaches_nobody_else(
    settings: Settings, names: Any, open_port: OpenPort, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tls, trusted = certificate(tmp_path, "hooks.example.com")
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    with web_server(host="127.0.0.2", tls=tls) as first, web_server(port=first.port, tls=tls) as inside:
        settings.OUTGOING_ALLOWED = "127.0.0.2/32"
        open_port(first.port)
        asked = names(["127.0.0.2"], ["127.0.0.1"])
        answer = post(f"https://hooks.example.com:{first.port}/x")
        assert (answer.status, answer.body) == (200, b"ok")
        assert asked == ["hooks.example.com"], "the resolver is asked once"
        with pytest.raises(guard.NotAllowedError):
            post(f"https://hooks.example.com:{first.port}/x")
    assert (first.met, inside.met) == (1, 0)
    assert b"Host: hooks.example.com:%d\r\n" % first.port in first.requests[0]


def test_a_redirect_is_an_answer_and_is_not_followed(settings: Settings) -> None:
    with web_server() as inside:
        there = (
            b"HTTP/1.1 307 Go\r\nLocation: http://127.0.0.1:%d/\r\nContent-Length: 0\r\n\r\n" % inside.port
        )
        with web_server(there) as server:
            assert post(plain(settings, server)).status == 307
    assert inside.met == 0


def test_a_host_is_spoken_to_by_name_with_its_own_certificate(
    settings: Settings, names: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for names_on_it, days, expected in (
        (("hooks.example.com",), 1, None),
        (("other.example.com",), 1, guard.UntrustedError),
        (("hooks.example.com",), -1, guard.UntrustedError),
    ):
        tls, trusted = certificate(tmp_path, *names_on_it, days=days)
        monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
        with web_server(tls=tls) as server:
            settings.OUTGOING_ALLOWED = f"hooks.example.com:{server.port}"
            names(["127.0.0.1"])
            url = f"https://hooks.example.com:{server.port}/x"
            if expected is None:
                assert post(url).status == 200
                continue
            with pytest.raises(expected):
                post(url)
        assert server.requests == [], "nothing is said to a host that is not who it should be"


def test_a_certificate_nobody_vouches_for_is_not_trusted(
    settings: Settings, names: Any, tmp_path: Path
) -> None:
    tls, _ = certificate(tmp_path, "hooks.example.com")
    with web_server(tls=tls) as server:
        settings.OUTGOING_ALLOWED = f"hooks.example.com:{server.port}"
        names(["127.0.0.1"])
        with pytest.raises(guard.UntrustedError):
            post(f"https://hooks.example.com:{server.port}/x")


def test_an_endless_answer_is_cut(settings: Settings) -> None:
    sent = threading.Event()

    def flood(sock: socket.socket, asked: bytes) -> None:
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 104857600\r\n\r\n")
        try:
            for _ in range(1600):
                sock.sendall(b"x" * 65_536)
        finally:
            sent.set()

    with web_server(flood) as server:
        answer = post(plain(settings, server))
        assert (answer.status, len(answer.body)) == (200, guard.ANSWER_BYTES)
        assert sent.wait(5), "the host is not read to its end"


def test_a_body_that_drips_does_not_undo_a_yes_and_keeps_nobody(settings: Settings) -> None:
    def drip(sock: socket.socket, asked: bytes) -> None:
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n")
        while not server.released.wait(0.05):
            sock.sendall(b"x")

    with web_server(drip) as server:
        started = time.monotonic()
        assert post(plain(settings, server), seconds=0.5).status == 200
        assert time.monotonic() - started < 3


@pytest.mark.parametrize("beginning", [b"", b"HTTP/1.1 200 OK\r\nX-Drip: "])
def test_a_head_that_drips_counts_against_the_deadline(beginning: bytes, settings: Settings) -> None:
    def drip(sock: socket.socket, asked: bytes) -> None:
        sock.sendall(beginning)
        while not server.released.wait(0.05):
            sock.sendall(b"H")

    with web_server(drip) as server:
        url, started = plain(settings, server), time.monotonic()
        with pytest.raises(guard.UnconfirmedError):
            post(url, seconds=0.5)
        assert time.monotonic() - started < 3


@pytest.mark.parametrize("answer", [b"", b"garbage\r\n\r\n", b"HTTP/1.1 999999 X\r\n\r\n"])
def test_no_answer_after_the_request_is_unconfirmed(answer: bytes, settings: Settings) -> None:
    with web_server(answer) as server, pytest.raises(guard.UnconfirmedError):
        post(plain(settings, server))
    assert len(server.requests) == 1


def test_what_was_never_complete_is_unreachable(settings: Settings, names: Any) -> None:
    port = free_port()
    settings.OUTGOING_ALLOWED = f"http://127.0.0.1:{port}"
    with pytest.raises(guard.UnreachableError):
        post(f"http://127.0.0.1:{port}/")
    names([])
    with pytest.raises(guard.UnreachableError, match="resolved"):
        post("https://hooks.example.com/")


def test_a_resolver_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: release.wait(20))
    started = time.monotonic()
    try:
        with pytest.raises(guard.UnreachableError):
            post("https://hooks.example.com/", seconds=0.3)
    finally:
        release.set()
    assert time.monotonic() - started < 3


def test_the_request_is_whole_and_says_who_it_is_for(settings: Settings) -> None:
    with web_server(OK) as server:
        post(plain(settings, server, "/a?b=c"), body=b'{"x":1}', **{"X-Mark": "1"})
    (asked,) = server.requests
    head, _, body = asked.partition(b"\r\n\r\n")
    assert head.startswith(b"POST /a?b=c HTTP/1.1\r\n")
    assert b"Host: 127.0.0.1:%d" % server.port in head
    assert b"X-Mark: 1" in head
    assert body == b'{"x":1}'


def test_a_proxy_of_the_environment_is_not_used(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    with web_server() as proxy, web_server() as server:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        assert post(plain(settings, server)).status == 200
    assert proxy.met == 0
