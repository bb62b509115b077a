"""What the demo's people decide in reviews, month by month, on the evidence of the moment.

One decision is taken in the week between a mistaken entry and its restatement: its receipt differs today.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal

from portfolio import decisions, review_calendar, reviews
from portfolio.decisions import BudgetMove, Expected, Terms
from portfolio.models import Portfolio, Review, User
from portfolio.review_questions import QUESTIONS
from portfolio.terms import DecisionKind, ReviewKind, ReviewState, add_months
from reports import receipts
from reports.demo_story import Book

# How long the demo's people take for an alert; what is younger waits for a decision when the demo is opened.
_WAITED = timedelta(days=50)
_NEXT_REVIEW = timedelta(days=120)
_ANSWERS = {
    "cause": "Traced with the vendor's usage export: the change is in how it is used, not in the model.",
    "recoverable": "Yes, with shorter prompts and a smaller model for the simple cases.",
    "dependents": "Two teams; both have the process of before as a fallback.",
    "claim": "The claim still stands; the second site has asked for it.",
    "outcome": "Compared below with what was expected.",
}
_WORDS: dict[ReviewKind, tuple[DecisionKind, str]] = {
    ReviewKind.SCHEDULED: (DecisionKind.CONTINUE, "It is on the way to its target; nothing has to change."),
    ReviewKind.DOUBLE_DOWN_CHECK: (
        DecisionKind.DOUBLE_DOWN,
        "It has paid back, unit cost falls with use, and two more teams wait for it.",
    ),
    ReviewKind.BUSINESS_REVIEW: (
        DecisionKind.OPTIMIZE,
        "The plan was too steep; cost per use has to come down first.",
    ),
    ReviewKind.MAINTAIN_OR_REPLACE: (
        DecisionKind.OPTIMIZE,
        "Recoverable by an update; rebuilding would cost a year.",
    ),
    ReviewKind.DECOMMISSIONING: (
        DecisionKind.HOLD,
        "No new money; it ends if a quarter from now it still loses.",
    ),
    ReviewKind.STRATEGIC: (DecisionKind.CONTINUE, "The strategic claim was restated."),
    ReviewKind.FOLLOW_UP: (DecisionKind.CONTINUE, "The outcome is recorded beside what was expected."),
}


def advance(
    book: Book, portfolio: Portfolio, month: date, *, last: date, people: Mapping[str, User], now: datetime
) -> None:
    """Open what the calendar asks for, and decide what has waited; `month` was just closed, `last` is the newest."""
    review_calendar.open_due_of(portfolio, now=now)
    decider = people["admin"]
    for review in _waited(portfolio, now=now):
        if review.investment.owner_id != decider.pk:
            _decide(review, user=decider, last=last, now=now)
    for story in book.stories:
        if story.slip and month == add_months(last, -story.slip.age):
            _decide_on_the_slip(portfolio, story.code, user=decider, last=last, now=now)


def _waited(portfolio: Portfolio, *, now: datetime) -> list[Review]:
    rows = Review.objects.filter(
        portfolio=portfolio, state=ReviewState.OPEN.value, opened_at__lte=now - _WAITED
    )
    return list(rows.select_related("investment__portfolio", "portfolio").order_by("opened_at", "id"))


def _decide_on_the_slip(portfolio: Portfolio, code: str, *, user: User, last: date, now: datetime) -> None:
    """Decide on the alert of figures that hold a mistake nobody knows of yet."""
    review = Review.objects.select_related("investment__portfolio", "portfolio").get(
        portfolio=portfolio,
        investment__code=code,
        kind=ReviewKind.DECOMMISSIONING.value,
        state=ReviewState.OPEN.value,
    )
    _decide(
        review,
        user=user,
        last=last,
        now=now,
        said=(DecisionKind.HOLD, "No new sites until the jump in cost is understood."),
    )


def _decide(
    review: Review,
    *,
    user: User,
    last: date,
    now: datetime,
    said: tuple[DecisionKind, str] | None = None,
) -> None:
    kind, reason = said or _WORDS[ReviewKind(review.kind)]
    for step in QUESTIONS[ReviewKind(review.kind)].steps:
        if step.is_needed:
            reviews.answer(review, step.code, _ANSWERS[step.code], user=user, now=now)
    investment = review.investment
    move = None
    if kind is DecisionKind.DOUBLE_DOWN:
        move = BudgetMove(amount=Decimal(60_000), source=None, target=investment)
    shown = receipts.evidence(investment)
    terms = Terms(
        kind=kind,
        reason=reason,
        budget=move,
        next_review_on=now.date() + _NEXT_REVIEW,
        expected=_expected(shown.content, now=now) if kind in _MEASURED else None,
    )
    decisions.decide(review, terms, user=user, evidence=shown, now=now)


_MEASURED = frozenset({DecisionKind.OPTIMIZE, DecisionKind.DOUBLE_DOWN})


def _expected(shown: Mapping[str, object], *, now: datetime) -> Expected | None:
    """Expect a tenth more net of the window in a quarter, give or take a third."""
    figures = shown["figures"]
    if not isinstance(figures, Mapping):
        return None
    margin = Decimal(figures["window_benefit_supported"]) - Decimal(figures["window_avoidable_run_cost"])
    value = (margin + abs(margin) / 10).quantize(Decimal(1))
    spread = (abs(value) / 3).quantize(Decimal(1))
    return Expected(
        metric="operating_margin",
        value=value,
        low=value - spread,
        high=value + spread,
        month=add_months(now.date().replace(day=1), 3),
    )
