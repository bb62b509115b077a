"""Real SMTP servers on the loopback: one that behaves but may refuse, and one that follows a bad script."""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


def free_port() -> int:
    """Return a port nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@dataclass
class Mailbox:
    """Keeps what was accepted; `answers` are given to RCPT one after the other before mail is accepted."""

    port: int
    answers: list[str] = field(default_factory=list)
    mails: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    after_data: str = "250 accepted as 4711"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Refuse as told, else take the recipient."""
        if self.answers:
            return self.answers.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Keep the mail when it is accepted."""
        if self.after_data.startswith("250"):
            content = envelope.content if isinstance(envelope.content, bytes) else b""
            self.mails.append(message_from_bytes(content, policy=policy.default))
            self.recipients += envelope.rcpt_tos
        return self.after_data


@contextmanager
def mailbox() -> Iterator[Mailbox]:
    """Run a well-behaved server for the duration of the block."""
    box = Mailbox(free_port())
    controller = Controller(box, hostname="127.0.0.1", port=box.port)
    controller.start()
    try:
        yield box
    finally:
        controller.stop()


class BadServer(socketserver.ThreadingTCPServer):
    """Behaves until it reaches the step named by `fault`, then misbehaves.

    Faults: hang_greeting, drip_greeting, drop_rcpt, drop_data, drop_final, hang_final, hang_quit,
    close_final_421.
    """

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, fault: str) -> None:
        self.fault = fault
        self.bodies: list[bytes] = []
        self.released = threading.Event()
        super().__init__(("127.0.0.1", 0), _Conversation)

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self.server_address[1])


class _Conversation(socketserver.StreamRequestHandler):
    server: BadServer

    def handle(self) -> None:
        try:
            self._converse()
        except OSError:
            # The client has hung up, as some of these tests want it to.
            return

    def _converse(self) -> None:
        if self.server.fault == "hang_greeting":
            self.server.released.wait(20)
            return
        if self.server.fault == "drip_greeting":
            while not self.server.released.wait(0.05):
                self.wfile.write(b"2")
            return
        self._say("220 ready")
        while line := self.rfile.readline():
            verb = line.split(b" ")[0].strip().upper().decode()
            if not self._answer(verb):
                return

    def _answer(self, verb: str) -> bool:
        if self.server.fault == f"drop_{verb.lower()}":
            return False
        if verb == "DATA":
            self._say("354 go on")
            return self._final()
        if verb == "QUIT":
            if self.server.fault == "hang_quit":
                self.server.released.wait(20)
            self._say("221 bye")
            return False
        self._say("250 ok")
        return True

    def _final(self) -> bool:
        body = bytearray()
        while (line := self.rfile.readline()) != b".\r\n":
            if not line:
                return False
            body += line
        self.server.bodies.append(bytes(body))
        if self.server.fault == "drop_final":
            return False
        if self.server.fault == "hang_final":
            self.server.released.wait(20)
            return False
        self._say("421 going away" if self.server.fault == "close_final_421" else "250 ok")
        return True

    def _say(self, line: str) -> None:
        self.wfile.write(line.encode() + b"\r\n")


@contextmanager
def bad_server(fault: str) -> Iterator[BadServer]:
    """Run a misbehaving server for the duration of the block."""
    server = BadServer(fault)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.released.set()
        server.shutdown()
        server.server_close()
        thread.join()


def use(settings: Any, port: int) -> None:
    """Point the installation's mail at a server on the loopback."""
    settings.HAS_EMAIL = True
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
    settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
    settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
    settings.EMAIL_FROM = "Hurdle <hurdle@example.com>"
    settings.PUBLIC_URL = "https://hurdle.example.com"
