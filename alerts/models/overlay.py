"""What people lay over an alert: acknowledgments, snoozes and silences. The alert's own state never looks at them."""

import pghistory
from django.db import models
from django.db.models import F, Q

from alerts.models.episode import Episode, EvaluationPoint
from alerts.models.policy import RULE_CHOICES
from portfolio.models import Investment, Portfolio, User
from portfolio.models.base import AppendOnly, PublicId


class Acknowledgment(AppendOnly):
    """Somebody has seen an episode on one version of the facts: reminders and escalation wait until a day."""

    episode = models.ForeignKey(Episode, on_delete=models.PROTECT, related_name="acknowledgments")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    point = models.ForeignKey(EvaluationPoint, on_delete=models.PROTECT, related_name="+")
    via = models.CharField(max_length=16, help_text="Where it was said: console, api, email, slack.")
    note = models.CharField(max_length=500, blank=True)
    until = models.DateTimeField()
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["episode", "id"]
        constraints = [
            models.CheckConstraint(condition=Q(until__gt=F("created_at")), name="acknowledgment_until"),
        ]

    def __str__(self) -> str:
        return f"{self.episode_id} seen by {self.user_id}"


@pghistory.track()
class Snooze(models.Model):
    """An episode is quiet until a day, for a reason; what ends it early is written on it."""

    episode = models.ForeignKey(Episode, on_delete=models.PROTECT, related_name="snoozes")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    reason = models.CharField(max_length=500)
    until = models.DateTimeField()
    created_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, help_text="When it ended: at its time, or before.")

    class Meta:
        ordering = ["episode", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["episode"], condition=Q(ended_at__isnull=True), name="snooze_one_running"
            ),
            models.CheckConstraint(condition=Q(until__gt=F("created_at")), name="snooze_until"),
            models.CheckConstraint(condition=~Q(reason=""), name="snooze_has_reason"),
        ]

    def __str__(self) -> str:
        return f"{self.episode_id} until {self.until:%Y-%m-%d}"


@pghistory.track()
class Silence(PublicId):
    """Notices that match are kept back for a time. It names a portfolio, and a rule or an investment if it wants."""

    portfolio = models.ForeignKey(Portfolio, on_delete=models.PROTECT, related_name="+")
    investment = models.ForeignKey(
        Investment, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    rule = models.CharField(max_length=32, choices=RULE_CHOICES, blank=True)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    comment = models.CharField(max_length=500)
    author = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    needs_approval = models.BooleanField(default=False)
    approval = models.ForeignKey("portfolio.Approval", on_delete=models.PROTECT, null=True, related_name="+")
    handled_at = models.DateTimeField(null=True, help_text="When its end was worked off.")

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["ends_at"], name="silence_to_end", condition=Q(handled_at__isnull=True))
        ]
        constraints = [
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="silence_in_order"),
            models.CheckConstraint(condition=~Q(comment=""), name="silence_has_comment"),
        ]

    def __str__(self) -> str:
        return f"{self.rule or 'every rule'} of {self.investment_id or self.portfolio_id}"
