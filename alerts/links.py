"""Signed values that leave the house: each for one purpose and a time, and where it changes something, once."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.conf import settings
from django.core import signing
from django.db import IntegrityError, transaction

from alerts.models import UsedNonce

# What a value may be used for; each is signed with a key of its own, so that one never passes for another.
ACKNOWLEDGE, UNSUBSCRIBE, ANSWER = "acknowledge", "unsubscribe", "answer"
LASTS = timedelta(days=30)
_EXPIRES = "x"


class LinkError(ValueError):
    """A signed value that opens nothing: `code` is `foreign`, `expired` or `used`, the message is for people."""

    def __init__(self, message: str, *, code: str) -> None:
        self.code = code
        super().__init__(message)


def sign(purpose: str, payload: Mapping[str, str], *, expires: datetime) -> str:
    """Return a payload as text that nobody else can make; it is readable, so no secrets belong in it."""
    return _signer(purpose).sign_object({**payload, _EXPIRES: int(expires.timestamp())}, compress=False)


def read(purpose: str, token: str, *, now: datetime) -> dict[str, str]:
    """Return what was signed for a purpose. Raises LinkError: made by nobody here (`foreign`), or `expired`."""
    try:
        found = _signer(purpose).unsign_object(token)
    except (signing.BadSignature, ValueError) as error:
        raise LinkError("This link is not complete, or it was not made here.", code="foreign") from error
    if now.timestamp() >= int(found.pop(_EXPIRES)):
        raise LinkError("This link is too old.", code="expired")
    return {str(name): str(value) for name, value in found.items()}


def spend(purpose: str, nonce: str, *, now: datetime, keep: timedelta = LASTS) -> None:
    """Use a nonce up, within the caller's transaction. Raises LinkError where it was used before (`used`).

    `keep` is how long it has to be remembered: as long as what carries it could come again.
    """
    UsedNonce.objects.filter(expires_at__lt=now).delete()
    try:
        with transaction.atomic():
            UsedNonce.objects.create(nonce=f"{purpose}:{nonce}"[:128], used_at=now, expires_at=now + keep)
    except IntegrityError as error:
        raise LinkError("This link was used already.", code="used") from error


def address(purpose: str, token: str) -> str:
    """Return the address at which a signed value is taken."""
    return f"{settings.PUBLIC_URL.rstrip('/')}/alerts/{_PATHS[purpose]}/{token}"


_PATHS = {ACKNOWLEDGE: "ack", UNSUBSCRIBE: "unsubscribe"}


def _signer(purpose: str) -> signing.Signer:
    return signing.Signer(salt=f"hurdle.alerts.{purpose}")
