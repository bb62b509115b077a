"""Benefit pools: what several investments may claim together. Each version of the terms is written once."""

from django.db import models
from django.db.models import Q

from portfolio.models import Account, Investment, Portfolio, User
from portfolio.models.base import AppendOnly, MoneyField, PublicId, choices_of
from roi.engine.pools import SharingRule


class Pool(PublicId):
    """A benefit that several investments of a portfolio claim, and that exists once."""

    portfolio = models.ForeignKey(Portfolio, on_delete=models.PROTECT, related_name="pools")
    name = models.CharField(max_length=120)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["portfolio", "name"], name="pool_name_once")]

    def __str__(self) -> str:
        return self.name


class PoolTerms(AppendOnly):
    """Cap, sharing rule and members from one knowledge time on; the newest are in force."""

    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, related_name="terms")
    batch = models.ForeignKey("portfolio.Batch", on_delete=models.PROTECT, related_name="+")
    monthly_cap = MoneyField(
        help_text="What all members together may claim in a month, in the reporting currency."
    )
    rule = models.CharField(
        max_length=16, choices=choices_of(SharingRule), default=SharingRule.PRO_RATA.value
    )
    account = models.ForeignKey(
        Account,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        help_text="The benefit that is capped. Empty: all benefits of the members.",
    )
    is_active = models.BooleanField(default=True)
    author = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    reason = models.TextField(blank=True)

    class Meta:
        verbose_name_plural = "pool terms"
        constraints = [
            models.UniqueConstraint(fields=["pool", "batch"], name="pool_terms_once_a_batch"),
            models.CheckConstraint(condition=Q(monthly_cap__gte=0), name="pool_cap_not_negative"),
        ]

    def __str__(self) -> str:
        return f"terms of {self.pool_id} at {self.batch_id}"


class PoolMember(AppendOnly):
    """An investment whose claims count against a pool, from a month on."""

    terms = models.ForeignKey(PoolTerms, on_delete=models.PROTECT, related_name="members")
    investment = models.ForeignKey(Investment, on_delete=models.PROTECT, related_name="pool_memberships")
    since = models.DateField(help_text="First month whose claims are shared.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["terms", "investment"], name="pool_member_once"),
            models.CheckConstraint(condition=Q(since__day=1), name="pool_member_since_first_day"),
        ]

    def __str__(self) -> str:
        return f"{self.investment_id} since {self.since:%Y-%m}"
