"""`check_ledger`: rebuild cells from entries, verify the hash chain, exit with 1 on any difference."""

import sys
from typing import Any

from django.core.management.base import BaseCommand

from portfolio import integrity, knowledge

_SHOWN = 50


class Command(BaseCommand):
    """Compare the ledger with what was written to it; changes nothing."""

    help = "Rebuild cells from entries and verify the hash chain of batches; exits with 1 on any difference."

    def handle(self, *args: Any, **options: Any) -> None:
        """Print each finding, or that there is none."""
        findings = knowledge.with_one_view(lambda: integrity.differing_cells() + integrity.broken_links())
        for finding in findings[:_SHOWN]:
            self.stdout.write(f"{finding.where}: {finding.message}")
        if len(findings) > _SHOWN:
            self.stdout.write(f"… and {len(findings) - _SHOWN} more.")
        if findings:
            sys.exit(1)
        self.stdout.write("Every cell is what its entries say, and the chain of batches is sound.")
