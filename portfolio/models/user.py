"""People and what they may see: users, and their role in each portfolio."""

import zoneinfo

import pghistory
from django.contrib.auth.models import AbstractUser
from django.core.exceptions import ValidationError
from django.db import models

from portfolio.models.base import PublicId, choices_of
from portfolio.terms import Role


def validate_time_zone(name: str) -> None:
    """Refuse a time zone the installation does not know."""
    if name not in zoneinfo.available_timezones():
        raise ValidationError(f"'{name}' is not a time zone; write it as in Europe/Berlin.")


def validate_slack_id(member: str) -> None:
    """Refuse what Slack does not know as a member's id."""
    if not (member.isascii() and member.isalnum() and member[0] in "UW" and member.isupper()):
        raise ValidationError("A Slack member id is capital letters and digits and begins with U or W.")


class User(PublicId, AbstractUser):
    """A person or service account; signs in with a user name, is told by email or Slack."""

    time_zone = models.CharField(max_length=64, default="UTC", validators=[validate_time_zone])
    locale = models.CharField(max_length=16, default="en-us")
    quiet_from = models.TimeField(
        null=True, blank=True, help_text="Local time from which nothing is sent to them."
    )
    quiet_until = models.TimeField(null=True, blank=True)
    # Pressing a button in Slack counts as its person, so that it is entered by administrators, and once.
    slack_id = models.CharField(
        "Slack member id",
        max_length=32,
        blank=True,
        validators=[validate_slack_id],
        help_text="In Slack: the profile, the three dots, “Copy member ID”; for example U02ABCDEF.",
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["slack_id"],
                condition=~models.Q(slack_id=""),
                name="user_slack_id_once",
                violation_error_message="This Slack member id is somebody else's.",
            ),
        ]

    def __str__(self) -> str:
        return self.get_full_name() or self.username


@pghistory.track()
class Membership(models.Model):
    """A user's role in one portfolio: the only thing that opens it."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    portfolio = models.ForeignKey("portfolio.Portfolio", on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=16, choices=choices_of(Role))

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "portfolio", "role"], name="membership_once"),
        ]

    def __str__(self) -> str:
        return f"{self.user} · {self.role}"
