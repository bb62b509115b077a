"""Tells a monitor outside that a clean audit has just ended; where that stays out, the monitor raises the alarm."""

import http.client
import logging
import ssl
from urllib.parse import urlsplit

logger = logging.getLogger(__name__)

TIMEOUT_SECONDS = 10.0


def ping(url: str) -> bool:
    """Ask for the monitor's address once and return whether it answered well. Follows nowhere; raises nothing.

    The address is the operator's own setting, so that it may lie inside; it is not written to the log.
    """
    parts = urlsplit(url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection = (
        http.client.HTTPSConnection(
            parts.hostname or "", parts.port, timeout=TIMEOUT_SECONDS, context=ssl.create_default_context()
        )
        if parts.scheme == "https"
        else http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=TIMEOUT_SECONDS)
    )
    try:
        connection.request("GET", path, headers={"User-Agent": "Hurdle"})
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        logger.warning("The dead-man monitor did not answer (%s).", type(error).__name__)
        return False
    finally:
        connection.close()
    if status >= 300:
        logger.warning("The dead-man monitor answered %s.", status)
    return status < 300
