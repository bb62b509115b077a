"""`audit`: one round of the auditor by hand; ends with 1 when something is open."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from alerts import auditor, findings
from alerts.models import AuditFinding, AuditHead
from portfolio import clock

SHOWN = 50


class Command(BaseCommand):
    """Compare what should have happened with what did, now."""

    help = "Compare what should have happened with what did, and list what is open; ends with 1 when anything is."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the option to look at all of history."""
        parser.add_argument(
            "--all",
            action="store_true",
            help="replay every recorded evaluation and look at every message, not only at what is new",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Run a round, or as many as all of history takes, and say what is open."""
        left = set(auditor.SWEPT) if options["all"] else set()
        if options["all"]:
            AuditHead.objects.update(point=0)
            auditor.sweep_anew()
        points = 0
        while (run := auditor.audit(now=clock.now(), is_forced=True)) is not None:
            points += run.points
            left -= auditor.swept_to_the_end()
            if not run.points and not left:
                break
        if run is None:
            self.stderr.write("Another round is running; try again in a minute.")
            sys.exit(1)
        for finding in AuditFinding.objects.filter(settled_at=None)[:SHOWN]:
            self.stdout.write(str(finding))
        counts = findings.counts()
        self.stdout.write(" ".join(f"{name}={count}" for name, count in {"points": points, **counts}.items()))
        sys.exit(1 if any(counts.values()) else 0)
