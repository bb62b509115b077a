"""Where messages end: mail, Slack and a webhook's receiver. Each writes a request down before it answers, and may
answer badly, as laid out for it.
"""

from __future__ import annotations

import json
import re
import socketserver
import threading
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from email.parser import BytesHeaderParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.faults.journal import LABEL, Journal

HUGE = 20 * 2**20
_ID = re.compile(r"<?([0-9a-f-]{36})")


@dataclass(slots=True)
class Manners:
    """How a sink behaves: well, but for what is laid out for the next messages; `hang` is in seconds."""

    name: str
    journal: Journal
    hang: float = 3.0
    _next: deque[tuple[str, int]] = field(default_factory=deque)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def lay(self, mode: str, fault: int) -> None:
        """Lay a misbehavior out for a message to come."""
        with self._lock:
            self._next.append((mode, fault))

    def clear(self) -> None:
        """Behave from now on."""
        with self._lock:
            self._next.clear()

    def take(self) -> tuple[str, int]:
        """Return how to treat the message at hand."""
        with self._lock:
            return self._next.popleft() if self._next else ("", 0)

    def note(self, id: str, mode: str, fault: int, *, took: bool) -> None:
        """Write a request down: whose it was, and whether the message was taken."""
        found = _ID.match(id)
        self.journal.write(
            what="sink", sink=self.name, id=found[1] if found else "", mode=mode, fault=fault, took=took
        )


class MailSink(socketserver.ThreadingTCPServer):
    """A mail server that holds its conversation by hand, so that it can break it off anywhere."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, manners: Manners) -> None:
        self.manners = manners
        super().__init__(("127.0.0.1", 0), _Conversation)
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server_address[1])

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: senders are killed in the middle all the time."""


class _Conversation(socketserver.StreamRequestHandler):
    server: MailSink
    timeout = 20

    def handle(self) -> None:
        manners = self.server.manners
        mode, fault = manners.take()
        if mode in ("refuse", "hang"):
            manners.note("", mode, fault, took=False)
            if mode == "hang":
                time.sleep(manners.hang)
            else:
                self._say("421 not now")
            return
        self._say("220 sink")
        while line := self.rfile.readline(2000):
            verb = line[:4].upper()
            if verb == b"DATA":
                if not self._data(mode, fault):
                    return
                mode, fault = "", 0
            elif verb == b"RCPT" and mode in ("451", "550"):
                manners.note("", mode, fault, took=False)
                self._say(f"{mode} {'come back later' if mode == '451' else 'no such mailbox'}")
                mode, fault = "", 0
            elif verb == b"QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 ok")

    def _data(self, mode: str, fault: int) -> bool:
        """Take a mail; False where the conversation ends by it."""
        manners = self.server.manners
        self._say("354 go on")
        if mode == "drop_data":
            manners.note("", mode, fault, took=False)
            return False
        mail = bytearray()
        while (line := self.rfile.readline(100_000)) not in (b".\r\n", b""):
            mail += line
        if not line:
            return False
        id = str(BytesHeaderParser().parsebytes(bytes(mail)).get("Message-ID", ""))
        manners.note(id, mode, fault, took=mode != "451_final")
        if mode == "drop_final":
            return False
        if mode == "hang_final":
            time.sleep(manners.hang)
            return False
        if mode == "drip":
            for letter in "250 accepted":
                self._say(letter, end="")
                time.sleep(manners.hang / 8)
        self._say("451 come back later" if mode == "451_final" else "250 accepted")
        return True

    def _say(self, words: str, end: str = "\r\n") -> None:
        self.wfile.write(f"{words}{end}".encode())


class WebSink(ThreadingHTTPServer):
    """Takes what is posted, as Slack's API does or as any receiver of webhooks does."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, manners: Manners) -> None:
        self.manners = manners
        super().__init__(("127.0.0.1", 0), _Post)
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server_address[1])

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: senders are killed in the middle all the time."""


_STATUS = {"429": 429, "500": 500, "403": 403, "410": 410, "redirect": 307}
_NOT_TAKEN = frozenset({*_STATUS, "ok_false", "ok_false_busy"})


class _Post(BaseHTTPRequestHandler):
    server: WebSink
    timeout = 20

    def do_POST(self) -> None:
        """Write the post down and answer."""
        size = int(self.headers["Content-Length"])
        if len(self.rfile.read(size)) < size:
            return
        if self.path.endswith("chat.update"):
            # Editing the first message of a thread is no message.
            self._answer(200, json.dumps({"ok": True, "ts": "1.1", "channel": "C1"}))
            return
        manners = self.server.manners
        mode, fault = manners.take()
        id = self.headers.get("webhook-id") or self.headers.get(LABEL) or ""
        manners.note(id, mode, fault, took=mode not in _NOT_TAKEN)
        with suppress(OSError):
            self._react(mode, manners.hang)

    def _react(self, mode: str, hang: float) -> None:
        if mode in _STATUS:
            more = {"429": {"Retry-After": "20"}, "redirect": {"Location": "http://127.0.0.1:1/"}}
            self._answer(_STATUS[mode], "no", more.get(mode, {}))
        elif mode == "ok_false":
            self._answer(200, '{"ok": false, "error": "channel_not_found"}')
        elif mode == "ok_false_busy":
            self._answer(200, '{"ok": false, "error": "ratelimited"}', {"Retry-After": "5"})
        elif mode == "drop":
            self.close_connection = True
        elif mode == "hang":
            time.sleep(hang)
            self.close_connection = True
        elif mode == "drip":
            for letter in b"HTTP/1.1 200 OK\r\n":
                self.wfile.write(bytes([letter]))
                time.sleep(hang / 8)
            self.close_connection = True
        elif mode == "garbage":
            self._answer(200, "<html>Welcome</html>")
        elif mode == "huge":
            self._answer(200, "x" * HUGE)
        else:
            stamp = f"{time.time():.6f}"
            self._answer(200, json.dumps({"ok": True, "ts": stamp, "channel": "C1"}))

    def _answer(self, status: int, text: str, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        content = {"Content-Type": "application/json", "Content-Length": str(len(text))}
        for name, value in (content | (headers or {})).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""
