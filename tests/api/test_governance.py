"""Statements and stages over the API: checked, in versions, as known then, and approved by two people."""

from datetime import timedelta
from typing import Any

from portfolio.models import Approval, Batch, Hypothesis, Investment
from portfolio.terms import Book
from tests import factories
from tests.api.conftest import World

URL = "/api/v1/investments/CX-1"
CLAIM = {
    "claim": "Faster answers.",
    "metric": "Minutes per case",
    "unit": "minutes",
    "direction": "decrease",
    "baseline": "12",
    "baseline_from": "2020-01-01",
    "baseline_to": "2020-03-31",
    "target": "8.5",
    "target_date": "2030-06-30",
    "measurement_method": "Time stamps of 200 cases a month.",
    "kill_line": "Above 11 after a year.",
}


def _post(world: World, path: str, body: dict[str, Any], *, name: str = "olivia") -> Any:
    return world.client(name).post(f"{URL}/{path}", body, format="json")


def _get(world: World, path: str, **query: object) -> Any:
    return world.client("vera").get(f"{URL}/{path}", query).json()


def test_versions_are_numbered_and_known_since(world: World) -> None:
    first = _post(world, "hypotheses", CLAIM)
    assert (first.status_code, first.json()["version"], first.json()["author"]) == (201, 1, "olivia")
    known = Batch.objects.latest("id").pk
    refused = _post(world, "hypotheses", CLAIM | {"target": "8"})
    assert (refused.status_code, refused.json()["detail"]) == (
        422,
        "Say why this version replaces the one before.",
    )
    assert _post(world, "hypotheses", CLAIM | {"target": "8", "reason": "New tool."}).json()["version"] == 2
    assert [each["target"] for each in _get(world, "hypotheses")] == ["8.000000", "8.500000"]
    assert [each["version"] for each in _get(world, "hypotheses", as_of=known)] == [1]
    assert _get(world, "hypotheses", as_of=known - 1) == []


def test_the_same_key_states_once(world: World) -> None:
    client = world.client("olivia")
    answers = [
        client.post(f"{URL}/hypotheses", CLAIM, format="json", headers={"Idempotency-Key": "one"})
        for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert Hypothesis.objects.count() == 1


def test_an_unknown_field_is_refused(world: World) -> None:
    assert _post(world, "hypotheses", CLAIM | {"version": 7}).status_code == 400
    assert not Hypothesis.objects.exists()


def test_a_gate_answers_with_reasons(world: World) -> None:
    large = factories.fact(world.chatbot, world.chatbot.start_month, "development", 200_000)
    factories.record(world.cx, large, book=Book.PLAN, book_version=1)
    shown = _get(world, "stages")
    assert shown["stage"] == "proposed"
    approved = next(gate for gate in shown["gates"] if gate["stage"] == "approved")
    assert (approved["is_open"], approved["needs_request"]) == (False, True)
    refused = _post(world, "stages", {"stage": "approved", "reason": "Board."})
    assert refused.status_code == 422
    unmet = [answer["code"] for answer in approved["answers"] if not answer["is_met"]]
    assert [error["code"] for error in refused.json()["errors"]] == unmet
    assert not Approval.objects.exists()


def test_approved_waits_for_a_second_person(world: World) -> None:
    cx = world.chatbot
    Investment.objects.filter(pk=cx.pk).update(review_date=factories.now().date() + timedelta(days=30))
    _post(world, "hypotheses", CLAIM)
    lines = [
        factories.fact(cx, cx.start_month, account, 60_000)
        for account in ("development", "model_api", "labor_savings")
    ]
    factories.record(world.cx, *lines, book=Book.PLAN, book_version=1)
    asked = _post(world, "stages", {"stage": "approved", "reason": "Board."})
    assert (asked.status_code, asked.json()["stage"]) == (202, "proposed")
    decide = f"/api/v1/approvals/{asked.json()['approval']}/decide"
    for name, status in (("olivia", 403), ("vera", 403), ("mallory", 404)):
        answer = world.client(name).post(decide, {"is_allowed": True}, format="json")
        assert answer.status_code == status
    done = world.client("finn").post(decide, {"is_allowed": True, "reason": "Seen."}, format="json")
    assert (done.status_code, done.json()["decision"]) == (200, "approved")
    shown = _get(world, "stages")
    assert (shown["stage"], shown["changes"][0]["approver"]) == ("approved", "finn")
    assert all(answer["is_met"] for answer in shown["changes"][0]["gate"])
    entered = _post(world, "stages", {"stage": "pilot", "reason": "First users."})
    assert (entered.status_code, entered.json()) == (201, {"stage": "pilot", "approval": None})


def test_who_asked_does_not_decide(world: World) -> None:
    cx = world.chatbot
    asked = factories.hurdles.propose(
        world.cx,
        investment=cx,
        now=factories.now(),
        author=world.users["ada"],
        reason="Riskier.",
        hurdle_rate=factories.Decimal("0.3"),
    )
    decide = f"/api/v1/approvals/{asked.public_id}/decide"
    own = world.client("ada").post(decide, {"is_allowed": True}, format="json")
    assert (own.status_code, own.json()["detail"]) == (409, "Somebody else than the author must decide.")
    assert world.client("finn").post(decide, {"is_allowed": True}, format="json").status_code == 200
    rates = factories.assumptions.rates_of([cx])[cx.pk]
    assert str(rates.hurdle_rate) == "0.30000000"
