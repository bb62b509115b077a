"""Celery's doors to the calculator, on any worker host, as often as they are rung."""

from celery import shared_task
from django.utils import timezone

from portfolio import clock
from roi import forecasts, snapshots, studies


@shared_task(name="roi.recompute_range")
def recompute_range(*, first: int, last: int, **kwargs: object) -> None:
    """Recompute what is stale among the ids first..last; running it twice changes nothing."""
    stale = snapshots.find_stale(after=first - 1, last=last)
    if stale:
        snapshots.recompute_chunk(stale, now=clock.now())


@shared_task(name="roi.forecast")
def forecast(**kwargs: object) -> None:
    """Forecast what has newer facts and score the months that have come; running it twice changes nothing."""
    now = clock.now()
    forecasts.refresh(forecasts.find_stale(), now=now)
    forecasts.score(now=now)


@shared_task(name="roi.run_study")
def run_study(**kwargs: object) -> None:
    """Compute the studies of cases that were asked for; running it twice changes nothing."""
    studies.run(clock=timezone.now)
