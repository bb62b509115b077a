"""Posts to an address that a user gave, and sorts what came of it into outcomes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from alerts.channels import guard
from alerts.channels.base import Outcome, Permanent, Retry, Uncertain
from alerts.channels.guard import Answer

_TRANSIENT = frozenset({408, 425, 429})
_GONE = 410


def refused(answer: Answer) -> Outcome:
    """Sort an answer that is no yes by its code; what the host wrote beside it is for nobody."""
    code = answer.status
    if code == _GONE:
        return Permanent("The host answered 410: the address is gone.", is_gone=True)
    if 300 <= code < 400:
        return Permanent(f"The host answered {code}, a redirect; messages follow none.")
    if code in _TRANSIENT or code >= 500:
        return Retry(f"The host answered {code}.", after=retry_after(answer.headers), is_host_down=True)
    return Permanent(f"The host answered {code}.")


def post(
    url: str,
    body: bytes,
    *,
    headers: Mapping[str, str],
    deadline: float,
    refused: Callable[[Answer], Outcome] = refused,
) -> Answer | Outcome:
    """Post and return the answer where it is a 2xx, else the outcome: the caller knows what a yes looks like."""
    try:
        answer = guard.post(url, body=body, headers=headers, deadline=deadline)
    except guard.NotAllowedError as error:
        return Permanent(str(error))
    except guard.UntrustedError as error:
        return Permanent(str(error))
    except guard.UnreachableError as error:
        return Retry(str(error), is_host_down=True)
    except guard.UnconfirmedError as error:
        return Uncertain(str(error))
    return answer if 200 <= answer.status < 300 else refused(answer)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds a host asked to wait for, stated as seconds or as a date; None where it asked for none."""
    text = {name.lower(): value for name, value in headers.items()}.get("retry-after", "")
    try:
        seconds = float(text)
    except (TypeError, ValueError):
        return _until(str(text))
    return seconds if 0 <= seconds < float("inf") else None


def _until(text: str) -> float | None:
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())


def problem_with(url: str) -> str:
    """Return why an address may not be called, as far as its words say; empty when it may."""
    try:
        guard.place_of(url)
    except guard.NotAllowedError as error:
        return str(error)
    return ""


def host_of(url: str) -> str:
    """Return the host of an address, for counting failures and for people; nothing of the secret behind it."""
    return (urlsplit(url).hostname or "") if url else ""
