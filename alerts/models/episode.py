"""What was judged and announced: evaluation points, current states, episodes and their events."""

from django.db import models
from django.db.models import Q

from alerts.models.policy import RULE_CHOICES
from portfolio.models import Investment
from portfolio.models.base import AppendOnly, PublicId


class EvaluationPoint(AppendOnly):
    """The fact that an investment's rules were folded over its facts as known at one knowledge time."""

    investment = models.ForeignKey(Investment, on_delete=models.PROTECT, related_name="+")
    revision = models.BigIntegerField(help_text="The snapshots' revision that was judged.")
    knowledge = models.BigIntegerField()
    policy_knowledge = models.BigIntegerField(
        default=-1, help_text="Knowledge time of the newest policy that was judged by."
    )
    context = models.JSONField(
        default=dict, help_text="What was fixed about the investment beside its months, copied."
    )
    fingerprint = models.UUIDField(null=True)
    recorded_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["investment", "-id"], name="evaluation_point_latest")]

    def __str__(self) -> str:
        return f"{self.investment_id} @ {self.knowledge}"


class AlertState(models.Model):
    """Where one rule of one investment stands after its last judged month."""

    STATES = [(s, s.capitalize()) for s in ("normal", "pending", "firing", "recovering")]

    investment = models.ForeignKey(Investment, on_delete=models.CASCADE, related_name="+")
    rule = models.CharField(max_length=32, choices=RULE_CHOICES)
    state = models.CharField(max_length=10, choices=STATES, default="normal")
    count = models.PositiveSmallIntegerField(default=0)
    month = models.DateField(null=True)
    verdict = models.CharField(max_length=8, blank=True)
    reason = models.CharField(max_length=32, blank=True)
    value = models.CharField(
        max_length=64, blank=True, help_text="The unrounded figure, as a decimal string."
    )
    threshold = models.CharField(max_length=64, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["investment", "rule"], name="alert_state_once")]

    def __str__(self) -> str:
        return f"{self.rule} {self.state}"


class EvaluationHead(models.Model):
    """How far one investment is evaluated; behind its snapshots means there is work."""

    investment = models.OneToOneField(
        Investment, on_delete=models.CASCADE, primary_key=True, related_name="+"
    )
    revision = models.BigIntegerField(default=-1)
    policy_knowledge = models.BigIntegerField(default=-1)
    attempts = models.PositiveSmallIntegerField(
        default=0, help_text="Failed evaluations in a row; 5 is quarantined."
    )
    failed_revision = models.BigIntegerField(default=-1, help_text="Newer snapshots end the quarantine.")
    failure = models.TextField(blank=True)

    def __str__(self) -> str:
        return f"evaluation head of {self.investment_id}"


class Episode(PublicId):
    """One continuous firing of one rule on one investment."""

    investment = models.ForeignKey(Investment, on_delete=models.PROTECT, related_name="+")
    rule = models.CharField(max_length=32, choices=RULE_CHOICES)
    number = models.PositiveIntegerField()
    severity = models.CharField(max_length=9)
    first_breach_month = models.DateField()
    fired_month = models.DateField()
    resolved_month = models.DateField(null=True)
    closed_reason = models.CharField(
        max_length=32,
        blank=True,
        help_text="resolved, retracted, one_shot, rule_changed, investment_closed, …",
    )
    is_announced = models.BooleanField(default=False)
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["investment", "rule", "number"], name="episode_number_once"),
            models.UniqueConstraint(
                fields=["investment", "rule"], condition=Q(closed_at__isnull=True), name="episode_one_open"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rule} #{self.number} of {self.investment_id}"


class Event(AppendOnly):
    """Something that happened to an episode, with a copy of the figures that made it happen."""

    id = models.UUIDField(primary_key=True)
    episode = models.ForeignKey(Episode, on_delete=models.PROTECT, related_name="events")
    kind = models.CharField(max_length=16)
    ordinal = models.PositiveIntegerField(default=1)
    month = models.DateField()
    point = models.ForeignKey(EvaluationPoint, on_delete=models.PROTECT, related_name="+")
    evidence = models.JSONField(
        help_text="Value, threshold, window, policy version and knowledge time, copied."
    )
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["episode", "kind", "ordinal"], name="event_once")]

    def __str__(self) -> str:
        return f"{self.kind} of {self.episode_id}"
