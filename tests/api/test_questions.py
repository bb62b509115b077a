"""What a question may say: every parameter of the schema is taken, and what means nothing is refused by name."""

from typing import Any

import pytest
from drf_spectacular.generators import SchemaGenerator

from tests.api.conftest import World
from tests.api.test_roles import MATRIX, _filled

NOTHING = ("/schema", "/docs", "/no/such/address", "/imports/{import}", "/imports/{import}/rows")
QUESTIONS = [
    address
    for method, address, _, _ in MATRIX
    if method == "get" and address.partition("?")[0] not in NOTHING
]
DOES_NOT_LOOK_BACK = "This does not look back: it is as it stands now. Leave as_of out."
MEANINGLESS = (DOES_NOT_LOOK_BACK, "There is no such filter here.", "There is no such parameter here.")


@pytest.fixture(scope="module")
def paths() -> Any:
    return SchemaGenerator().get_schema(request=None, public=True)["paths"]  # type: ignore[no-untyped-call]


def described(paths: Any, address: str) -> set[str]:
    """Return the query parameters that the schema gives a question."""
    wanted = ["{}" if part.startswith("{") else part for part in address.partition("?")[0].split("/")]
    for path, item in paths.items():
        parts = path.removeprefix("/api/v1").split("/")
        if ["{}" if part.startswith("{") else part for part in parts] == wanted:
            return {one["name"] for one in item["get"].get("parameters", ()) if one["in"] == "query"}
    raise AssertionError(f"{address} is not in the schema")


def refused(response: Any) -> dict[str, str]:
    """Return the sentence about each parameter that was refused."""
    if response.status_code != 400:
        return {}
    return {one["parameter"]: one["detail"] for one in response.json()["errors"]}


@pytest.mark.parametrize("address", QUESTIONS)
def test_a_question_takes_what_the_schema_says_and_nothing_else(
    world: World, paths: Any, address: str
) -> None:
    taken, filled = described(paths, address), _filled(address, world)
    mark, client = "&" if "?" in filled else "?", world.client("vera")

    def ask(parameter: str) -> dict[str, str]:
        return refused(client.get(f"{filled}{mark}{parameter}=1999-01-01T00:00:00Z"))

    assert "speed" in ask("speed")
    assert "as_of" in ask("as_of") or "as_of" in taken
    for parameter in sorted(taken):
        assert ask(parameter).get(parameter) not in MEANINGLESS, parameter


@pytest.mark.parametrize("address", ["/notifications", "/cases", "/portfolios/CX", "/portfolios/CX/months"])
def test_what_does_not_look_back_says_so(world: World, address: str) -> None:
    answer = world.client("vera").get(f"/api/v1{address}?as_of=2026-01-01T00:00:00Z")
    assert refused(answer) == {"as_of": DOES_NOT_LOOK_BACK}


def test_a_verb_refuses_what_means_nothing_as_well(world: World) -> None:
    address = f"/api/v1/episodes/{world.episodes['cx'].public_id}/acknowledge?speed=1"
    answer = world.client("olivia").post(address, {}, format="json")
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "#/speed")
