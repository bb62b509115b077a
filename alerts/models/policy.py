"""Threshold policies: templates on the portfolio, and the investment's own immutable versions."""

import pghistory
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from alerts.rules import RULES
from portfolio.models import Batch, Investment, Portfolio
from portfolio.models.base import AppendOnly, choices_of
from portfolio.terms import Basis

RULE_CHOICES = [(name, name.replace("_", " ").capitalize()) for name in RULES]
MEASURES = [
    ("incremental_roi", "Incremental ROI against the plain hurdle"),
    ("npv", "NPV at the annual hurdle rate, below zero"),
    ("irr", "Annual IRR against the hurdle"),
]
SEVERITIES = [("good_news", "Good news"), ("info", "Info"), ("warning", "Warning"), ("critical", "Critical")]


class PolicyTerms(models.Model):
    """What a policy says, on a template and on an investment's copy alike."""

    rule = models.CharField(max_length=32, choices=RULE_CHOICES)
    is_enabled = models.BooleanField(default=True)
    basis = models.CharField(max_length=9, choices=choices_of(Basis), default=Basis.SUPPORTED.value)
    measure = models.CharField(
        max_length=16,
        choices=MEASURES,
        default="incremental_roi",
        help_text="Judged by the hurdle rule only.",
    )
    hurdle = models.DecimalField(
        max_digits=12,
        decimal_places=8,
        null=True,
        blank=True,
        help_text="0.12 is twelve percent. Empty: the investment's hurdle rate at the time of approval. "
        "Of an early warning: the probability it fires at.",
    )
    window = models.PositiveSmallIntegerField(
        default=3,
        validators=[MinValueValidator(1), MaxValueValidator(24)],
        help_text="Months added up. Of an early warning: months looked ahead.",
    )
    for_months = models.PositiveSmallIntegerField(
        default=1, validators=[MinValueValidator(1), MaxValueValidator(12)]
    )
    keep_months = models.PositiveSmallIntegerField(
        default=1, validators=[MinValueValidator(1), MaxValueValidator(12)]
    )
    margin = models.DecimalField(
        max_digits=20,
        decimal_places=8,
        default=0,
        help_text="Clears at the threshold plus this; not negative.",
    )
    armed_from_month = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="First month number that is judged. Empty: by the rule's own arming."
    )
    severity = models.CharField(max_length=9, choices=SEVERITIES, default="warning")

    class Meta:
        abstract = True


@pghistory.track()
class PolicyTemplate(PolicyTerms):
    """A portfolio's default for one rule; resolved and copied when an investment is approved."""

    portfolio = models.ForeignKey(Portfolio, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["portfolio", "rule"], name="policy_template_once"),
            models.CheckConstraint(condition=Q(margin__gte=0), name="policy_template_margin"),
        ]

    def __str__(self) -> str:
        return f"{self.rule} of {self.portfolio_id}"


class Policy(AppendOnly, PolicyTerms):
    """One immutable version of an investment's policy for one rule, from an effective month on."""

    investment = models.ForeignKey(Investment, on_delete=models.PROTECT, related_name="+")
    version = models.PositiveIntegerField()
    effective_month = models.DateField()
    batch = models.ForeignKey(Batch, on_delete=models.PROTECT, related_name="+")
    author = models.ForeignKey("portfolio.User", on_delete=models.PROTECT, null=True, related_name="+")
    approval = models.ForeignKey(
        "portfolio.Approval",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
    )
    reason = models.TextField(blank=True)

    class Meta:
        verbose_name_plural = "policies"
        constraints = [
            models.UniqueConstraint(fields=["investment", "rule", "version"], name="policy_version_once"),
            models.CheckConstraint(condition=Q(effective_month__day=1), name="policy_first_day"),
            models.CheckConstraint(condition=Q(margin__gte=0), name="policy_margin"),
        ]

    def __str__(self) -> str:
        return f"{self.rule} v{self.version} of {self.investment_id}"
