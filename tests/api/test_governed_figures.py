"""Bridge, scorecard, roll-up and pools over the API: what is shown adds up, and what cannot be is said so."""

from decimal import Decimal
from typing import Any

import pytest

from portfolio import ledger, months
from portfolio.facts import Fact, Writing
from portfolio.models import Batch
from portfolio.terms import add_months
from tests.api.conftest import START, World, account, now


def ask(world: World, path: str, name: str = "vera", **query: str) -> Any:
    response = world.client(name).get(f"/api/v1/{path}", query)
    assert response.status_code == 200, response.content
    return response.json()


def february(world: World) -> None:
    """Record and close one more month, dearer and better than January."""
    second = add_months(START, 1)
    facts = [
        Fact(one.pk, second, account(code), "USD", Decimal(value))
        for one in world.cx.investments.all()
        for code, value in (("infrastructure", 450), ("labor_savings", 650))
    ]
    finn = world.users["finn"]
    ledger.record(world.cx, facts, writing=Writing(source="actuals", now=now(), actor=finn))
    months.close(world.cx, [second], now=now(), actor=finn)


def total(amounts: list[str]) -> Decimal:
    return sum((Decimal(amount) for amount in amounts), Decimal(0))


def test_a_bridge_adds_up_in_money_and_in_points(world: World) -> None:
    assert ask(world, "investments/CX-1/bridge")["of_month"]["reason"] == "no_history"
    february(world)
    told = ask(world, "investments/CX-1/bridge", basis="claimed")
    assert (told["before"], told["month"], told["months"]) == ("2026-01", "2026-02", ["2026-02"])
    for one in (told["of_month"], told["to_date"]):
        assert one["reason"] is None
        change = Decimal(one["end"]["net"]) - Decimal(one["start"]["net"])
        assert total([step["net"] for step in one["steps"]]) == change
        points = total([step["roi_points"] for step in one["steps"]])
        assert float(points) == pytest.approx((one["end"]["roi"] - one["start"]["roi"]) * 100, abs=1e-5)
        for step in one["steps"]:
            assert total(list(step["accounts"].values())) == Decimal(step["net"])
    assert told["of_month"]["main_cause"] == "other"


def test_a_roll_up_adds_up_and_looks_back(world: World) -> None:
    known = Batch.objects.latest("pk").pk
    february(world)
    for by in ("unit", "vendor", "stage", "treatment", "regulatory_tag"):
        told = ask(world, "portfolios/CX/roll-up", by=by)
        for name in ("run_cost", "one_time_cost", "cost", "benefit", "overlap", "net"):
            assert total([group[name] for group in told["groups"]]) == Decimal(told["total"][name])
    assert told["month"] == "2026-02"
    assert ask(world, "portfolios/CX/roll-up", as_of=str(known))["month"] == "2026-01"
    assert ask(world, "portfolios/CX/roll-up", month="2026-01")["month"] == "2026-01"


def test_a_pool_is_set_shown_and_refused_with_a_sentence(world: World) -> None:
    body = {
        "name": "Agents",
        "monthly_cap": "100.00",
        "members": [{"investment": "CX-1", "since": "2026-01"}],
    }
    ada = world.client("ada")
    response = ada.put("/api/v1/portfolios/CX/pools", body, format="json")
    assert response.status_code == 200, response.content
    assert ask(world, "portfolios/CX/pools") == [response.json()]
    told = ask(world, "portfolios/CX/roll-up", basis="claimed")
    assert told["pools"][0]["overlap"] == told["total"]["overlap"] != "0.000000"
    for wrong, words in (
        ({"members": [{"investment": "OPS-1", "since": "2026-01"}]}, "There is no investment OPS-1 in CX."),
        ({"account": "luck"}, "There is no account named luck."),
        ({"account": "infrastructure"}, "is no benefit"),
    ):
        response = ada.put("/api/v1/portfolios/CX/pools", body | wrong, format="json")
        assert response.status_code == 422
        assert words in response.json()["detail"]


def test_a_scorecard_names_what_it_cannot_judge_and_takes_the_portfolios_thresholds(world: World) -> None:
    told = ask(world, "investments/CX-1/scorecard")
    assert len(told["findings"]) == 6
    assert set(told["undefined"]) == {
        one["criterion"] for one in told["findings"] if one["verdict"] == "undefined"
    }
    body = {"importance": 5, "reason": "Board."}
    response = world.client("ada").put("/api/v1/portfolios/CX/scorecard-thresholds", body, format="json")
    assert response.json()["importance"] == 5
    assert ask(world, "portfolios/CX/scorecard-thresholds") == response.json()
    strategy = ask(world, "investments/CX-1/scorecard")["findings"][4]
    assert strategy["thresholds"] == ["at least 5 of 5"]


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("portfolios/CX/roll-up", {"by": "luck"}),
        ("portfolios/CX/roll-up", {"basis": "luck"}),
        ("investments/CX-1/bridge", {"month": "2026-13"}),
        ("investments/CX-1/bridge", {"as_of": "999999999"}),
    ],
)
def test_questions_that_mean_nothing_are_refused(world: World, path: str, query: dict[str, str]) -> None:
    assert world.client("vera").get(f"/api/v1/{path}", query).status_code == 400


def test_before_it_was_registered_there_is_no_scorecard(world: World) -> None:
    response = world.client("vera").get("/api/v1/investments/CX-1/scorecard", {"as_of": "1"})
    assert response.status_code == 422
