"""When people are there: a portfolio's holidays, and who stands in for whom."""

import pghistory
from django.db import models
from django.db.models import F, Q

from portfolio.models.portfolio import Portfolio
from portfolio.models.user import User


@pghistory.track()
class Holiday(models.Model):
    """A day that is no business day in a portfolio, beside its weekend."""

    portfolio = models.ForeignKey(Portfolio, on_delete=models.CASCADE, related_name="holidays")
    day = models.DateField()
    name = models.CharField(max_length=120, blank=True)

    class Meta:
        ordering = ["portfolio", "day"]
        constraints = [models.UniqueConstraint(fields=["portfolio", "day"], name="holiday_once")]

    def __str__(self) -> str:
        return f"{self.day} {self.name}".strip()


@pghistory.track()
class Absence(models.Model):
    """A person is away and somebody else is told in their place, from the first day to the last."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="absences")
    delegate = models.ForeignKey(User, on_delete=models.CASCADE, related_name="stands_in")
    first_day = models.DateField()
    last_day = models.DateField()

    class Meta:
        ordering = ["user", "first_day"]
        constraints = [
            models.CheckConstraint(condition=Q(last_day__gte=F("first_day")), name="absence_in_order"),
            models.CheckConstraint(condition=~Q(delegate=F("user")), name="absence_somebody_else"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} away {self.first_day} to {self.last_day}"
