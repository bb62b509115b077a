"""Reviews: who opens them, that each is open once, what ends them, and who is asked when nobody does."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from portfolio import review_calendar, reviews
from portfolio.models import Deployment, Investment, Review, User
from portfolio.review_questions import OPENED_BY_RULE, QUESTIONS
from portfolio.reviews import Request, ReviewError
from portfolio.terms import DecisionKind, ReviewKind
from tests import factories

pytestmark = pytest.mark.django_db
# A Monday.
NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)


@pytest.fixture
def olivia() -> User:
    """The owner."""
    return factories.make_user("olivia")


@pytest.fixture
def support(olivia: User) -> Investment:
    """Olivia's investment, live, sponsored by Sam."""
    portfolio = factories.make_portfolio()
    factories.join(olivia, portfolio, "owner")
    sam = factories.join(factories.make_user("sam"), portfolio, "viewer")
    return factories.make_investment(portfolio, owner=olivia, sponsor=sam, stage="scaled")


def _alert(support: Investment, rule: str = "hurdle_rate", **changes: Any) -> Request:
    given = {"investment": support, "kind": OPENED_BY_RULE[rule], "origin": "alert", "rule": rule}
    return Request(**{**given, "origin_ref": uuid4(), **changes})


def test_an_alert_opens_its_review_once(support: Investment) -> None:
    """The same origin again, alone or in a batch, opens nothing."""
    asked = _alert(support)
    assert reviews.request([asked], now=NOW) == 1
    assert reviews.request([asked, asked], now=NOW + timedelta(days=1)) == 0
    (review,) = Review.objects.all()
    assert (review.kind, review.state) == ("maintain_or_replace", "open")
    # Ten business days after Monday 2 November.
    assert review.due_on == date(2026, 11, 16)


@pytest.mark.parametrize(("rule", "kind"), OPENED_BY_RULE.items())
def test_each_rule_asks_its_own_question(support: Investment, rule: str, kind: ReviewKind) -> None:
    """With the steps to answer, and decisions that answer it."""
    reviews.request([_alert(support, rule)], now=NOW)
    review = Review.objects.get()
    assert review.question.startswith(QUESTIONS[kind].text)
    assert [step["code"] for step in review.checklist] == [step.code for step in QUESTIONS[kind].steps]
    assert QUESTIONS[kind].answers <= set(DecisionKind)


def test_the_question_says_whether_a_rollback_is_there(support: Investment) -> None:
    """By the deployment facts in force, not by later ones."""
    Deployment.objects.create(investment=support, effective_month=date(2026, 1, 1), has_rollback=True)
    Deployment.objects.create(investment=support, effective_month=date(2027, 1, 1), has_rollback=False)
    reviews.request([_alert(support)], now=NOW)
    assert "an earlier version can be restored" in Review.objects.get().question


def test_a_retracted_alert_withdraws_its_review_with_the_reason(support: Investment) -> None:
    """Only the review of that alert."""
    mine, other = _alert(support), _alert(support, "negative_roi")
    reviews.request([mine, other], now=NOW)
    assert mine.origin_ref
    assert reviews.withdraw({mine.origin_ref: "A restatement removed the breach."}, now=NOW) == 1
    gone = Review.objects.get(origin_ref=mine.origin_ref)
    assert (gone.state, gone.closed_reason) == ("withdrawn", "A restatement removed the breach.")
    assert Review.objects.get(origin_ref=other.origin_ref).state == "open"
    assert reviews.withdraw({mine.origin_ref: "Again."}, now=NOW) == 0


def test_a_review_withdrawn_and_asked_for_again_is_a_new_one(support: Investment) -> None:
    """A reopened alert opens its question again."""
    asked = _alert(support)
    reviews.request([asked], now=NOW)
    assert asked.origin_ref
    reviews.withdraw({asked.origin_ref: "Restated."}, now=NOW)
    assert reviews.request([asked], now=NOW) == 1
    assert Review.objects.filter(origin_ref=asked.origin_ref).count() == 2


def test_answers_are_written_by_those_who_record(support: Investment, olivia: User) -> None:
    """Strangers and unknown steps are refused; the answer says whose it is."""
    reviews.request([_alert(support)], now=NOW)
    review = Review.objects.get()
    with pytest.raises(ReviewError, match="Only who records"):
        reviews.answer(review, "cause", "Drift", user=factories.make_user("mallory"), now=NOW)
    with pytest.raises(ReviewError, match="no step named"):
        reviews.answer(review, "other", "Drift", user=olivia, now=NOW)
    assert reviews.unanswered(review)
    held = reviews.answer(review, "cause", "Drift since June", user=olivia, now=NOW)
    step = next(one for one in held.checklist if one["code"] == "cause")
    assert (step["answer"], step["by"]) == ("Drift since June", "olivia")
    assert reviews.unanswered(held) == []


def test_the_owner_never_decides(support: Investment, olivia: User) -> None:
    """Not even as administrator; the sponsor and the board do, a stranger does not."""
    reviews.request([_alert(support)], now=NOW)
    review = Review.objects.select_related("investment").get()
    factories.join(olivia, support.portfolio, "admin")
    assert not reviews.may_decide(olivia, review)
    assert support.sponsor
    assert reviews.may_decide(support.sponsor, review)
    assert reviews.may_decide(factories.join(factories.make_user("bo"), support.portfolio, "board"), review)
    assert not reviews.may_decide(
        factories.join(factories.make_user("vera"), support.portfolio, "viewer"), review
    )
    assert not reviews.may_decide(factories.make_user("mallory"), review)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"kind": ReviewKind.DECOMMISSIONING}, "opened by an alert"),
        ({"due_on": date(2026, 11, 1)}, "today or later"),
        ({"why": "  "}, "Say why"),
    ],
)
def test_a_person_opens_a_review_with_a_reason(
    support: Investment, olivia: User, changes: dict[str, Any], sentence: str
) -> None:
    """Both sides: refused with a sentence, opened when asked properly."""
    asked: dict[str, Any] = {
        "kind": ReviewKind.BUSINESS_REVIEW,
        "due_on": date(2026, 11, 2),
        "why": "New vendor.",
    }
    with pytest.raises(ReviewError, match=sentence):
        reviews.ask_for(support, **{**asked, **changes}, user=olivia, now=NOW)
    assert "New vendor." in reviews.ask_for(support, **asked, user=olivia, now=NOW).question
    with pytest.raises(ReviewError, match="Only who records"):
        reviews.ask_for(support, **asked, user=factories.make_user("mallory"), now=NOW)


def test_nothing_is_reviewed_after_its_end(support: Investment, olivia: User) -> None:
    """Neither by a person nor by the calendar."""
    support = factories.make_investment(
        support.portfolio, stage="killed", review_date=NOW.date(), owner=olivia
    )
    Investment.objects.exclude(pk=support.pk).update(review_date=NOW.date() + timedelta(days=99))
    with pytest.raises(ReviewError, match="has ended"):
        reviews.ask_for(support, ReviewKind.BUSINESS_REVIEW, user=olivia, due_on=NOW.date(), why="x", now=NOW)
    assert review_calendar.open_due_of(support.portfolio, now=NOW) == 0


@pytest.mark.parametrize(("days", "opened"), [(14, 1), (15, 0), (-400, 1)])
def test_the_calendar_opens_a_review_two_weeks_before_its_date(
    support: Investment, days: int, opened: int
) -> None:
    """Once, however often the clock rings."""
    due = NOW.date() + timedelta(days=days)
    Investment.objects.filter(pk=support.pk).update(review_date=due)
    assert review_calendar.open_due_of(support.portfolio, now=NOW) == opened
    assert review_calendar.open_due_of(support.portfolio, now=NOW) == 0
    assert [review.due_on for review in Review.objects.all()] == [due] * opened


def test_later_is_not_forever(support: Investment) -> None:
    """Without a date, the cadence counts from the start: it is due with notice, not retroactively."""
    Investment.objects.filter(pk=support.pk).update(review_date=None)
    assert review_calendar.open_due_of(support.portfolio, now=NOW) == 1
    assert Review.objects.get().due_on == NOW.date() + review_calendar.NOTICE


def test_a_proposal_has_no_regular_review(support: Investment) -> None:
    """It has a gate before it."""
    factories.make_investment(support.portfolio, review_date=NOW.date())
    Investment.objects.filter(pk=support.pk).update(review_date=NOW.date() + timedelta(days=99))
    assert review_calendar.open_due_of(support.portfolio, now=NOW) == 0


@pytest.mark.parametrize(
    ("day", "level"),
    [(date(2026, 11, 4), 0), (date(2026, 11, 5), 1), (date(2026, 11, 13), 1), (date(2026, 11, 16), 2)],
)
def test_an_overdue_review_goes_up_by_business_days(support: Investment, day: date, level: int) -> None:
    """Due on Monday 2 November: the sponsor after three business days, the board after ten."""
    reviews.request([_alert(support, due_on=NOW.date())], now=NOW)
    moment = datetime.combine(day, NOW.timetz())
    raised = review_calendar.escalate(now=moment)
    assert [review.escalation_level for review in raised] == [level] * bool(level)
    assert review_calendar.escalate(now=moment) == []
