#!/usr/bin/env python
"""Django's command line for Hurdle."""

import os
import secrets
import sys

# Computes without a server: what is not configured is filled with addresses that lead nowhere.
OFFLINE_COMMANDS = {"business_case", "backtest"}
NOWHERE = {
    "DATABASE_URL": "postgresql:///hurdle?host=/nonexistent",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "SECRET_KEY": secrets.token_urlsafe(60),
    "ALLOWED_HOSTS": "localhost",
    "HURDLE_PUBLIC_URL": "https://localhost",
}


def main() -> None:
    """Run the command that was asked for."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    if OFFLINE_COMMANDS.intersection(sys.argv[1:2]) and "--ledger" not in sys.argv:
        for name, address in NOWHERE.items():
            os.environ.setdefault(name, address)
    try:
        from django.core.management import execute_from_command_line
    except ImportError as error:
        raise SystemExit(
            "Django is not installed here: run `make demo` or `make test`, or use .venv/bin/python."
        ) from error
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
