"""The list of reviews: what waits for a decision, what waiting costs a day, and what was decided."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_GET

from portfolio import access
from portfolio.access import Action
from portfolio.models import Investment, Review
from portfolio.models.base import choices_of
from portfolio.terms import ReviewKind, ReviewState, from_micros, to_micros
from reports.console import figures, pages, standing, time_travel
from reports.console.past import Past, asked_past, then_of
from reports.console.standing import Standing
from roi.engine import waiting
from roi.engine.result import Reason
from roi.engine.series import WINDOW_MONTHS

Context = dict[str, Any]
PER_PAGE = 50
NOTE = (
    "Reviews that were open at the end of {}, with what was known of their investments then. Due dates, owners and "
    "sponsors are those of today."
)
_SOON = timedelta(days=14)


@require_GET
def page(request: HttpRequest) -> HttpResponseBase:
    """List open reviews by due date, or all where that is asked for, the newest first."""
    asked, open_to_user = request.GET, pages.portfolios(request, Action.VIEW)
    past = asked_past(asked.get("as_of", ""), pages.zones(open_to_user), now=timezone.now())
    today = past.day if past else timezone.now().date()
    mine, is_open = known_reviews(Review.objects.filter(access.scope(request.user, Action.VIEW)), past)
    rows, shows_all = _filtered(mine, asked), asked.get("state") == "all"
    rows = rows.order_by("-id") if shows_all else rows.filter(is_open)
    related = ("investment__portfolio", "investment__owner", "investment__sponsor", "portfolio")
    listed = Paginator(rows.select_related(*related), PER_PAGE).get_page(asked.get("page"))
    held = [as_then(review, past) for review in listed]
    investments = [review.investment for review in held]
    stands = time_travel.standings_on(investments, past) if past else standing.of(investments)
    return pages.render(
        request,
        "reports/reviews_list.html",
        "Reviews",
        listed=listed,
        rows=[
            _row(review, stands.get(review.investment_id) or Standing(review.investment, None, None), today)
            for review in held
        ],
        kinds=choices_of(ReviewKind),
        portfolios=open_to_user,
        then=then_of(asked, past, note=NOTE),
        shows_all=shows_all,
        overdue=mine.filter(is_open, due_on__lt=today).count(),
        is_filtered=any(asked.get(name) for name in ("kind", "portfolio", "mine")),
    )


def known_reviews(rows: QuerySet[Review], past: Past | None) -> tuple[QuerySet[Review], Q]:
    """Return the reviews that were asked for by the end of a day (None: now), and which of them were open."""
    if past is None:
        return rows, Q(state=ReviewState.OPEN.value)
    return rows.filter(past.until("opened_at")), past.open_then("opened_at", "closed_at")


def as_then(review: Review, past: Past | None) -> Review:
    """Return a review as it stood at the end of a day; one that was closed later was open. It is never saved."""
    if past is not None and review.closed_at and review.closed_at > past.end(review.portfolio):
        review.state, review.closed_at, review.closed_reason = ReviewState.OPEN.value, None, ""
    if past is not None:
        review.escalation_level = 0  # whom an open review was raised to is kept of today alone
    return review


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
    margin, reason = margin_of(stands)
    return figures.missing(reason) if margin is None else figures.money(_lost(margin))


def margin_of(stands: Standing) -> tuple[Decimal | None, Reason | str]:
    """Return the operating margin of the window, or None and why there is none."""
    snapshot = stands.snapshot
    if snapshot is None:
        return None, figures.NO_CLOSED_MONTH
    if (reason := stands.reason("operating_margin_supported")) != "":
        return None, reason
    return snapshot.window_benefit_supported - snapshot.window_avoidable_run_cost, ""


def waiting_sentence(margin: Decimal | None, *, reason: Reason | str, currency: str) -> SafeString | str:
    """Return what a day of waiting costs at the operating margin of a window, or why nobody can say."""
    if margin is None:
        return f"What a day of waiting costs is not known. {figures.why(reason)}"
    if not (lost := _lost(margin)):
        return "It earns what it costs to run, so a day of waiting loses nothing."
    return format_html(
        'A day of waiting costs <span class="h-strong">{}</span> {}.', figures.amount(lost), currency
    )


def _lost(margin: Decimal) -> Decimal:
    cost = waiting.cost_of_waiting(to_micros(margin), months=WINDOW_MONTHS, days=0)
    return from_micros(cost.per_day)


pages.add("reviews/", page, "reports_reviews")
