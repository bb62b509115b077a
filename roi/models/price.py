"""Negotiated token prices, which stand before the published ones."""

from django.db import models
from django.db.models import F, Q

from portfolio.models import Portfolio, User
from portfolio.models.base import AppendOnly, PublicId


class PriceOverride(PublicId, AppendOnly):
    """What a provider's model costs this organization or portfolio from a day on; a later row ends or withdraws it."""

    portfolio = models.ForeignKey(
        Portfolio, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    provider = models.CharField(max_length=64)
    model = models.CharField(max_length=128)
    effective_from = models.DateField()
    effective_until = models.DateField(null=True, blank=True, help_text="The first day it no longer holds.")
    currency = models.CharField(max_length=3, default="USD")
    input_per_million = models.DecimalField(max_digits=20, decimal_places=10)
    output_per_million = models.DecimalField(max_digits=20, decimal_places=10)
    cached_input_per_million = models.DecimalField(max_digits=20, decimal_places=10, null=True, blank=True)
    batch_discount = models.DecimalField(
        max_digits=5, decimal_places=4, null=True, blank=True, help_text="A fraction: 0.5 is half the price."
    )
    source = models.CharField(max_length=200, help_text="The contract or quote it comes from.")
    withdraws = models.OneToOneField(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="withdrawn_by"
    )
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["provider", "model", "effective_from", "id"]
        indexes = [models.Index(fields=["provider", "model", "effective_from"], name="price_in_force")]
        constraints = [
            models.CheckConstraint(
                condition=Q(input_per_million__gte=0, output_per_million__gte=0)
                & (Q(cached_input_per_million__isnull=True) | Q(cached_input_per_million__gte=0)),
                name="price_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(effective_until__isnull=True) | Q(effective_until__gt=F("effective_from")),
                name="price_until_after_from",
            ),
            models.CheckConstraint(
                condition=Q(batch_discount__isnull=True) | Q(batch_discount__gte=0, batch_discount__lte=1),
                name="price_batch_discount",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.provider}/{self.model} from {self.effective_from}"
