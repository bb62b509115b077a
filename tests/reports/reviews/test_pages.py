"""The pages of reviews and decisions: who sees what, answering, deciding, and the receipt."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from portfolio.decisions import OUTCOMES
from portfolio.models import Decision, Investment, Membership, Review
from reports.console import reviews_list
from reports.console.reviews_forms import DecisionForm
from roi.engine.result import Reason
from tests.factories import make_user
from tests.reports.cast import money
from tests.reports.figures_cast import LAST, Figures, assemble_with_figures
from tests.reports.investments.test_page import words_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def figures() -> Figures:
    """Investments with figures; the losing one has open alerts, so reviews wait."""
    return assemble_with_figures()


@pytest.fixture
def review(figures: Figures) -> Review:
    """The decommissioning review of the losing investment."""
    return Review.objects.get(investment=figures.losing, kind="decommissioning")


def _board(figures: Figures) -> Client:
    """Return a client signed in as a member of the board."""
    bo = make_user("bo", is_staff=True)
    Membership.objects.create(user=bo, portfolio=figures.cast.portfolio, role="board")
    client = Client()
    client.force_login(bo)
    return client


def _url(review: Review, name: str = "") -> str:
    return reverse(f"admin:reports_review{name}", args=[review.public_id])


def _answered(client: Client, review: Review) -> None:
    answers = {f"step-{step['code']}": "Done." for step in review.checklist}
    assert client.post(_url(review, "_answer"), answers).status_code == 302


def _decision(**changes: Any) -> dict[str, Any]:
    due = (datetime.now(UTC) + timedelta(days=40)).date().isoformat()
    return {"kind": "sunset", "reason": "It costs more than it brings.", "next_review_on": due, **changes}


def test_the_list_names_what_waits_and_what_waiting_costs(figures: Figures, review: Review) -> None:
    """A loss of 7000 a month is 230 a day."""
    page = _board(figures).get(reverse("admin:reports_reviews")).content.decode()
    assert "Decommissioning" in page
    assert "SUM-002" in page
    assert ">230<" in page
    assert "the board" in page


def test_a_review_says_what_a_day_of_waiting_costs(figures: Figures, review: Review) -> None:
    assert "The board. A day of waiting costs 230 USD." in words_of(
        _board(figures).get(_url(review)).content.decode()
    )


@pytest.mark.parametrize(
    ("margin", "reason", "said"),
    [
        (None, Reason.MISSING_ACTUALS, "is not known. A closed month lacks actuals."),
        (Decimal(0), "", "a day of waiting loses nothing."),
        (Decimal(5), "", "a day of waiting loses nothing."),
        (Decimal("-0.5"), "", 'costs <span class="h-strong"><span class="h-num">0</span></span> USD.'),
    ],
)
def test_what_waiting_costs_is_never_a_dash(margin: Decimal | None, reason: Reason | str, said: str) -> None:
    assert said in reviews_list.waiting_sentence(margin, reason=reason, currency="USD")


def test_a_stranger_finds_nothing(figures: Figures, review: Review) -> None:
    """Neither in the list nor by address."""
    mallory = Client()
    mallory.force_login(make_user("eve", is_staff=True))
    assert b"Nothing waits for a decision" in mallory.get(reverse("admin:reports_reviews")).content
    assert mallory.get(_url(review)).status_code == 404
    assert mallory.post(_url(review, "_decide"), _decision()).status_code == 404


def test_a_review_is_answered_and_decided(figures: Figures, review: Review) -> None:
    """The checklist first; then the decision, whose receipt comes out again."""
    client = _board(figures)
    early = client.post(_url(review, "_decide"), _decision())
    assert early.status_code == 400
    assert b"Answer the checklist first" in early.content
    _answered(client, review)
    done = client.post(_url(review, "_decide"), _decision(), follow=True)
    assert done.status_code == 200
    page = done.content.decode()
    assert "Comes out again from what was known then" in page
    assert "Nothing restated since" in page
    losing = Investment.objects.get(pk=figures.losing.pk)
    assert losing.stage == "decommissioning"
    assert "Sunset" in client.get(_url(review)).content.decode()
    assert "SUM-002" in client.get(reverse("admin:reports_decisions")).content.decode()


def test_a_restatement_shows_in_the_receipt(figures: Figures, review: Review) -> None:
    """Then and now stand side by side, and the line that was restated is named."""
    client = _board(figures)
    _answered(client, review)
    client.post(_url(review, "_decide"), _decision())
    figures.cast.record(money(figures.losing, LAST, "model_api", "9500"), reason="A bill came late.")
    decision = Decision.objects.get(review=review)
    page = client.get(reverse("admin:reports_decision", args=[decision.public_id])).content.decode()
    assert "Restated since" in page
    assert "9,500" in page


def test_the_owner_sees_why_somebody_else_decides(figures: Figures, review: Review) -> None:
    """No form, but a sentence."""
    client = Client()
    olivia = figures.cast.people["olivia"]
    Investment.objects.filter(pk=figures.losing.pk).update(owner=olivia)
    client.force_login(olivia)
    page = client.get(_url(review)).content.decode()
    assert "You own this investment" in page
    assert "Record the decision" not in page


def test_halves_of_money_and_outcomes_are_refused(figures: Figures, review: Review) -> None:
    """An end without an amount, a figure without its month."""
    for given in ({"source": figures.losing.pk}, {"metric": "roi", "value": "5"}):
        assert not DecisionForm(review, _decision(**given)).is_valid()
    whole = {"metric": "roi", "value": "5", "low": "1", "high": "9", "month": "2026-12"}
    form = DecisionForm(review, _decision(**whole))
    assert form.is_valid(), form.errors
    expected = form.terms().expected
    assert expected is not None
    assert (str(expected.value), str(expected.low)) == ("0.05", "0.01")


def test_every_outcome_has_its_words(review: Review) -> None:
    """What the domain can expect, the form offers."""
    choices = DecisionForm(review).fields["metric"].choices  # type: ignore[attr-defined]
    assert [name for name, _ in choices if name] == list(OUTCOMES)
