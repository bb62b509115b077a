"""Asks a running web process for its health; the container health checks run it.

`python -m config.probe /readyz`, or `python -m config.probe /healthz --base http://web:8000 --part relay`.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import sys
from collections.abc import Sequence
from urllib.parse import urlsplit

TIMEOUT_SECONDS = 5.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Return 0 when healthy; print the reason and return 1 otherwise."""
    parser = argparse.ArgumentParser(prog="python -m config.probe")
    parser.add_argument("path")
    parser.add_argument("--base", default="http://127.0.0.1:8000")
    parser.add_argument("--part", default="", help="ask only whether this part of /healthz is late")
    options = parser.parse_args(arguments)
    try:
        status, body = _get(options.base, options.path)
    except OSError as error:
        print(f"{options.base} does not answer: {error}")
        return 1
    if options.part:
        return _judge_part(options.part, body)
    print(status, body[:200].decode(errors="replace"))
    return 0 if status == 200 else 1


def _get(base: str, path: str) -> tuple[int, bytes]:
    parts = urlsplit(base)
    host = os.environ.get("ALLOWED_HOSTS", "").split(",")[0].strip().removeprefix(".")
    # As the proxy would ask: a host name the site answers to, and https already ended.
    headers = {"Host": host or str(parts.hostname), "X-Forwarded-Proto": "https"}
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read(65536)
    finally:
        connection.close()


def _judge_part(part: str, body: bytes) -> int:
    try:
        answer = json.loads(body)
    except ValueError:
        print("The answer is not a health report.")
        return 1
    ages = answer.get("ages_seconds", {})
    if part not in ages:
        print(f"The health report does not know {part}.")
        return 1
    is_late = part in answer.get("late", [])
    print(f"{part}: last sign of life {ages[part]} s ago{', late' if is_late else ''}")
    return int(is_late)


if __name__ == "__main__":
    sys.exit(main())
