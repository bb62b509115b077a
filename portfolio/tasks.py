"""Celery's doors to the ground floor."""

import logging

from celery import shared_task

from portfolio import clock, knowledge, months, review_calendar
from portfolio.models import Portfolio

logger = logging.getLogger(__name__)


@shared_task(name="portfolio.close_due_months")
def close_due_months(**kwargs: object) -> None:
    """Close the months whose close day has passed."""
    now = clock.now()
    for portfolio in Portfolio.objects.order_by("pk"):
        try:
            months.close_due(portfolio, now=now)
        except (months.MonthStateError, knowledge.KnowledgeError) as error:
            # One portfolio whose months cannot be closed must not keep the others open.
            logger.error("The months of %s cannot be closed: %s", portfolio.code, error)


@shared_task(name="portfolio.open_due_reviews")
def open_due_reviews(**kwargs: object) -> None:
    """Open the reviews that the calendar asks for."""
    now = clock.now()
    for portfolio in Portfolio.objects.order_by("pk"):
        try:
            review_calendar.open_due_of(portfolio, now=now)
        except (knowledge.KnowledgeError, ValueError) as error:
            # A calendar without business days, say; the other portfolios' reviews are due all the same.
            logger.error("The reviews of %s cannot be opened: %s", portfolio.code, error)
