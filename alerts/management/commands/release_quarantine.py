"""`release_quarantine`: after the program was mended, try again what it could not digest."""

from typing import Any

from django.core.management.base import BaseCommand

from alerts import attempts
from roi import snapshots


class Command(BaseCommand):
    """Let investments that failed five times be recomputed and judged again."""

    help = "Let investments that failed five times be recomputed and judged again; newer facts do so by themselves."

    def handle(self, *args: Any, **options: Any) -> None:
        """Release and say how many; the next sweep takes them up."""
        self.stdout.write(f"{snapshots.release()} to recompute and {attempts.release()} to judge again.")
