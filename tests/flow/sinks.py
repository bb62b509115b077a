"""Where messages end: a mail server and a Slack double. Both write down what they accept, then answer."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.processes import free_port

LONGEST_HOLD = 20.0

# Every line of every conversation would bury what a failure has to say.
logging.getLogger("mail.log").setLevel(logging.WARNING)


class Gate:
    """Keeps the answer to one message back: it is written down, and whoever sent it does not know."""

    def __init__(self) -> None:
        self.reached, self._open = threading.Event(), threading.Event()
        self._armed = 0
        self._lock = threading.Lock()

    def arm(self, number: int = 1) -> None:
        """Hold the answer to the next message but `number` - 1."""
        self.reached.clear()
        self._open.clear()
        self._armed = number

    def release(self) -> None:
        """Let the held answer go."""
        self._armed = 0
        self._open.set()

    def wait(self) -> None:
        """Wait where the gate is armed for this message."""
        with self._lock:
            self._armed -= 1
            is_held = self._armed == 0
        if is_held:
            self.reached.set()
            self._open.wait(LONGEST_HOLD)


@dataclass
class MailServer:
    """Accepts mail, but for the `refusals` it gives to RCPT first; `is_up` False: nobody listens."""

    port: int = field(default_factory=free_port)
    refusals: list[str] = field(default_factory=list)
    accepted: list[EmailMessage] = field(default_factory=list)
    gate: Gate = field(default_factory=Gate)
    _controller: Controller | None = None

    def open(self) -> None:
        """Listen."""
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port)
        self._controller.start()

    def close(self) -> None:
        """Stop listening: connections are refused."""
        if self._controller is not None:
            self._controller.stop()
            self._controller = None

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Refuse as told, else take the recipient."""
        if self.refusals:
            return self.refusals.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Write the mail down, then answer."""
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        self.accepted.append(message_from_bytes(content, policy=policy.default))
        await asyncio.to_thread(self.gate.wait)
        return "250 accepted"


class SlackDouble(ThreadingHTTPServer):
    """Takes what is posted to its webhook, but for the `refusals` (status, headers) it gives first.

    `drops` messages are written down and their connections cut without an answer.
    """

    daemon_threads = True

    def __init__(self) -> None:
        self.refusals: list[tuple[int, dict[str, str]]] = []
        self.drops = 0
        self.accepted: list[dict[str, Any]] = []
        self.gate = Gate()
        super().__init__(("127.0.0.1", 0), _Hook)
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    @property
    def webhook(self) -> str:
        """The address to post to."""
        return f"http://127.0.0.1:{self.server_address[1]}/hook"

    def close(self) -> None:
        """Stop answering."""
        self.gate.release()
        self.shutdown()
        self.server_close()
        self._thread.join()


class _Hook(BaseHTTPRequestHandler):
    server: SlackDouble

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.server.refusals:
            status, headers = self.server.refusals.pop(0)
            self._answer(status, "no", headers)
            return
        self.server.accepted.append(json.loads(body))
        if self.server.drops:
            self.server.drops -= 1
            self.close_connection = True
            return
        self.server.gate.wait()
        self._answer(200, "ok", {})

    def _answer(self, status: int, text: str, headers: dict[str, str]) -> None:
        try:
            self.send_response(status)
            for name, value in (headers | {"Content-Length": str(len(text))}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text.encode())
        except OSError:
            # The sender was killed while the answer was held.
            self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""
