"""The console's reallocation: asked under limits, read in words, kept as it was seen, approved by somebody else."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from portfolio.models import Approval, Investment, InvestmentDependency, Portfolio
from roi.models import Reallocation
from tests.factories import enter
from tests.reports.cast import money
from tests.reports.figures_cast import LAST, SAVED, SUPPORT, Figures, assemble_with_figures, run
from tests.reports.investments.test_page import words_of

pytestmark = pytest.mark.django_db

PAGE = reverse("admin:reports_reallocation")
KEEP = reverse("admin:reports_reallocation_keep", args=["CX"])


@pytest.fixture
def figures() -> Figures:
    """Return a portfolio in which one earns, one loses, both are funded, and two have no history."""
    made = assemble_with_figures()
    for one in (made.support, made.losing):
        enter(one, "scaled")
    return made


def words(figures: Figures, name: str = "vera", **query: str) -> str:
    """Return what a person reads on the page."""
    response = figures.cast.client(name).get(PAGE, query)
    assert response.status_code == 200
    return words_of(response.content.decode())


def keep(figures: Figures, name: str = "finn", **changes: str) -> Any:
    """Ask, and keep what was answered."""
    client, asked = figures.cast.client(name), {"budget": "300000"}
    page = client.get(PAGE, asked)
    keep_form = page.context.get("keep") if page.status_code == 200 else None
    seen = keep_form.initial["seen"] if keep_form else "x" * 64
    body = {**asked, "reason": "Less money next year.", "seen": seen, **changes}
    return client.post(KEEP, body)


def test_the_form_is_filled_as_the_portfolio_says_and_nothing_is_asked_yet(figures: Figures) -> None:
    Portfolio.objects.filter(code="CX").update(yearly_budget=400_000, exploration_share="0.1")
    page = figures.cast.client("vera").get(PAGE).content.decode()
    assert 'name="budget" value="400000"' in page
    assert 'name="reserve" value="10"' in page
    assert "Nothing is asked yet" in page
    assert "neither keeping nor approving it moves a budget" in page


def test_the_answer_says_what_goes_on_what_is_dropped_and_why(figures: Figures) -> None:
    told = words(figures, budget="300000")
    assert "It goes on with 1 of 4 investments. Against today it drops SUM-002." in told
    assert "Proven" in told
    assert "no other selection adds more" in told
    assert "Standing still forgoes" in told
    assert "30,000 USD more changes nothing." in told
    assert "There is no forecast of it." in told
    assert "n/a (There is no history yet.)" in told


def test_the_sunk_cost_stands_beside_and_in_no_sum(figures: Figures) -> None:
    answer = figures.cast.client("vera").get(PAGE, {"budget": "300000"}).context["answer"]
    rows = {row["code"]: words_of(row["sunk"]).strip() for row in answer["rows"]}
    # 150,000 once and twelve months of 13,500; 40,000 once and twelve of 9,000.
    assert (rows["SUP-001"], rows["SUM-002"]) == ("312,000", "148,000")
    assert "312" not in str(answer["tiles"])


def test_what_loses_is_written_in_parentheses(figures: Figures) -> None:
    answer = figures.cast.client("vera").get(PAGE, {"budget": "300000"}).context["answer"]
    losing = next(row for row in answer["rows"] if row["code"] == "SUM-002")
    assert words_of(losing["value"]).strip().startswith("(")


def test_a_limit_that_binds_is_told_from_one_that_does_not(figures: Figures) -> None:
    (loose,) = figures.cast.client("vera").get(PAGE, {"budget": "300000"}).context["answer"]["limits"]["rows"]
    (tight,) = figures.cast.client("vera").get(PAGE, {"budget": "1000"}).context["answer"]["limits"]["rows"]
    assert (loose["verdict"], tight["verdict"]) == ("does not bind", "binds")


def test_a_conflict_is_named_in_a_sentence(figures: Figures) -> None:
    Investment.objects.filter(code="SUP-001").update(is_must_fund=True)
    told = words(figures, budget="100")
    assert "No selection keeps to all of this: the budget; SUP-001 must be funded." in told
    assert "undecided" in told
    assert "What binds" not in told


def test_what_cannot_be_answered_is_said_at_the_form(figures: Figures) -> None:
    assert "Neither you nor the portfolio states a yearly budget." in words(figures, budget="")
    assert "is not a code and an amount" in words(figures, budget="9", stated_costs="AI-001 many")
    assert "This is no day that is over." in words(figures, budget="9", as_of="2999-01-01")
    Investment.objects.filter(code="AI-001").update(is_must_fund=True)
    assert "AI-001 must be funded." in words(figures, budget="9000")
    told = words(figures, budget="9000", stated_costs="AI-001 4,000")
    assert (
        "It goes on with 1 of 4 investments. Against today it adds AI-001 and drops SUM-002, SUP-001." in told
    )
    assert "4,000 stated" in told


def test_duties_needs_and_groups_stand_beside_the_name(figures: Figures) -> None:
    Investment.objects.filter(code="SUP-001").update(is_must_fund=True, exclusive_group="desk")
    Investment.objects.filter(code="SUM-002").update(is_exploration=True)
    InvestmentDependency.objects.create(investment=figures.losing, needs=figures.support)
    told = words(figures, budget="300000")
    assert "must be funded · one of desk" in told
    assert "exploration · needs SUP-001" in told


def test_outcomes_can_be_looked_at_alone_and_the_table_turns_pages(
    figures: Figures, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = figures.cast.client("vera")
    only = client.get(PAGE, {"budget": "300000", "show": "left_out"}).context["answer"]
    assert [row["code"] for row in only["rows"]] == ["AI-001", "AI-002"]
    monkeypatch.setattr("reports.console.reallocation_shown.PER_PAGE", 3)
    second = client.get(PAGE, {"budget": "300000", "page": "2"})
    assert [row["code"] for row in second.context["answer"]["rows"]] == ["AI-002"]
    assert "Page 2 of 2" in second.content.decode()


def test_an_earlier_day_is_looked_back_to_and_not_kept(figures: Figures) -> None:
    told = words(figures, "finn", budget="300000", as_of="2020-01-01")
    assert "A look back cannot be kept." in told
    assert "Keep as a proposal" not in told
    assert "No investment could go on." in told
    assert "Keep as a proposal" in words(figures, "finn", budget="300000")


def test_who_may_not_record_reads_and_keeps_nothing(figures: Figures) -> None:
    assert "Keep as a proposal" not in words(figures, "vera", budget="300000")
    assert keep(figures, "vera").status_code == 404
    assert figures.cast.client("mallory").get(PAGE, {"portfolio": "CX"}).status_code == 404
    assert not Reallocation.objects.exists()
    assert keep(figures).status_code == 302
    made = Reallocation.objects.get()
    kept = reverse("admin:reports_reallocation_kept", args=[made.public_id])
    ask = reverse("admin:reports_reallocation_ask", args=[made.public_id])
    assert figures.cast.client("mallory").get(kept).status_code == 404
    assert figures.cast.client("mallory").post(ask).status_code == 404
    assert figures.cast.client("vera").post(ask).status_code == 404
    page = figures.cast.client("vera").get(kept)
    assert page.status_code == 200
    assert "Ask for approval" not in page.content.decode()
    assert not Approval.objects.filter(kind="reallocation").exists()


def test_what_changed_since_it_was_looked_at_is_not_kept(figures: Figures) -> None:
    client, asked = figures.cast.client("finn"), {"budget": "300000"}
    seen = client.get(PAGE, asked).context["keep"].initial["seen"]
    figures.cast.record(money(figures.losing, LAST, "model_api", "9500"), reason="Invoice.")
    response = client.post(KEEP, {**asked, "reason": "Less.", "seen": seen}, follow=True)
    assert "What this rests on changed after you looked." in words_of(response.content.decode())
    assert not Reallocation.objects.exists()
    assert "say why you keep it" in words_of(
        client.post(KEEP, {**asked, "reason": "", "seen": seen}, follow=True).content.decode()
    )


def test_a_proposal_is_kept_asked_for_and_approved_by_somebody_else(figures: Figures) -> None:
    finn = figures.cast.client("finn")
    kept = keep(figures).headers["Location"]
    made = Reallocation.objects.get()
    page = words_of(finn.get(kept).content.decode())
    assert made.content_hash in page
    assert "Less money next year." in page
    assert "It goes on with 1 of 4 investments." in page
    ask = reverse("admin:reports_reallocation_ask", args=[made.public_id])
    told = words_of(finn.post(ask, follow=True).content.decode())
    assert "Waits for approval" in told
    assert "Ask for approval" not in told
    finn.post(ask)
    request = Approval.objects.get(kind="reallocation")
    decide = {"act": "approve", "reason": "Agreed."}
    address = reverse("admin:reports_approval", args=[request.public_id])
    finn.post(address, decide)
    request.refresh_from_db()
    assert request.decision == ""
    assert figures.cast.client("fiona").post(address, decide).status_code == 302
    assert "Approved" in words_of(finn.get(kept).content.decode())
    assert "Approved" in words(figures)
    assert Investment.objects.get(code="SUM-002").stage == "scaled"


def test_an_infeasible_proposal_is_not_sent_for_approval(figures: Figures) -> None:
    Investment.objects.filter(code="SUP-001").update(is_must_fund=True)
    client = figures.cast.client("finn")
    seen = client.get(PAGE, {"budget": "100"}).context["keep"].initial["seen"]
    kept = keep(figures, budget="100", seen=seen).headers["Location"]
    assert "Ask for approval" not in client.get(kept).content.decode()
    client.post(f"{kept}ask/")
    assert not Approval.objects.filter(kind="reallocation").exists()


def test_a_proposal_kept_before_limits_were_told_is_shown(figures: Figures) -> None:
    keep(figures)
    made = Reallocation.objects.get()
    result = {name: value for name, value in made.result.items() if name != "limits"}
    names = ("portfolio", "knowledge", "engine_version", "inputs", "content_hash", "author", "created_at")
    old = Reallocation.objects.create(result=result, **{name: getattr(made, name) for name in names})
    page = figures.cast.client("vera").get(reverse("admin:reports_reallocation_kept", args=[old.public_id]))
    assert "This proposal was kept before limits were told." in page.content.decode()


def test_what_was_typed_comes_back_unharmed(figures: Figures) -> None:
    text = "<script>alert(1)</script> 5"
    page = figures.cast.client("finn").get(PAGE, {"budget": "300000", "stated_costs": text}).content.decode()
    assert "<script>alert(1)" not in page


def test_queries_grow_neither_with_investments_nor_with_proposals(figures: Figures) -> None:
    client = figures.cast.client("finn")
    keep(figures)
    with CaptureQueriesContext(connection) as few:
        client.get(PAGE, {"budget": "300000"})
    for number in range(3):
        run(figures.cast, figures.cast.portfolio, f"N-{number}", "New", "1000", SUPPORT, SAVED)
        keep(figures)
    with CaptureQueriesContext(connection) as many:
        page: Any = client.get(PAGE, {"budget": "300000"})
    assert (page.context["answer"]["total"], len(page.context["kept"]["rows"])) == (7, 4)
    assert len(many) == len(few)


def test_a_portfolio_without_investments_says_so(figures: Figures) -> None:
    empty = Portfolio.objects.create(code="EM", name="Empty")
    figures.cast.people["vera"].memberships.create(portfolio=empty, role="viewer")
    assert "No investment yet" in words(figures, portfolio="EM")
