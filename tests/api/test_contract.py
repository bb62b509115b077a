"""Every operation answers as the schema says, whatever is sent: generated requests to the application."""

import json
import os
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from knox.models import AuthToken
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from alerts import routebook, silences
from alerts.models import Route
from alerts.rules.routes import Named
from alerts.silences import Matcher
from config.wsgi import application
from portfolio.models import Membership
from roi import prices
from roi.models import PriceOverride
from roi.prices import Terms
from tests import servers
from tests.api.conftest import World, make_world, now

# More by hand: HURDLE_CONTRACT_EXAMPLES=500 pytest tests/api/test_contract.py
EXAMPLES = int(os.environ.get("HURDLE_CONTRACT_EXAMPLES", "3"))
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@pytest.fixture
def _no_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AnonRateThrottle", "UserRateThrottle"):
        monkeypatch.setattr(f"rest_framework.throttling.{name}.allow_request", lambda *_: True)


@pytest.mark.usefixtures("_no_limits")
def test_operations_answer_as_described(fresh_database: servers.TestDatabase) -> None:
    world = make_world()
    Membership.objects.create(user=world.users["ada"], portfolio=world.ops, role="admin")
    _, token = AuthToken.objects.create(user=world.users["ada"])
    api = schemathesis.openapi.from_wsgi("/api/v1/schema?format=json", application)
    known = {
        "code": "CX-1",
        "public_id": str(world.episodes["cx"].public_id),
        "case": str(world.cases["cx"].public_id),
        "study_id": str(world.cases["cx"].studies.get().public_id),
        "name": "Cheaper",
        "id": str(world.notifications["cx"].pk),
        "override": str(_override(world).public_id),
        "route": str(_route(world).public_id),
        **_silence(world),
    }
    operations = [result.ok() for result in api.get_all_operations()]
    assert len(operations) > 25
    for operation in operations:
        _check(operation, headers={"Authorization": f"Bearer {token}"}, known=known)


def _override(world: World) -> PriceOverride:
    terms = Terms("openai", "o3", date(2026, 1, 1), Decimal(1), Decimal(4), "Contract 7")
    return prices.state(terms, portfolio=world.cx, actor=world.users["ada"], now=now())


def _route(world: World) -> Route:
    return routebook.put(world.cx, routebook.Terms(name="Ours", recipients=[Named("role", "owner")]))


def _silence(world: World) -> dict[str, str]:
    """Return the ids of a silence that waits for a second person, and of its request."""
    made = silences.create(
        Matcher(portfolio=world.cx, rule="negative_roi"),
        starts_at=now(),
        ends_at=now() + timedelta(days=60),
        comment="Known.",
        author=world.users["olivia"],
        now=now(),
    )
    assert made.approval is not None
    return {"silence": str(made.public_id), "approval": str(made.approval.public_id)}


def _check(operation: Any, *, headers: dict[str, str], known: dict[str, str]) -> None:
    """Send requests that fit the schema and requests that do not."""
    strategies = [operation.as_strategy(generation_mode=mode) for mode in GenerationMode]

    @given(case=st.one_of(*strategies))
    @settings(
        max_examples=2 * EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    def answers(case: Any) -> None:
        case.call_and_validate(headers=headers, checks=CHECKS)
        if case.path_parameters:
            # The same again where there is something: random names only ever meet 404.
            case.path_parameters = {
                name: _known(operation.path, name, known) for name in case.path_parameters
            }
            case.call_and_validate(headers=headers, checks=CHECKS)

    answers()


def _known(path: str, name: str, known: dict[str, str]) -> str:
    if name == "code" and "/portfolios/" in path:
        return "CX"
    if name == "public_id" and "/cases/" in path:
        return known["case"]
    for part in ("silence", "approval", "route"):
        if name == "public_id" and f"/{part}s/" in path:
            return known[part]
    if name == "public_id" and "/price-overrides/" in path:
        return known["override"]
    return known.get(name, "hurdle_00000000")


def test_schema_lists_no_secret(world: World) -> None:
    text = json.dumps(world.client("vera").get("/api/v1/schema?format=json").json())
    for word in ("password", "token_digest", "is_superuser", "email", "slack"):
        assert word not in text.lower()
