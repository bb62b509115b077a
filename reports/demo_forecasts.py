"""The demo's forecasts: those the worker would have made as the last months closed, and how they turned out."""

from datetime import date, datetime

from portfolio.models import Batch, Investment, MonthState
from portfolio.terms import add_months, months_from
from roi import forecasts

MONTHS = 7  # forecast as they closed: six of them have scores


def write(*, last: date, now: datetime) -> None:
    """Forecast from the facts as known at each of the last months' close, then from today's, and score them."""
    ids = list(Investment.objects.order_by("pk").values_list("pk", flat=True))
    for month in months_from(add_months(last, 1 - MONTHS), last):
        closing = list(MonthState.objects.filter(month=month).values_list("batch_id", flat=True))
        # The last portfolio to close: its batch is the newest of what was known then.
        batch = Batch.objects.filter(pk__in=closing).order_by("-pk").first()
        if batch is not None:
            forecasts.refresh(ids, now=batch.recorded_at, knowledge_time=batch.pk)
    forecasts.refresh(ids, now=now)
    forecasts.score(now=now)
