"""Celery's doors to the ground floor."""

from celery import shared_task
from django.utils import timezone

from portfolio import months
from portfolio.models import Portfolio


@shared_task(name="portfolio.close_due_months")
def close_due_months(**kwargs: object) -> None:
    """Close the months whose close day has passed."""
    now = timezone.now()
    for portfolio in Portfolio.objects.order_by("pk"):
        months.close_due(portfolio, now=now)
