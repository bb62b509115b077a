"""Runs a management command beside a running demo, with its environment: `-m config.demo_manage check_ledger`."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from config import demo_state, embedded, preflight
from config.services import ROOT, manage


def main(arguments: Sequence[str], *, var: Path = ROOT / "var") -> int:
    """Run manage.py with the arguments; return its exit code, 1 where no demo runs."""
    urls = None
    if not preflight.has_external_servers(os.environ):
        servers = embedded.EmbeddedServers(var)
        if not (servers.sockets / ".s.PGSQL.5432").exists():
            print("The demo does not run here: start it with make demo.", file=sys.stderr)
            return 1
        urls = servers.urls
    environment = demo_state.environment(var, port=preflight.read_port(os.environ), urls=urls)
    return subprocess.run(manage(*arguments), env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
