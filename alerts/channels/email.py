"""Email over SMTP, held step by step: only then is it known how far a failed conversation got."""

from __future__ import annotations

import re
import smtplib
import ssl
from dataclasses import dataclass
from email.mime.image import MIMEImage
from email.utils import parseaddr
from functools import partial
from html import escape
from typing import Any, cast
from urllib.parse import urlsplit
from uuid import UUID, uuid5

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMultiAlternatives
from django.core.mail.backends.smtp import EmailBackend
from django.core.mail.message import SafeMIMEMultipart, sanitize_address
from django.core.validators import validate_email

from alerts.channels import pictures
from alerts.channels.base import (
    PICTURE,
    Accepted,
    Enclosure,
    Kind,
    Message,
    Outcome,
    Permanent,
    Retry,
    Uncertain,
    option,
    redact,
    remaining,
)

_THREADS = UUID("0a4c3c1b-5c0e-5f0e-8f57-6f1b6a0d3a11")
_LINE_START_DOT = re.compile(rb"(?m)^\.")
_GOODBYE_SECONDS = 1.0
_ACCEPTED = (250, 251)
_OURS_TO_FIX = (421, 454, 530, 534, 535, 538)


_PICTURE_SECONDS = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The settings of a target."""

    address: str = option("Email address", help="A shared mailbox or a list.")

    def problems(self) -> dict[str, str]:
        """Return why mail cannot be sent there."""
        try:
            validate_email(self.address)
        except ValidationError:
            return {"address": "Write an email address."}
        return {}


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
            "html": _with_picture(message, ""),
            **_files_in_words(message),
        }

    def send(self, message: Message, address: str, *, deadline: float) -> Outcome:
        """Send the mail; a failure after the final dot is uncertain, one before it is not."""
        try:
            validate_email(address)
        except ValidationError:
            return Permanent("This is not an email address mail can be sent to.")
        mail = _mail(message, address, _picture(message, deadline))
        timeout = remaining(deadline, at_most=settings.EMAIL_TIMEOUT)
        backend = EmailBackend(timeout=timeout)
        try:
            backend.open()
            return _converse(cast(smtplib.SMTP, backend.connection), mail, address)
        except (OSError, smtplib.SMTPException) as error:
            return _unreachable(error)
        finally:
            _hang_up(backend)


def _files_in_words(message: Message) -> dict[str, Any]:
    files = [each for each in message.enclosures if not each.content_id]
    said = [{"name": each.name, "type": each.media_type, "bytes": len(each.content)} for each in files]
    return {"files": said} if said else {}


def _headers(message: Message) -> dict[str, str]:
    thread = f"<{uuid5(_THREADS, message.thread_id)}@{_host()}>"
    headers = {
        "Message-ID": f"<{message.id}@{_host()}>",
        # The thread's root is a name all its messages agree on; it need not have been sent.
        "In-Reply-To": thread,
        "References": thread,
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
    }
    if message.unsubscribe:
        # RFC 8058: the mail program posts to it without asking anybody to sign in.
        headers["List-Unsubscribe"] = f"<{message.unsubscribe}>"
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    return headers


def _host() -> str:
    return urlsplit(settings.PUBLIC_URL).hostname or "localhost"


def _picture(message: Message, deadline: float) -> bytes | None:
    """Return the message's chart as a picture, where it has one and there is time for it."""
    if message.chart is None or PICTURE not in message.html:
        return None
    seconds = remaining(deadline, at_most=_PICTURE_SECONDS) / 2
    return pictures.studio.draw(message.chart["spec"], theme=message.chart["theme"], seconds=seconds)


def _with_picture(message: Message, content_id: str) -> str:
    """Return the HTML with the picture in its place, or without a trace of it."""
    if not content_id or message.chart is None:
        return message.html.replace(PICTURE, "")
    words = escape(str(message.chart["words"]), quote=True)
    image = (
        f'<img src="cid:{content_id}" alt="{words}" width="512" '
        'style="display:block;width:100%;max-width:512px;height:auto;margin:4px 0 12px;border:0">'
    )
    return message.html.replace(PICTURE, image)


class _WithEnclosures(EmailMultiAlternatives):
    """A mail whose pictures stand beside its HTML, and whose files are attached to the whole."""

    pictures: tuple[Enclosure, ...] = ()

    def _create_alternatives(self, msg: Any) -> Any:
        made = super()._create_alternatives(msg)  # type: ignore[misc]
        if not self.pictures:
            return made
        parts = made.get_payload()
        related = SafeMIMEMultipart(_subtype="related", encoding=self.encoding or settings.DEFAULT_CHARSET)
        related.attach(parts[-1])
        for each in self.pictures:
            related.attach(_inline(each, each.content_id))
        parts[-1] = related
        return made


class _WithPicture(EmailMultiAlternatives):
    # The picture belongs to the HTML beside it; it is no attachment.
    mixed_subtype = "related"


def _mail(message: Message, address: str, picture: bytes | None) -> bytes:
    if message.enclosures:
        return _mail_with_files(message, address)
    mail = (_WithPicture if picture else EmailMultiAlternatives)(
        subject=message.subject,
        body=message.text,
        from_email=settings.EMAIL_FROM,
        to=[address],
        headers=_headers(message),
    )
    content_id = f"{uuid5(message.id, 'picture')}@{_host()}" if picture else ""
    if message.html:
        mail.attach_alternative(_with_picture(message, content_id), "text/html")
    if picture:
        mail.attach(_inline(Enclosure("chart.png", "image/png", picture), content_id))
    # Django's message takes a line separator, which the standard library's declares nowhere.
    return mail.message().as_bytes(linesep="\r\n")  # type: ignore[call-arg]


def _mail_with_files(message: Message, address: str) -> bytes:
    mail = _WithEnclosures(
        subject=message.subject,
        body=message.text,
        from_email=settings.EMAIL_FROM,
        to=[address],
        headers=_headers(message),
    )
    mail.attach_alternative(_with_picture(message, ""), "text/html")
    mail.pictures = tuple(each for each in message.enclosures if each.content_id)
    for each in message.enclosures:
        if not each.content_id:
            # The type alone: its parameters (a charset) would be taken for part of its name.
            mail.attach(each.name, each.content, each.media_type.partition(";")[0])
    return mail.message().as_bytes(linesep="\r\n")  # type: ignore[call-arg]


def _inline(picture: Enclosure, content_id: str) -> MIMEImage:
    image = MIMEImage(picture.content, picture.media_type.partition("/")[2])
    image.add_header("Content-ID", f"<{content_id}>")
    image.add_header("Content-Disposition", "inline", filename=picture.name)
    return image


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


def make(options: Options) -> EmailChannel | None:
    """Return the channel when the installation has a mail server."""
    return EmailChannel() if settings.HAS_EMAIL else None


KIND = Kind("Email", Options, make)
