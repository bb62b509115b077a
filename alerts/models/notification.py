"""The outbox: who is told, by which channel, and what became of each message."""

from django.db import models
from django.db.models import F, Q

from alerts.models.episode import Event
from portfolio.models import Portfolio
from portfolio.models.base import AppendOnly, PublicId


class Target(PublicId):
    """A shared address of a portfolio (a Slack channel, a mailing list); people are told by their own addresses."""

    portfolio = models.ForeignKey(Portfolio, on_delete=models.CASCADE, related_name="+")
    channel = models.CharField(max_length=16)
    address = models.CharField(
        max_length=300, blank=True, help_text="Empty: the installation's default address."
    )
    label = models.CharField(max_length=100)
    rules = models.JSONField(default=list, blank=True, help_text="Only these rules; empty: all.")
    options = models.JSONField(default=dict, blank=True, help_text="The channel's own settings, none secret.")
    secret = models.TextField(blank=True, help_text="Encrypted; written, never shown.")
    is_active = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["portfolio", "channel", "address"], name="target_once"),
        ]

    def __str__(self) -> str:
        return f"{self.label} ({self.channel})"


class Notification(models.Model):
    """One message to one target. A row without `sent_at` in a live state is an obligation."""

    STATES = [
        (s, s.capitalize())
        for s in ("held", "pending", "sending", "uncertain", "sent", "logged", "merged", "suppressed", "dead")
    ]
    OPEN = ("pending", "sending", "uncertain")

    id = models.UUIDField(
        primary_key=True, help_text="uuid5 of the event and the target; also the Message-ID."
    )
    seq = models.BigIntegerField(
        unique=True, db_default=models.expressions.RawSQL("nextval('alerts_outbox_seq')", [])
    )
    event = models.ForeignKey(Event, on_delete=models.PROTECT, null=True, related_name="notifications")
    portfolio = models.ForeignKey(Portfolio, on_delete=models.PROTECT, related_name="+")
    user = models.ForeignKey("portfolio.User", on_delete=models.PROTECT, null=True, related_name="+")
    channel = models.CharField(max_length=16)
    address = models.CharField(max_length=300, blank=True)
    thread_key = models.CharField(
        max_length=100, help_text="Messages of one thread to one target keep their order."
    )
    message = models.JSONField(help_text="The message's figures and words, copied when it was decided.")
    rendered = models.JSONField(null=True, help_text="What was handed to the channel, as it was handed over.")
    state = models.CharField(max_length=10, choices=STATES, default="pending")
    state_reason = models.CharField(max_length=300, blank=True)
    suppressed_by = models.CharField(
        max_length=16, blank=True, help_text="The stage that kept it back: inhibited, …"
    )
    silence = models.ForeignKey(
        "alerts.Silence", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    digest_at = models.DateTimeField(
        null=True, help_text="Held until then, and told with others in one message."
    )
    told_in = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="merged")
    instead_of = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        help_text="The dead message it stands in for.",
    )
    attempts = models.PositiveSmallIntegerField(default=0)
    next_at = models.DateTimeField()
    token = models.UUIDField(null=True)
    locked_until = models.DateTimeField(null=True)
    provider_ref = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["next_at", "seq"],
                condition=Q(state__in=["pending", "sending", "uncertain"]),
                name="notification_due",
            ),
            models.Index(
                fields=["thread_key", "channel", "seq"],
                condition=Q(state__in=["pending", "sending", "uncertain"]),
                name="notification_thread",
            ),
            models.Index(fields=["digest_at"], condition=Q(state="held"), name="notification_held"),
        ]
        # Whoever writes the row: a state says what made it so.
        constraints = [
            models.CheckConstraint(
                condition=~Q(state="sent") | Q(sent_at__isnull=False), name="notification_sent"
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["held", "suppressed"]) | ~Q(suppressed_by=""),
                name="notification_kept_back",
            ),
            models.CheckConstraint(
                condition=~Q(state="held") | Q(digest_at__isnull=False), name="notification_held_until"
            ),
            models.CheckConstraint(
                condition=~Q(state="merged") | (Q(told_in__isnull=False) & ~Q(told_in=F("id"))),
                name="notification_merged_into",
            ),
            models.CheckConstraint(
                condition=~Q(state="sending") | Q(token__isnull=False, locked_until__isnull=False),
                name="notification_leased",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.channel} {self.state} {self.id}"


class Attempt(AppendOnly):
    """One try at handing a notification to its channel, and how it ended."""

    notification = models.ForeignKey(Notification, on_delete=models.PROTECT, related_name="attempt_rows")
    number = models.PositiveSmallIntegerField()
    outcome = models.CharField(max_length=16)
    detail = models.CharField(max_length=500, blank=True)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"attempt {self.number} of {self.notification_id}: {self.outcome}"


class Heartbeat(models.Model):
    """The last sign of life of a running part (relay, beat, worker)."""

    name = models.CharField(max_length=32, primary_key=True)
    beat_at = models.DateTimeField()
    detail = models.JSONField(default=dict)

    def __str__(self) -> str:
        return self.name
