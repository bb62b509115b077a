"""The four long-running processes: how each is started and how each is asked to end."""

from __future__ import annotations

import signal
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
QUEUES = "evaluate,report,ring"


@dataclass(frozen=True, slots=True)
class Service:
    """One process of the product."""

    name: str
    command: tuple[str, ...]
    on_parent_death: signal.Signals = signal.SIGTERM


def manage(*words: str) -> tuple[str, ...]:
    """Return the command line of a management command."""
    return (sys.executable, str(ROOT / "manage.py"), *words)


def all_services(*, var: Path, port: int) -> tuple[Service, ...]:
    """Return the services in the order they start; they stop in the opposite order."""
    celery = (sys.executable, "-m", "celery", "-A", "config.celery:app")
    return (
        Service("web", _web(port)),
        # A soft shutdown would wait for running tasks; their work is found again in the database.
        Service(
            "worker",
            (*celery, "worker", "-Q", QUEUES, "-c", "2", "--loglevel", "INFO", "--without-mingle"),
            signal.SIGKILL,
        ),
        Service("beat", (*celery, "beat", "--schedule", str(var / "beat-schedule"), "--pidfile", "")),
        Service("relay", manage("relay")),
    )


def _web(port: int) -> tuple[str, ...]:
    listen = ("--host", "127.0.0.1", "--port", str(port))
    size = ("--workers", "1", "--blocking-threads", "4", "--workers-kill-timeout", "3")
    return (sys.executable, "-m", "granian", "--interface", "wsgi", *listen, *size, "config.wsgi:application")
