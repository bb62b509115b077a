"""Answering alerts over the API: acknowledge, snooze, silence, decide; each refusal is a problem with a sentence."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from alerts.models import Acknowledgment, Episode, Silence, Snooze
from portfolio.models import Membership, User
from tests.api.conftest import World, now

SILENCE = {"portfolio": "CX", "rule": "negative_roi", "comment": "Known outage."}


def _later(days: float) -> str:
    return (now() + timedelta(days=days)).isoformat()


def _post(world: World, name: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
    response = world.client(name).post(f"/api/v1{path}", body or {}, format="json", headers=headers)
    if response.status_code >= 400:
        assert response.headers["Content-Type"] == "application/problem+json"
    return response.status_code, response.json() if response.content else None


def _episode(world: World) -> str:
    return f"/episodes/{world.episodes['cx'].public_id}"


def _close(episode: Episode) -> None:
    Episode.objects.filter(pk=episode.pk).update(closed_at=now(), closed_reason="resolved")


def test_acknowledging_says_whether_it_is_new_and_who_leads(world: World) -> None:
    path = _episode(world) + "/acknowledge"
    code, first = _post(world, "olivia", path, {"note": "On it."})
    assert (code, first["user"], first["note"], first["is_new"], first["leads"]) == (
        200,
        "olivia",
        "On it.",
        True,
        True,
    )
    assert Acknowledgment.objects.get().via == "api"


def test_case_42_over_the_api_each_person_is_recorded_once_and_the_first_leads(world: World) -> None:
    path = _episode(world) + "/acknowledge"
    answers = [_post(world, name, path)[1] for name in ("olivia", "olivia", "finn")]
    assert [(a["is_new"], a["leads"]) for a in answers] == [(True, True), (False, True), (True, False)]
    assert Acknowledgment.objects.count() == 2


def test_case_41_over_the_api_what_is_over_is_a_conflict(world: World) -> None:
    _close(world.episodes["cx"])
    bodies = {"acknowledge": {}, "snooze": {"until": _later(5), "reason": "Busy."}}
    for name, body in bodies.items():
        code, problem = _post(world, "olivia", f"{_episode(world)}/{name}", body)
        assert (code, problem["detail"]) == (409, "This alert is over; nothing waits for an answer.")
    assert world.client("olivia").delete(f"/api/v1{_episode(world)}/snooze").status_code == 409
    assert not Acknowledgment.objects.exists()
    assert not Snooze.objects.exists()


def test_a_snooze_ends_within_ninety_days_and_can_be_ended(world: World) -> None:
    path = _episode(world) + "/snooze"
    for body in (
        {"until": _later(91), "reason": "x"},
        {"until": _later(-1), "reason": "x"},
        {"until": _later(5), "reason": "  "},
        {"until": _later(5)},
        {"until": "soon", "reason": "x"},
        {"until": _later(5), "reason": "x", "user": "ada"},
    ):
        assert _post(world, "olivia", path, body)[0] == 400
    code, made = _post(world, "olivia", path, {"until": _later(20), "reason": "Contract ends."})
    assert (code, made["user"], made["ended_at"]) == (201, "olivia", None)
    client = world.client("olivia")
    assert [client.delete(f"/api/v1{path}").status_code for _ in range(2)] == [204, 409]
    assert Snooze.objects.get().ended_at is not None


def test_a_key_acknowledges_once(world: World) -> None:
    path = _episode(world) + "/snooze"
    body = {"until": _later(20), "reason": "Contract ends."}
    first = _post(world, "olivia", path, body, **{"Idempotency-Key": "a"})
    assert _post(world, "olivia", path, body, **{"Idempotency-Key": "a"}) == first
    assert Snooze.objects.count() == 1


def test_a_preview_says_what_a_silence_would_keep_back_and_stores_nothing(world: World) -> None:
    code, found = _post(world, "olivia", "/silences/preview", {"portfolio": "CX", "rule": "negative_roi"})
    assert (code, found) == (200, {"episodes": [str(world.episodes["cx"].public_id)], "unsent": 1})
    code, found = _post(world, "olivia", "/silences/preview", {"portfolio": "CX", "rule": "hurdle_rate"})
    assert found == {"episodes": [], "unsent": 0}
    assert not Silence.objects.exists()


def test_case_47_over_the_api_a_silence_of_everything_is_refused(world: World) -> None:
    for body in (
        {"portfolio": "CX", "comment": "Quiet!", "ends_at": _later(5)},
        SILENCE | {"ends_at": _later(-1)},
        SILENCE | {"ends_at": _later(400)},
        SILENCE | {"ends_at": _later(5), "investment": "OPS-SECRET"},
        SILENCE | {"ends_at": _later(5), "rule": "no_such_rule"},
    ):
        assert _post(world, "olivia", "/silences", body)[0] == 400
    assert not Silence.objects.exists()


def test_a_silence_is_made_listed_and_ended(world: World) -> None:
    code, made = _post(world, "olivia", "/silences", SILENCE | {"ends_at": _later(5), "investment": "CX-1"})
    assert (code, made["investment"], made["needs_approval"]) == (201, "CX-1", False)
    client = world.client("vera")
    assert [s["id"] for s in client.get("/api/v1/silences?rule=negative_roi").json()["results"]] == [
        made["id"]
    ]
    address = f"/api/v1/silences/{made['id']}"
    assert client.get(address).json() == made
    assert client.delete(address).status_code == 403
    assert [world.client("finn").delete(address).status_code for _ in range(2)] == [204, 409]


def test_a_long_silence_of_negative_roi_waits_for_somebody_else(world: World) -> None:
    frank = User.objects.create(username="frank")
    Membership.objects.create(user=frank, portfolio=world.cx, role="finance")
    _, made = _post(world, "finn", "/silences", SILENCE | {"ends_at": _later(60)})
    assert (made["needs_approval"], made["decision"]) == (True, "")
    waiting = world.client("vera").get("/api/v1/approvals?is_open=true").json()["results"]
    assert [(one["kind"], one["subject"], one["author"]) for one in waiting] == [
        ("long_silence", made["id"], "finn")
    ]
    path = f"/silences/{made['id']}/decide"
    assert _post(world, "olivia", path, {"is_allowed": True})[0] == 403
    assert _post(world, "finn", path, {"is_allowed": True})[0] == 409
    code, decided = _post(world, "ada", path, {"is_allowed": True, "reason": "Known."})
    assert (code, decided["decision"], decided["approver"]) == (200, "approved", "ada")
    assert _post(world, "ada", path, {"is_allowed": False})[0] == 409
    assert world.client("vera").get(f"/api/v1/silences/{made['id']}").json()["decision"] == "approved"


@pytest.mark.parametrize(
    ("name", "status"), [("vera", 403), ("olivia", 200), ("mallory", 404), ("anonymous", 401)]
)
def test_only_its_people_answer_an_alert(world: World, name: str, status: int) -> None:
    assert _post(world, name, _episode(world) + "/acknowledge")[0] == status
    assert Acknowledgment.objects.count() == (status == 200)
