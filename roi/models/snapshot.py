"""What the facts amount to: one current snapshot per investment and month, and what each was computed from."""

from django.db import models

from portfolio.models import Investment
from portfolio.models.base import MoneyField
from portfolio.terms import Basis
from roi.engine.series import VOLUME_KEYS

# The undefined-able figures of a snapshot, in the order of the bytes of `Snapshot.reasons`. Only ever append.
FIGURES: tuple[str, ...] = (
    *(
        f"{name}_{basis.value}"
        for name in (
            "roi",
            "payback",
            "incremental_roi",
            "operating_margin",
            "npv",
            "npv_hurdle",
            "irr",
            "mirr",
            "discounted_payback",
        )
        for basis in Basis
    ),
    *(f"{share}_cost_per_{key}" for share in ("loaded", "marginal") for key in VOLUME_KEYS),
)


class Snapshot(models.Model):
    """The figures of one investment at the end of one month, recomputable from the ledger alone."""

    investment = models.ForeignKey(Investment, on_delete=models.CASCADE, related_name="+")
    month = models.DateField()
    month_number = models.PositiveSmallIntegerField(help_text="1 is the investment's start month.")
    knowledge = models.BigIntegerField(help_text="Knowledge time of the facts this was computed from.")
    engine_version = models.PositiveSmallIntegerField()
    fingerprint = models.UUIDField(
        help_text="Hash of every input of months 1 to this one, in canonical order."
    )
    is_closed = models.BooleanField()
    is_complete = models.BooleanField()
    is_missing_fx = models.BooleanField(help_text="An amount of this month has no FX rate.")

    run_cost = MoneyField()
    avoidable_run_cost = MoneyField()
    one_time_cost = MoneyField()
    benefit_claimed = MoneyField()
    benefit_supported = MoneyField()
    benefit_cashable = MoneyField()
    tco = MoneyField("TCO to date")
    cumulative_benefit_claimed = MoneyField()
    cumulative_benefit_supported = MoneyField()
    cumulative_benefit_cashable = MoneyField()
    window_avoidable_run_cost = MoneyField()
    window_benefit_claimed = MoneyField()
    window_benefit_supported = MoneyField()
    window_benefit_cashable = MoneyField()

    roi_claimed = models.FloatField(null=True)
    roi_supported = models.FloatField(null=True)
    roi_cashable = models.FloatField(null=True)
    payback_claimed = models.FloatField(null=True)
    payback_supported = models.FloatField(null=True)
    payback_cashable = models.FloatField(null=True)
    incremental_roi_claimed = models.FloatField(null=True)
    incremental_roi_supported = models.FloatField(null=True)
    incremental_roi_cashable = models.FloatField(null=True)
    npv_claimed = MoneyField(null=True)
    npv_supported = MoneyField(null=True)
    npv_cashable = MoneyField(null=True)
    npv_hurdle_claimed = MoneyField(null=True)
    npv_hurdle_supported = MoneyField(null=True)
    npv_hurdle_cashable = MoneyField(null=True)
    irr_claimed = models.FloatField(null=True)
    irr_supported = models.FloatField(null=True)
    irr_cashable = models.FloatField(null=True)
    mirr_claimed = models.FloatField(null=True)
    mirr_supported = models.FloatField(null=True)
    mirr_cashable = models.FloatField(null=True)
    discounted_payback_claimed = models.FloatField(null=True)
    discounted_payback_supported = models.FloatField(null=True)
    discounted_payback_cashable = models.FloatField(null=True)
    breakeven_month_claimed = models.PositiveSmallIntegerField(null=True)
    breakeven_month_supported = models.PositiveSmallIntegerField(null=True)
    breakeven_month_cashable = models.PositiveSmallIntegerField(null=True)
    last_breakeven_month_claimed = models.PositiveSmallIntegerField(null=True)
    last_breakeven_month_supported = models.PositiveSmallIntegerField(null=True)
    last_breakeven_month_cashable = models.PositiveSmallIntegerField(null=True)
    loaded_cost_per_query = models.FloatField(null=True)
    loaded_cost_per_user = models.FloatField(null=True)
    loaded_cost_per_conversation = models.FloatField(null=True)
    loaded_cost_per_outcome = models.FloatField(null=True)
    loaded_cost_per_successful_outcome = models.FloatField(null=True)
    marginal_cost_per_query = models.FloatField(null=True)
    marginal_cost_per_user = models.FloatField(null=True)
    marginal_cost_per_conversation = models.FloatField(null=True)
    marginal_cost_per_outcome = models.FloatField(null=True)
    marginal_cost_per_successful_outcome = models.FloatField(null=True)
    reasons = models.BinaryField(
        help_text="One byte per undefined-able figure, in the order of FIGURES; 0 is defined."
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["investment", "month"], name="snapshot_once_a_month")]

    def __str__(self) -> str:
        return f"{self.investment_id} {self.month:%Y-%m}"


class SnapshotHead(models.Model):
    """What the snapshots of one investment were computed from; older than a ledger head means stale."""

    investment = models.OneToOneField(
        Investment, on_delete=models.CASCADE, primary_key=True, related_name="+"
    )
    investment_knowledge = models.BigIntegerField(default=-1)
    portfolio_knowledge = models.BigIntegerField(default=-1)
    installation_knowledge = models.BigIntegerField(default=-1)
    engine_version = models.PositiveSmallIntegerField(default=0)
    fingerprint = models.UUIDField(null=True)
    revision = models.BigIntegerField(default=0, help_text="Grows each time the snapshots change.")
    last_month = models.DateField(null=True, help_text="Newest month with a snapshot.")
    last_complete_month = models.DateField(null=True, help_text="Newest closed and complete month.")
    planned_breakeven_month = models.DateField(null=True)
    planned_discounted_payback_month = models.DateField(null=True)
    planned_live_month = models.DateField(null=True)
    attempts = models.PositiveSmallIntegerField(
        default=0, help_text="Failed recomputes in a row; 5 is quarantined."
    )
    failed_knowledge = models.BigIntegerField(default=-1, help_text="Newer facts end the quarantine.")
    failure = models.TextField(blank=True)
    computed_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"head of {self.investment_id}"
