"""Email over SMTP, held step by step: only then is it known how far a failed conversation got."""

from __future__ import annotations

import re
import smtplib
import ssl
from dataclasses import dataclass
from email.utils import parseaddr
from functools import partial
from typing import Any, cast
from urllib.parse import urlsplit
from uuid import UUID, uuid5

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMultiAlternatives
from django.core.mail.backends.smtp import EmailBackend
from django.core.mail.message import sanitize_address
from django.core.validators import validate_email

from alerts.channels.base import Accepted, Message, Outcome, Permanent, Retry, Uncertain, redact, remaining

_THREADS = UUID("0a4c3c1b-5c0e-5f0e-8f57-6f1b6a0d3a11")
_LINE_START_DOT = re.compile(rb"(?m)^\.")
_GOODBYE_SECONDS = 1.0
_ACCEPTED = (250, 251)
_OURS_TO_FIX = (421, 454, 530, 534, 535, 538)


def configured() -> EmailChannel | None:
    """Return the channel when the installation has a mail server."""
    return EmailChannel() if settings.HAS_EMAIL else None


@dataclass(frozen=True, slots=True)
class EmailChannel:
    """Hands mail to the installation's SMTP server."""

    name: str = "email"

    @property
    def host(self) -> str:
        """The mail server."""
        return f"smtp:{settings.EMAIL_HOST}:{settings.EMAIL_PORT}"

    def describe(self, message: Message, address: str) -> dict[str, Any]:
        """Return the mail's headers and both of its bodies."""
        headers = _headers(message)
        return {
            "to": address,
            "subject": message.subject,
            "headers": headers,
            "text": message.text,
            "html": message.html,
        }

    def send(self, message: Message, address: str, *, deadline: float) -> Outcome:
        """Send the mail; a failure after the final dot is uncertain, one before it is not."""
        try:
            validate_email(address)
        except ValidationError:
            return Permanent("This is not an email address mail can be sent to.")
        timeout = remaining(deadline, at_most=settings.EMAIL_TIMEOUT)
        backend = EmailBackend(timeout=timeout)
        try:
            backend.open()
            return _converse(cast(smtplib.SMTP, backend.connection), _mail(message, address), address)
        except (OSError, smtplib.SMTPException) as error:
            return _unreachable(error)
        finally:
            _hang_up(backend)


def _headers(message: Message) -> dict[str, str]:
    host = urlsplit(settings.PUBLIC_URL).hostname or "localhost"
    thread = f"<{uuid5(_THREADS, message.thread_id)}@{host}>"
    return {
        "Message-ID": f"<{message.id}@{host}>",
        # The thread's root is a name all its messages agree on; it need not have been sent.
        "In-Reply-To": thread,
        "References": thread,
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
    }


def _mail(message: Message, address: str) -> bytes:
    mail = EmailMultiAlternatives(
        subject=message.subject,
        body=message.text,
        from_email=settings.EMAIL_FROM,
        to=[address],
        headers=_headers(message),
    )
    if message.html:
        mail.attach_alternative(message.html, "text/html")
    # Django's message takes a line separator, which the standard library's declares nowhere.
    return mail.message().as_bytes(linesep="\r\n")  # type: ignore[call-arg]


def _converse(smtp: smtplib.SMTP, mail: bytes, address: str) -> Outcome:
    """Hold the conversation. Errors up to the final dot are raised: they mean that nothing was sent."""
    # The envelope takes no Unicode: the domain is written in punycode.
    sender, recipient = (sanitize_address(a, "utf-8") for a in (parseaddr(settings.EMAIL_FROM)[1], address))
    smtp.ehlo_or_helo_if_needed()
    for step in (partial(smtp.mail, sender), partial(smtp.rcpt, recipient)):
        code, answer = step()
        if code not in _ACCEPTED:
            return _refused(code, answer)
    code, answer = smtp.docmd("DATA")
    if code != 354:
        return _refused(code, answer)
    smtp.send(_LINE_START_DOT.sub(b"..", mail).removesuffix(b"\r\n") + b"\r\n.\r\n")
    return _final_answer(smtp)


def _final_answer(smtp: smtplib.SMTP) -> Outcome:
    try:
        code, answer = smtp.getreply()
    except (OSError, smtplib.SMTPException) as error:
        return Uncertain(f"The mail server did not confirm the mail ({type(error).__name__}).")
    if code not in _ACCEPTED:
        return _refused(code, answer)
    return Accepted(redact(answer.decode("utf-8", "replace"))[:200])


def _refused(code: int, answer: bytes) -> Outcome:
    """Sort an SMTP refusal: what the operator can put right is worth another try, a 5xx otherwise is not."""
    detail = f"The mail server answered {code}: {redact(answer.decode('utf-8', 'replace'))}"
    if code < 400:
        return Retry(detail, is_host_down=True)
    if code < 500 or code in _OURS_TO_FIX:
        return Retry(detail, is_host_down=code in _OURS_TO_FIX)
    return Permanent(detail)


def _unreachable(error: Exception) -> Outcome:
    if isinstance(error, ssl.SSLCertVerificationError):
        return Retry("The mail server's certificate is not trusted.", is_host_down=True)
    if isinstance(error, smtplib.SMTPResponseException):
        said = error.smtp_error.decode("utf-8", "replace") if isinstance(error.smtp_error, bytes) else ""
        detail = f"The mail server answered {error.smtp_code}: {redact(said)}"
        return Retry(detail, is_host_down=True)
    return Retry(f"The mail server cannot be reached ({type(error).__name__}).", is_host_down=True)


def _hang_up(backend: EmailBackend) -> None:
    """Say goodbye; whether the server listens no longer matters, so it gets no time to answer."""
    try:
        if backend.connection is not None and backend.connection.sock is not None:
            backend.connection.sock.settimeout(_GOODBYE_SECONDS)
        backend.close()
    except (OSError, smtplib.SMTPException):
        backend.connection = None
