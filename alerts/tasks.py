"""Celery's doors to this room: parse ids, one domain call. Every task may run twice or never; the sweep makes up."""

from celery import shared_task
from django.conf import settings

from alerts import auditor, deadman, delivery, due, evaluate, heartbeats
from portfolio import clock
from roi import snapshots

FAN_OUT = snapshots.CHUNK


@shared_task(name="alerts.advance")
def advance(*, ids: list[int] | None = None, **kwargs: object) -> None:
    """Recompute and evaluate the investments of a bell; without ids, whatever is stale."""
    if ids:
        evaluate.advance(ids=ids, now=clock.now())
    else:
        sweep()


@shared_task(name="alerts.sweep")
def sweep(**kwargs: object) -> None:
    """Do what is stale or pending: a little of it here, a lot of it in ranges for any number of workers."""
    now = clock.now()
    heartbeats.beat("worker", now=now)
    due.run_due(now=now)
    ranges = snapshots.stale_ranges(size=FAN_OUT)
    if len(ranges) <= 1:
        evaluate.sweep(now=now)
        return
    for first, last in ranges:
        advance_range.apply_async(kwargs={"first": first, "last": last}, queue="evaluate")


@shared_task(name="alerts.advance_range")
def advance_range(*, first: int, last: int, **kwargs: object) -> None:
    """Recompute and evaluate what is stale among a range of ids; running it twice changes nothing."""
    stale = snapshots.find_stale(after=first - 1, last=last)
    if stale:
        evaluate.advance(ids=stale, now=clock.now())


@shared_task(name="alerts.pump")
def pump(**kwargs: object) -> None:
    """Deliver what is due, in case no relay runs."""
    delivery.drain(limit=200)


@shared_task(name="alerts.audit")
def audit(**kwargs: object) -> None:
    """Run a round of the auditor, unless one ran just now, and tell the monitor outside when it was clean."""
    run = auditor.audit(now=clock.now())
    if run is not None and run.is_clean and settings.DEADMAN_URL:
        deadman.ping(settings.DEADMAN_URL)


@shared_task(name="alerts.beat")
def beat(**kwargs: object) -> None:
    """Leave a sign that beat rang and a worker answered."""
    heartbeats.beat("beat", now=clock.now())
