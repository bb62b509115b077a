"""Business cases as people write them: drivers of a template, scenarios beside the base, and studies run on them."""

import pghistory
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from portfolio.models import Investment, Portfolio, User
from portfolio.models.base import AppendOnly, PublicId, RateField

LONGEST_CASE = 120


@pghistory.track()
class BusinessCase(PublicId):
    """A template with the driver values of one investment, existing or proposed; its plan is written on submission."""

    portfolio = models.ForeignKey(Portfolio, on_delete=models.PROTECT, related_name="+")
    investment = models.ForeignKey(
        Investment, on_delete=models.PROTECT, null=True, blank=True, related_name="business_cases"
    )
    template = models.CharField(max_length=48)
    title = models.CharField(max_length=300)
    months = models.PositiveSmallIntegerField(
        validators=[MinValueValidator(1), MaxValueValidator(LONGEST_CASE)], help_text="The horizon."
    )
    hurdle_rate = RateField(null=True, blank=True, help_text="Per year. Empty: the portfolio's.")
    discount_rate = RateField(null=True, blank=True, help_text="Per year. Empty: the portfolio's.")
    drivers = models.JSONField(
        default=dict, help_text="Driver name to value; what is absent has the template's."
    )
    hidden_costs = models.JSONField(
        default=dict, help_text="Hidden cost to its answer: amount, or why there is none."
    )
    distributions = models.JSONField(
        default=dict, help_text="Driver name to the distribution it is drawn from."
    )
    correlations = models.JSONField(default=list, help_text="Pairs of drivers with their correlation.")
    revision = models.PositiveIntegerField(
        default=1, help_text="Counts saves; a save states the one it read."
    )
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    updated_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        ordering = ["-updated_at", "-id"]
        constraints = [
            models.CheckConstraint(condition=Q(months__gte=1, months__lte=LONGEST_CASE), name="case_months"),
            models.CheckConstraint(
                condition=(Q(hurdle_rate__isnull=True) | Q(hurdle_rate__gt=-1))
                & (Q(discount_rate__isnull=True) | Q(discount_rate__gt=-1)),
                name="case_rates",
            ),
        ]

    def __str__(self) -> str:
        return self.title


@pghistory.track()
class Scenario(PublicId):
    """Driver values that differ from the case's base, under a name."""

    KINDS = [(kind, kind.capitalize()) for kind in ("pessimistic", "base", "optimistic", "own")]

    case = models.ForeignKey(BusinessCase, on_delete=models.CASCADE, related_name="scenarios")
    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=16, choices=KINDS, default="own")
    drivers = models.JSONField(default=dict)
    note = models.TextField(blank=True)
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["case", "id"]
        constraints = [models.UniqueConstraint(fields=["case", "name"], name="scenario_name_once")]

    def __str__(self) -> str:
        return self.name


class CaseSubmission(AppendOnly):
    """A business case as it was submitted: the version of the plan book it was written to, and what it said."""

    case = models.ForeignKey(BusinessCase, on_delete=models.PROTECT, related_name="submissions")
    investment = models.ForeignKey(Investment, on_delete=models.PROTECT, related_name="+")
    version = models.PositiveIntegerField()
    batch = models.ForeignKey("portfolio.Batch", on_delete=models.PROTECT, related_name="+")
    revision = models.PositiveIntegerField(help_text="Of the case, when it was submitted.")
    content = models.JSONField(
        help_text="Template, drivers, hidden costs, rates, months and figures, copied."
    )
    content_hash = models.CharField(max_length=64)
    submitted_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    submitted_at = models.DateTimeField()

    class Meta:
        ordering = ["case", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["investment", "version"], name="case_submission_version_once")
        ]

    def __str__(self) -> str:
        return f"plan {self.version} of {self.investment_id}"


class CaseStudy(PublicId):
    """A long computation on a case, made by a worker on request: asked, started, done or failed with its reason."""

    KINDS = [("sobol", "Sobol indices"), ("monte_carlo", "Monte Carlo")]
    STATES = [(state, state.capitalize()) for state in ("asked", "done", "failed")]

    case = models.ForeignKey(BusinessCase, on_delete=models.CASCADE, related_name="studies")
    kind = models.CharField(max_length=16, choices=KINDS)
    inputs = models.JSONField(
        help_text="All that the computation needs, copied; the same inputs give the same result."
    )
    state = models.CharField(max_length=8, choices=STATES, default="asked")
    result = models.JSONField(null=True)
    problem = models.TextField(blank=True)
    tries = models.PositiveSmallIntegerField(default=0)
    asked_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["case", "-id"]
        verbose_name_plural = "case studies"
        indexes = [
            models.Index(fields=["id"], name="case_study_asked", condition=Q(state="asked")),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.case_id}"
