"""Decisions: both sides of every rule, what they lead to, and that what was decided stays as it was."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.db import DatabaseError, connection, transaction

from portfolio import decisions, review_calendar, reviews
from portfolio.decisions import BudgetMove, DecisionError, Evidence, Expected, Terms
from portfolio.models import Decision, Investment, Review, StageChange, User
from portfolio.reviews import Request
from portfolio.terms import DecisionKind, ReviewKind
from tests import factories

pytestmark = pytest.mark.django_db
K = DecisionKind
EVIDENCE = Evidence(
    content={"roi": "0.5", "months": ["2026-10"]}, knowledge=7, engine_version="1", month=None
)


@pytest.fixture
def now() -> datetime:
    """The clock: batches lie after the portfolio's own."""
    return datetime.now(UTC)


@pytest.fixture
def support(db: None) -> Investment:
    """Olivia's investment, sponsored by Sam, in a portfolio with another one."""
    portfolio = factories.make_portfolio()
    olivia = factories.join(factories.make_user("olivia"), portfolio, "owner")
    sam = factories.join(factories.make_user("sam"), portfolio, "viewer")
    factories.make_investment(portfolio, "OTHER", stage="scaled")
    return factories.make_investment(portfolio, "SUPPORT", owner=olivia, sponsor=sam, stage="scaled")


@pytest.fixture
def sam(support: Investment) -> User:
    """The sponsor, who decides."""
    assert support.sponsor
    return support.sponsor


def _review(investment: Investment, kind: ReviewKind, now: datetime, *, is_answered: bool = True) -> Review:
    asked = Request(investment=investment, kind=kind, origin="alert", origin_ref=uuid4(), rule="x")
    reviews.request([asked], now=now)
    review = Review.objects.select_related("investment").get(origin_ref=asked.origin_ref)
    for step in review.checklist if is_answered else []:
        review = reviews.answer(review, step["code"], "Done.", user=investment.owner, now=now)
    return review


def _terms(kind: DecisionKind = K.OPTIMIZE, **changes: Any) -> Terms:
    given: dict[str, Any] = {"kind": kind, "reason": "Retrain it in May."}
    if kind is not K.KILL:
        given["next_review_on"] = datetime.now(UTC).date() + timedelta(days=60)
    return Terms(**{**given, **changes})


def _decide(review: Review, terms: Terms, user: User, now: datetime) -> Decision:
    return decisions.decide(review, terms, user=user, evidence=EVIDENCE, now=now)


def test_a_decision_ends_its_review_and_keeps_its_evidence(
    support: Investment, sam: User, now: datetime
) -> None:
    """Evidence is a copy with a hash, the next review is on its date, and the chain of batches vouches for it."""
    review = _review(support, ReviewKind.MAINTAIN_OR_REPLACE, now)
    decision = _decide(review, _terms(conditions="Unless cost falls."), sam, now)
    review.refresh_from_db()
    support.refresh_from_db()
    assert (review.state, review.decision) == ("decided", decision)
    assert review.closed_reason == "Optimize: Retrain it in May."
    assert support.review_date == decision.next_review_on
    assert decision.evidence == EVIDENCE.content
    assert decisions.is_intact(Decision.objects.get(pk=decision.pk))
    assert decision.batch.kind == "governance"


def test_evidence_that_was_tampered_with_is_noticed(support: Investment, sam: User, now: datetime) -> None:
    """The hash is of the content, whatever a copy says."""
    decision = _decide(_review(support, ReviewKind.SCHEDULED, now), _terms(), sam, now)
    decision.evidence["roi"] = "0.9"
    assert not decisions.is_intact(decision)


def test_the_owner_does_not_decide(support: Investment, now: datetime) -> None:
    """Not even as administrator."""
    review = _review(support, ReviewKind.SCHEDULED, now)
    assert support.owner
    factories.join(support.owner, support.portfolio, "admin")
    with pytest.raises(DecisionError, match="Who owns"):
        _decide(review, _terms(), support.owner, now)
    with pytest.raises(DecisionError, match="Only the board"):
        _decide(review, _terms(), factories.make_user("mallory"), now)


def test_who_owned_it_meanwhile_does_not_decide(support: Investment, now: datetime) -> None:
    """Handing the investment on while its review is open opens no way to decide, by verb or by SQL."""
    review = _review(support, ReviewKind.SCHEDULED, now - timedelta(hours=1))
    olivia, finn = support.owner, factories.make_user("finn")
    assert olivia
    support.owner, support.sponsor = finn, olivia
    support.save()
    review.investment.refresh_from_db()
    assert not reviews.may_decide(olivia, review)
    with pytest.raises(DecisionError, match="has owned it since"):
        _decide(review, _terms(), olivia, now)
    board = factories.join(factories.make_user("bea"), support.portfolio, "board")
    decision = _decide(review, _terms(), board, now)
    twin = Decision.objects.get(pk=decision.pk)
    other = _review(support, ReviewKind.MAINTAIN_OR_REPLACE, now - timedelta(hours=1), is_answered=False)
    twin.pk, twin.public_id, twin.review, twin.decided_by = None, uuid4(), other, olivia
    with pytest.raises(DatabaseError, match="owner"), transaction.atomic():
        Decision.objects.bulk_create([twin])


def test_needed_steps_come_first(support: Investment, sam: User, now: datetime) -> None:
    """A decommissioning review has its checklist."""
    review = _review(support, ReviewKind.DECOMMISSIONING, now, is_answered=False)
    with pytest.raises(DecisionError, match="checklist first: Name the cause"):
        _decide(review, _terms(K.SUNSET), sam, now)


@pytest.mark.parametrize(
    ("kind", "terms", "sentence"),
    [
        (ReviewKind.SCHEDULED, _terms(reason="  "), "needs its reason"),
        (ReviewKind.DECOMMISSIONING, _terms(K.CONTINUE), "is answered by"),
        (ReviewKind.DOUBLE_DOWN_CHECK, _terms(K.KILL), "is answered by"),
        (ReviewKind.SCHEDULED, _terms(next_review_on=None), "looked at again"),
        (ReviewKind.SCHEDULED, _terms(next_review_on=date(2020, 1, 1)), "after today"),
        (ReviewKind.SCHEDULED, _terms(next_review_on=date(2199, 1, 1)), "within a year"),
        (ReviewKind.SCHEDULED, _terms(K.KILL, next_review_on=date(2027, 1, 1)), "no next review"),
        (ReviewKind.SCHEDULED, _terms(K.DOUBLE_DOWN), "say how much"),
        (ReviewKind.SCHEDULED, _terms(K.PULL_BACK), "say how much"),
    ],
)
def test_what_is_not_decidable_is_refused(
    support: Investment, sam: User, now: datetime, kind: ReviewKind, terms: Terms, sentence: str
) -> None:
    """With a sentence, and nothing is written."""
    review = _review(support, kind, now)
    with pytest.raises(DecisionError, match=sentence):
        _decide(review, terms, sam, now)
    assert not Decision.objects.exists()
    review.refresh_from_db()
    assert review.state == "open"


@pytest.mark.parametrize("amount", ["0", "-1", "NaN", "Infinity", "0.0000001", "100000000001"])
def test_money_that_moves_is_an_exact_amount(
    support: Investment, sam: User, now: datetime, amount: str
) -> None:
    """Above zero, finite, six decimals."""
    move = BudgetMove(amount=Decimal(amount), source=None, target=support)
    with pytest.raises(DecisionError):
        _decide(_review(support, ReviewKind.SCHEDULED, now), _terms(budget=move), sam, now)


def test_money_stays_in_its_portfolio(support: Investment, sam: User, now: datetime) -> None:
    """And moves between two ends."""
    review = _review(support, ReviewKind.SCHEDULED, now)
    stranger = factories.make_investment(factories.make_portfolio())
    for source in (stranger, support):
        move = BudgetMove(amount=Decimal(5), source=source, target=support)
        with pytest.raises(DecisionError, match=r"another portfolio|different"):
            _decide(review, _terms(budget=move), sam, now)


def test_a_decision_moves_no_money_of_others(support: Investment, sam: User, now: datetime) -> None:
    review = _review(support, ReviewKind.SCHEDULED, now)
    move = BudgetMove(amount=Decimal(5), source=None, target=Investment.objects.get(code="OTHER"))
    with pytest.raises(DecisionError, match="to it or from it"):
        _decide(review, _terms(budget=move), sam, now)


def test_doubling_down_moves_money(support: Investment, sam: User, now: datetime) -> None:
    """From another investment, in the reporting currency."""
    other = Investment.objects.get(code="OTHER")
    move = BudgetMove(amount=Decimal("25000.5"), source=other, target=support)
    review = _review(support, ReviewKind.DOUBLE_DOWN_CHECK, now)
    decision = _decide(review, _terms(K.DOUBLE_DOWN, budget=move), sam, now)
    assert (decision.budget_from, decision.budget_to) == (other, support)
    assert (decision.budget_amount, decision.budget_currency) == (Decimal("25000.5"), "USD")


@pytest.mark.parametrize(
    ("kind", "stage"), [(K.SUNSET, "decommissioning"), (K.KILL, "killed"), (K.PIVOT, "pivoted")]
)
def test_a_decision_leads_to_its_stage(
    support: Investment, sam: User, now: datetime, kind: DecisionKind, stage: str
) -> None:
    """The change of stage names the decision."""
    decision = _decide(_review(support, ReviewKind.SCHEDULED, now), _terms(kind), sam, now)
    support.refresh_from_db()
    change = StageChange.objects.get(investment=support, decision=decision)
    assert (support.stage, change.to_stage, change.from_stage) == (stage, stage, "scaled")


def test_what_is_stopped_has_no_open_question_left(support: Investment, sam: User, now: datetime) -> None:
    """Its other reviews are withdrawn with the reason; another investment's stay."""
    mine = _review(support, ReviewKind.DECOMMISSIONING, now)
    moot = _review(support, ReviewKind.MAINTAIN_OR_REPLACE, now)
    other = Investment.objects.get(code="OTHER")
    others = _review(other, ReviewKind.DECOMMISSIONING, now, is_answered=False)
    _decide(mine, _terms(K.KILL), sam, now)
    moot.refresh_from_db()
    others.refresh_from_db()
    assert (moot.state, others.state) == ("withdrawn", "open")
    assert "was stopped" in moot.closed_reason


def test_a_decision_names_the_next_regular_review(support: Investment, sam: User, now: datetime) -> None:
    """The regular review that was due is over with it; what an alert asked is not, nor what a person asked for."""
    Investment.objects.filter(pk=support.pk).update(review_date=now.date() - timedelta(days=9))
    review_calendar.open_due_of(support.portfolio, now=now)
    regular = Review.objects.get(investment=support, kind=ReviewKind.SCHEDULED.value)
    alert = _review(support, ReviewKind.BUSINESS_REVIEW, now)
    decision = _decide(_review(support, ReviewKind.MAINTAIN_OR_REPLACE, now), _terms(), sam, now)
    for review in (regular, alert):
        review.refresh_from_db()
    assert (regular.state, alert.state) == ("withdrawn", "open")
    assert regular.closed_reason.endswith(f"names the next review: {decision.next_review_on}.")
    root, today = factories.make_user("root", is_superuser=True), now.date() + timedelta(days=1)
    asked = reviews.ask_for(support, ReviewKind.SCHEDULED, user=root, due_on=today, why="Audit.", now=now)
    _decide(alert, _terms(), sam, now)
    asked.refresh_from_db()
    assert asked.state == "open"


def test_a_decided_review_is_not_decided_again(support: Investment, sam: User, now: datetime) -> None:
    """The first word counts."""
    review = _review(support, ReviewKind.SCHEDULED, now)
    _decide(review, _terms(), sam, now)
    with pytest.raises(DecisionError, match="decided already"):
        _decide(review, _terms(K.HOLD), sam, now)


@pytest.mark.parametrize(
    "changes",
    [
        {"metric": "fame"},
        {"month": date(2020, 1, 1)},
        {"low": Decimal(1)},
        {"low": Decimal(9), "high": Decimal(20)},
        {"value": Decimal("NaN")},
    ],
)
def test_what_is_expected_can_be_measured(
    support: Investment, sam: User, now: datetime, changes: dict[str, Any]
) -> None:
    """A known figure, a month to come, an interval around the value."""
    month = factories.now().date().replace(day=1)
    good = Expected(metric="operating_margin", value=Decimal(5), month=month)
    review = _review(support, ReviewKind.SCHEDULED, now)
    with pytest.raises(DecisionError):
        _decide(review, _terms(expected=replace(good, **changes)), sam, now)
    kept = _decide(review, _terms(expected=replace(good, low=Decimal(1), high=Decimal(9))), sam, now)
    assert (kept.expected_metric, kept.expected_low, kept.expected_high) == ("operating_margin", 1, 9)


def test_an_outcome_is_looked_at_once_its_month_is_closed(
    support: Investment, sam: User, now: datetime
) -> None:
    """The follow-up names the decision, and comes once."""
    month = now.date().replace(day=1)
    expected = Expected(metric="roi", value=Decimal("0.4"), month=month)
    decision = _decide(_review(support, ReviewKind.SCHEDULED, now), _terms(expected=expected), sam, now)
    assert not Review.objects.filter(kind="follow_up").exists()
    later = now + timedelta(days=60)
    review_calendar.open_due_of(support.portfolio, now=later)
    review_calendar.open_due_of(support.portfolio, now=later)
    (follow_up,) = Review.objects.filter(kind="follow_up")
    assert follow_up.follows == decision
    assert "Retrain it in May." in follow_up.question


def _sql(statement: str, *values: object) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, values)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_direct_sql_cannot_rewrite_or_fake_a_decision(support: Investment, sam: User, now: datetime) -> None:
    """As the application's own role: not changed, not removed, not entered for the owner, not skipped."""
    decision = _decide(_review(support, ReviewKind.SCHEDULED, now), _terms(), sam, now)
    pending = _review(support, ReviewKind.DECOMMISSIONING, now)
    for statement in (
        "UPDATE portfolio_decision SET kind = 'kill'",
        "DELETE FROM portfolio_decision",
    ):
        with pytest.raises(DatabaseError):
            _sql(statement)
    with pytest.raises(DatabaseError, match="without a decision"):
        _sql("UPDATE portfolio_review SET state = 'decided', closed_at = now() WHERE id = %s", pending.pk)
    with pytest.raises(DatabaseError, match="is closed"):
        _sql("UPDATE portfolio_review SET state = 'open', closed_at = NULL WHERE id = %s", decision.review_id)
    with pytest.raises(DatabaseError, match="kept"):
        _sql("DELETE FROM portfolio_review WHERE id = %s", pending.pk)
    twin = Decision.objects.get(pk=decision.pk)
    twin.pk, twin.public_id, twin.review, twin.decided_by = None, uuid4(), pending, support.owner
    with pytest.raises(DatabaseError, match="owner"), transaction.atomic():
        Decision.objects.bulk_create([twin])


def _again(decision: Decision, **changes: Any) -> Decision:
    twin = Decision.objects.get(pk=decision.pk)
    twin.pk, twin.public_id = None, uuid4()
    for name, value in changes.items():
        setattr(twin, name, value)
    return twin


def test_a_decision_row_answers_an_open_review_of_its_investment_and_ends_it(
    support: Investment, sam: User, now: datetime
) -> None:
    """Whoever writes it: by one of those who decide, and with the end of the review in the same transaction."""
    decision = _decide(_review(support, ReviewKind.SCHEDULED, now), _terms(), sam, now)
    pending = _review(support, ReviewKind.DECOMMISSIONING, now)
    other = Investment.objects.get(code="OTHER")
    elsewhere = _review(other, ReviewKind.DECOMMISSIONING, now, is_answered=False)
    viewer = factories.join(factories.make_user("vera"), support.portfolio, "viewer")
    for changes, words in (
        ({"review": elsewhere}, "open review of its investment"),
        ({"review": decision.review}, "open review of its investment"),
        ({"review": pending, "decided_by": viewer}, "the sponsor decides"),
    ):
        with pytest.raises(DatabaseError, match=words), transaction.atomic():
            Decision.objects.bulk_create([_again(decision, **changes)])
    Decision.objects.bulk_create([_again(decision, review=pending)])
    with pytest.raises(DatabaseError, match="ends its review"):
        _sql("SELECT 1")
    Review.objects.filter(pk=pending.pk).update(state="decided", closed_at=now)


def test_what_a_review_asks_stays(support: Investment, now: datetime) -> None:
    review = _review(support, ReviewKind.DECOMMISSIONING, now)
    for change in ("origin = 'person'", "origin_ref = gen_random_uuid()", "kind = 'scheduled'"):
        with pytest.raises(DatabaseError, match="asks cannot be changed"):
            _sql(f"UPDATE portfolio_review SET {change} WHERE id = %s", review.pk)
