"""The agenda of the business meeting: who is talked about first, with which figures, on which day."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from unittest import mock

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from alerts import evaluate
from portfolio import decisions, reviews
from portfolio.decisions import Evidence, Terms
from portfolio.facts import Fact
from portfolio.models import Account, Review
from portfolio.terms import DecisionKind, ReviewKind, add_months, format_month
from reports import pack_content, pack_totals_words, pack_views
from reports.console import past
from tests import factories
from tests.reports.cast import assemble, money
from tests.reports.figures_cast import FIRST, LAST, SAVED, SUPPORT, Figures, assemble_with_figures, run
from tests.reports.investments.test_page import words_of

pytestmark = pytest.mark.django_db
AGENDA = reverse("admin:reports_agenda")
DAY = (datetime.now(UTC) - timedelta(days=2)).date()


@pytest.fixture
def figures() -> Figures:
    """Investments with figures; the losing one has open reviews."""
    return assemble_with_figures()


def words(figures: Figures, **query: str) -> str:
    """Return what a person reads on the agenda."""
    response = figures.cast.client("vera").get(AGENDA, query)
    assert response.status_code == 200
    return words_of(response.content.decode())


def count(figures: Figures, month: int, account: str, quantity: int) -> Fact:
    """Return a fact of a counted account."""
    key = Account.objects.get(code=account).pk
    return Fact(figures.losing.pk, add_months(FIRST, month), key, quantity=Decimal(quantity))


def test_what_waits_for_a_decision_comes_first_with_its_question_and_price(figures: Figures) -> None:
    told = words(figures)
    first, rest = told.split("Waits for a decision")[1].split("The rest")
    assert "Call summaries" in first
    assert "Coding assistant" in rest
    review = Review.objects.get(investment=figures.losing, kind="decommissioning")
    assert " ".join(review.question.split()) in first
    # A loss of 7,000 a month is 230 a day; nobody sponsors it.
    assert "The board decides. A day of waiting costs 230 USD" in first


def test_the_longest_overdue_comes_first_and_says_how_long(figures: Figures) -> None:
    today = datetime.now(UTC).date()
    Review.objects.filter(investment=figures.losing).update(due_on=today - timedelta(days=12))
    assert "12 days overdue" in words(figures)


def test_alerts_without_a_review_come_before_the_rest(figures: Figures) -> None:
    bea = factories.join(factories.make_user("bea"), figures.cast.portfolio, "board")
    for review in Review.objects.filter(state="open"):
        for step in review.checklist:
            reviews.answer(review, step["code"], "Done.", user=bea, now=datetime.now(UTC))
        day = datetime.now(UTC).date() + timedelta(days=60)
        terms = Terms(kind=DecisionKind.CONTINUE, reason="Looked at.", next_review_on=day)
        if review.kind == ReviewKind.DECOMMISSIONING.value:
            terms = replace(terms, kind=DecisionKind.HOLD)
        shown = Evidence(content={}, knowledge=0, engine_version="1", month=None)
        decisions.decide(review, terms, user=bea, evidence=shown, now=datetime.now(UTC))
    told = words(figures)
    assert "Waits for a decision" not in told
    assert "Call summaries" in told.split("Firing without an open review")[1].split("The rest")[0]


def test_what_a_pack_notes_of_its_totals_stands_here_too(figures: Figures) -> None:
    with mock.patch.object(pack_totals_words, "notes", return_value=["Pools leave out 5 USD."]):
        assert "Pools leave out 5 USD." in words(figures)


def test_figures_are_those_of_the_pack(figures: Figures) -> None:
    view = pack_views.monthly(figures.cast.portfolio, month=LAST, as_of=datetime.now(UTC))
    content = pack_content.content_of(figures.cast.portfolio, view)
    told = words(figures)
    for one in content["investments"]:
        found = one["figures"]
        if "tco" in found:
            assert f"{Decimal(found['tco']):,.0f}" in told
            assert f"{abs(Decimal(found['supported']['net'])):,.0f}" in told
    assert "(124,000)" in told
    assert "No approved plan covers this month." in told


def test_use_is_what_was_counted_in_the_month_and_the_one_before(figures: Figures) -> None:
    figures.cast.record(
        count(figures, 10, "conversations", 1200),
        count(figures, 11, "conversations", 1500),
        reason="Counted.",
    )
    assert "1,500 before 1,200" in words(figures)
    assert "1,500" not in words(figures, month="2025-11")


def test_a_month_is_picked_and_what_is_none_is_the_newest(figures: Figures) -> None:
    assert "June 2025" in words(figures, month="2025-06")
    for text in ("2031-01", "soon", ""):
        assert "December 2025" in words(figures, month=text)


def test_it_travels(figures: Figures) -> None:
    """Restated since, the loss is over today and stands on the day."""
    before = datetime.now(UTC)
    restated = [money(figures.losing, add_months(FIRST, n), "speed", "99000") for n in range(12)]
    figures.cast.record(*restated, reason="It was counted wrongly.")
    evaluate.advance(now=datetime.now(UTC))
    assert "Decommissioning" not in words(figures)
    with mock.patch.object(past, "_end", return_value=before):
        told = words(figures, as_of=str(DAY))
    assert "Decommissioning" in told
    assert "(124,000)" in told
    assert f"at the end of {DAY}" in told


def test_before_a_month_is_closed_there_is_no_agenda() -> None:
    cast = assemble()
    page = cast.client("vera").get(AGENDA).content.decode()
    assert "No month is closed yet" in page
    assert cast.client("mallory").get(AGENDA, {"portfolio": "CX"}).status_code == 404


def test_queries_do_not_grow_with_investments(figures: Figures) -> None:
    client = figures.cast.client("vera")

    def counted() -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert client.get(AGENDA, {"month": format_month(LAST)}).status_code == 200
        return len(captured)

    counted()
    few = counted()
    for number in range(3):
        run(figures.cast, figures.cast.portfolio, f"M-{number}", "More", "1000", SUPPORT, SAVED)
    evaluate.advance(now=datetime.now(UTC))
    assert counted() <= few
