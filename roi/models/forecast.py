"""What was expected of each investment, when, from which facts; and how it then turned out."""

from django.db import models

from portfolio.models import Investment
from portfolio.models.base import AppendOnly, MoneyField


class Forecast(AppendOnly):
    """One forecast: written once, named by the fingerprint of the facts it was made from."""

    investment = models.ForeignKey(Investment, on_delete=models.PROTECT, related_name="forecasts")
    knowledge = models.BigIntegerField(help_text="Knowledge time of the facts.")
    engine_version = models.PositiveSmallIntegerField()
    fingerprint = models.UUIDField(help_text="Hash of every input, and of the method's settings.")
    last_month = models.DateField(help_text="The last closed, complete month: the forecast begins after it.")
    method = models.CharField(max_length=32)
    months = models.PositiveSmallIntegerField(help_text="How many months ahead.")
    paths = models.PositiveIntegerField(help_text="How many paths were simulated.")
    content = models.JSONField(
        help_text="Per measure and month the 10th, 50th and 90th percentile; probabilities; crossing months; reasons."
    )
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["investment", "-id"]
        indexes = [models.Index(fields=["investment", "-id"], name="forecast_latest")]
        constraints = [
            models.UniqueConstraint(fields=["investment", "fingerprint"], name="forecast_once"),
            models.CheckConstraint(condition=models.Q(last_month__day=1), name="forecast_first_day"),
        ]

    def __str__(self) -> str:
        return f"{self.investment_id} from {self.last_month:%Y-%m}"


class ForecastScore(models.Model):
    """A month that was forecast and has happened: the interval beside the actual."""

    forecast = models.ForeignKey(Forecast, on_delete=models.CASCADE, related_name="scores")
    measure = models.CharField(max_length=16)
    month = models.DateField()
    step = models.PositiveSmallIntegerField(help_text="Months ahead when it was forecast, 1 = the next.")
    p10 = MoneyField()
    p50 = MoneyField()
    p90 = MoneyField()
    actual = MoneyField()
    knowledge = models.BigIntegerField(help_text="Knowledge time of the actual; a restatement scores again.")
    is_inside = models.BooleanField()
    scored_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["forecast", "measure", "month"], name="forecast_score_once"),
            models.CheckConstraint(condition=models.Q(month__day=1), name="forecast_score_first_day"),
        ]

    def __str__(self) -> str:
        return f"{self.measure} {self.month:%Y-%m} of {self.forecast_id}"
