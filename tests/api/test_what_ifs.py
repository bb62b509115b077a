"""What-ifs over the API: the published case, whose rates hold, and a pointer to every value that is wrong."""

import json
from decimal import Decimal
from typing import Any

import pytest

from roi.usecases import TEMPLATES
from roi.usecases.base import HiddenCosts
from roi.usecases.drivers import drivers_of
from tests import factories
from tests.api.conftest import World, now
from tests.docs.pages import DOCS, blocks, rows

API = "/api/v1"
SUPPORT: dict[str, Any] = {"template": "generic_llm"}


def ask(world: World, body: dict[str, Any], *, status: int = 200, name: str = "vera") -> dict[str, Any]:
    response = world.client(name).post(f"{API}/what-ifs", body, format="json")
    assert response.status_code == status, response.content
    return dict(response.json())


def _support() -> type[Any]:
    return TEMPLATES["generic_llm"].drivers


def pointers(refused: dict[str, Any]) -> dict[str, str]:
    return {error["pointer"]: error["detail"] for error in refused["errors"]}


def test_templates_are_listed_with_their_drivers_and_the_hidden_costs(world: World) -> None:
    listed = world.client("vera").get(f"{API}/use-cases").json()
    assert [each["name"] for each in listed["results"]] == list(TEMPLATES)
    support = next(each for each in listed["results"] if each["name"] == "generic_llm")
    dev = next(each for each in support["drivers"] if each["name"] == "dev_cost")
    assert (dev["default"], dev["unit"], dev["low"], dev["high"]) == (150_000, "currency", 0, None)
    assert [each["name"] for each in listed["hidden_costs"]] == [one.name for one in drivers_of(HiddenCosts)]


def test_published_case_is_answered_as_published(world: World) -> None:
    answer = ask(world, SUPPORT)
    figures = answer["figures"]
    assert figures["roi_percent"] == pytest.approx(0.96154, abs=1e-5)
    assert figures["payback_months"] == pytest.approx(11.7647, abs=1e-4)
    assert figures["npv"] == pytest.approx(-4644, abs=1)
    assert (figures["breakeven_month"], figures["total_cost"]) == (12, 312_000)
    assert len(answer["monthly"]) == 12
    assert answer["monthly"][-1]["cumulative_net"] == figures["net_benefit"] == 3_000
    assert [view["months"] for view in answer["multi_year"]] == [12, 24, 36, 60]
    assert answer["bands"] is None


def test_undefined_figure_is_null_with_its_reason(world: World) -> None:
    figures = ask(world, SUPPORT | {"drivers": {"labor_savings_monthly": 0}})["figures"]
    assert figures["payback_months"] is None
    assert figures["reasons"]["payback_months"] == "never_pays_back"


def test_rates_and_currency_are_the_portfolios_unless_stated(world: World) -> None:
    factories.set_rates(
        world.cx,
        now=now(),
        hurdle_rate=Decimal("0.2"),
        discount_rate=Decimal("0.08"),
        asserted_share=Decimal(1),
    )
    world.cx.reporting_currency = "EUR"
    world.cx.save()
    answer = ask(world, SUPPORT | {"portfolio": "CX"})
    assert (answer["discount_rate"], answer["hurdle_rate"], answer["currency"]) == (0.08, 0.2, "EUR")
    stated = ask(world, SUPPORT | {"portfolio": "CX", "hurdle_rate": 0.3})
    assert (stated["discount_rate"], stated["hurdle_rate"]) == (0.08, 0.3)


def test_an_investments_own_rates_come_before_its_portfolios(world: World) -> None:
    factories.set_rates(world.cx, now=now(), investment=world.chatbot, hurdle_rate=Decimal("0.25"))
    answer = ask(world, SUPPORT | {"investment": "CX-1"})
    assert (answer["discount_rate"], answer["hurdle_rate"]) == (0.1, 0.25)


@pytest.mark.parametrize("named", [{"portfolio": "OPS"}, {"investment": "OPS-SECRET"}])
def test_rates_of_strangers_are_not_there(world: World, named: dict[str, str]) -> None:
    assert "OPS" not in ask(world, SUPPORT | named, status=404)["detail"]


def test_every_wrong_value_has_its_pointer(world: World) -> None:
    refused = ask(
        world,
        SUPPORT
        | {
            "drivers": {"dev_cost": "a lot", "dev_costs": 1},
            "hidden_costs": {"legal_review": {"none": " "}},
        },
        status=400,
    )
    found = pointers(refused)
    assert set(found) == {"#/drivers/dev_cost", "#/drivers/dev_costs", "#/hidden_costs/legal_review"}
    assert "Did you mean dev_cost?" in found["#/drivers/dev_costs"]


def test_wrong_scenario_and_wrong_draws_have_their_pointers(world: World) -> None:
    refused = ask(
        world,
        SUPPORT
        | {
            "scenarios": [{"name": "fine"}, {"name": "wrong", "drivers": {"dev_cost": -1}}],
            "monte_carlo": {
                "distributions": {
                    "dev_cost": {"kind": "uniform", "low": 2, "high": 1},
                    "horizon_months": {"kind": "fixed", "value": 12},
                }
            },
        },
        status=400,
    )
    assert set(pointers(refused)) == {
        "#/scenarios/1/drivers/dev_cost",
        "#/monte_carlo/distributions/dev_cost",
        "#/monte_carlo/distributions/horizon_months",
    }


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"template": "nothing"}, "#/template"),
        (SUPPORT | {"months": 121}, "#/months"),
        (SUPPORT | {"hurdle_rate": "nan"}, "#/hurdle_rate"),
        (SUPPORT | {"discount_rate": -1}, "#/discount_rate"),
        (SUPPORT | {"drivers": {"dev_cost": [1]}}, "#/drivers/dev_cost"),
        (SUPPORT | {"tornado": {"relative": 0}}, "#/tornado"),
        (SUPPORT | {"monte_carlo": {"distributions": {}}}, "#/monte_carlo/distributions"),
        (SUPPORT | {"horizon": 12}, "#/horizon"),
        (SUPPORT | {"drivers": {"dev_cost": 1e12}}, "#/drivers"),
    ],
    ids=lambda part: str(part)[:60],
)
def test_what_cannot_be_asked_is_refused(world: World, body: dict[str, Any], pointer: str) -> None:
    assert pointer in pointers(ask(world, body, status=400))


def test_scenarios_stand_beside_the_base(world: World) -> None:
    answer = ask(
        world,
        SUPPORT
        | {
            "scenarios": [
                {"name": "Cheaper", "kind": "optimistic", "drivers": {"dev_cost": {"relative": -0.1}}},
                {"name": "No savings", "kind": "pessimistic", "drivers": {"labor_savings_monthly": 0}},
            ]
        },
    )
    base, cheaper, none = answer["scenarios"]
    assert (base["name"], base["net_benefit"]) == ("Base", 3_000)
    assert (cheaper["drivers"], cheaper["net_benefit"]) == ({"dev_cost": 135_000}, 18_000)
    assert none["reasons"]["payback_months"] == "never_pays_back"


def test_a_scenario_that_leaves_the_ledgers_range_is_named(world: World) -> None:
    answer = ask(world, SUPPORT | {"scenarios": [{"name": "Huge", "drivers": {"dev_cost": 1e12}}]})
    assert [row["name"] for row in answer["scenarios"]] == ["Base"]
    assert answer["problems"][0].startswith("Huge: Development leaves the range")


def test_tornado_is_ranked_by_net_benefit_and_put_into_words(world: World) -> None:
    answer = ask(world, SUPPORT)
    first = answer["tornado"][0]
    assert first["driver"] == "labor_savings_monthly"
    assert first["swing"] == pytest.approx(46_200)
    assert first["roi_points"] == pytest.approx(14.81, abs=0.005)
    assert {row["driver"] for row in answer["tornado"]} <= {one.name for one in drivers_of(_support())}
    assert "Labor savings" in answer["sentence"]
    assert answer["charts"]["tornado"]["data"]["values"][0]["driver"] == "Labor savings"


def test_hidden_cost_that_is_stated_stands_in_the_tornado(world: World) -> None:
    answer = ask(
        world, SUPPORT | {"hidden_costs": {"legal_review": 2000, "safety_pipeline": {"none": "No."}}}
    )
    assert answer["figures"]["net_benefit"] == 3_000 - 12 * 2_000
    assert "legal_review" in {row["driver"] for row in answer["tornado"]}
    assert "safety_pipeline" not in {row["driver"] for row in answer["tornado"]}


def test_no_tornado_where_none_is_asked_for(world: World) -> None:
    answer = ask(world, SUPPORT | {"tornado": None})
    assert (answer["tornado"], answer["sentence"]) == ([], "")


def test_shares_move_by_points(world: World) -> None:
    answer = ask(world, {"template": "customer_support", "tornado": {"points": 0.5}})
    (row,) = (row for row in answer["tornado"] if row["driver"] == "deflection_rate")
    assert (row["low_value"], row["high_value"], row["is_bounded"]) == (pytest.approx(0.05), 1, True)
    assert "dev_cost" not in {row["driver"] for row in answer["tornado"]}


def test_amount_does_not_change_by_points(world: World) -> None:
    scenario = {"name": "x", "drivers": {"dev_cost": {"points": 0.1}}}
    found = pointers(ask(world, SUPPORT | {"scenarios": [scenario]}, status=400))
    assert found == {"#/scenarios/0/drivers/dev_cost": 'Development is no share; state {"relative": 0.1}.'}


def test_draws_are_seeded(world: World) -> None:
    drawn = {
        "seed": 7,
        "log2_draws": 8,
        "distributions": {"dev_cost": {"kind": "uniform", "low": 120_000, "high": 180_000}},
    }
    first, again, other = (
        ask(world, SUPPORT | {"monte_carlo": drawn | {"seed": seed}})["bands"] for seed in (7, 7, 8)
    )
    assert first == again != other
    assert first["draws"] == 256
    assert len(first["cumulative_net"]) == 12
    assert first["net_benefit"]["p5"] < 3_000 < first["net_benefit"]["p95"]


def test_drivers_that_cannot_move_together_are_refused(world: World) -> None:
    uniform = {"kind": "uniform", "low": 1000, "high": 2000}
    names = ["dev_cost", "infra_monthly", "api_monthly"]
    drawn = {
        "distributions": dict.fromkeys(names, uniform),
        "correlations": [
            {"drivers": ["dev_cost", "infra_monthly"], "r": 0.9},
            {"drivers": ["infra_monthly", "api_monthly"], "r": 0.9},
            {"drivers": ["dev_cost", "api_monthly"], "r": -0.9},
        ],
    }
    refused = ask(world, SUPPORT | {"monte_carlo": drawn}, status=400)
    assert "cannot all hold" in pointers(refused)["#/monte_carlo/correlations"]


def test_the_example_of_the_documentation_is_answered(world: World) -> None:
    page = DOCS / "how-to" / "business-case-over-the-api.md"
    (example,) = [json.loads(text) for _, text in blocks(page, "json")]
    answer = ask(world, example)
    assert answer["problems"] == []
    assert answer["bands"]["seed"] == example["monte_carlo"]["seed"]
    documented = {part.strip("`") for row in rows(page) if len(row) == 2 for part in row[0].split(", ")}
    assert set(answer) <= documented | {"template", "months", "currency", "discount_rate", "hurdle_rate"}


def test_nobody_unknown_asks(world: World) -> None:
    assert world.client("anonymous").post(f"{API}/what-ifs", SUPPORT, format="json").status_code == 401
