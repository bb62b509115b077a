"""Reallocations over the API: proposed, kept with exact money, sent for approval, refused in words."""

from datetime import date
from typing import Any

from portfolio.models import Investment, Portfolio
from roi.models import Reallocation
from tests.api.conftest import World
from tests.factories import fact, record

ADDRESS = "/api/v1/reallocations"


def propose(world: World, **changes: Any) -> Any:
    asked = {"portfolio": "CX", "reason": "Less money.", **changes}
    return world.client("finn").post(ADDRESS, asked, format="json")


def test_a_proposal_is_kept_with_what_it_was_computed_from(world: World) -> None:
    Investment.objects.filter(code="CX-1").update(capacity_person_months="2.5")
    made = propose(world, budget="1000.5", stated_costs={"CX-1": "400"})
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
    again = world.client("finn").post(f"{address}/ask", {}, format="json")
    assert (again.status_code, again.json()["detail"]) == (422, "Approval was asked for already.")


def test_a_proposal_without_a_reason_is_refused(world: World) -> None:
    for reason in ("", " ", None):
        refused = propose(world, budget="1000", reason=reason)
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (400, "#/reason")
    assert not Reallocation.objects.exists()


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


def test_an_answer_is_read_without_keeping_it(world: World) -> None:
    address = "/api/v1/portfolios/CX/reallocation"
    asked = {"budget": "1000", "stated_costs": "CX-1:400"}
    body = world.client("vera").get(address, asked).json()
    assert (body["portfolio"], body["chosen"], body["cost"]) == ("CX", ["CX-1"], "400.000000")
    assert not Reallocation.objects.exists()
    before = {**asked, "as_of": str(body["knowledge"])}
    record(world.cx, fact(world.chatbot, date(2026, 1, 1), "development", 150))
    now, then = (world.client("vera").get(address, query).json() for query in (asked, before))
    assert (now["candidates"][0]["sunk"], then["candidates"][0]["sunk"]) == ("550.000000", "400.000000")
    assert then == body
    # Nothing was registered yet.
    assert world.client("vera").get(address, {"budget": "9", "as_of": "0"}).json()["candidates"] == []
    assert world.client("vera").get(address, {**asked, "as_of": "0"}).status_code == 422
    for wrong in ({"as_of": "99999999"}, {"stated_costs": "CX-1"}, {"budget": "-1"}, {"speed": "1"}):
        assert world.client("vera").get(address, asked | wrong).status_code == 400, wrong
    assert world.client("vera").get(address).status_code == 422


def test_limits_say_what_is_left_of_them(world: World) -> None:
    Investment.objects.filter(code="CX-1").update(capacity_person_months="2.5", is_must_fund=False)
    body = propose(world, budget="1000", capacity="4", stated_costs={"CX-1": "400"}).json()
    rows = {row["kind"]: row for row in body["limits"]["rows"]}
    assert (rows["budget"]["left"], rows["budget"]["gain"]) == ("600.000000", "0.000000")
    assert rows["capacity"]["left"] == "1.50"
    assert body["limits"]["untried"] == 0


def test_a_proposal_kept_before_limits_were_told_is_still_read(world: World) -> None:
    made = Reallocation.objects.get(public_id=propose(world, budget="1000").json()["id"])
    result = {name: value for name, value in made.result.items() if name != "limits"}
    old = Reallocation.objects.create(
        portfolio=made.portfolio,
        knowledge=made.knowledge,
        engine_version=made.engine_version,
        inputs=made.inputs,
        result=result,
        content_hash=made.content_hash,
        author=made.author,
        created_at=made.created_at,
    )
    assert world.client("vera").get(f"{ADDRESS}/{old.public_id}").json()["limits"] is None
