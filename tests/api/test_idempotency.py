"""The same request under the same key: one effect, one answer."""

from datetime import timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import connection, connections, transaction

from portfolio import idempotency
from portfolio.models import Entry, IdempotencyKey
from tests import servers
from tests.api.conftest import World, make_world, now, row

URL = "/api/v1/actuals/bulk"


def put(world: World, body: Any, key: str, *, name: str = "finn") -> Any:
    return world.client(name).put(URL, body, format="json", headers={"Idempotency-Key": key})


def test_answer_is_replayed(world: World) -> None:
    first = put(world, [row()], "k1")
    entries = Entry.objects.count()
    second = put(world, [row()], "k1")
    assert second.json() == first.json()
    assert second.json()["new"] == 1
    assert second["Idempotent-Replayed"] == "true"
    assert not first.has_header("Idempotent-Replayed")
    assert Entry.objects.count() == entries


def test_other_body_under_the_key_is_refused(world: World) -> None:
    put(world, [row()], "k1")
    assert put(world, [row(amount="1")], "k1").status_code == 422


def test_other_address_under_the_key_is_refused(world: World) -> None:
    body = {"months": ["2026-01"], "reason": "x"}
    headers = {"Idempotency-Key": "k1"}
    client = world.client("finn")
    assert (
        client.post("/api/v1/portfolios/CX/months/lock", body, format="json", headers=headers).status_code
        == 200
    )
    other = client.post("/api/v1/portfolios/CX/months/reopen", body, format="json", headers=headers)
    assert other.status_code == 422


def test_key_of_another_user_is_another_key(world: World) -> None:
    put(world, [row()], "k1")
    response = put(world, [row(amount="7")], "k1", name="ada")
    assert response.json()["changed"] == 1


def test_refused_request_keeps_no_key(world: World) -> None:
    assert put(world, [row(amount="x")], "k1").status_code == 422
    assert not IdempotencyKey.objects.exists()
    assert put(world, [row()], "k1").status_code == 200


def test_key_is_forgotten_after_a_day(world: World) -> None:
    put(world, [row()], "k1")
    IdempotencyKey.objects.update(created_at=now() - timedelta(hours=25))
    response = put(world, [row()], "k1")
    assert response.json()["unchanged"] == 1
    assert IdempotencyKey.objects.count() == 1


@pytest.mark.parametrize("key", ["", "x" * 201, "a b", "ä"])
def test_key_that_is_none_is_refused(world: World, key: str) -> None:
    assert put(world, [row()], key).status_code == 400


def test_key_and_effect_commit_together(world: World) -> None:
    user = world.users["finn"]

    def act(_: Any) -> tuple[int, Any]:
        return 200, {}

    with transaction.atomic():
        idempotency.once(user, key="k", request_hash="h", now=now(), act=act)
        transaction.set_rollback(True)
    assert not IdempotencyKey.objects.exists()


@pytest.mark.usefixtures("fresh_database")
def test_request_that_still_runs_is_said_to(fresh_database: servers.TestDatabase) -> None:
    world = make_world()
    user, both, answers = world.users["finn"], Barrier(2, timeout=20), []

    def slow(_: Any) -> tuple[int, Any]:
        both.wait()
        both.wait()
        return 200, {"ran": True}

    def first() -> None:
        answers.append(idempotency.once(user, key="k", request_hash="h", now=now(), act=slow))
        connections.close_all()

    thread = Thread(target=first)
    thread.start()
    both.wait()
    response = put(world, [row()], "k")
    both.wait()
    thread.join(20)
    assert response.status_code == 409
    assert answers[0].body == {"ran": True}
    connection.close()
