"""Real web servers on the loopback that misbehave, or prove who they are with a certificate made for the test."""

from __future__ import annotations

import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Talk = Callable[[socket.socket, bytes], None]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class RawServer(socketserver.ThreadingTCPServer):
    """Keeps every request it read and answers as told; `met` counts connections, whatever came of them."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(
        self, talk: Talk, *, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None
    ) -> None:
        self.talk, self.tls = talk, tls
        self.requests: list[bytes] = []
        self.met = 0
        self.released = threading.Event()
        super().__init__((host, port), _Exchange)

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self.server_address[1])

    def get_request(self) -> tuple[socket.socket, object]:
        """Count who comes, before anything is said."""
        found = super().get_request()
        self.met += 1
        return found


class _Exchange(socketserver.BaseRequestHandler):
    server: RawServer

    def handle(self) -> None:
        try:
            self._exchange()
        except (OSError, ssl.SSLError):
            # The client has hung up, as some of these tests want it to.
            return

    def _exchange(self) -> None:
        sock = self.request
        if self.server.tls is not None:
            sock = self.server.tls.wrap_socket(sock, server_side=True)
        with sock:
            asked = _read(sock)
            self.server.requests.append(asked)
            self.server.talk(sock, asked)


def _read(sock: socket.socket) -> bytes:
    found = b""
    while b"\r\n\r\n" not in found:
        piece = sock.recv(65_536)
        if not piece:
            return found
        found += piece
    head, _, body = found.partition(b"\r\n\r\n")
    lengths = [
        line.split(b":")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")
    ]
    while lengths and len(body) < int(lengths[0]):
        body += sock.recv(65_536)
    return head + b"\r\n\r\n" + body


@contextmanager
def web_server(
    answer: bytes | Talk = OK, *, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None
) -> Iterator[RawServer]:
    """Run a server for the duration of the block."""

    def say(sock: socket.socket, asked: bytes) -> None:
        sock.sendall(answer if isinstance(answer, bytes) else b"")

    talk = say if isinstance(answer, bytes) else answer
    server = RawServer(talk, host=host, port=port, tls=tls)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.released.set()
        server.shutdown()
        server.server_close()
        thread.join()


def certificate(folder: Path, *names: str, days: int = 1) -> tuple[ssl.SSLContext, Path]:
    """Return a server's TLS context for names or addresses, and the file whoever trusts it must name.

    Negative days: it has expired.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Loopback")])
    ends = datetime.now(UTC) + timedelta(days=days)
    others = [_general_name(each) for each in names]
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(ends - timedelta(days=10))
        .not_valid_after(ends)
        .add_extension(x509.SubjectAlternativeName(others), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / f"{names[0]}-{days}.pem"
    public = made.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(public)
    (folder / "whole.pem").write_bytes(private + public)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "whole.pem")
    return context, file


def _general_name(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(text))
    except ValueError:
        return x509.DNSName(text)
