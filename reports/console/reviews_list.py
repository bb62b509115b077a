"""The list of reviews: what waits for a decision, what waiting costs a day, and what was decided."""

from datetime import date, timedelta
from typing import Any

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone
from django.utils.safestring import SafeString
from django.views.decorators.http import require_GET

from portfolio import access
from portfolio.access import Action
from portfolio.models import Investment, Review
from portfolio.models.base import choices_of
from portfolio.terms import ReviewKind, ReviewState, from_micros, to_micros
from reports.console import figures, pages, standing
from reports.console.standing import Standing
from roi.engine import waiting
from roi.engine.series import WINDOW_MONTHS

Context = dict[str, Any]
PER_PAGE = 50
_SOON = timedelta(days=14)


@require_GET
def page(request: HttpRequest) -> HttpResponseBase:
    """List open reviews by due date, or all where that is asked for, the newest first."""
    asked, today = request.GET, timezone.now().date()
    mine = Review.objects.filter(access.scope(request.user, Action.VIEW))
    rows, shows_all = _filtered(mine, asked), asked.get("state") == "all"
    rows = rows.order_by("-id") if shows_all else rows.filter(state=ReviewState.OPEN.value)
    related = ("investment__portfolio", "investment__owner", "investment__sponsor", "portfolio")
    listed = Paginator(rows.select_related(*related), PER_PAGE).get_page(asked.get("page"))
    held = list(listed)
    stands = standing.of([review.investment for review in held])
    return pages.render(
        request,
        "reports/reviews_list.html",
        "Reviews",
        listed=listed,
        rows=[_row(review, stands[review.investment_id], today) for review in held],
        kinds=choices_of(ReviewKind),
        portfolios=pages.portfolios(request, Action.VIEW),
        shows_all=shows_all,
        overdue=mine.filter(state=ReviewState.OPEN.value, due_on__lt=today).count(),
        is_filtered=any(asked.get(name) for name in ("kind", "portfolio", "mine")),
    )


def _filtered(rows: QuerySet[Review], asked: Any) -> QuerySet[Review]:
    if asked.get("kind") in {kind.value for kind in ReviewKind}:
        rows = rows.filter(kind=asked["kind"])
    if asked.get("portfolio"):
        rows = rows.filter(portfolio__code=asked["portfolio"])
    return rows


def _row(review: Review, stands: Standing, today: date) -> Context:
    return {
        "review": review,
        "due": due_text(review, today=today),
        "is_late": review.state == ReviewState.OPEN.value and review.due_on < today,
        "waits_for": decider_of(review.investment),
        "days": (today - review.opened_at.date()).days,
        "cost": cost_a_day(stands) if review.state == ReviewState.OPEN.value else figures.missing("Decided."),
    }


def due_text(review: Review, *, today: date) -> str:
    """Return when a review is due, in words where it is close or past."""
    if review.state != ReviewState.OPEN.value:
        return review.get_state_display()
    days = (review.due_on - today).days
    if days < 0:
        raised = {0: "", 1: ", sponsor asked", 2: ", board asked"}[review.escalation_level]
        return f"{-days} day{'' if days == -1 else 's'} overdue{raised}"
    if days == 0:
        return "today"
    return f"in {days} day{'' if days == 1 else 's'}" if review.due_on <= today + _SOON else ""


def decider_of(investment: Investment) -> str:
    """Return whom a decision waits for: the sponsor, else the board."""
    return str(investment.sponsor) if investment.sponsor else "the board"


def cost_a_day(stands: Standing) -> SafeString:
    """Return what a day of waiting costs: the operating loss of the window over its days, a dash without a loss."""
    snapshot = stands.snapshot
    if snapshot is None:
        return figures.missing(figures.NO_CLOSED_MONTH)
    if (reason := stands.reason("operating_margin_supported")) != "":
        return figures.missing(reason)
    margin = snapshot.window_benefit_supported - snapshot.window_avoidable_run_cost
    cost = waiting.cost_of_waiting(to_micros(margin), months=WINDOW_MONTHS, days=0)
    return figures.money(from_micros(cost.per_day))


pages.add("reviews/", page, "reports_reviews")
