"""The measurable claim of value that justified the money."""

import pghistory
from django.db import models
from django.db.models import F, Q

from portfolio.models.base import AppendOnly, choices_of
from portfolio.models.investment import Investment
from portfolio.models.user import User
from portfolio.terms import BaselineMeasure, StrategicKind


@pghistory.track()
class Hypothesis(AppendOnly):
    """One version of an investment's claim: metric, baseline, target and the line at which to stop."""

    DIRECTIONS = [("increase", "Increase"), ("decrease", "Decrease")]

    investment = models.ForeignKey(Investment, on_delete=models.CASCADE, related_name="hypotheses")
    version = models.PositiveIntegerField(default=1)
    claim = models.TextField()
    metric = models.CharField(max_length=200)
    unit = models.CharField(max_length=50, blank=True)
    baseline = models.DecimalField(max_digits=20, decimal_places=6, null=True, blank=True)
    baseline_from = models.DateField(null=True, blank=True, help_text="First day the baseline was measured.")
    baseline_to = models.DateField(null=True, blank=True)
    target = models.DecimalField(max_digits=20, decimal_places=6, null=True, blank=True)
    target_low = models.DecimalField(max_digits=20, decimal_places=6, null=True, blank=True)
    target_high = models.DecimalField(max_digits=20, decimal_places=6, null=True, blank=True)
    target_date = models.DateField(null=True, blank=True)
    direction = models.CharField(max_length=8, choices=DIRECTIONS, default="increase")
    measurement_method = models.TextField(blank=True)
    kill_line = models.TextField(blank=True, help_text="What would prove the claim wrong and stop the money.")
    confounders = models.TextField(
        blank=True, help_text="What else could move the metric, and how it is watched."
    )
    author = models.ForeignKey("portfolio.User", on_delete=models.PROTECT, null=True, related_name="+")
    reason = models.TextField(blank=True, help_text="Why this version replaces the one before.")
    batch = models.ForeignKey("portfolio.Batch", on_delete=models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-version"]
        verbose_name_plural = "hypotheses"
        constraints = [
            models.UniqueConstraint(fields=["investment", "version"], name="hypothesis_version_once"),
            models.CheckConstraint(
                condition=Q(baseline_to__gte=F("baseline_from")) | Q(baseline_to__isnull=True),
                name="hypothesis_baseline_in_order",
            ),
            models.CheckConstraint(
                condition=Q(target_high__gte=F("target_low")) | Q(target_high__isnull=True),
                name="hypothesis_interval_in_order",
            ),
        ]

    def __str__(self) -> str:
        return self.claim[:80]


class Stated(AppendOnly):
    """A statement about an investment: written once, the newest is in force; its batch says since when it is known."""

    investment = models.ForeignKey(Investment, on_delete=models.PROTECT, related_name="%(class)s_statements")
    author = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    batch = models.ForeignKey("portfolio.Batch", on_delete=models.PROTECT, related_name="+")

    class Meta:
        abstract = True


class Baseline(Stated):
    """What was measured before deployment, over a period: later months are compared with it."""

    measure = models.CharField(max_length=32, choices=choices_of(BaselineMeasure))
    label = models.CharField(max_length=120, blank=True)
    unit = models.CharField(max_length=50)
    value = models.DecimalField(max_digits=20, decimal_places=6)
    period_from = models.DateField()
    period_to = models.DateField()
    method = models.TextField(help_text="How it was measured, and by whom.")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(period_to__gte=F("period_from")), name="baseline_period_in_order"
            )
        ]

    def __str__(self) -> str:
        return f"{self.measure} {self.value} {self.unit}"


class StrategicTerms(Stated):
    """Why an investment is kept for more than its return, how important it is, and when that claim expires."""

    kind = models.CharField(max_length=20, choices=choices_of(StrategicKind))
    narrative = models.TextField()
    review_criteria = models.TextField()
    horizon_months = models.PositiveSmallIntegerField()
    importance = models.PositiveSmallIntegerField(help_text="1 is low, 5 is high.")
    expires_on = models.DateField(help_text="From this day on the claim no longer counts.")

    class Meta:
        verbose_name_plural = "strategic terms"
        constraints = [
            models.CheckConstraint(
                condition=Q(importance__gte=1, importance__lte=5), name="strategic_importance_1_to_5"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.importance}"


class Differentiation(Stated):
    """How far an investment sets the company apart, rated and dated; superseded when others sell the same."""

    rating = models.PositiveSmallIntegerField(help_text="1 is a commodity, 5 is unique.")
    narrative = models.TextField()
    rated_on = models.DateField()
    is_superseded = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(rating__gte=1, rating__lte=5), name="differentiation_rating_1_to_5"
            )
        ]

    def __str__(self) -> str:
        return f"{self.rating}{' superseded' if self.is_superseded else ''}"
