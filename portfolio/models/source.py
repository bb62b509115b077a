"""Runs of an import: the staged rows between a file and the ledger, and answers kept for repeated requests."""

from django.db import models

from portfolio.models.base import MoneyField, PublicId, choices_of
from portfolio.models.investment import Investment
from portfolio.models.ledger import Account
from portfolio.terms import Book, EntryKind


class ImportRun(PublicId):
    """One file on its way into the ledger: staged, then committed as a whole, perhaps undone."""

    STATUSES = [(s, s.capitalize()) for s in ("staged", "committed", "undone", "refused")]

    file_name = models.CharField(max_length=200)
    file_hash = models.CharField(max_length=64, db_index=True)
    source = models.CharField(max_length=64)
    layout = models.CharField(max_length=8, blank=True)
    mapping = models.JSONField(default=dict, blank=True)
    status = models.CharField(max_length=9, choices=STATUSES, default="staged")
    refusal = models.TextField(blank=True)
    warnings = models.JSONField(default=list, blank=True)
    rows_read = models.PositiveIntegerField(default=0)
    new_count = models.PositiveIntegerField(default=0)
    changed_count = models.PositiveIntegerField(default=0)
    unchanged_count = models.PositiveIntegerField(default=0)
    rejected_count = models.PositiveIntegerField(default=0)
    reason = models.TextField(blank=True, help_text="Why closed months change; asked for when they do.")
    created_by = models.ForeignKey("portfolio.User", on_delete=models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.file_name} ({self.status})"


class StagedRow(models.Model):
    """One value of a file with what committing it would do, or why it cannot be."""

    STATUSES = [(s, s.capitalize()) for s in ("new", "changed", "unchanged", "rejected")]

    run = models.ForeignKey(ImportRun, on_delete=models.CASCADE, related_name="rows")
    row_number = models.PositiveIntegerField()
    column = models.CharField(max_length=120, blank=True)
    status = models.CharField(max_length=9, choices=STATUSES)
    message = models.TextField(blank=True)
    shown = models.CharField(max_length=300, blank=True, help_text="The cell as it stood in the file.")
    investment = models.ForeignKey(Investment, on_delete=models.CASCADE, null=True, related_name="+")
    account = models.ForeignKey(Account, on_delete=models.CASCADE, null=True, related_name="+")
    month = models.DateField(null=True)
    book = models.CharField(max_length=8, choices=choices_of(Book), blank=True)
    currency = models.CharField(max_length=3, blank=True)
    kind = models.CharField(max_length=9, choices=choices_of(EntryKind), blank=True)
    amount = MoneyField(null=True)
    quantity = models.DecimalField(max_digits=26, decimal_places=6, null=True)
    source_ref = models.CharField(max_length=200, blank=True)
    note = models.CharField(max_length=500, blank=True)
    old_amount = MoneyField(null=True)
    old_quantity = models.DecimalField(max_digits=26, decimal_places=6, null=True)
    is_late = models.BooleanField(default=False)
    is_restatement = models.BooleanField(default=False)

    class Meta:
        ordering = ["row_number", "id"]
        indexes = [models.Index(fields=["run", "status", "row_number"], name="staged_row_status")]

    def __str__(self) -> str:
        return f"row {self.row_number} {self.status}"


class IdempotencyKey(models.Model):
    """The answer given to a request, kept so that the same request sent again has one effect."""

    user = models.ForeignKey("portfolio.User", on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=200)
    body_hash = models.CharField(max_length=64)
    status_code = models.PositiveSmallIntegerField(null=True)
    answer = models.JSONField(null=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="idempotency_key_once")]

    def __str__(self) -> str:
        return self.key
