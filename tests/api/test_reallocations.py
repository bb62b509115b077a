"""Reallocations over the API: proposed, kept with exact money, sent for approval, refused in words."""

from typing import Any

from portfolio.models import Investment, Portfolio
from tests.api.conftest import World

ADDRESS = "/api/v1/reallocations"


def propose(world: World, **changes: Any) -> Any:
    return world.client("finn").post(ADDRESS, {"portfolio": "CX", **changes}, format="json")


def test_a_proposal_is_kept_with_what_it_was_computed_from(world: World) -> None:
    Investment.objects.filter(code="CX-1").update(capacity_person_months="2.5")
    made = propose(world, budget="1000.5", stated_costs={"CX-1": "400"}, reason="Less money.")
    assert made.status_code == 201, made.content
    body = made.json()
    assert (body["status"], body["chosen"], body["cost"]) == ("optimal", ["CX-1"], "400.000000")
    assert (body["budget"], body["capacity"], body["value"]) == ("1000.500000", "2.50", "0.000000")
    assert body["candidates"][0]["sunk"] == "400.000000"
    assert (body["candidates"][0]["value"], body["candidates"][0]["reason"]) == (None, "too_few_months")
    assert world.client("vera").get(f"{ADDRESS}/{body['id']}").json() == body
    listed = world.client("vera").get(ADDRESS, {"portfolio": "CX"}).json()["results"]
    assert [one["id"] for one in listed] == [body["id"]]


def test_a_second_person_approves_it(world: World) -> None:
    address = f"{ADDRESS}/{propose(world, budget='1000').json()['id']}"
    asked = world.client("finn").post(f"{address}/ask", {}, format="json")
    assert asked.status_code == 202
    assert world.client("vera").get(address).json()["approval"] == "asked"
    decide = f"/api/v1/approvals/{asked.json()['approval']}/decide"
    assert world.client("finn").post(decide, {"is_allowed": True}, format="json").status_code != 200
    assert world.client("ada").post(decide, {"is_allowed": True}, format="json").status_code == 200
    assert world.client("vera").get(address).json()["approval"] == "approved"


def test_what_cannot_be_is_said_in_words(world: World) -> None:
    nothing = propose(world)
    assert nothing.status_code == 422
    assert nothing.json()["detail"] == "Neither you nor the portfolio states a yearly budget."
    conflict = propose(world, budget="100", stated_costs={"CX-1": "400"}).json()
    assert conflict["sentence"] == "No selection keeps to all of this: the budget; CX-1 must be funded."
    asked = world.client("finn").post(f"{ADDRESS}/{conflict['id']}/ask", {}, format="json")
    assert (asked.status_code, asked.json()["detail"]) == (422, conflict["sentence"])


def test_the_portfolios_budget_is_the_default(world: World) -> None:
    Portfolio.objects.filter(code="CX").update(yearly_budget=7_000)
    assert propose(world).json()["budget"] == "7000.000000"
