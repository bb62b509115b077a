"""Reads what goes to the outside: keys of stored secrets, internal hosts messages may reach, the token of metrics."""

import base64
import binascii

from alerts.addresses import AllowanceError, allowances

_KEY_BYTES = 32
_TOKEN_LENGTH = 20


def secret_keys(text: str, problems: list[str]) -> tuple[str, ...]:
    """Return the keys in their order; a key is 32 random bytes in URL-safe base64."""
    keys = tuple(key.strip() for key in text.split(",") if key.strip())
    if not all(_is_key(key) for key in keys):
        problems.append(
            "HURDLE_SECRET_KEYS holds something that is no key: each is 32 random bytes in URL-safe base64."
        )
    return keys


def allowed(text: str, problems: list[str]) -> str:
    """Return the allow-list as it was written, after reading it once."""
    try:
        allowances(text)
    except AllowanceError as error:
        problems.append(f"HURDLE_OUTGOING_ALLOWED: {error}")
    return text


def metrics_token(text: str, problems: list[str]) -> str:
    """Return the token that opens the metrics."""
    if text and (len(text) < _TOKEN_LENGTH or not text.isascii() or not text.isprintable()):
        problems.append(f"HURDLE_METRICS_TOKEN needs at least {_TOKEN_LENGTH} plain random characters.")
    return text


def _is_key(key: str) -> bool:
    try:
        return len(base64.b64decode(key, altchars=b"-_", validate=True)) == _KEY_BYTES
    except (binascii.Error, ValueError):
        return False
