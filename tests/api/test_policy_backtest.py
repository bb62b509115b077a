"""Trying a policy's terms on the past over the API: beside the present ones, checked, and never stored."""

from typing import Any

import pytest

from alerts.models import Policy
from tests.api.conftest import World

ADDRESS = "/api/v1/investments/CX-1/policies/backtest"


def answer(world: World, body: Any, *, status: int = 200, address: str = ADDRESS) -> Any:
    response = world.client("vera").post(address, body, format="json")
    assert response.status_code == status, response.content
    return response.json()


def test_terms_are_tried_beside_the_present_ones(world: World) -> None:
    """Three months cannot be told from one closed month; a window of one month can."""
    body = answer(world, {"rule": "hurdle_rate", "terms": {"window": 1, "for_months": 1, "hurdle": "0.5"}})
    assert body["sentence"].endswith(
        "“Under the hurdle” would have fired once. The present terms would not have fired."
    )
    assert (body["investment"], body["rule"], body["months"]) == ("CX-1", "hurdle_rate", ["2026-01"])
    assert (body["candidate"]["fired"], body["candidate"]["retracted"], body["present"]["fired"]) == (1, 0, 0)
    (firing,) = body["candidate"]["firings"]
    assert (firing["fired_month"], firing["resolved_month"], firing["closed_reason"]) == (
        "2026-01",
        None,
        None,
    )
    assert (firing["value"], firing["threshold"], firing["unit"]) == ("0.25", "0.50000000", "rate")
    assert (firing["months"], firing["ended_at"]) == (1, None)
    assert firing["fired_at"] is not None
    assert body["overlap"] == {"both": 0, "only_candidate": 1, "only_present": 0}
    assert not Policy.objects.exists()


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        ({}, 400, "required"),
        ({"rule": "no_such"}, 400, "not a valid choice"),
        ({"rule": "hurdle_rate", "terms": {"window": 25}}, 400, "less than or equal to 24"),
        ({"rule": "hurdle_rate", "terms": {"for": 2}}, 400, "There is no such field."),
        ({"rule": "hurdle_rate", "terms": {"hurdle": 0.1}}, 400, "a JSON fraction may lose digits"),
        ({"rule": "hurdle_rate", "terms": {"margin": "-1"}}, 422, "negative"),
        ({"rule": "hurdle_rate", "terms": {"measure": "irr", "hurdle": "-1"}}, 422, "not above -100"),
    ],
)
def test_a_question_that_cannot_be_is_refused(world: World, body: Any, status: int, says: str) -> None:
    assert says in str(answer(world, body, status=status))


def test_a_foreign_investment_is_missing(world: World) -> None:
    address = ADDRESS.replace("CX-1", "OPS-SECRET")
    answer(world, {"rule": "negative_roi"}, status=404, address=address)
