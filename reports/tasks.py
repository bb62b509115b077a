"""Celery's door to the reports: they are drawn here, in the report worker's own processes, and nowhere else."""

from celery import shared_task

from portfolio import clock
from reports import review_notices, schedules


@shared_task(name="reports.run_due")
def run_due(**kwargs: object) -> None:
    """Make the reports that are due; twice at once makes none twice."""
    schedules.run_due(now=clock.now())


@shared_task(name="reports.tell_of_reviews")
def tell_of_reviews(**kwargs: object) -> None:
    """Tell of new and late reviews; twice at once tells nobody twice."""
    review_notices.run(now=clock.now())
