"""An investment: who owns it, what it is for, when it began, and where it runs."""

import pghistory
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q

from portfolio.models.base import AppendOnly, PublicId, choices_of
from portfolio.models.portfolio import CODE, Portfolio
from portfolio.terms import Stage, ValueCategory


@pghistory.track()
class Investment(PublicId):
    """A funded AI use case with an owner, a hypothesis, a hurdle rate and a review date."""

    portfolio = models.ForeignKey(Portfolio, on_delete=models.PROTECT, related_name="investments")
    code = models.CharField(max_length=32, unique=True, validators=[CODE], db_collation="C")
    name = models.CharField(max_length=300)
    summary = models.TextField(blank=True)
    owner = models.ForeignKey(
        "portfolio.User", on_delete=models.PROTECT, null=True, related_name="owned_investments"
    )
    sponsor = models.ForeignKey(
        "portfolio.User",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="sponsored_investments",
    )
    data_owner = models.ForeignKey(
        "portfolio.User",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="Who is asked for missing actuals. Empty: finance of the portfolio.",
    )
    business_unit = models.CharField(max_length=100, blank=True)
    use_case = models.CharField(max_length=100, blank=True)
    value_category = models.CharField(
        max_length=16, choices=choices_of(ValueCategory), default=ValueCategory.COST_SAVINGS.value
    )
    stage = models.CharField(max_length=16, choices=choices_of(Stage), default=Stage.PROPOSED.value)
    start_month = models.DateField(help_text="Month 1: the first month that may carry cost.")
    live_month = models.DateField(
        null=True, blank=True, help_text="First month of use. Empty: the first month with a benefit."
    )
    end_month = models.DateField(null=True, blank=True, help_text="Last month that is expected to report.")
    horizon_months = models.PositiveSmallIntegerField(
        default=36, validators=[MinValueValidator(1), MaxValueValidator(120)]
    )
    review_date = models.DateField(null=True, blank=True)
    is_exploration = models.BooleanField(
        default=False, help_text="An experiment, paid from the reserve for exploration."
    )
    is_must_fund = models.BooleanField(default=False, help_text="Funded whatever it earns, as a duty is.")
    exclusive_group = models.CharField(
        max_length=64, blank=True, help_text="Of investments with the same word here, one at most is funded."
    )
    capacity_person_months = models.DecimalField(
        max_digits=10, decimal_places=2, default=0, help_text="What it takes of the teams in a fiscal year."
    )
    approved_plan_version = models.PositiveIntegerField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["code"]
        constraints = [
            models.CheckConstraint(
                condition=Q(start_month__day=1)
                & (Q(live_month__isnull=True) | Q(live_month__day=1))
                & (Q(end_month__isnull=True) | Q(end_month__day=1)),
                name="investment_months_first_day",
            ),
            models.CheckConstraint(
                condition=(Q(live_month__isnull=True) | Q(live_month__gte=F("start_month")))
                & (Q(end_month__isnull=True) | Q(end_month__gte=F("start_month"))),
                name="investment_months_in_order",
            ),
            models.CheckConstraint(
                condition=Q(horizon_months__gte=1, horizon_months__lte=120), name="investment_horizon"
            ),
            models.CheckConstraint(
                condition=Q(capacity_person_months__gte=0), name="investment_capacity_not_negative"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


@pghistory.track()
class Deployment(models.Model):
    """Where and on what an investment runs, from a month on."""

    TARGETS = [("cloud", "Cloud"), ("on_premises", "On premises"), ("edge", "Edge")]

    investment = models.ForeignKey(Investment, on_delete=models.CASCADE, related_name="deployments")
    effective_month = models.DateField()
    target = models.CharField(max_length=16, choices=TARGETS, default="cloud")
    vendor = models.CharField(max_length=100, blank=True)
    model = models.CharField(max_length=100, blank=True)
    model_version = models.CharField(max_length=100, blank=True)
    hardware_tier = models.CharField(max_length=100, blank=True)
    is_quantized = models.BooleanField(default=False)
    latency_target_ms = models.PositiveIntegerField(null=True, blank=True)
    is_latency_sensitive = models.BooleanField(default=False)
    has_rollback = models.BooleanField(default=False, help_text="An earlier model version can be restored.")

    class Meta:
        ordering = ["effective_month"]
        constraints = [
            models.UniqueConstraint(fields=["investment", "effective_month"], name="deployment_once_a_month"),
            models.CheckConstraint(condition=Q(effective_month__day=1), name="deployment_first_day"),
        ]

    def __str__(self) -> str:
        return f"{self.target} from {self.effective_month:%Y-%m}"


class InvestmentVersion(AppendOnly):
    """The terms that figures depend on, from one knowledge time on: portfolio, months and horizon."""

    batch = models.ForeignKey("portfolio.Batch", on_delete=models.PROTECT, related_name="+")
    investment = models.ForeignKey(Investment, on_delete=models.PROTECT, related_name="versions")
    portfolio = models.ForeignKey(Portfolio, on_delete=models.PROTECT, related_name="+")
    start_month = models.DateField()
    live_month = models.DateField(null=True)
    end_month = models.DateField(null=True)
    horizon_months = models.PositiveSmallIntegerField()
    approval = models.ForeignKey(
        "portfolio.Approval",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="What allowed new terms of an approved investment.",
    )

    class Meta:
        indexes = [models.Index(fields=["investment", "-batch"], name="investment_version_latest")]

    def __str__(self) -> str:
        return f"{self.investment_id} in {self.portfolio_id}"


class PlanApproval(AppendOnly):
    """Which version of the plan book is the approved one from one knowledge time on."""

    batch = models.ForeignKey("portfolio.Batch", on_delete=models.PROTECT, related_name="+")
    investment = models.ForeignKey(Investment, on_delete=models.PROTECT, related_name="plan_approvals")
    version = models.PositiveIntegerField()
    approval = models.ForeignKey(
        "portfolio.Approval",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
    )

    def __str__(self) -> str:
        return f"plan {self.version} of {self.investment_id}"


@pghistory.track()
class InvestmentDependency(models.Model):
    """One investment can only be funded together with another."""

    investment = models.ForeignKey(Investment, on_delete=models.CASCADE, related_name="dependencies")
    needs = models.ForeignKey(Investment, on_delete=models.CASCADE, related_name="needed_by")

    class Meta:
        verbose_name_plural = "investment dependencies"
        constraints = [
            models.UniqueConstraint(fields=["investment", "needs"], name="dependency_once"),
            models.CheckConstraint(condition=~Q(needs=F("investment")), name="dependency_on_another"),
        ]

    def __str__(self) -> str:
        return f"{self.investment_id} needs {self.needs_id}"
