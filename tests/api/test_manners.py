"""Refusals are problems, bodies are bounded, nothing leaks, nobody assigns what is not theirs to assign."""

import json
from typing import Any

import pytest
from django.conf import LazySettings
from rest_framework.test import APIClient

from portfolio import ledger
from portfolio.models import Portfolio
from tests.api.conftest import World, row

API = "/api/v1"


def problem_of(response: Any, status: int) -> dict[str, Any]:
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    body = response.json()
    assert {"type", "title", "status", "detail", "instance"} <= set(body)
    assert body["status"] == status
    assert "Traceback" not in response.content.decode()
    assert ".py" not in response.content.decode()
    return dict(body)


def test_anonymous_is_asked_for_a_token(db: None) -> None:
    response = APIClient().get(f"{API}/investments")
    problem_of(response, 401)
    assert response["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("token", ["hurdle_x", "", "a b", "\xff\xfe"])
def test_wrong_token_is_refused(db: None, token: str) -> None:
    response = APIClient().get(f"{API}/investments", headers={"Authorization": f"Bearer {token}"})
    problem_of(response, 401)


def test_unknown_address_and_method(world: World) -> None:
    client = world.client("vera")
    problem_of(client.get(f"{API}/nothing"), 404)
    problem_of(client.get(f"{API}/investments/"), 404)
    problem_of(client.patch(f"{API}/investments/CX-1", {}, format="json"), 405)
    problem_of(client.get(f"{API}/investments", headers={"Accept": "text/html"}), 406)


@pytest.mark.parametrize("body", ["{", "[" * 100_000, '{"rows": NaN}', "1" * 5000, b"\xff"])
def test_broken_json_is_refused(world: World, body: Any) -> None:
    problem_of(world.client("finn").put(f"{API}/actuals/bulk", body, content_type="application/json"), 400)


def test_other_media_type_is_refused(world: World) -> None:
    problem_of(world.client("finn").put(f"{API}/actuals/bulk", "x", content_type="text/csv"), 415)


def test_body_above_the_limit_is_refused(world: World, settings: LazySettings) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 200
    client = world.client("finn")
    assert client.put(f"{API}/actuals/bulk", [row()], format="json").status_code == 200
    problem_of(client.put(f"{API}/actuals/bulk", [row()] * 9, format="json"), 413)


def test_unforeseen_failure_tells_no_trace(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise RuntimeError("the secret of /srv/ledger.py")

    monkeypatch.setattr(ledger, "record", fail)
    client = world.client("finn")
    client.raise_request_exception = False
    body = problem_of(client.put(f"{API}/actuals/bulk", [row()], format="json"), 500)
    assert "secret" not in json.dumps(body)


def test_too_many_requests_say_when_to_return(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rest_framework.throttling.UserRateThrottle.rate", "2/min", raising=False)
    client = world.client("vera")
    for _ in range(2):
        assert client.get(f"{API}/accounts").status_code == 200
    response = client.get(f"{API}/accounts")
    problem_of(response, 429)
    assert 0 < int(response["Retry-After"]) <= 60


def test_forwarded_header_of_a_client_does_not_reset_the_count(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rest_framework.throttling.AnonRateThrottle.rate", "2/min", raising=False)
    client = world.client("anonymous")
    found = [
        client.get(f"{API}/schema", headers={"X-Forwarded-For": f"10.0.0.{n}"}).status_code for n in range(3)
    ]
    assert found == [200, 200, 429]


def _state() -> dict[str, Any]:
    return {p.code: p.__dict__ | {"_state": None} for p in Portfolio.objects.all()}


@pytest.mark.parametrize("method", ["put", "patch", "post", "delete"])
@pytest.mark.parametrize(
    "address",
    ["/portfolios", "/portfolios/CX", "/investments", "/investments/CX-1", "/accounts", "/episodes"],
)
def test_what_is_read_cannot_be_written(world: World, method: str, address: str) -> None:
    before = _state()
    fields = {f.name: 1 for f in Portfolio._meta.concrete_fields} | {"owner": 1, "is_staff": True}
    for name in ("finn", "ada"):
        problem_of(getattr(world.client(name), method)(API + address, fields, format="json"), 405)
    assert _state() == before


@pytest.mark.parametrize(
    "extra",
    ["id", "batch", "recorded_at", "actor", "approver", "knowledge", "now", "investment_id", "book_version"],
)
def test_nobody_states_what_the_ledger_decides(world: World, extra: str) -> None:
    client = world.client("finn")
    for body in ([row(**{extra: 1})], {"rows": [row()], extra: 1}):
        assert client.put(f"{API}/actuals/bulk", body, format="json").status_code in (400, 422)


def test_docs_page_runs_no_inline_script(world: World) -> None:
    page = world.client("vera").get(f"{API}/docs", headers={"Accept": "text/html"})
    assert page.status_code == 200
    assert "<script>" not in page.content.decode()
    assert "'unsafe-inline'" not in page["Content-Security-Policy"].split("script-src")[1].split(";")[0]
    script = world.client("vera").get(f"{API}/docs?script=")
    assert script["Content-Type"] == "application/javascript"
