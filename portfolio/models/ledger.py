"""The ledger's tables: entries are append-only, cells hold the current entry of each key.

Only `portfolio.ledger` writes them.
"""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from portfolio.models.base import AppendOnly, MoneyField, PublicId, choices_of
from portfolio.models.investment import Investment
from portfolio.models.portfolio import CODE, Portfolio
from portfolio.terms import AccountKind, Aggregation, Book, EntryKind, Nature, Treatment

# Account positions are bits of two 63-bit words, so that presence of all accounts of a month is two integers.
MAX_ACCOUNTS = 126


class Batch(AppendOnly):
    """One act of knowing something new: its key is the knowledge time, drawn under the portfolio's lock."""

    KINDS = [
        (kind, kind.replace("_", " ").capitalize())
        for kind in (
            "actuals",
            "plan",
            "forecast",
            "undo",
            "assumptions",
            "accounts",
            "fx_rates",
            "months",
            "terms",
            "policies",
            "governance",
        )
    ]

    id = models.BigIntegerField(primary_key=True)
    portfolio = models.ForeignKey(Portfolio, on_delete=models.PROTECT, null=True, related_name="batches")
    kind = models.CharField(max_length=16, choices=KINDS)
    source = models.CharField(max_length=64, blank=True)
    actor = models.ForeignKey("portfolio.User", on_delete=models.PROTECT, null=True, related_name="+")
    approver = models.ForeignKey("portfolio.User", on_delete=models.PROTECT, null=True, related_name="+")
    reason = models.TextField(blank=True)
    undoes = models.OneToOneField("self", on_delete=models.PROTECT, null=True, related_name="undone_by")
    import_run = models.ForeignKey(
        "portfolio.ImportRun", on_delete=models.PROTECT, null=True, related_name="batches"
    )
    recorded_at = models.DateTimeField()
    content_hash = models.CharField(max_length=64)
    chain_hash = models.CharField(
        max_length=64, help_text="SHA-256 of the portfolio's previous chain hash and this batch's content."
    )

    class Meta:
        verbose_name_plural = "batches"
        indexes = [models.Index(fields=["portfolio", "-id"], name="batch_latest")]
        constraints = [models.CheckConstraint(condition=~Q(approver=F("actor")), name="batch_four_eyes")]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class Account(PublicId):
    """A line of the ledger: what is paid, earned, counted or measured. Shipped as data, extensible."""

    code = models.CharField(max_length=48, unique=True, validators=[CODE], db_collation="C")
    name = models.CharField(max_length=120)
    help_text = models.CharField(max_length=300, blank=True)
    position = models.PositiveSmallIntegerField(unique=True)
    kind = models.CharField(max_length=8, choices=choices_of(AccountKind))
    nature = models.CharField(max_length=8, choices=choices_of(Nature), blank=True)
    treatment = models.CharField(max_length=8, choices=choices_of(Treatment), blank=True)
    is_avoidable = models.BooleanField(default=False, help_text="Would end if the investment were stopped.")
    is_usage_driven = models.BooleanField(default=False, help_text="Grows with use; counts as marginal cost.")
    unit = models.CharField(max_length=32, blank=True)
    aggregation = models.CharField(
        max_length=16, choices=choices_of(Aggregation), default=Aggregation.SUM.value
    )
    volume_key = models.CharField(
        max_length=20,
        blank=True,
        help_text="Which unit cost this volume divides: query, user, conversation, …",
    )
    is_higher_better = models.BooleanField(null=True, blank=True)
    regulatory_tag = models.CharField(max_length=64, blank=True)
    is_active = models.BooleanField(default=True)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.CheckConstraint(condition=Q(position__lt=MAX_ACCOUNTS), name="account_position"),
            models.CheckConstraint(
                condition=(Q(kind="cost") & ~Q(nature="") & ~Q(treatment=""))
                | (~Q(kind="cost") & Q(nature="")),
                name="account_cost_has_nature",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["cost", "benefit"], unit="")
                | (Q(kind__in=["volume", "quality"]) & ~Q(unit="")),
                name="account_unit",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class AccountVersion(AppendOnly):
    """The attributes of an account from one knowledge time on."""

    batch = models.ForeignKey(Batch, on_delete=models.PROTECT, related_name="+")
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="versions")
    nature = models.CharField(max_length=8, blank=True)
    treatment = models.CharField(max_length=8, blank=True)
    is_avoidable = models.BooleanField()
    is_usage_driven = models.BooleanField()
    regulatory_tag = models.CharField(max_length=64, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "batch"], name="account_version_once")]

    def __str__(self) -> str:
        return f"{self.account_id} at {self.batch_id}"


class FxRate(AppendOnly):
    """Units of reporting currency per unit of currency, the average of a month."""

    batch = models.ForeignKey(Batch, on_delete=models.PROTECT, related_name="+")
    currency = models.CharField(max_length=3)
    reporting_currency = models.CharField(max_length=3)
    month = models.DateField()
    rate = models.DecimalField(max_digits=20, decimal_places=10)
    source = models.CharField(max_length=120)

    class Meta:
        verbose_name = "FX rate"
        constraints = [
            models.UniqueConstraint(
                fields=["currency", "reporting_currency", "month", "batch"], name="fx_rate_once_a_batch"
            ),
            models.CheckConstraint(condition=Q(rate__gt=0), name="fx_rate_positive"),
            models.CheckConstraint(condition=Q(month__day=1), name="fx_rate_first_day"),
            models.CheckConstraint(
                condition=~Q(currency=F("reporting_currency")), name="fx_rate_two_currencies"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.currency}/{self.reporting_currency} {self.month:%Y-%m}"


def _value_matches_kind() -> Q:
    return Q(kind=EntryKind.VALUE.value) & (
        Q(amount__isnull=False, quantity__isnull=True) & ~Q(currency="")
        | Q(amount__isnull=True, quantity__isnull=False, currency="")
        | Q(amount__isnull=False, quantity__isnull=False) & ~Q(currency="")
    ) | (~Q(kind=EntryKind.VALUE.value) & Q(amount__isnull=True, quantity__isnull=True))


class LedgerLine(models.Model):
    """The key and value that an entry and its current cell share."""

    investment = models.ForeignKey(Investment, on_delete=models.PROTECT, related_name="+")
    book = models.CharField(max_length=8, choices=choices_of(Book))
    book_version = models.PositiveIntegerField(default=0)
    month = models.DateField()
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    currency = models.CharField(max_length=3, blank=True)
    source = models.CharField(max_length=64)
    source_ref = models.CharField(max_length=200, blank=True)
    kind = models.CharField(max_length=9, choices=choices_of(EntryKind))
    amount = MoneyField(null=True)
    quantity = models.DecimalField(max_digits=26, decimal_places=6, null=True)
    batch = models.ForeignKey(Batch, on_delete=models.PROTECT, related_name="+")

    class Meta:
        abstract = True


KEY = ("investment", "book", "book_version", "month", "account", "currency", "source", "source_ref")


class Entry(AppendOnly, LedgerLine):
    """One ledger line, as it was stated. Never changed, never removed."""

    id = models.BigAutoField(primary_key=True)
    note = models.CharField(max_length=500, blank=True)
    recorded_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "entries"
        constraints = [
            models.UniqueConstraint(fields=[*KEY, "batch"], name="entry_key_once_a_batch"),
            models.CheckConstraint(condition=_value_matches_kind(), name="entry_value_matches_kind"),
            models.CheckConstraint(condition=Q(month__day=1), name="entry_first_day"),
            models.CheckConstraint(
                condition=Q(amount__isnull=True) | Q(amount__gte=-(10**11), amount__lte=10**11),
                name="entry_amount_in_range",
            ),
            models.CheckConstraint(
                condition=Q(quantity__isnull=True) | Q(quantity__gte=-(10**18), quantity__lte=10**18),
                name="entry_quantity_in_range",
            ),
        ]
        indexes = [models.Index(fields=["batch"], name="entry_batch")]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m} {self.account_id} {self.amount if self.amount is not None else self.quantity}"


class Cell(LedgerLine):
    """The current entry of a key. Rebuildable from the entries; `check_ledger` compares the two."""

    id = models.BigAutoField(primary_key=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=list(KEY), name="cell_key"),
            models.CheckConstraint(condition=_value_matches_kind(), name="cell_value_matches_kind"),
        ]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m} {self.account_id} {self.amount if self.amount is not None else self.quantity}"


class Head(models.Model):
    """The newest knowledge about one scope; a snapshot older than its heads is stale."""

    SCOPES = [("investment", "Investment"), ("portfolio", "Portfolio"), ("installation", "Installation")]

    scope = models.CharField(max_length=12, choices=SCOPES)
    scope_id = models.BigIntegerField(default=0)
    knowledge = models.BigIntegerField()
    changed_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["scope", "scope_id"], name="head_scope")]

    def __str__(self) -> str:
        return f"{self.scope} {self.scope_id} @ {self.knowledge}"
