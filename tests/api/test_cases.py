"""Business cases over the API: revisions, scenarios, submission as a plan, studies; and what each refuses."""

from io import BytesIO
from typing import Any

import pytest
from django.utils import timezone
from openpyxl import load_workbook

from portfolio.models import Cell, User
from roi import studies
from roi.models import BusinessCase, CaseStudy
from tests.api.conftest import CASE, World

API = "/api/v1"


def address(world: World, *parts: str) -> str:
    return "/".join((f"{API}/cases", str(world.cases["cx"].public_id), *parts))


def call(world: World, method: str, path: str, body: Any = None, *, status: int = 200, **extra: Any) -> Any:
    response = getattr(world.client("olivia"), method)(path, body, format="json", **extra)
    assert response.status_code == status, response.content
    return response.json() if response.content else None


def pointers(refused: dict[str, Any]) -> set[str]:
    return {error["pointer"] for error in refused["errors"]}


def test_a_case_comes_back_as_it_was_written(world: World) -> None:
    stated = CASE | {"drivers": {"dev_cost": "140000.50"}, "hurdle_rate": 0.125}
    made = call(world, "post", f"{API}/cases", stated | {"portfolio": "CX", "investment": "CX-1"}, status=201)
    again = call(world, "get", f"{API}/cases/{made['id']}")
    assert made == again
    assert {name: again[name] for name in stated} == stated
    assert (again["revision"], again["months"], again["discount_rate"]) == (1, 12, None)
    assert (again["created_by"], again["investment"]) == ("olivia", "CX-1")


def test_cases_are_filtered_and_strangers_cases_are_not_listed(world: World) -> None:
    listed = call(world, "get", f"{API}/cases?investment=CX-1&template=generic_llm")["results"]
    assert [case["id"] for case in listed] == [str(world.cases["cx"].public_id)]
    assert call(world, "get", f"{API}/cases?template=fraud_detection")["results"] == []
    assert call(world, "get", f"{API}/cases?portfolio=OPS")["results"] == []


def test_a_change_states_its_revision_and_a_late_one_is_a_conflict(world: World) -> None:
    changed = call(world, "patch", address(world), {"revision": 1, "drivers": {"dev_cost": 1}})
    assert (changed["revision"], changed["drivers"]) == (2, {"dev_cost": 1})
    late = call(world, "patch", address(world), {"revision": 1, "title": "Mine"}, status=409)
    assert "revision 2, yours is 1" in late["detail"]
    assert pointers(call(world, "patch", address(world), {"title": "x"}, status=400)) == {"#/revision"}


def test_wrong_values_have_pointers_into_the_case(world: World) -> None:
    body = {
        "revision": 1,
        "drivers": {"dev_cost": -1},
        "distributions": {"dev_cost": {"kind": "uniform", "low": 2, "high": 1}},
    }
    assert pointers(call(world, "patch", address(world), body, status=400)) == {"#/drivers/dev_cost"}
    body["drivers"] = {}
    found = call(world, "patch", address(world), body, status=400)
    assert pointers(found) == {"#/distributions/dev_cost"}
    template = call(world, "patch", address(world), {"revision": 1, "template": "generic_llm"}, status=400)
    assert pointers(template) == {"#/template"}


def test_a_case_is_answered_with_its_scenarios(world: World) -> None:
    answer = call(world, "get", address(world, "figures"))
    assert answer["figures"]["total_cost"] == 312_000
    assert [row["name"] for row in answer["scenarios"]] == ["Base", "Cheaper"]
    assert answer["bands"] is None


def test_a_scenario_that_no_longer_fits_is_left_out_by_name(world: World) -> None:
    world.cases["cx"].scenarios.update(drivers={"dev_cost": -1})
    answer = call(world, "get", address(world, "figures"))
    assert [row["name"] for row in answer["scenarios"]] == ["Base"]
    assert answer["problems"] == ["Cheaper is left out: Development must lie at or above 0; -1 does not."]


def test_workbook_is_a_file_with_the_scenarios(world: World) -> None:
    world.cases["cx"].title = "Support / \u00e4 <2026>"
    world.cases["cx"].save()
    for accept in ("*/*", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"):
        response = world.client("vera").get(address(world, "workbook"), headers={"Accept": accept})
        assert response.status_code == 200
        assert response["Content-Disposition"] == 'attachment; filename="Support-2026.xlsx"'
        sheets = load_workbook(BytesIO(response.content), read_only=True).sheetnames
        assert {"Inputs", "Plan", "Figures", "Definitions"} <= set(sheets)
        assert any("Cheaper" in name for name in sheets)


def test_workbook_is_not_served_as_json(world: World) -> None:
    response = world.client("vera").get(address(world, "workbook"), headers={"Accept": "application/json"})
    assert (response.status_code, response["Content-Type"]) == (406, "application/problem+json")
    assert response.json()["status"] == 406


def test_refused_workbook_is_a_problem(world: World) -> None:
    world.cases["cx"].drivers = {"dev_cost": -1}
    world.cases["cx"].save()
    response = world.client("vera").get(address(world, "workbook"))
    assert (response.status_code, response["Content-Type"]) == (400, "application/problem+json")
    assert "Development" in response.json()["errors"][0]["detail"]


def test_scenarios_are_put_by_name_and_deleted(world: World) -> None:
    put = call(
        world, "put", address(world, "scenarios", "Two words"), {"drivers": {"dev_cost": {"relative": 0.1}}}
    )
    assert (put["name"], put["kind"]) == ("Two words", "own")
    names = [row["name"] for row in call(world, "get", address(world, "scenarios"))["results"]]
    assert names == ["Cheaper", "Two words"]
    call(world, "delete", address(world, "scenarios", "Two words"), status=204)
    call(world, "delete", address(world, "scenarios", "Two words"), status=404)
    wrong = call(world, "put", address(world, "scenarios", "x"), {"drivers": {"dev_cost": -1}}, status=400)
    assert pointers(wrong) == {"#/drivers/dev_cost"}


def test_submission_writes_a_version_once(world: World) -> None:
    body = {"revision": 1, "reason": "Board, May."}
    first = call(world, "post", address(world, "submit"), body)
    again = call(world, "post", address(world, "submit"), body)
    assert first == again
    assert (first["investment"], first["version"], first["figures"]["net_benefit"]) == ("CX-1", 1, 3_000)
    cells = Cell.objects.filter(investment=world.chatbot, book="plan", book_version=1)
    assert {cell.batch_id for cell in cells} == {first["knowledge"]}
    assert call(world, "get", address(world, "submissions"))["results"] == [first]


def test_submitted_case_cannot_be_deleted(world: World) -> None:
    call(world, "post", address(world, "submit"), {"revision": 1})
    refused = call(world, "delete", f"{address(world)}?revision=1", status=422)
    assert "was submitted as a plan" in refused["detail"]


@pytest.mark.parametrize("revision", ["", "x", "-1", "9" * 30])
def test_deleting_needs_the_revision_that_was_read(world: World, revision: str) -> None:
    refused = call(world, "delete", f"{address(world)}?revision={revision}", status=400)
    assert pointers(refused) == {"#/revision"}
    call(world, "delete", f"{address(world)}?revision=2", status=409)
    assert BusinessCase.objects.filter(pk=world.cases["cx"].pk).exists()


def test_unanswered_hidden_costs_are_named(world: World) -> None:
    call(world, "patch", address(world), {"revision": 1, "hidden_costs": {"legal_review": 0}})
    refused = call(world, "post", address(world, "submit"), {"revision": 2}, status=422)
    assert "Evaluation pipeline" in refused["detail"]
    assert "Legal review" not in refused["detail"]


def test_case_of_a_strangers_investment_cannot_be_written(world: World) -> None:
    body = CASE | {"portfolio": "CX", "investment": "OPS-SECRET"}
    call(world, "post", f"{API}/cases", body, status=404)
    call(world, "post", address(world, "submit"), {"revision": 1, "investment": "OPS-SECRET"}, status=404)


def test_created_once_for_a_key(world: World) -> None:
    before = BusinessCase.objects.count()
    answers = [
        call(
            world,
            "post",
            f"{API}/cases",
            CASE | {"portfolio": "CX"},
            status=201,
            headers={"Idempotency-Key": "one"},
        )
        for _ in range(2)
    ]
    assert answers[0] == answers[1]
    assert BusinessCase.objects.count() == before + 1


def test_study_is_asked_computed_and_read(world: World) -> None:
    asked = call(
        world, "post", address(world, "studies"), {"kind": "monte_carlo", "log2_draws": 8}, status=202
    )
    assert (asked["state"], asked["result"]) == ("asked", None)
    studies.run(clock=timezone.now)
    done = call(world, "get", address(world, "studies", asked["id"]))
    assert (done["state"], done["result"]["draws"], done["asked_by"]) == ("done", 256, "olivia")
    again = call(
        world, "post", address(world, "studies"), {"kind": "monte_carlo", "log2_draws": 8}, status=202
    )
    assert again == done


def test_study_that_cannot_be_made_is_refused_at_once(world: World) -> None:
    body: dict[str, Any] = {"kind": "sobol", "distributions": {"dev_cost": {"kind": "fixed"}}}
    refused = call(world, "post", address(world, "studies"), body, status=400)
    assert pointers(refused) == {"#/distributions/dev_cost"}
    body = {"kind": "sobol", "correlations": [{"drivers": ["dev_cost", "api_monthly"], "r": 0.5}]}
    assert pointers(call(world, "post", address(world, "studies"), body, status=400)) == {"#/correlations"}


def test_study_of_another_case_is_not_there(world: World) -> None:
    foreign = CaseStudy.objects.get(case=world.cases["ops"])
    call(world, "get", address(world, "studies", str(foreign.public_id)), status=404)


def test_a_lost_role_counts_at_once(world: World) -> None:
    User.objects.get(username="olivia").memberships.all().delete()
    call(world, "get", address(world), status=404)
