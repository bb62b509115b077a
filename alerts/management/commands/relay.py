"""manage.py relay: sends what is due, and does what a dead broker would leave undone. Any number may run."""

from typing import Any

from django.core.management.base import BaseCommand

from alerts.relay import Relay


class Command(BaseCommand):
    """Runs until SIGTERM or SIGINT."""

    help = "Deliver notifications from the outbox and sweep for pending evaluations; any number may run."
    # A database that is not up yet is waited for, not a reason to stop.
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the relay in this process."""
        Relay().run()
