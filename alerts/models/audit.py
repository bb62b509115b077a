"""What the auditor has looked at and found: expected against actual."""

from django.db import models

from alerts.models.episode import EvaluationPoint
from portfolio.models import Investment


class AuditHead(models.Model):
    """Up to which evaluation point an investment is audited."""

    investment = models.OneToOneField(
        Investment, on_delete=models.CASCADE, primary_key=True, related_name="+"
    )
    point = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"audit head of {self.investment_id}"


class AuditRun(models.Model):
    """One round of the auditor and its counts; all but the first three must be 0."""

    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    points = models.PositiveIntegerField(default=0)
    events = models.PositiveIntegerField(default=0)
    notifications = models.PositiveIntegerField(default=0)
    lost = models.PositiveIntegerField(default=0)
    phantom = models.PositiveIntegerField(default=0)
    doubled = models.PositiveIntegerField(default=0)
    missing_points = models.PositiveIntegerField(default=0)
    stuck = models.PositiveIntegerField(default=0)
    is_clean = models.BooleanField(default=False)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"audit {self.pk}"


class AuditFinding(models.Model):
    """One difference between what should be and what is; found again, it is the same row."""

    KINDS = [
        (word, word.replace("_", " ").capitalize())
        for word in ("lost", "phantom", "doubled", "missing_point", "stuck")
    ]

    key = models.CharField(max_length=200, unique=True)
    kind = models.CharField(max_length=16, choices=KINDS)
    investment = models.ForeignKey(Investment, on_delete=models.CASCADE, null=True, related_name="+")
    point = models.ForeignKey(EvaluationPoint, on_delete=models.CASCADE, null=True, related_name="+")
    detail = models.TextField()
    found_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True, help_text="When a later round no longer found it.")

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.kind}: {self.detail[:80]}"
