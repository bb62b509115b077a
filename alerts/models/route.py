"""Who is told of what, and when: a portfolio's routes in their order."""

import pghistory
from django.db import models
from django.db.models import Q

from portfolio.models import Portfolio, User
from portfolio.models.base import PublicId


@pghistory.track()
class Route(PublicId):
    """Matches alerts and names who hears of them. Empty lists match everything; without routes the defaults hold."""

    MODES = [("immediate", "At once"), ("daily", "In a daily digest"), ("weekly", "In a weekly digest")]

    portfolio = models.ForeignKey(Portfolio, on_delete=models.CASCADE, related_name="routes")
    position = models.PositiveIntegerField()
    name = models.CharField(max_length=100)
    rules = models.JSONField(default=list, blank=True)
    severities = models.JSONField(default=list, blank=True)
    use_cases = models.JSONField(default=list, blank=True)
    investments = models.JSONField(default=list, blank=True, help_text="Codes.")
    recipients = models.JSONField(
        default=list, help_text='Roles, people and targets: {"role": "owner"}, {"user": id}, {"target": id}.'
    )
    mode = models.CharField(max_length=9, choices=MODES, default="immediate")
    goes_on = models.BooleanField(default=True, help_text="Later routes are looked at as well.")
    is_active = models.BooleanField(default=True)

    class Meta:
        ordering = ["portfolio", "position"]
        constraints = [
            models.UniqueConstraint(fields=["portfolio", "position"], name="route_position_once"),
            models.CheckConstraint(condition=~Q(recipients=[]), name="route_names_somebody"),
        ]

    def __str__(self) -> str:
        return self.name


class Unsubscription(models.Model):
    """A person's wish for no more mail about a portfolio; it holds until they subscribe again."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="unsubscriptions")
    portfolio = models.ForeignKey(Portfolio, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, help_text="When they subscribed again.")

    class Meta:
        ordering = ["user", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["user", "portfolio"], condition=Q(ended_at__isnull=True), name="unsubscription_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} of {self.portfolio_id}"
