"""Secrets at rest: encrypted with the installation's keys, opened only by whoever hands a message over."""

import base64
import json
from collections.abc import Mapping

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

_PURPOSE = b"hurdle: secrets at rest"


class UnreadableError(Exception):
    """No key of the installation opens a secret; the message says what the operator can do."""


def seal(values: Mapping[str, str]) -> str:
    """Return named secrets as text that only the installation's keys open; nothing to keep is empty text."""
    if not values:
        return ""
    return _keys().encrypt(json.dumps(dict(values)).encode()).decode("ascii")


def unseal(sealed: str) -> dict[str, str]:
    """Return the named secrets of `seal`; raise UnreadableError where no key fits."""
    if not sealed:
        return {}
    try:
        found = json.loads(_keys().decrypt(sealed.encode()))
    except InvalidToken as error:
        raise UnreadableError(
            "The stored secret cannot be read: put the key it was written with back into HURDLE_SECRET_KEYS."
        ) from error
    return {str(name): str(value) for name, value in found.items()}


def reseal(sealed: str) -> str:
    """Return a sealed text under the first key, or raise UnreadableError."""
    if not sealed:
        return ""
    try:
        return _keys().rotate(sealed.encode()).decode("ascii")
    except InvalidToken as error:
        raise UnreadableError("A stored secret cannot be read with any key of HURDLE_SECRET_KEYS.") from error


def _keys() -> MultiFernet:
    keys = [*settings.SECRET_KEYS] or [_derived(settings.SECRET_KEY)]
    return MultiFernet([Fernet(key) for key in keys])


def _derived(secret_key: str) -> str:
    """Return the key of an installation that has set none: another value than SECRET_KEY, and as secret."""
    hkdf = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=_PURPOSE)
    return base64.urlsafe_b64encode(hkdf.derive(secret_key.encode())).decode("ascii")
