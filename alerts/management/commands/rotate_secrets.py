"""`rotate_secrets`: encrypts every stored secret anew with the first key of HURDLE_SECRET_KEYS."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from alerts import targets
from alerts.secrets import UnreadableError


class Command(BaseCommand):
    """Say how many secrets were written anew; the old keys can be removed afterwards."""

    help = "Encrypt every stored secret with the first key of HURDLE_SECRET_KEYS; the other keys can go then."

    def handle(self, *args: Any, **options: Any) -> None:
        """Rotate, or say which target's secret no key opens."""
        try:
            count = targets.rotate_secrets()
        except UnreadableError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{count} secrets are encrypted with the first key now.")
