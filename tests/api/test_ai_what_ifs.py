"""AI-specific what-ifs over the API: the published figures by HTTP, dated points, and one sentence for each refusal."""

from typing import Any

import pytest

from tests.api.conftest import World

WHAT_IFS = "/api/v1/what-ifs"
PATH: dict[str, Any] = {
    "points": [{"month": "2026-01", "accuracy": 0.96}, {"month": "2027-07", "accuracy": 0.88}],
    "value": 26_250,
    "run": 13_500,
    "one_time": 150_000,
}
OPTION = {"name": "API", "unit_price": 0.02}
TERMS = {"months": 12, "volume": 1000, "benefit": 500}


def ask(world: World, kind: str, body: dict[str, Any], *, status: int = 200) -> dict[str, Any]:
    response = world.client("vera").post(f"{WHAT_IFS}/{kind}", body, format="json")
    assert response.status_code == status, response.content
    return dict(response.json())


def test_dated_points_are_a_path(world: World) -> None:
    told = ask(world, "degradation", PATH | {"retraining": {"cost": 100, "every": 6}})
    assert told["retraining_months"] == [6, 12, 18, 24, 30]
    assert told["monthly"][0]["accuracy"] == pytest.approx(0.96 - 0.08 / 18)
    plain = ask(world, "degradation", PATH)
    assert round(plain["views"][0]["roi_percent"], 2) == -2.08


def test_published_breakeven_volume(world: World) -> None:
    told = ask(world, "serving", {"volume": 300_000, "fixed_cost": 4_500, "api_unit_cost": 0.024})
    assert told["breakeven_volume"] == pytest.approx(187_500)


@pytest.mark.parametrize(
    ("kind", "body", "pointer", "words"),
    [
        ("degradation", PATH | {"worthless": 0.96}, "#", "must lie below the first accuracy"),
        ("degradation", PATH | {"points": []}, "#/points", "at least 1"),
        ("degradation", PATH | {"value": "NaN"}, "#/value", "valid number"),
        ("serving", {"volume": 1}, "#", "State the API's cost of a unit"),
        ("serving", {"volume": 1, "api_unit_cost": 1, "gpu": 1}, "#/gpu", "no such field"),
        ("batch", {"real_time_cost": 1, "value": 1, "deferral_share": 2}, "#/deferral_share", "1"),
        ("options", {"options": [OPTION] * 2, "terms": TERMS}, "#", "same name"),
        ("options", {"options": [OPTION] * 6, "terms": TERMS}, "#/options", "5"),
    ],
)
def test_refusals_are_sentences(
    world: World, kind: str, body: dict[str, Any], pointer: str, words: str
) -> None:
    errors = ask(world, kind, body, status=400)["errors"]
    assert any(error["pointer"] == pointer and words in error["detail"] for error in errors), errors
