"""Routes over the API: kept in their order by administrators, and asked who would hear of an alert."""

from __future__ import annotations

from typing import Any

from alerts.models import Route, Target
from tests.api.conftest import World

ROUTE = {"portfolio": "CX", "name": "Losses", "recipients": [{"role": "sponsor"}, {"user": "finn"}]}


def _post(world: World, path: str, body: Any, name: str = "ada") -> tuple[int, Any]:
    response = world.client(name).post(f"/api/v1/routes{path}", body, format="json")
    return response.status_code, response.json()


def _target(world: World, side: str = "cx") -> Target:
    portfolio = world.cx if side == "cx" else world.ops
    return Target.objects.create(portfolio=portfolio, channel="email", address="b@example.com", label="Board")


def test_a_route_is_answered_as_it_was_asked_for(world: World) -> None:
    target = str(_target(world).public_id)
    terms = {
        "rules": ["negative_roi"],
        "severities": ["critical"],
        "use_cases": ["support"],
        "investments": ["CX-1"],
        "recipients": [{"role": "board"}, {"user": "finn"}, {"target": target}],
        "mode": "daily",
        "goes_on": False,
    }
    code, made = _post(world, "", ROUTE | terms)
    assert code == 201
    assert {name: made[name] for name in terms} == terms
    assert (made["portfolio"], made["place"], made["is_active"]) == ("CX", 1, True)
    listed = world.client("vera").get("/api/v1/routes?portfolio=CX").json()["results"]
    assert listed == [made]


def test_a_route_is_moved_changed_and_removed(world: World) -> None:
    first, second = (_post(world, "", ROUTE | {"name": name})[1] for name in ("a", "b"))
    client, body = world.client("ada"), {"name": "b2", "recipients": [{"role": "owner"}], "place": 1}
    changed = client.put(f"/api/v1/routes/{second['id']}", body, format="json").json()
    assert (changed["name"], changed["place"], changed["recipients"]) == ("b2", 1, [{"role": "owner"}])
    assert client.delete(f"/api/v1/routes/{second['id']}").status_code == 204
    left = client.get("/api/v1/routes").json()["results"]
    assert [(one["id"], one["place"]) for one in left] == [(first["id"], 1)]


def test_a_refusal_names_its_field(world: World) -> None:
    for body, status, pointer in (
        ({"investments": ["OPS-SECRET"]}, 422, "#/investments"),
        ({"place": 9}, 422, "#/place"),
        ({"recipients": []}, 422, "#/recipients"),
        ({"recipients": [{"user": "mallory"}]}, 400, "#/recipients"),
        ({"recipients": [{"target": str(_target(world, "ops").public_id)}]}, 400, "#/recipients"),
        ({"recipients": [{"role": "owner", "user": "finn"}]}, 400, "#/recipients/0"),
        ({"recipient": []}, 400, "#/recipient"),
    ):
        code, problem = _post(world, "", ROUTE | body)
        assert (code, problem["errors"][0]["pointer"]) == (status, pointer)
    assert not Route.objects.exists()


def test_the_preview_is_the_routing_itself(world: World) -> None:
    asked = {"investment": "CX-1", "rule": "negative_roi"}
    code, default = _post(world, "/preview", asked, "vera")
    assert (code, default["is_default"], default["steps"]) == (200, True, [])
    assert default["recipients"][0]["user"] == "olivia"
    _post(world, "", ROUTE | {"name": "Warnings", "severities": ["warning"]})
    _post(world, "", ROUTE | {"recipients": [{"user": "finn"}], "mode": "daily"})
    _, way = _post(world, "/preview", asked | {"severity": "critical"}, "vera")
    assert [(step["name"], step["is_taken"]) for step in way["steps"]] == [
        ("Warnings", False),
        ("Losses", True),
    ]
    assert "this route wants warning" in way["steps"][0]["why_not"]
    assert [(one["user"], one["mode"], one["channel"]) for one in way["recipients"]] == [
        ("finn", "daily", "email")
    ]
    assert "example.com" not in str(way), "addresses of people are not shown"
    assert _post(world, "/preview", asked | {"investment": "OPS-SECRET"})[0] == 404
