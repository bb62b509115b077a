"""What falls due by the clock: reminders, escalations and ends. Nothing that lies in the future lives in a queue."""

from django.db import models
from django.db.models import Q

from alerts.models.episode import Episode


class Timer(models.Model):
    """One thing that is due of an episode; worked off once, by whoever comes first."""

    KINDS = [(word, word.replace("_", " ").capitalize()) for word in ("reminder", "escalation", "snooze_end")]
    STATES = [(word, word.capitalize()) for word in ("waiting", "done", "dropped")]

    episode = models.ForeignKey(Episode, on_delete=models.PROTECT, related_name="timers")
    kind = models.CharField(max_length=16, choices=KINDS)
    ordinal = models.PositiveIntegerField(help_text="The nth reminder or snooze; the level of an escalation.")
    started_at = models.DateTimeField(help_text="What its due time counts from.")
    due_at = models.DateTimeField()
    state = models.CharField(max_length=8, choices=STATES, default="waiting")
    reason = models.CharField(max_length=300, blank=True, help_text="Why it was dropped, or put off.")
    done_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["episode", "id"]
        indexes = [models.Index(fields=["due_at", "id"], name="timer_due", condition=Q(state="waiting"))]
        constraints = [models.UniqueConstraint(fields=["episode", "kind", "ordinal"], name="timer_once")]

    def __str__(self) -> str:
        return f"{self.kind} {self.ordinal} of {self.episode_id}"
