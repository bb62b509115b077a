"""`import_actuals FILE [--commit]`: preview a file of monthly values against the ledger, and record it."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from portfolio import ingest
from portfolio.importers.base import Mapping
from portfolio.models import ImportRun, User


class Command(BaseCommand):
    """Import monthly actuals (or plans) from a CSV or XLSX file."""

    help = "Preview a CSV or XLSX file of monthly values; with --commit record it, all or nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--commit", action="store_true", help="record the file; without it only the preview is shown"
        )
        parser.add_argument(
            "--source", default=ingest.DEFAULT_SOURCE, help="an import replaces only inside its source"
        )
        parser.add_argument("--user", help="record as this user, within what the user may record")
        parser.add_argument("--reason", default="", help="why closed months change")
        parser.add_argument("--decimal-separator", choices=[".", ","], default=".")
        parser.add_argument("--grouping-separator", default=None)

    def handle(self, *args: Any, **options: Any) -> None:
        """Stage the file, show the preview, commit when asked to."""
        try:
            data = options["file"].read_bytes()
        except OSError as error:
            raise CommandError(f"The file cannot be read: {error.strerror}.") from error
        user = self._user(options["user"])
        mapping = Mapping(
            decimal_separator=options["decimal_separator"], grouping_separator=options["grouping_separator"]
        )
        run = ingest.stage(
            data,
            file_name=options["file"].name,
            user=user,
            now=timezone.now(),
            mapping=mapping,
            source=options["source"],
        )
        self._show(run)
        if not options["commit"]:
            if run.status == "staged":
                ingest.discard(run)
                self.stdout.write("Nothing was recorded; add --commit to record it.")
            return
        try:
            run = ingest.commit(run, user=user, now=timezone.now(), reason=options["reason"])
        except ingest.IngestError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"Recorded as import {run.pk}: {run.new_count} new, {run.changed_count} changed, "
            f"{run.unchanged_count} unchanged."
        )

    def _user(self, name: str | None) -> User | None:
        if name is None:
            return None
        try:
            return User.objects.get(username=name)
        except User.DoesNotExist:
            raise CommandError(f"There is no user '{name}'.") from None

    def _show(self, run: ImportRun) -> None:
        if run.status == "refused":
            raise CommandError(f"The file is refused: {run.refusal}")
        for warning in run.warnings:
            self.stdout.write(f"Note: {warning}")
        self.stdout.write(
            f"{run.rows_read} values: {run.new_count} new, {run.changed_count} changed, "
            f"{run.unchanged_count} unchanged, {run.rejected_count} rejected."
        )
        for row in run.rows.filter(status="rejected")[:20]:
            self.stdout.write(f"  row {row.row_number} {row.column}: {row.message} [{row.shown}]")
