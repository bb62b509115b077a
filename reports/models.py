"""Review reports: who gets which and when, the runs that fall due, and the archive of what was made."""

import pghistory
from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import Q

from portfolio.models import Portfolio, User
from portfolio.models.base import AppendOnly, PublicId

AUDIENCES = [
    ("monthly_pack", "Monthly business review"),
    ("weekly_digest", "Weekly digest"),
    ("overdue_reviews", "Overdue reviews"),
]
FORMATS = [("pdf", "PDF"), ("xlsx", "Excel workbook"), ("csv", "CSV")]


@pghistory.track()
class Schedule(PublicId):
    """A report that a portfolio's people get by the calendar."""

    portfolio = models.ForeignKey(Portfolio, on_delete=models.PROTECT, related_name="+")
    audience = models.CharField(max_length=16, choices=AUDIENCES)
    day = models.PositiveSmallIntegerField(
        help_text="Of the month that follows (1 to 28), or of the week (0 is Monday)."
    )
    hour = models.PositiveSmallIntegerField(
        default=8, validators=[MaxValueValidator(23)], help_text="In the portfolio's time zone."
    )
    recipients = models.JSONField(
        default=list, help_text="user:<public id>, role:<role> or target:<public id>."
    )
    formats = models.JSONField(default=list, help_text="What the mail brings along.")
    is_active = models.BooleanField(default=True)
    author = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(audience="monthly_pack", day__gte=1, day__lte=28)
                | (~Q(audience="monthly_pack") & Q(day__lte=6)),
                name="schedule_day_of_its_period",
            ),
            models.CheckConstraint(condition=Q(hour__lte=23), name="schedule_hour"),
        ]

    def __str__(self) -> str:
        return f"{self.get_audience_display()} of {self.portfolio_id}"


class ArchivedReport(PublicId, AppendOnly):
    """What a report said. The content derives again from the ledger to the same hash; the labels are a copy."""

    portfolio = models.ForeignKey(Portfolio, on_delete=models.PROTECT, related_name="+")
    audience = models.CharField(max_length=16, choices=AUDIENCES)
    month = models.DateField()
    knowledge = models.BigIntegerField()
    engine_version = models.PositiveSmallIntegerField()
    content = models.JSONField()
    content_hash = models.CharField(max_length=64)
    labels = models.JSONField(help_text="Names, people and review dates, as they were then.")
    labels_hash = models.CharField(max_length=64)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["portfolio", "-id"], name="archived_report_of_portfolio")]

    def __str__(self) -> str:
        return f"{self.audience} {self.month:%Y-%m} of {self.portfolio_id}"


class ReportFile(AppendOnly):
    """A report in one format, as it was handed out."""

    report = models.ForeignKey(ArchivedReport, on_delete=models.PROTECT, related_name="files")
    format = models.CharField(max_length=8)
    name = models.CharField(max_length=120)
    media_type = models.CharField(max_length=100)
    content = models.BinaryField()
    content_hash = models.CharField(max_length=64)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["report", "format"], name="report_file_once_a_format")]

    def __str__(self) -> str:
        return self.name


class ReportRun(PublicId):
    """A report that is to be made once: a schedule's for one period, or one that somebody asked for."""

    STATES = [(s, s.capitalize()) for s in ("waiting", "made", "nothing", "failed")]

    schedule = models.ForeignKey(Schedule, on_delete=models.PROTECT, null=True, related_name="runs")
    period = models.CharField(max_length=8, help_text="2026-10, or 2026-W45.")
    portfolio = models.ForeignKey(Portfolio, on_delete=models.PROTECT, related_name="+")
    audience = models.CharField(max_length=16, choices=AUDIENCES)
    month = models.DateField(null=True, help_text="Empty: the newest closed month.")
    formats = models.JSONField(default=list)
    recipients = models.JSONField(default=list)
    asked_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    state = models.CharField(max_length=8, choices=STATES, default="waiting")
    reason = models.CharField(max_length=300, blank=True)
    report = models.ForeignKey(ArchivedReport, on_delete=models.PROTECT, null=True, related_name="runs")
    attempts = models.PositiveSmallIntegerField(default=0)
    next_at = models.DateTimeField(
        help_text="Not taken before; while it is being made, when that may be taken over."
    )
    token = models.UUIDField(null=True)
    created_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["next_at"], name="report_run_due", condition=Q(state="waiting"))]
        constraints = [
            models.UniqueConstraint(
                fields=["schedule", "period"],
                name="report_run_once_a_period",
                condition=Q(schedule__isnull=False),
            ),
            models.CheckConstraint(
                condition=~Q(state="made") | Q(report__isnull=False), name="report_run_made_has_report"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.audience} {self.period}: {self.state}"
