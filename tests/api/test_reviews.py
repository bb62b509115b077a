"""Reviews and decisions over the API: who sees, answers and decides them, and what a receipt says."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from portfolio import reviews
from portfolio.models import Decision, Investment, Membership, Review
from portfolio.reviews import Request
from portfolio.terms import ReviewKind
from tests.api.conftest import World, now
from tests.factories import make_user


def _post(world: World, name: str, path: str, body: Any, **headers: str) -> tuple[int, Any]:
    response = world.client(name).post(f"/api/v1{path}", body, format="json", headers=headers)
    if response.status_code >= 400:
        assert response.headers["Content-Type"] == "application/problem+json"
    return response.status_code, response.json()


def _get(world: World, name: str, path: str) -> tuple[int, Any]:
    response = world.client(name).get(f"/api/v1{path}")
    return response.status_code, response.json()


@pytest.fixture
def review(world: World) -> Review:
    """A review that an alert on the chatbot opened; one on the other portfolio's robot beside it."""
    for investment in (world.chatbot, world.robot):
        asked = Request(
            investment=investment, kind=ReviewKind.MAINTAIN_OR_REPLACE, origin="alert", origin_ref=uuid4()
        )
        reviews.request([asked], now=now())
    return Review.objects.get(investment=world.chatbot)


def _decision(**changes: Any) -> dict[str, Any]:
    due = (now() + timedelta(days=30)).date().isoformat()
    return {"kind": "optimize", "reason": "Retrain it.", "next_review_on": due, **changes}


def test_only_the_reviews_of_ones_portfolios_are_there(world: World, review: Review) -> None:
    """A foreign one is a missing one."""
    code, listed = _get(world, "vera", "/reviews?state=open")
    assert code == 200
    assert [row["id"] for row in listed["results"]] == [str(review.public_id)]
    assert _get(world, "mallory", f"/reviews/{review.public_id}")[0] == 404


def test_a_review_goes_from_alert_to_decision_to_receipt(world: World, review: Review) -> None:
    """Answered by the owner, decided by the administrator, and derived again."""
    path = f"/reviews/{review.public_id}"
    code, problem = _post(world, "ada", f"{path}/decide", _decision())
    assert (code, "checklist first" in problem["detail"]) == (422, True)
    assert _post(world, "olivia", f"{path}/answer", {"step": "cause", "answer": "Drift."})[0] == 200
    code, problem = _post(world, "olivia", f"{path}/decide", _decision())
    assert (code, "Who owns" in problem["detail"]) == (403, True)
    assert _post(world, "vera", f"{path}/decide", _decision())[0] == 403
    code, made = _post(world, "ada", f"{path}/decide", _decision())
    assert (code, made["kind"], made["decided_by"]) == (201, "optimize", "ada")
    assert made["evidence"]["figures"]["tco"] is not None
    assert _post(world, "ada", f"{path}/decide", _decision())[0] == 409
    assert _get(world, "vera", path)[1]["decision"] == made["id"]
    code, receipt = _get(world, "vera", f"/decisions/{made['id']}/receipt")
    assert (code, receipt["is_reproduced"], receipt["restated"]) == (200, True, [])
    assert _get(world, "mallory", f"/decisions/{made['id']}/receipt")[0] == 404


def test_the_same_key_decides_once(world: World, review: Review) -> None:
    """A client that heard no answer asks again and is told the same."""
    path = f"/reviews/{review.public_id}"
    _post(world, "olivia", f"{path}/answer", {"step": "cause", "answer": "Drift."})
    body, key = _decision(), {"Idempotency-Key": "once"}
    first, second = (_post(world, "ada", f"{path}/decide", body, **key) for _ in range(2))
    assert first == second
    assert Decision.objects.count() == 1


def test_money_moves_between_investments_of_the_portfolio(world: World, review: Review) -> None:
    """Named by code; one of another portfolio is not there."""
    path = f"/reviews/{review.public_id}"
    _post(world, "olivia", f"{path}/answer", {"step": "cause", "answer": "Drift."})
    foreign = {"amount": "10.5", "source": "CX-1", "target": "OPS-SECRET"}
    code, problem = _post(world, "ada", f"{path}/decide", _decision(budget=foreign))
    assert (code, problem["errors"][0]["pointer"]) == (400, "#/budget/target")
    back = {"amount": "10.5", "source": "CX-1", "target": None}
    code, made = _post(world, "ada", f"{path}/decide", _decision(kind="pull_back", budget=back))
    assert (code, made["budget_amount"], made["budget_from"]) == (201, "10.500000", "CX-1")


def test_a_review_is_asked_for(world: World) -> None:
    """By those who record; with a date and a reason."""
    body = {
        "investment": "CX-1",
        "kind": "business_review",
        "due_on": (now() + timedelta(days=3)).date().isoformat(),
        "why": "A new vendor.",
    }
    assert _post(world, "vera", "/reviews", body)[0] == 403
    assert _post(world, "mallory", "/reviews", body)[0] == 404
    code, made = _post(world, "olivia", "/reviews", body)
    assert (code, made["origin"], made["state"]) == (201, "person", "open")
    assert _post(world, "olivia", "/reviews", body | {"kind": "follow_up"})[0] == 422


def test_the_sponsor_decides_without_a_role_that_records(world: World, review: Review) -> None:
    """Seeing the portfolio is enough for whoever stands for the money."""
    sam = make_user("sam")
    Membership.objects.create(user=sam, portfolio=world.cx, role="viewer")
    world.users["sam"] = sam
    Investment.objects.filter(pk=world.chatbot.pk).update(sponsor=sam)
    path = f"/reviews/{review.public_id}"
    assert _post(world, "sam", f"{path}/answer", {"step": "cause", "answer": "Drift."})[0] == 200
    assert _post(world, "sam", f"{path}/decide", _decision())[0] == 201
