"""Alerts open reviews and withdraw them; a decision ends the asking, a resolved alert does not end its review."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import DatabaseError, connection, transaction

from alerts import due, evaluate
from alerts.models import Episode, Event, Timer
from portfolio import decisions, reviews
from portfolio.decisions import Evidence, Terms
from portfolio.models import Investment, Portfolio, Review
from portfolio.terms import DecisionKind
from tests import factories
from tests.factories import close, fact, month, now, record, running

pytestmark = pytest.mark.django_db
LOSING = {"infrastructure": 9000, "labor_savings": 2000}


@pytest.fixture
def portfolio() -> Portfolio:
    """A portfolio."""
    return factories.make_portfolio()


@pytest.fixture
def losing(portfolio: Portfolio) -> Investment:
    """An investment that costs more to run than it brings, for four closed months."""
    made = factories.make_investment(portfolio, "LOSING", stage="scaled")
    record(portfolio, *running(made, LOSING, last=4))
    close(portfolio, last=4)
    evaluate.advance(now=now())
    return made


def _reviews(investment: Investment) -> dict[str, Review]:
    return {review.rule: review for review in Review.objects.filter(investment=investment)}


def test_an_alert_opens_the_review_of_its_rule(losing: Investment) -> None:
    """In the transaction of the crossing, naming the alert; evaluating again opens nothing."""
    found = _reviews(losing)
    assert found["negative_roi"].kind == "decommissioning"
    assert found["hurdle_rate"].kind == "maintain_or_replace"
    episode = Episode.objects.get(investment=losing, rule="negative_roi")
    assert found["negative_roi"].origin_ref == episode.public_id
    assert "number 1" in found["negative_roi"].question
    before = Review.objects.count()
    evaluate.advance(now=now())
    assert Review.objects.count() == before


def test_a_retracted_alert_withdraws_its_review(losing: Investment, portfolio: Portfolio) -> None:
    """A restatement shows that it should never have fired: the question falls away, with its reason."""
    restated = [fact(losing, month(n), "labor_savings", Decimal(50_000)) for n in range(1, 5)]
    record(portfolio, *restated, reason="The savings were entered per week.")
    evaluate.advance(now=now())
    review = _reviews(losing)["negative_roi"]
    assert (review.state, "retracted" in review.closed_reason) == ("withdrawn", True)


def test_direct_sql_does_not_withdraw_the_review_of_an_alert_that_stands(losing: Investment) -> None:
    """Only a decision ends it, or the retraction of its alert."""
    review = _reviews(losing)["negative_roi"]
    withdrawn = "UPDATE portfolio_review SET state = 'withdrawn', closed_at = now(), closed_reason = 'x' WHERE id = %s"
    with (
        pytest.raises(DatabaseError, match="retraction of its alert"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(f"{withdrawn}; SET CONSTRAINTS ALL IMMEDIATE", [review.pk])


def test_a_resolved_alert_leaves_its_review_open(losing: Investment, portfolio: Portfolio) -> None:
    """Only a decision ends it: recovering by itself answers no question."""
    good = {"infrastructure": 1000, "labor_savings": 90_000}
    record(portfolio, *running(losing, good, first=5, last=12))
    close(portfolio, first=5, last=12)
    evaluate.advance(now=now())
    assert Episode.objects.get(investment=losing, rule="negative_roi").closed_reason == "resolved"
    assert _reviews(losing)["negative_roi"].state == "open"


def test_a_history_that_nobody_is_told_of_asks_nothing(portfolio: Portfolio) -> None:
    """Backfilled months that went wrong and recovered open no review of an alert."""
    made = factories.make_investment(portfolio, "PAST", stage="scaled")
    good = {"infrastructure": 1000, "labor_savings": 90_000}
    record(portfolio, *running(made, LOSING, last=4), *running(made, good, first=5, last=12))
    close(portfolio, last=12)
    evaluate.advance(now=now())
    assert Episode.objects.filter(investment=made, rule="negative_roi").exists()
    assert "negative_roi" not in _reviews(made)


def test_nobody_is_reminded_of_what_is_decided(losing: Investment, portfolio: Portfolio) -> None:
    """Before the decision the clock reminds; after it the timer is dropped with its reason."""
    later = now() + timedelta(days=32)
    episode = Episode.objects.get(investment=losing, rule="negative_roi")
    for moment in (later - timedelta(days=1), later):
        due.run_due(now=moment)
    assert Event.objects.filter(episode=episode, kind="reminder").count() == 1
    _decide(_reviews(losing)["negative_roi"], portfolio)
    due.run_due(now=later + timedelta(days=31))
    assert Event.objects.filter(episode=episode, kind="reminder").count() == 1
    dropped = Timer.objects.filter(episode=episode, kind="reminder", state="dropped")
    assert [timer.reason for timer in dropped] == ["A decision is recorded in its review."]


def _decide(review: Review, portfolio: Portfolio) -> None:
    bo = factories.join(factories.make_user("bo"), portfolio, "board")
    for step in review.checklist:
        review = reviews.answer(review, step["code"], "Done.", user=bo, now=now())
    terms = Terms(
        kind=DecisionKind.HOLD, reason="Until May.", next_review_on=now().date() + timedelta(days=60)
    )
    shown = Evidence(content={}, knowledge=0, engine_version="1", month=None)
    decisions.decide(review, terms, user=bo, evidence=shown, now=now())
