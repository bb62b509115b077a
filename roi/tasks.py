"""Celery's door to the calculator: one range of investments, on any worker host, as often as it is rung."""

from celery import shared_task
from django.utils import timezone

from roi import snapshots


@shared_task(name="roi.recompute_range")
def recompute_range(*, first: int, last: int, **kwargs: object) -> None:
    """Recompute what is stale among the ids first..last; running it twice changes nothing."""
    stale = snapshots.find_stale(after=first - 1, last=last)
    if stale:
        snapshots.recompute_chunk(stale, now=timezone.now())
