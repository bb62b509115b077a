"""Reviews that nobody has to ask for: due by date or cadence, by an expiring strategic claim, by an expected outcome.

Found by comparing rows, so running it twice, late or on two machines opens each review once.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Exists, Max, OuterRef

from portfolio import calendars, knowledge, reviews
from portfolio.models import Decision, Investment, Portfolio, Review, StrategicTerms
from portfolio.reviews import Request
from portfolio.terms import ENDED_STAGES, ReviewKind, ReviewState, Stage, add_months

# A regular review is on the list this long before it is due, so that its agenda can be prepared.
NOTICE = timedelta(days=14)
# Business days after the due date: then the sponsor is asked, then the board.
ESCALATES_AFTER = (3, 10)
_NOT_YET = frozenset({*ENDED_STAGES, Stage.PROPOSED.value})


@transaction.atomic
def open_due_of(portfolio: Portfolio, *, now: datetime) -> int:
    """Open what has become due in one portfolio; returns how many reviews are new."""
    # One at a time: two clocks that ring at once would open what has no origin twice.
    knowledge.lock_portfolio(portfolio.pk)
    today = now.astimezone(ZoneInfo(portfolio.time_zone)).date()
    asked = [*_regular(portfolio, today), *_strategic(portfolio, today), *_outcomes(portfolio, today)]
    return reviews.request(asked, now=now)


def _regular(portfolio: Portfolio, today: date) -> Iterator[Request]:
    """Yield the regular reviews: on the agreed date, else a cadence after the last decision or the start."""
    is_open = Review.objects.filter(
        investment=OuterRef("pk"), kind=ReviewKind.SCHEDULED.value, state=ReviewState.OPEN.value
    )
    rows = (
        Investment.objects.filter(portfolio=portfolio)
        .exclude(stage__in=_NOT_YET)
        .exclude(Exists(is_open))
        .select_related("portfolio")
        .annotate(last_decision=Max("decisions__decided_on"))
    )
    for investment in rows:
        due = investment.review_date
        if due is None:
            since = investment.last_decision or investment.start_month
            due = _months_after(since, portfolio.review_cadence_months)
        if due - NOTICE <= today:
            yield Request(
                investment=investment,
                kind=ReviewKind.SCHEDULED,
                origin="calendar",
                due_on=due if investment.review_date else max(due, today + NOTICE),
            )


def _months_after(day: date, count: int) -> date:
    month = add_months(day.replace(day=1), count)
    following = add_months(month, 1)
    return min(month + timedelta(days=day.day - 1), following - timedelta(days=1))


def _strategic(portfolio: Portfolio, today: date) -> Iterator[Request]:
    """Yield a review for each strategic claim that expires and has not been looked at since it was stated."""
    newest = (
        StrategicTerms.objects.filter(investment__portfolio=portfolio)
        .exclude(investment__stage__in=ENDED_STAGES)
        .select_related("investment__portfolio", "batch")
        .order_by("investment_id", "-id")
        .distinct("investment_id")
    )
    seen = dict(
        Review.objects.filter(portfolio=portfolio, kind=ReviewKind.STRATEGIC.value)
        .values_list("investment_id")
        .annotate(last=Max("opened_at"))
    )
    for terms in newest:
        last = seen.get(terms.investment_id)
        if terms.expires_on - NOTICE <= today and (last is None or last < terms.batch.recorded_at):
            yield Request(
                investment=terms.investment,
                kind=ReviewKind.STRATEGIC,
                origin="calendar",
                due_on=max(terms.expires_on, today),
            )


def _outcomes(portfolio: Portfolio, today: date) -> Iterator[Request]:
    """Yield a follow-up for each decision whose expected month is over and closed by now, once."""
    rows = (
        Decision.objects.filter(portfolio=portfolio, expected_month__isnull=False, follow_ups__isnull=True)
        .exclude(investment__stage__in=ENDED_STAGES)
        .select_related("investment__portfolio")
    )
    for decision in rows:
        if decision.expected_month is None:
            continue
        closes_on = add_months(decision.expected_month, 1) + timedelta(days=portfolio.close_day)
        if closes_on <= today:
            yield Request(
                investment=decision.investment,
                kind=ReviewKind.FOLLOW_UP,
                origin="decision",
                origin_ref=decision.public_id,
                follows_id=decision.pk,
                note=f"Decided on {decision.decided_on}: {decision.reason}",
            )


@transaction.atomic
def escalate(*, now: datetime) -> list[Review]:
    """Raise the level of overdue reviews and return those that were raised: 1 asks the sponsor, 2 the board."""
    late = Review.objects.select_for_update(of=("self",), skip_locked=True).filter(
        state=ReviewState.OPEN.value,
        due_on__lt=now.date() + timedelta(days=1),
        escalation_level__lt=len(ESCALATES_AFTER),
    )
    held = list(late.select_related("investment__owner", "investment__sponsor", "portfolio"))
    days = calendars.calendars_of({r.portfolio_id: r.portfolio for r in held}.values())
    raised = []
    for review in held:
        today = now.astimezone(ZoneInfo(review.portfolio.time_zone)).date()
        calendar = days[review.portfolio_id]
        level = sum(calendar.after(review.due_on, count=count) <= today for count in ESCALATES_AFTER)
        if level > review.escalation_level:
            review.escalation_level = level
            raised.append(review)
    Review.objects.bulk_update(raised, ["escalation_level"], batch_size=500)
    return raised
