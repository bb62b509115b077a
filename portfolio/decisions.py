"""Decisions: the only end of a review that an alert opened. Evidence is copied and hashed, budget moves are recorded.

What a decision changes (stage, next review, other reviews of an investment that ends) happens in its transaction.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction

from portfolio import approvals, investments, knowledge, reviews, stages
from portfolio.models import Decision, Investment, Review, User
from portfolio.review_questions import FINAL, LEADS_TO, QUESTIONS
from portfolio.reviews import ReviewError
from portfolio.stages import StageError
from portfolio.terms import (
    MAX_AMOUNT,
    DecisionKind,
    ReviewKind,
    ReviewState,
    first_of_month,
    format_month,
)

# "Later" may not be forever: no decision puts the next look further off.
LONGEST_WAIT = timedelta(days=366)
# Figures an outcome can be expected of; each is a column of the snapshots on the supported basis.
OUTCOMES = ("cumulative_net", "operating_margin", "roi", "incremental_roi", "run_cost")
_AMOUNTS = frozenset({"cumulative_net", "operating_margin", "run_cost"})


class DecisionError(ReviewError):
    """A decision that cannot be recorded; the message is for the user."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a decision is meant to bring: a figure, its value with an interval, and the month it is looked at."""

    metric: str
    value: Decimal
    month: date
    low: Decimal | None = None
    high: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetMove:
    """Money that moves between two investments, or between one and the reserve (None). In the reporting currency."""

    amount: Decimal
    source: Investment | None
    target: Investment | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What was known and shown: copied, with the knowledge time, month and engine it is of."""

    content: Mapping[str, Any]
    knowledge: int
    engine_version: str
    month: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What was decided, in the words of those who decided."""

    kind: DecisionKind
    reason: str
    conditions: str = ""
    budget: BudgetMove | None = None
    next_review_on: date | None = None
    expected: Expected | None = None


@transaction.atomic
def decide(review: Review, terms: Terms, *, user: User, evidence: Evidence, now: datetime) -> Decision:
    """Record a decision and end its review. Raises DecisionError with a sentence; nothing is written then.

    The next review is on its date; what the decision leads to (decommissioning, pivot, end) is entered as a stage.
    """
    knowledge.lock_portfolio(review.portfolio_id)
    held = (
        Review.objects.select_for_update(of=("self",))
        .select_related("investment__portfolio", "portfolio")
        .get(pk=review.pk)
    )
    today = now.astimezone(ZoneInfo(held.portfolio.time_zone)).date()
    _check(held, terms, user=user, today=today)
    decision = _row(held, terms, user=user, evidence=evidence, today=today, now=now)
    decision.batch = knowledge.open_batch(
        portfolio=held.portfolio,
        kind="governance",
        now=now,
        actor=user,
        reason=terms.reason,
        content=[f"decision|{decision.public_id}|{approvals.hash_of(_said(decision))}"],
    )
    decision.recorded_at = decision.batch.recorded_at
    decision.save(force_insert=True)
    held.state, held.closed_at = ReviewState.DECIDED.value, now
    held.closed_reason = f"{terms.kind.value.replace('_', ' ').capitalize()}: {terms.reason}"
    held.save(update_fields=["state", "closed_at", "closed_reason"])
    _follow(decision, terms, user=user, now=now)
    return decision


def _check(review: Review, terms: Terms, *, user: User, today: date) -> None:
    if review.state != ReviewState.OPEN.value:
        raise DecisionError(f"This review is {review.state} already.", code="closed")
    if reviews.has_owned(user, review):
        raise DecisionError(
            "Who owns an investment, or has owned it since the review opened, does not decide on it; the sponsor or "
            "the board does.",
            code="forbidden",
        )
    if not reviews.may_decide(user, review):
        raise DecisionError("Only the board, an administrator or the sponsor decides.", code="forbidden")
    if not terms.reason.strip():
        raise DecisionError("A decision needs its reason.")
    answers = QUESTIONS[ReviewKind(review.kind)].answers
    if terms.kind not in answers:
        allowed = ", ".join(sorted(kind.value.replace("_", " ") for kind in answers))
        raise DecisionError(f"This review is answered by {allowed}.")
    if missing := reviews.unanswered(review):
        raise DecisionError(f"Answer the checklist first: {missing[0]}")
    _check_next(terms, today=today)
    _check_budget(review, terms)
    _check_expected(terms, today=today)


def _check_next(terms: Terms, *, today: date) -> None:
    if terms.kind in FINAL:
        if terms.next_review_on is not None:
            raise DecisionError("An investment that is stopped has no next review.")
        return
    if terms.next_review_on is None:
        raise DecisionError("Say when it is looked at again: a decision names its next review.")
    if not today < terms.next_review_on <= today + LONGEST_WAIT:
        raise DecisionError("The next review is after today and within a year.")


def _check_budget(review: Review, terms: Terms) -> None:
    move, investment = terms.budget, review.investment
    if terms.kind is DecisionKind.DOUBLE_DOWN and (move is None or move.target != investment):
        raise DecisionError(f"Doubling down moves money to {investment.code}; say how much and from where.")
    if terms.kind is DecisionKind.PULL_BACK and (move is None or move.source != investment):
        raise DecisionError(
            f"Pulling back takes money from {investment.code}; say how much and where it goes."
        )
    if move is None:
        return
    if not move.amount.is_finite() or not 0 < move.amount <= MAX_AMOUNT:
        raise DecisionError("Money that moves is an amount above zero.")
    if move.amount != round(move.amount, 6):
        raise DecisionError("Money has six decimals at most.")
    if move.source == move.target:
        raise DecisionError("Money moves between two different investments, or to or from the reserve.")
    if investment not in (move.source, move.target):
        raise DecisionError(f"A decision on {investment.code} moves money to it or from it.")
    for end in (move.source, move.target):
        if end is not None and end.portfolio_id != review.portfolio_id:
            raise DecisionError(f"{end.code} is in another portfolio; money moves inside one.")


def _check_expected(terms: Terms, *, today: date) -> None:
    expected = terms.expected
    if expected is None:
        return
    if expected.metric not in OUTCOMES:
        raise DecisionError(f"An outcome is one of {', '.join(OUTCOMES)}.")
    if expected.month.day != 1 or expected.month < first_of_month(today):
        raise DecisionError("An outcome is expected in this month or a later one.")
    bounds = [value for value in (expected.low, expected.value, expected.high) if value is not None]
    if any(not value.is_finite() or abs(value) > MAX_AMOUNT for value in bounds):
        raise DecisionError("What is expected is a finite number.")
    if (expected.low is None) != (expected.high is None) or bounds != sorted(bounds):
        raise DecisionError("An interval has both ends, with the expected value between them.")


def _row(
    review: Review, terms: Terms, *, user: User, evidence: Evidence, today: date, now: datetime
) -> Decision:
    move, expected = terms.budget, terms.expected
    return Decision(
        portfolio=review.portfolio,
        investment=review.investment,
        review=review,
        kind=terms.kind.value,
        reason=terms.reason.strip(),
        conditions=terms.conditions.strip(),
        decided_on=today,
        decided_by=user,
        budget_amount=move.amount if move else None,
        budget_currency=review.portfolio.reporting_currency if move else "",
        budget_from=move.source if move else None,
        budget_to=move.target if move else None,
        next_review_on=terms.next_review_on,
        expected_metric=expected.metric if expected else "",
        expected_value=expected.value if expected else None,
        expected_low=expected.low if expected else None,
        expected_high=expected.high if expected else None,
        expected_month=expected.month if expected else None,
        month=evidence.month,
        knowledge=evidence.knowledge,
        engine_version=evidence.engine_version,
        evidence=dict(evidence.content),
        evidence_hash=approvals.hash_of(evidence.content),
        recorded_at=now,
    )


def _said(decision: Decision) -> dict[str, Any]:
    """Return what the chain of batches vouches for: the decision's own words, money and evidence."""
    return {
        "investment": decision.investment_id,
        "review": decision.review_id,
        "kind": decision.kind,
        "reason": decision.reason,
        "conditions": decision.conditions,
        "decided_by": decision.decided_by_id,
        "budget": [decision.budget_amount, decision.budget_from_id, decision.budget_to_id],
        "next_review_on": decision.next_review_on,
        "expected": [
            decision.expected_metric,
            decision.expected_value,
            format_month(decision.expected_month) if decision.expected_month else None,
        ],
        "evidence": decision.evidence_hash,
    }


def _follow(decision: Decision, terms: Terms, *, user: User, now: datetime) -> None:
    """Enter what follows from a decision: the stage, the next review, the end of what is moot."""
    investment = Investment.objects.select_related("portfolio").get(pk=decision.investment_id)
    stage = LEADS_TO.get(terms.kind)
    if stage is not None and stage.value != investment.stage:
        try:
            stages.move(investment, stage, now=now, actor=user, reason=terms.reason, decision=decision)
        except StageError as error:
            raise DecisionError(str(error)) from error
    investment.review_date = terms.next_review_on
    investments.put(investment, now=now, actor=user, reason=terms.reason)
    moot = Review.objects.filter(investment=investment, state=ReviewState.OPEN.value)
    sentence = f"The investment was stopped on {decision.decided_on}: {decision.reason}"
    if terms.kind not in FINAL:
        # People sat on the investment and chose the next date; what an alert or a person asked still waits.
        moot = moot.filter(kind=ReviewKind.SCHEDULED.value, origin="calendar")
        sentence = f"The decision of {decision.decided_on} names the next review: {terms.next_review_on}."
    moot.update(state=ReviewState.WITHDRAWN.value, closed_at=now, closed_reason=sentence)


def is_intact(decision: Decision) -> bool:
    """Return whether the copied evidence is what its hash was made of."""
    return decision.evidence_hash == approvals.hash_of(decision.evidence)
