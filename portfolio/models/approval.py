"""What one person asks for and another must allow: bound to the content that was asked for."""

from django.db import models
from django.db.models import F, Q

from portfolio.models.base import PublicId
from portfolio.models.portfolio import Portfolio
from portfolio.models.user import User


class Approval(PublicId):
    """One request and its decision. The approver is never the author; a changed content needs a new request."""

    DECISIONS = [(word, word.capitalize()) for word in ("approved", "refused", "void")]

    portfolio = models.ForeignKey(Portfolio, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=32, help_text="What is asked for: long_silence, …")
    subject = models.UUIDField(help_text="The public id of what it is about.")
    content_hash = models.CharField(max_length=64, help_text="SHA-256 of what was asked for.")
    content = models.JSONField(
        default=dict, blank=True, help_text="What was asked for, where no other row holds it."
    )
    summary = models.CharField(max_length=500)
    author = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    approver = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    decision = models.CharField(max_length=8, choices=DECISIONS, blank=True)
    reason = models.TextField(blank=True)
    decided_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["kind", "subject"], name="approval_subject"),
            models.Index(fields=["portfolio", "-id"], name="approval_open", condition=Q(decision="")),
        ]
        constraints = [
            models.CheckConstraint(condition=~Q(approver=F("author")), name="approval_four_eyes"),
            models.CheckConstraint(
                condition=Q(decision="", approver__isnull=True, decided_at__isnull=True)
                | Q(decision="void", decided_at__isnull=False)
                | Q(decision__in=["approved", "refused"], approver__isnull=False, decided_at__isnull=False),
                name="approval_decided_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.decision or 'asked'}"
