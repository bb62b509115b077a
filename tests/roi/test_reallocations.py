"""Reallocations: gathered from the facts, kept as they were computed, approved by a second person, moving nothing."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext

from portfolio import approvals, clock
from portfolio.approvals import ApprovalError
from portfolio.models import Investment, InvestmentDependency, Portfolio
from roi import reallocation_answers, reallocations, snapshots
from roi.engine.selection import Selection, Status, select
from roi.models import Reallocation, RememberedReallocation, Snapshot
from roi.prospects import ReallocationError
from roi.reallocation_answers import Question
from tests import factories
from tests.factories import close, make_investment, month, now, record

BUDGET = Question(budget=Decimal(200_000))


@pytest.fixture
def portfolio(db: None) -> Portfolio:
    """Return a portfolio with two support cases of nine closed months; A saves more than B."""
    made = factories.make_portfolio("CX")
    running(made, "A", labor_savings=19_500)
    running(made, "B")
    close(made, last=9)
    snapshots.recompute(now=now())
    return made


def running(portfolio: Portfolio, code: str, **changes: int) -> None:
    investment = make_investment(portfolio, code, stage="scaled")
    once = factories.fact(investment, month(1), "development", 150_000)
    lines = factories.running(investment, factories.SUPPORT | changes, last=9)
    record(portfolio, once, *lines)


def rows_of(found: reallocation_answers.Answer) -> dict[str, dict[str, Any]]:
    return {one["code"]: one for one in found.inputs["candidates"]}


def test_one_is_funded_where_the_budget_is_of_one(portfolio: Portfolio) -> None:
    found = reallocation_answers.answer(portfolio, BUDGET)
    first = rows_of(found)["A"]
    assert (found.result["status"], found.result["gap"], found.result["chosen"]) == ("optimal", 0, ["A"])
    assert found.result["value"] == first["value"] > rows_of(found)["B"]["value"] > 0
    assert found.result["regret"]["amount"] == -rows_of(found)["B"]["value"]
    assert [one["kind"] for one in found.result["regret"]["broken"]] == ["budget"]
    assert first["p10"] <= first["value"] <= first["mean"]
    assert first["cost"] == pytest.approx(12 * 13_500 * 10**6, rel=1e-3)


def test_sunk_cost_is_that_of_the_snapshot_and_in_no_sum(portfolio: Portfolio) -> None:
    found = reallocation_answers.answer(portfolio, BUDGET)
    first = rows_of(found)["A"]
    newest = Snapshot.objects.filter(investment__code="A").order_by("month").last()
    assert newest is not None
    assert first["sunk"] == int(newest.tco * 10**6) > 0
    assert found.result["cost"] == first["cost"]


def test_both_are_funded_where_the_budget_is_of_both(portfolio: Portfolio) -> None:
    found = reallocation_answers.answer(
        portfolio, Question(budget=Decimal(200_000), next_amount=Decimal(200_000))
    )
    assert (found.result["next"]["added"], found.result["next"]["gain"]) == (
        ["B"],
        rows_of(found)["B"]["value"],
    )


def test_the_limits_are_the_portfolios_unless_stated(portfolio: Portfolio) -> None:
    with pytest.raises(ReallocationError, match="yearly budget"):
        reallocation_answers.answer(portfolio, Question())
    portfolio.yearly_budget, portfolio.capacity_person_months = Decimal(500_000), Decimal("7.5")
    Investment.objects.update(capacity_person_months=Decimal(5))
    found = reallocation_answers.answer(portfolio, Question())
    assert (found.inputs["budget"], found.inputs["capacity"]) == (500_000 * 10**6, 750)
    assert found.result["chosen"] == ["A"]


def test_what_binds_is_told_with_its_slack_and_what_it_holds_back(portfolio: Portfolio) -> None:
    found = reallocation_answers.answer(portfolio, BUDGET)
    budget = found.result["limits"]["rows"][0]
    assert [row["kind"] for row in found.result["limits"]["rows"]] == ["budget"]
    assert budget["slack"] == 200_000 * 10**6 - found.result["cost"]
    assert budget["gain"] == rows_of(found)["B"]["value"]
    Investment.objects.update(exclusive_group="one of two")
    both = reallocation_answers.answer(portfolio, Question(budget=Decimal(900_000))).result["limits"]
    assert [(row["kind"], row["slack"], row["gain"] > 0) for row in both["rows"]] == [
        ("budget", 900_000 * 10**6 - found.result["cost"], False),
        ("group", None, True),
    ]


def test_what_was_not_tried_in_time_is_counted(portfolio: Portfolio, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter((0.0, 0.0, *[9.0] * 99))
    monkeypatch.setattr(reallocation_answers, "monotonic", lambda: next(clock))
    found = reallocation_answers.answer(portfolio, BUDGET).result
    assert found["next"]["gain"] is not None
    assert {row["value"] for row in found["frontier"]} == {None}
    assert (found["limits"]["untried"], found["limits"]["rows"][0]["gain"]) == (1, None)


def test_an_answer_follows_from_its_inputs_alone(portfolio: Portfolio) -> None:
    kept = reallocations.propose(
        portfolio, BUDGET, author=factories.make_user(), now=now(), reason="Less money."
    )
    kept.refresh_from_db()
    assert reallocation_answers.solved(kept.inputs) == kept.result


def test_a_question_asked_again_is_not_solved_again_for_a_day(
    portfolio: Portfolio, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = reallocation_answers.answer(portfolio, BUDGET)
    with monkeypatch.context() as without_solver:
        without_solver.delattr(reallocation_answers, "select")
        again = reallocation_answers.answer(portfolio, BUDGET)
        kept = reallocations.propose(
            portfolio, BUDGET, author=factories.make_user(), now=now(), reason="Less money."
        )
        with pytest.raises(NameError):
            reallocation_answers.answer(portfolio, Question(budget=Decimal(200_001)))
    assert again == first
    assert kept.result == first.result
    a_day_ago = clock.now() - reallocation_answers.REMEMBERED
    RememberedReallocation.objects.update(result={}, solved_at=a_day_ago)
    assert reallocation_answers.answer(portfolio, BUDGET) == first
    assert RememberedReallocation.objects.count() == 1


def test_what_is_not_proven_best_names_no_limit(
    portfolio: Portfolio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reallocation_answers, "select", lambda *a, **k: replace(select(*a, **k), gap=7))
    assert reallocation_answers.answer(portfolio, BUDGET).result["limits"] is None


def test_a_conflict_is_said_in_words(portfolio: Portfolio) -> None:
    Investment.objects.filter(portfolio=portfolio).update(is_must_fund=True)
    found = reallocation_answers.answer(portfolio, BUDGET)
    assert found.result["status"] == "infeasible"
    assert found.result["sentence"] == (
        "No selection keeps to all of this: the budget; A must be funded; B must be funded."
    )
    proposal = reallocations.propose(
        portfolio, BUDGET, author=factories.make_user(), now=now(), reason="Less money."
    )
    with pytest.raises(ReallocationError, match="the budget; A must be funded"):
        reallocations.ask(proposal, author=proposal.author, now=now())


def test_without_a_forecast_it_is_left_out_or_kept_at_a_stated_cost(portfolio: Portfolio) -> None:
    new = make_investment(portfolio, "N")
    InvestmentDependency.objects.create(investment=Investment.objects.get(code="B"), needs=new)
    left = rows_of(reallocation_answers.answer(portfolio, BUDGET))
    assert (left["N"]["reason"], left["N"]["value"], left["N"]["cost"]) == ("no_history", None, None)
    assert left["B"]["left_out"] == "It needs N, which cannot go on."
    kept = reallocation_answers.answer(
        portfolio, Question(budget=Decimal(200_000), stated_costs={"N": Decimal(1_000)})
    )
    assert "N" in kept.result["chosen"]
    assert kept.result["cost"] == rows_of(kept)["A"]["cost"] + 1_000 * 10**6
    Investment.objects.filter(pk=new.pk).update(is_must_fund=True)
    with pytest.raises(ReallocationError, match="N must be funded"):
        reallocation_answers.answer(portfolio, BUDGET)


def test_the_number_of_queries_does_not_grow(portfolio: Portfolio) -> None:
    with CaptureQueriesContext(
        connection,
    ) as two:
        reallocation_answers.answer(portfolio, BUDGET)
    for code in ("C", "D", "E"):
        running(portfolio, code)
    with CaptureQueriesContext(connection) as five:
        found = reallocation_answers.answer(portfolio, BUDGET)
    assert len(found.inputs["candidates"]) == 5
    assert len(five) == len(two)


def test_a_proposal_says_why(portfolio: Portfolio) -> None:
    with pytest.raises(ReallocationError, match="say why you keep it"):
        reallocations.propose(portfolio, BUDGET, author=factories.make_user(), now=now(), reason=" ")


def test_what_was_refused_can_be_asked_again_and_what_waits_or_was_approved_cannot(
    portfolio: Portfolio,
) -> None:
    author, other = factories.eyes()
    proposal = reallocations.propose(portfolio, BUDGET, author=author, now=now(), reason="Less money.")
    for is_allowed in (False, True):
        request = reallocations.ask(proposal, author=author, now=now())
        with pytest.raises(ReallocationError, match="Approval was asked for already"):
            reallocations.ask(proposal, author=author, now=now())
        approvals.settle(request, approver=other, is_allowed=is_allowed, now=now(), reason="Not now.")
    with pytest.raises(ReallocationError, match="Approval was asked for already"):
        reallocations.ask(proposal, author=author, now=now())


def test_a_proposal_is_written_once_and_approved_by_somebody_else(portfolio: Portfolio) -> None:
    author, other = factories.eyes()
    proposal = reallocations.propose(portfolio, BUDGET, author=author, now=now(), reason="Less money.")
    again = reallocations.propose(portfolio, BUDGET, author=author, now=now(), reason="Less money.")
    assert proposal.content_hash == again.content_hash
    request = reallocations.ask(proposal, author=author, now=now())
    with pytest.raises(ApprovalError, match="Somebody else"):
        approvals.settle(request, approver=author, is_allowed=True, now=now())
    settled = approvals.settle(request, approver=other, is_allowed=True, now=now())
    assert settled.decision == "approved"
    assert dict(approvals.kind_of(settled).rows(settled))["Is dropped"] == "B"
    assert Investment.objects.get(code="B").stage == "scaled"
    rows = Reallocation.objects.filter(pk=proposal.pk)
    with pytest.raises(DatabaseError), transaction.atomic():
        rows.update(reason="")
    with pytest.raises(DatabaseError), transaction.atomic():
        rows.delete()


def test_a_search_that_finds_nothing_in_time_is_no_answer(
    portfolio: Portfolio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reallocation_answers, "select", lambda *_, **__: Selection(status=Status.STOPPED))
    with pytest.raises(ReallocationError, match="within 5 seconds"):
        reallocation_answers.answer(portfolio, BUDGET)
