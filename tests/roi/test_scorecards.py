"""Scorecards from the ledger and what people stated: complete months alone, as known at a time."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from portfolio import knowledge
from portfolio.models import Batch, Differentiation, Hypothesis, Investment, Portfolio, StrategicTerms
from portfolio.terms import Book, DecisionKind
from roi import scorecards
from roi.engine.result import Reason
from roi.engine.scorecard import Criterion, Finding, ThresholdError, Verdict
from tests import factories
from tests.factories import close, fact, make_investment, month, now, record

LAST = 8
TODAY = date(2024, 9, 15)


def governed(portfolio: Portfolio) -> Batch:
    knowledge.lock_portfolio(portfolio.pk)
    return knowledge.open_batch(portfolio=portfolio, kind="governance", now=now(), content=["stated"])


def grow(investment: Investment, *, accuracy: Any = "0.95") -> None:
    """Record months in which use doubles and cost hardly grows, with the plan's accuracy."""
    facts, planned = [], []
    for number in range(1, LAST + 1):
        values = {
            "maintenance": 1000 + number,
            "labor_savings": 1000 * number,
            "queries": 100 * number,
            "users": 10 * number,
            "accuracy": accuracy(number) if callable(accuracy) else accuracy,
        }
        facts += [fact(investment, month(number), account, value) for account, value in values.items()]
        planned.append(fact(investment, month(number), "accuracy", "0.95"))
    record(investment.portfolio, *facts)
    record(investment.portfolio, *planned, book=Book.PLAN, book_version=1)
    factories.approve_plan(investment)
    close(investment.portfolio, last=LAST)


def rate(investment: Investment, importance: int = 5, **changes: Any) -> None:
    batch = governed(investment.portfolio)
    StrategicTerms.objects.create(
        investment=investment,
        kind="capability",
        narrative="Opens a market.",
        review_criteria="A second product uses it.",
        horizon_months=24,
        importance=importance,
        expires_on=date(2025, 1, 1),
        batch=batch,
    )
    Differentiation.objects.create(
        investment=investment,
        rating=4,
        narrative="Own data.",
        rated_on=date(2024, 6, 1),
        batch=batch,
        **changes,
    )
    Hypothesis.objects.create(
        investment=investment,
        claim="People ask it.",
        metric="Queries",
        baseline=Decimal(0),
        target=Decimal(1000),
        baseline_to=date(2024, 1, 1),
        target_date=date(2024, 10, 31),
    )


@pytest.fixture
def investment(db: None) -> Investment:
    return make_investment(factories.make_portfolio("CX"), "CX-1")


def score(investment: Investment, **changes: Any) -> scorecards.Scored:
    return scorecards.of([investment], **({"today": TODAY} | changes))[investment.pk]


def finding(investment: Investment, criterion: Criterion, **changes: Any) -> Finding:
    found = score(investment, **changes).scorecard.findings
    return next(one for one in found if one.criterion is criterion)


def test_what_scales_is_wanted_and_matters_is_proposed_to_double(investment: Investment) -> None:
    grow(investment)
    rate(investment)
    found = score(investment)
    assert [one.verdict for one in found.scorecard.findings] == [Verdict.PASSED] * 6
    assert found.scorecard.proposal is DecisionKind.DOUBLE_DOWN
    assert found.month == month(LAST)
    claim = finding(investment, Criterion.USER_VALUE)
    # 800 of 1,000 queries; 244 of 304 days have passed.
    assert (claim.inputs["way to target"], claim.inputs["due by now"]) == ("80%", "64%")


def test_nothing_stated_is_undefined_and_named(investment: Investment) -> None:
    found = score(investment).scorecard
    assert found.proposal is None
    assert len(found.undefined) == 6


def test_quality_that_missed_the_plan_proposes_to_pull_back(investment: Investment) -> None:
    grow(investment, accuracy=lambda number: "0.80" if number == LAST else "0.95")
    rate(investment, importance=2)
    found = score(investment).scorecard
    assert found.proposal is DecisionKind.PULL_BACK
    assert found.reasons == ("Accuracy missed its target in 1 of 3 months.",)


def test_a_metric_that_no_account_measures_is_not_stated(investment: Investment) -> None:
    grow(investment)
    Hypothesis.objects.create(
        investment=investment,
        claim="People are happier.",
        metric="Happiness",
        baseline=Decimal(0),
        target=Decimal(1),
        target_date=date(2024, 10, 31),
    )
    found = finding(investment, Criterion.USER_VALUE)
    assert (found.verdict, found.reason) == (Verdict.UNDEFINED, Reason.NOT_STATED)


def test_a_cost_per_unit_can_be_the_metric(investment: Investment) -> None:
    grow(investment)
    Hypothesis.objects.create(
        investment=investment,
        claim="A question gets cheaper.",
        metric="Cost per query",
        unit="USD",
        baseline=Decimal(5),
        target=Decimal(1),
        baseline_to=date(2024, 1, 1),
        target_date=date(2024, 6, 30),
    )
    found = finding(investment, Criterion.USER_VALUE)
    # (1,006 + 1,007 + 1,008) / (600 + 700 + 800)
    assert found.inputs["Cost per query"].startswith("1.4385")
    assert found.verdict is Verdict.PASSED


def test_thresholds_and_ratings_are_those_known_then(investment: Investment) -> None:
    grow(investment)
    rate(investment)
    known = Batch.objects.latest("pk").pk
    scorecards.set_thresholds(investment.portfolio, {"differentiation": 5}, now=now(), reason="Board.")
    assert finding(investment, Criterion.DIFFERENTIATION).verdict is Verdict.FAILED
    assert finding(investment, Criterion.DIFFERENTIATION, knowledge=known).verdict is Verdict.PASSED
    rate_again = governed(investment.portfolio)
    Differentiation.objects.create(
        investment=investment, rating=5, narrative="", rated_on=date(2024, 8, 1), batch=rate_again
    )
    assert finding(investment, Criterion.DIFFERENTIATION).verdict is Verdict.PASSED
    with pytest.raises(ThresholdError):
        scorecards.set_thresholds(investment.portfolio, {"luck": 5}, now=now())


def test_ratings_expire(investment: Investment) -> None:
    grow(investment)
    rate(investment)
    late = date(2025, 7, 1)
    assert finding(investment, Criterion.STRATEGY, today=late).verdict is Verdict.UNDEFINED
    assert finding(investment, Criterion.DIFFERENTIATION, today=date(2025, 6, 30)).verdict is Verdict.PASSED
    assert finding(investment, Criterion.DIFFERENTIATION, today=late).verdict is Verdict.UNDEFINED


def test_many_cost_no_more_queries_than_one(investment: Investment) -> None:
    others = [make_investment(investment.portfolio) for _ in range(3)]
    grow(investment)
    with CaptureQueriesContext(connection) as one:
        scorecards.of([investment], today=TODAY)
    with CaptureQueriesContext(connection) as many:
        scorecards.of([investment, *others], today=TODAY)
    assert len(many) == len(one)
