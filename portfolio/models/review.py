"""Reviews and the decisions that end them: evidence is copied into a decision, which is written once."""

import pghistory
from django.db import models
from django.db.models import F, Q

from portfolio.models.base import AppendOnly, MoneyField, PublicId, choices_of
from portfolio.models.investment import Investment
from portfolio.models.portfolio import CURRENCY, Portfolio
from portfolio.models.user import User
from portfolio.terms import DecisionKind, ReviewKind, ReviewState, Stage


@pghistory.track()
class Review(PublicId):
    """A dated question about an investment that stays open until a decision is recorded or it is withdrawn."""

    ORIGINS = [(origin, origin.capitalize()) for origin in ("alert", "calendar", "decision", "person")]

    portfolio = models.ForeignKey(Portfolio, on_delete=models.PROTECT, related_name="reviews")
    investment = models.ForeignKey(Investment, on_delete=models.PROTECT, related_name="reviews")
    kind = models.CharField(max_length=24, choices=choices_of(ReviewKind))
    origin = models.CharField(max_length=8, choices=ORIGINS)
    origin_ref = models.UUIDField(
        null=True, help_text="The public id of what opened it; only that may withdraw it."
    )
    rule = models.CharField(max_length=32, blank=True, help_text="The rule whose alert opened it.")
    question = models.TextField()
    checklist = models.JSONField(default=list, help_text="Steps with who did them and when.")
    follows = models.ForeignKey(
        "portfolio.Decision", on_delete=models.PROTECT, null=True, related_name="follow_ups"
    )
    opened_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    opened_at = models.DateTimeField()
    due_on = models.DateField()
    state = models.CharField(max_length=9, choices=choices_of(ReviewState), default=ReviewState.OPEN.value)
    escalation_level = models.PositiveSmallIntegerField(default=0)
    closed_at = models.DateTimeField(null=True)
    closed_reason = models.TextField(blank=True)

    class Meta:
        ordering = ["due_on", "id"]
        indexes = [
            models.Index(fields=["portfolio", "due_on"], name="review_open", condition=Q(state="open")),
            models.Index(fields=["investment", "-id"], name="review_of_investment"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["origin_ref", "kind"],
                name="review_one_open_of_origin",
                condition=Q(state="open", origin_ref__isnull=False),
            ),
            models.UniqueConstraint(
                fields=["investment"],
                name="review_one_scheduled",
                condition=Q(state="open", kind="scheduled"),
            ),
            models.CheckConstraint(
                condition=Q(state="open", closed_at__isnull=True)
                | (Q(closed_at__isnull=False) & ~Q(state="open")),
                name="review_closed_with_time",
            ),
            models.CheckConstraint(
                condition=~Q(state="withdrawn") | ~Q(closed_reason=""), name="review_withdrawn_with_reason"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} of {self.investment_id}"


class Decision(PublicId, AppendOnly):
    """What was decided about an investment, by whom, why and on which evidence: a copy, and its hash."""

    portfolio = models.ForeignKey(Portfolio, on_delete=models.PROTECT, related_name="decisions")
    investment = models.ForeignKey(Investment, on_delete=models.PROTECT, related_name="decisions")
    review = models.OneToOneField(Review, on_delete=models.PROTECT, related_name="decision")
    kind = models.CharField(max_length=12, choices=choices_of(DecisionKind))
    reason = models.TextField()
    conditions = models.TextField(blank=True)
    decided_on = models.DateField()
    decided_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    approval = models.ForeignKey(
        "portfolio.Approval",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
    )
    budget_amount = MoneyField(null=True, help_text="Money that moves, a positive amount.")
    budget_currency = models.CharField(max_length=3, blank=True, validators=[CURRENCY])
    budget_from = models.ForeignKey(
        Investment, on_delete=models.PROTECT, null=True, related_name="+", help_text="Empty: the reserve."
    )
    budget_to = models.ForeignKey(
        Investment, on_delete=models.PROTECT, null=True, related_name="+", help_text="Empty: the reserve."
    )
    next_review_on = models.DateField(null=True)
    expected_metric = models.CharField(
        max_length=32, blank=True, help_text="The figure the decision is meant to move."
    )
    expected_value = models.DecimalField(max_digits=20, decimal_places=6, null=True)
    expected_low = models.DecimalField(max_digits=20, decimal_places=6, null=True)
    expected_high = models.DecimalField(max_digits=20, decimal_places=6, null=True)
    expected_month = models.DateField(null=True, help_text="The month in which the outcome is looked at.")
    month = models.DateField(null=True, help_text="The last closed and complete month of the evidence.")
    knowledge = models.BigIntegerField(help_text="Knowledge time of the evidence.")
    engine_version = models.CharField(max_length=32)
    evidence = models.JSONField(help_text="What was known and shown when it was decided, copied.")
    evidence_hash = models.CharField(max_length=64)
    batch = models.ForeignKey("portfolio.Batch", on_delete=models.PROTECT, related_name="+")
    recorded_at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["investment", "-id"], name="decision_of_investment")]
        constraints = [
            models.CheckConstraint(condition=~Q(reason=""), name="decision_with_reason"),
            models.CheckConstraint(
                condition=Q(budget_amount__isnull=True, budget_from__isnull=True, budget_to__isnull=True)
                | (
                    Q(budget_amount__gt=0)
                    & ~Q(budget_currency="")
                    & (Q(budget_from__isnull=False) | Q(budget_to__isnull=False))
                    & (
                        Q(budget_from__isnull=True)
                        | Q(budget_to__isnull=True)
                        | ~Q(budget_to=F("budget_from"))
                    )
                ),
                name="decision_budget_moves",
            ),
            models.CheckConstraint(
                condition=Q(expected_high__gte=F("expected_low")) | Q(expected_high__isnull=True),
                name="decision_expected_in_order",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.decided_on}"


class StageChange(PublicId, AppendOnly):
    """An investment went from one stage to another: who did it, what the gate said, who allowed it."""

    investment = models.ForeignKey(Investment, on_delete=models.PROTECT, related_name="stage_changes")
    from_stage = models.CharField(max_length=16, choices=choices_of(Stage))
    to_stage = models.CharField(max_length=16, choices=choices_of(Stage))
    gate = models.JSONField(default=list, help_text="The gate's answers with their reasons, copied.")
    reason = models.TextField(blank=True)
    actor = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    approval = models.ForeignKey(
        "portfolio.Approval",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
    )
    decision = models.ForeignKey(Decision, on_delete=models.PROTECT, null=True, related_name="stage_changes")
    batch = models.ForeignKey("portfolio.Batch", on_delete=models.PROTECT, related_name="+")
    recorded_at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["investment", "-id"], name="stage_change_latest")]
        constraints = [
            models.CheckConstraint(condition=~Q(to_stage=F("from_stage")), name="stage_change_differs")
        ]

    def __str__(self) -> str:
        return f"{self.from_stage} to {self.to_stage}"


class ScorecardThresholds(AppendOnly):
    """A portfolio's own thresholds of the scorecard; the newest row is in force."""

    portfolio = models.ForeignKey(Portfolio, on_delete=models.PROTECT, related_name="scorecard_thresholds")
    thresholds = models.JSONField(default=dict)
    author = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    batch = models.ForeignKey("portfolio.Batch", on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name_plural = "scorecard thresholds"

    def __str__(self) -> str:
        return f"thresholds of {self.portfolio_id}"
