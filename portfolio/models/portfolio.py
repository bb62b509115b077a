"""A portfolio, its versioned assumptions, and the states of its months."""

from decimal import Decimal

import pghistory
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Q

from portfolio.models.base import AppendOnly, MoneyField, PublicId, RateField, choices_of
from portfolio.models.user import validate_time_zone
from portfolio.terms import MonthStatus

CODE = RegexValidator(
    r"\A[A-Za-z0-9][A-Za-z0-9._-]*\Z", "Use letters, digits, dot, dash and underscore only."
)
CURRENCY = RegexValidator(r"\A[A-Z]{3}\Z", "Write a currency as its three capital letters, for example USD.")


@pghistory.track()
class Portfolio(PublicId):
    """Investments governed together by one owner body; the border of access."""

    code = models.CharField(max_length=32, unique=True, validators=[CODE], db_collation="C")
    name = models.CharField(max_length=200)
    reporting_currency = models.CharField(max_length=3, validators=[CURRENCY], default="USD")
    time_zone = models.CharField(max_length=64, default="UTC", validators=[validate_time_zone])
    fiscal_year_start_month = models.PositiveSmallIntegerField(
        default=1, validators=[MinValueValidator(1), MaxValueValidator(12)]
    )
    close_day = models.PositiveSmallIntegerField(
        default=10,
        validators=[MinValueValidator(1), MaxValueValidator(28)],
        help_text="A month is closed automatically this many days after its end.",
    )
    digest_hour = models.PositiveSmallIntegerField(
        default=8, validators=[MaxValueValidator(23)], help_text="Local hour at which digests leave."
    )
    weekend = models.CharField(
        max_length=6,
        default="56",
        blank=True,
        validators=[
            RegexValidator(r"\A(?!.*(.).*\1)[0-6]{0,6}\Z", "Write weekdays as digits, 0 is Monday: 56.")
        ],
        help_text="Weekdays that are no business days; 0 is Monday, 56 is Saturday and Sunday.",
    )
    norm_band_start_months = models.PositiveSmallIntegerField(
        default=9, help_text="Reference band for reaching breakeven, first month. A convention, not a rule."
    )
    norm_band_end_months = models.PositiveSmallIntegerField(
        default=24, help_text="Last month of the band; judged as overdue after it where no plan is approved."
    )
    exploration_share = RateField(
        default=0, help_text="Share of budget and capacity reserved for experiments; 0.1 is ten percent."
    )
    materiality_threshold = models.DecimalField(
        max_digits=20,
        decimal_places=6,
        default=100_000,
        help_text="An investment from this cost on is major.",
    )

    yearly_budget = MoneyField(
        null=True, blank=True, help_text="What may be spent in a fiscal year, in the reporting currency."
    )
    capacity_person_months = models.DecimalField(
        max_digits=10,
        decimal_places=2,
        null=True,
        blank=True,
        help_text="What the teams can work on investments in a fiscal year.",
    )
    risk_aversion = RateField(
        default=Decimal("0.5"),
        help_text="Share of the distance from the mean down to P10 that is taken off an NPV.",
    )
    review_cadence_months = models.PositiveSmallIntegerField(
        default=3,
        validators=[MinValueValidator(1), MaxValueValidator(24)],
        help_text="Months from one regular review of an investment to the next.",
    )
    review_business_days = models.PositiveSmallIntegerField(
        default=10,
        validators=[MinValueValidator(1), MaxValueValidator(120)],
        help_text="Business days in which a review that an alert opened is due.",
    )

    class Meta:
        ordering = ["code"]
        constraints = [
            models.CheckConstraint(
                condition=Q(risk_aversion__gte=0, risk_aversion__lte=5), name="portfolio_risk_aversion"
            ),
            models.CheckConstraint(
                condition=Q(review_cadence_months__gte=1, review_business_days__gte=1),
                name="portfolio_review_days",
            ),
            models.CheckConstraint(
                condition=(Q(yearly_budget__isnull=True) | Q(yearly_budget__gte=0))
                & (Q(capacity_person_months__isnull=True) | Q(capacity_person_months__gte=0)),
                name="portfolio_limits_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(fiscal_year_start_month__gte=1, fiscal_year_start_month__lte=12),
                name="portfolio_fiscal_month",
            ),
            models.CheckConstraint(
                condition=Q(close_day__gte=1, close_day__lte=28), name="portfolio_close_day"
            ),
            models.CheckConstraint(
                condition=Q(norm_band_end_months__gte=F("norm_band_start_months")), name="portfolio_norm_band"
            ),
            models.CheckConstraint(
                condition=Q(exploration_share__gte=0, exploration_share__lte=1),
                name="portfolio_exploration_share",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


def validate_realization(rates: object) -> None:
    """Refuse realization rates that are not a map of account code to a fraction between 0 and 1."""
    if not isinstance(rates, dict):
        raise ValidationError("Realization rates are a map of account code to fraction.")
    for code, rate in rates.items():
        try:
            is_fraction = 0 <= float(rate) <= 1
        except (TypeError, ValueError):
            is_fraction = False
        if not is_fraction:
            raise ValidationError(f"The realization rate of {code} must be a fraction between 0 and 1.")


class Assumptions(AppendOnly):
    """Rates in force from one knowledge time on, of a portfolio or overriding it for one investment."""

    batch = models.ForeignKey("portfolio.Batch", on_delete=models.PROTECT, related_name="+")
    portfolio = models.ForeignKey(Portfolio, on_delete=models.PROTECT, related_name="assumptions")
    investment = models.ForeignKey(
        "portfolio.Investment", on_delete=models.PROTECT, null=True, related_name="assumptions"
    )
    hurdle_rate = RateField(null=True, help_text="Per year, effective; 0.12 is twelve percent.")
    discount_rate = RateField(null=True, help_text="Per year, effective.")
    asserted_share = RateField(null=True, help_text="Share of a claimed benefit that counts without a study.")
    approval = models.ForeignKey(
        "portfolio.Approval",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
    )
    realization_rates = models.JSONField(
        default=dict,
        blank=True,
        validators=[validate_realization],
        help_text="Share of a supported benefit that becomes cash, by account code; others count in full.",
    )

    class Meta:
        verbose_name_plural = "assumptions"
        indexes = [models.Index(fields=["portfolio", "investment", "-batch"], name="assumptions_latest")]
        constraints = [
            models.CheckConstraint(
                condition=Q(investment__isnull=False)
                | Q(hurdle_rate__isnull=False, discount_rate__isnull=False, asserted_share__isnull=False),
                name="assumptions_portfolio_complete",
            ),
            models.CheckConstraint(
                condition=(Q(hurdle_rate__isnull=True) | Q(hurdle_rate__gt=-1, hurdle_rate__lte=10))
                & (Q(discount_rate__isnull=True) | Q(discount_rate__gt=-1, discount_rate__lte=10))
                & (Q(asserted_share__isnull=True) | Q(asserted_share__gte=0, asserted_share__lte=1)),
                name="assumptions_rates_in_range",
            ),
        ]

    def __str__(self) -> str:
        return f"assumptions {self.pk}"


class MonthState(AppendOnly):
    """One change of a portfolio month's state; the last row is the state in force."""

    batch = models.ForeignKey("portfolio.Batch", on_delete=models.PROTECT, related_name="+")
    portfolio = models.ForeignKey(Portfolio, on_delete=models.PROTECT, related_name="month_states")
    month = models.DateField()
    status = models.CharField(max_length=8, choices=choices_of(MonthStatus))
    actor = models.ForeignKey("portfolio.User", on_delete=models.PROTECT, null=True, related_name="+")
    approver = models.ForeignKey("portfolio.User", on_delete=models.PROTECT, null=True, related_name="+")
    reason = models.TextField(blank=True)

    class Meta:
        indexes = [models.Index(fields=["portfolio", "month", "-batch"], name="month_state_latest")]
        constraints = [
            models.CheckConstraint(condition=Q(month__day=1), name="month_state_first_day"),
            models.CheckConstraint(condition=~Q(approver=F("actor")), name="month_state_four_eyes"),
        ]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m} {self.status}"
