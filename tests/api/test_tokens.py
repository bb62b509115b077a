"""Tokens: made by signing in, shown once, hashed, ending; a token makes no token."""

import base64
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from knox.models import AuthToken
from rest_framework.test import APIClient

from portfolio.models import User
from tests.api.conftest import World, now

URL = "/api/v1/tokens"


def _bearer(token: str) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    return client


def _make(world: World, name: str = "finn", **body: Any) -> dict[str, Any]:
    response = world.client(name).post(URL, body, format="json")
    assert response.status_code == 201, response.content
    return dict(response.json())


def test_token_opens_what_its_user_may_see(world: World) -> None:
    client = _bearer(_make(world)["token"])
    assert [r["code"] for r in client.get("/api/v1/investments").json()["results"]] == ["CX-1"]


def test_token_is_shown_once_and_never_stored(world: World) -> None:
    made = _make(world)
    assert made["token"].startswith(made["prefix"])
    assert made["prefix"].startswith("hurdle_")
    listed = world.client("finn").get(URL).json()["results"]
    assert listed == [{k: made[k] for k in ("prefix", "created", "expiry")}]
    with connection.cursor() as cursor:
        cursor.execute("SELECT t::text FROM knox_authtoken t")
        assert made["token"] not in cursor.fetchone()[0]


def test_token_ends(world: World) -> None:
    made = _make(world, expires_in_days=1)
    assert _bearer(made["token"]).get("/api/v1/accounts").status_code == 200
    AuthToken.objects.update(expiry=now() - timedelta(seconds=1))
    assert _bearer(made["token"]).get("/api/v1/accounts").status_code == 401


@pytest.mark.parametrize("days", [0, 366, "x", None])
def test_every_token_has_an_end(world: World, days: Any) -> None:
    assert world.client("finn").post(URL, {"expires_in_days": days}, format="json").status_code == 400


def test_deleted_token_opens_nothing(world: World) -> None:
    made = _make(world)
    assert world.client("finn").delete(f"{URL}/{made['prefix']}").status_code == 204
    assert _bearer(made["token"]).get("/api/v1/accounts").status_code == 401


def test_token_of_another_user_is_missing(world: World) -> None:
    made = _make(world, "ada")
    assert world.client("finn").delete(f"{URL}/{made['prefix']}").status_code == 404
    assert world.client("finn").get(URL).json()["results"] == []


def test_token_makes_no_token(world: World) -> None:
    client = _bearer(_make(world)["token"])
    assert client.post(URL, {}, format="json").status_code == 401
    assert client.get(URL).status_code == 401


def test_number_of_tokens_is_limited(world: World, settings: Any) -> None:
    for _ in range(20):
        AuthToken.objects.create(user=world.users["finn"])
    assert world.client("finn").post(URL, {}, format="json").status_code == 422


def test_password_signs_in_and_guessing_is_slowed_down(db: None, settings: Any) -> None:
    # The slow hasher is not what is tested here.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    user = User.objects.create_user("gus", "gus@example.com", "correct horse battery")

    def post(password: str) -> Any:
        client = APIClient()
        text = base64.b64encode(f"{user.username}:{password}".encode()).decode()
        client.credentials(HTTP_AUTHORIZATION=f"Basic {text}")
        return client.post(URL, {}, format="json")

    assert post("correct horse battery").status_code == 201
    user.set_unusable_password()
    user.save()
    found = [post("wrong").status_code for _ in range(20)]
    assert found == [401] * 19 + [429]
