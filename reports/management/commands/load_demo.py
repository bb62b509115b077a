"""`load_demo [--at YYYY-MM-DD]`: fill an empty installation with the demo, once, and print its logins."""

from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from reports import demo


class Command(BaseCommand):
    """Load the demo portfolios into an empty installation."""

    help = "Load two demo portfolios with two years of actuals; loaded already, it changes nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the day the demo is to end at."""
        parser.add_argument(
            "--at", type=date.fromisoformat, help="the day the demo shows; today when not given"
        )

    def handle(self, *args: Any, at: date | None = None, **options: Any) -> None:
        """Load, and print the logins and nothing else: the runner keeps and shows them."""
        try:
            demo.load(now=timezone.now(), at=at)
        except demo.DemoError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(demo.logins())
