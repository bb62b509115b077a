"""Brings the product's processes up by forking: a process that is killed is back within milliseconds, not seconds.

`python -m tests.faults.nursery FOLDER GUARDS` reads one order a line and answers each with the process's number.
Every process is the product's own, run as its command would; only the seams are put in.
"""

from __future__ import annotations

import ctypes
import json
import os
import random
import signal
import sys
from pathlib import Path
from typing import Any

import django

QUEUES = "evaluate,report,ring"


def main(folder: Path, without: frozenset[str]) -> None:
    """Fork what is asked for until nobody asks any more."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from alerts.relay import Relay
    from config.celery import app
    from tests.faults import seams

    app.loader.import_default_modules()
    # The dead leave nothing behind; the harness looks for their numbers itself.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    parent = os.getpid()
    for line in sys.stdin:
        order = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _settle(order, parent)
            seams.Seams(order["kind"], folder).put_in(without)
            match order["kind"]:
                case "relay":
                    Relay().run()
                case "worker":
                    _work(app)
                case "beat":
                    _beat(app, order)
            os._exit(0)
        print(pid, flush=True)


def _settle(order: dict[str, Any], parent: int) -> None:
    """Make the fork a process of its own, which ends with the nursery."""
    os.setsid()
    ctypes.CDLL(None).prctl(1, int(signal.SIGKILL))
    if os.getppid() != parent:
        os._exit(1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    log = os.open(order["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for there, here in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(there, here)
    random.seed()


def _work(app: Any) -> None:
    words = ["worker", "-Q", QUEUES, "-c", "2", "--loglevel", "INFO", "--without-mingle", "--without-gossip"]
    app.worker_main([*words, "-n", f"worker{os.getpid()}@localhost"])


def _beat(app: Any, order: dict[str, Any]) -> None:
    app.start(["beat", "--schedule", f"{order['log']}.schedule", "--pidfile", ""])


if __name__ == "__main__":
    main(Path(sys.argv[1]), frozenset(sys.argv[2].split(",")) - {""})
