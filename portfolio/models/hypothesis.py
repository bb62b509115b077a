"""The measurable claim of value that justified the money."""

import pghistory
from django.db import models

from portfolio.models.investment import Investment


@pghistory.track()
class Hypothesis(models.Model):
    """One version of an investment's claim: metric, baseline, target and the line at which to stop."""

    DIRECTIONS = [("increase", "Increase"), ("decrease", "Decrease")]

    investment = models.ForeignKey(Investment, on_delete=models.CASCADE, related_name="hypotheses")
    version = models.PositiveIntegerField(default=1)
    claim = models.TextField()
    metric = models.CharField(max_length=200)
    unit = models.CharField(max_length=50, blank=True)
    baseline = models.DecimalField(max_digits=20, decimal_places=6, null=True, blank=True)
    target = models.DecimalField(max_digits=20, decimal_places=6, null=True, blank=True)
    target_date = models.DateField(null=True, blank=True)
    direction = models.CharField(max_length=8, choices=DIRECTIONS, default="increase")
    measurement_method = models.TextField(blank=True)
    kill_line = models.TextField(blank=True, help_text="What would prove the claim wrong and stop the money.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-version"]
        verbose_name_plural = "hypotheses"
        constraints = [
            models.UniqueConstraint(fields=["investment", "version"], name="hypothesis_version_once")
        ]

    def __str__(self) -> str:
        return self.claim[:80]
