"""Celery's doors to the ground floor."""

import logging

from celery import shared_task
from django.utils import timezone

from portfolio import knowledge, months
from portfolio.models import Portfolio

logger = logging.getLogger(__name__)


@shared_task(name="portfolio.close_due_months")
def close_due_months(**kwargs: object) -> None:
    """Close the months whose close day has passed."""
    now = timezone.now()
    for portfolio in Portfolio.objects.order_by("pk"):
        try:
            months.close_due(portfolio, now=now)
        except (months.MonthStateError, knowledge.KnowledgeError) as error:
            # One portfolio whose months cannot be closed must not keep the others open.
            logger.error("The months of %s cannot be closed: %s", portfolio.code, error)
