"""Token prices over the API: read, negotiated, withdrawn, and an investment's usage priced anew."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from portfolio import ledger
from portfolio.facts import Fact, Writing
from portfolio.models import Deployment, Membership
from roi import prices
from roi.models import PriceOverride
from roi.prices import Terms
from tests.api.conftest import START, World, account, now

API = "/api/v1"
NEW = {
    "portfolio": "CX",
    "provider": "openai",
    "model": "gpt-4o-mini",
    "effective_from": "2026-01-16",
    "input_per_million": "0.10",
    "output_per_million": "0.40",
    "source": "Frame contract 7",
}


def priced(world: World, name: str = "vera", **asked: str) -> list[dict[str, Any]]:
    response = world.client(name).get(
        f"{API}/token-prices", {"provider": "openai", "on": "2026-11-01"} | asked
    )
    assert response.status_code == 200, response.content
    return list(response.json()["results"])


def stated(world: World, name: str = "finn", **changes: Any) -> dict[str, Any]:
    response = world.client(name).post(f"{API}/price-overrides", NEW | changes, format="json")
    assert response.status_code == 201, response.content
    return dict(response.json())


def refusal(response: Any, status: int) -> str:
    assert response.status_code == status, response.content
    body = response.json()
    return str(body["errors"][0]["detail"] if body.get("errors") else body["detail"])


def use(world: World, **lines: int) -> None:
    """Record tokens of the first month, run on gpt-4o."""
    terms = {"input_tokens": 80_000_000, "output_tokens": 30_000_000} | lines
    facts = [Fact(world.chatbot.pk, START, account(code), quantity=Decimal(n)) for code, n in terms.items()]
    facts.append(Fact(world.chatbot.pk, START, account("model_api"), "USD", Decimal(640)))
    ledger.record(world.cx, facts, writing=Writing(source="gateway", now=now()))
    Deployment.objects.create(
        investment=world.chatbot,
        effective_month=START,
        vendor="OpenAI",
        model="gpt-4o",
        is_latency_sensitive=True,
    )


def test_a_price_in_force_says_where_it_comes_from(world: World) -> None:
    (found,) = priced(world, model="gpt-4o-mini-2024-07-18")
    assert (found["provider"], found["model"], found["currency"]) == ("openai", "gpt-4o-mini", "USD")
    assert found["standard"] == {
        "input": "0.1500000000",
        "output": "0.6000000000",
        "cached_input": "0.0750000000",
    }
    assert (found["batch"]["input"], found["batch_discount"]) == ("0.0750000000", "0.5000")
    assert found["source"].startswith("genai-prices ")
    assert (found["reason"], found["is_negotiated"]) == (None, False)


def test_a_model_without_a_price_is_a_reason_and_never_zero(world: World) -> None:
    (found,) = priced(world, model="gpt-4o-mni")
    assert (found["reason"], found["standard"], found["currency"]) == ("unpriced_usage", None, None)
    assert "the nearest there are gpt-4o-mini" in found["detail"]
    (nobody,) = priced(world, provider="opnai")
    assert nobody["reason"] == "unpriced_usage"


def test_all_models_of_a_provider_on_a_day(world: World) -> None:
    by_model = {row["model"]: row for row in priced(world)}
    assert len(by_model) > 50
    assert by_model["o3"]["standard"]["input"] == "2.0000000000"
    early = {row["model"]: row for row in priced(world, on="2025-06-09")}
    assert early["o3"]["standard"]["input"] == "10.0000000000"


@pytest.mark.parametrize(
    "asked",
    [{"provider": ""}, {"on": "2026-13-01"}, {"portfolio": "OPS"}, {"modle": "o3"}, {"model": "x" * 129}],
)
def test_a_question_that_means_nothing_is_refused(world: World, asked: dict[str, str]) -> None:
    response = world.client("vera").get(f"{API}/token-prices", {"provider": "openai"} | asked)
    assert response.status_code == 400
    (name,) = asked
    assert [error["parameter"] for error in response.json()["errors"]] == [name]


def test_a_negotiated_price_counts_where_it_was_stated(world: World) -> None:
    made = stated(world)
    assert (made["portfolio"], made["applies_to"], made["is_listed"]) == ("CX", "openai/gpt-4o-mini", True)
    assert (made["created_by"], made["source"], made["withdrawn"]) == ("finn", "Frame contract 7", None)
    (ours,) = priced(world, model="gpt-4o-mini", portfolio="CX")
    assert (ours["standard"]["input"], ours["is_negotiated"]) == ("0.1000000000", True)
    assert (ours["source"], ours["effective_from"]) == ("Frame contract 7", "2026-01-16")
    assert priced(world, model="gpt-4o-mini")[0]["is_negotiated"] is False
    assert priced(world, "mallory", model="gpt-4o-mini", portfolio="OPS")[0]["is_negotiated"] is False


def test_nobody_sees_what_others_negotiated(world: World) -> None:
    stated(world, "mallory", portfolio="OPS", source="OPS-SECRET")
    stated(world)
    common = Terms("openai", "o3", START, Decimal(1), Decimal(4), "All of us")
    prices.state(common, portfolio=None, actor=world.users["ada"], now=now())
    listed = {
        name: world.client(name).get(f"{API}/price-overrides").json()["results"]
        for name in ("vera", "mallory")
    }
    assert [row["source"] for row in listed["vera"]] == ["All of us", "Frame contract 7"]
    assert [row["source"] for row in listed["mallory"]] == ["All of us", "OPS-SECRET"]


def test_a_superuser_sees_every_price(world: World) -> None:
    stated(world, "mallory", portfolio="OPS")
    stated(world)
    world.users["vera"].is_superuser = True
    world.users["vera"].save()
    assert len(world.client("vera").get(f"{API}/price-overrides").json()["results"]) == 2


def test_a_misspelt_model_shows_that_the_list_does_not_know_it(world: World) -> None:
    made = stated(world, model="gpt-4o-mni")
    assert (made["applies_to"], made["is_listed"]) == ("openai/gpt-4o-mni", False)


def test_who_may_state_a_price(world: World) -> None:
    def answer(name: str, portfolio: str | None) -> int:
        body = NEW | {"portfolio": portfolio}
        return int(world.client(name).post(f"{API}/price-overrides", body, format="json").status_code)

    assert {name: answer(name, "CX") for name in ("vera", "olivia", "finn", "ada", "mallory")} == {
        "vera": 403,
        "olivia": 403,
        "finn": 201,
        "ada": 201,
        "mallory": 422,
    }
    # OPS would pay a common price too, so an administrator of CX alone does not set one.
    assert answer("ada", None) == answer("finn", None) == 403
    Membership.objects.create(user=world.users["ada"], portfolio=world.ops, role="finance")
    assert answer("ada", None) == 403
    Membership.objects.filter(user=world.users["ada"]).update(role="admin")
    assert answer("ada", None) == 201


@pytest.mark.parametrize(
    ("changes", "status", "says"),
    [
        ({"input_per_million": 0.1}, 400, "a JSON fraction may lose digits"),
        ({"input_per_million": "-1"}, 400, "greater than or equal to 0"),
        ({"batch_discount": "1.5"}, 400, "less than or equal to 1"),
        ({"source": ""}, 400, "may not be blank"),
        ({"effective_until": "2026-01-16"}, 422, "lies after its beginning"),
        ({"portfolio": "NONE"}, 422, "no such portfolio"),
    ],
)
def test_a_price_that_cannot_be_is_refused(
    world: World, changes: dict[str, Any], status: int, says: str
) -> None:
    response = world.client("finn").post(f"{API}/price-overrides", NEW | changes, format="json")
    assert says in refusal(response, status)
    assert not PriceOverride.objects.exists()


def test_the_same_key_states_a_price_once(world: World) -> None:
    client = world.client("finn")
    answers = [
        client.post(f"{API}/price-overrides", NEW, format="json", headers={"Idempotency-Key": "one"})
        for _ in range(2)
    ]
    assert answers[0].json() == answers[1].json()
    assert PriceOverride.objects.count() == 1


def test_a_withdrawn_price_keeps_who_when_and_why(world: World) -> None:
    made = stated(world)
    address = f"{API}/price-overrides/{made['id']}/withdraw"
    for name, status in (("mallory", 404), ("vera", 403), ("olivia", 403)):
        assert world.client(name).post(address, {"reason": "No."}, format="json").status_code == status
    assert "required" in refusal(world.client("finn").post(address, {}, format="json"), 400)
    gone = world.client("finn").post(address, {"reason": "Wrong annex."}, format="json").json()
    assert (gone["withdrawn"]["actor"], gone["withdrawn"]["reason"]) == ("finn", "Wrong annex.")
    assert priced(world, model="gpt-4o-mini", portfolio="CX")[0]["is_negotiated"] is False
    again = world.client("finn").post(address, {"reason": "Wrong annex."}, format="json")
    assert refusal(again, 422) == "This price was withdrawn before."
    stated(world)
    listed = f"{API}/price-overrides"
    for asked, count in (
        ({}, 2),
        ({"is_withdrawn": "true"}, 1),
        ({"is_withdrawn": "false"}, 1),
        ({"model": "x"}, 0),
    ):
        assert len(world.client("vera").get(listed, asked).json()["results"]) == count, asked


def test_a_row_that_withdraws_is_no_price_of_its_own(world: World) -> None:
    made = stated(world)
    row = prices.withdraw(
        PriceOverride.objects.get(public_id=made["id"]), reason="Wrong.", actor=world.users["finn"], now=now()
    )
    address = f"{API}/price-overrides/{row.public_id}/withdraw"
    assert world.client("finn").post(address, {"reason": "Undo."}, format="json").status_code == 404


def test_listing_prices_takes_as_many_queries_for_many_as_for_one(world: World) -> None:
    counted = []
    for _ in range(2):
        stated(world)
        with CaptureQueriesContext(connection) as captured:
            world.client("vera").get(f"{API}/price-overrides")
        counted.append(len(captured))
        for _ in range(3):
            stated(world, "ada")
    assert counted[0] == counted[1]


def test_usage_priced_anew(world: World) -> None:
    use(world)
    stated(world)
    body = {
        "options": [
            {"provider": "openai", "model": "gpt-4o-mini"},
            {"batch_share": "0.5"},
            {"cache_rate": "0.5"},
        ],
        "last_month": "2026-01",
    }
    response = world.client("vera").post(f"{API}/investments/CX-1/reprice", body, format="json")
    assert response.status_code == 200, response.content
    table = response.json()
    assert (table["investment"], table["currency"]) == ("CX-1", "USD")
    assert (table["list_cost"]["value"], table["recorded"]["value"]) == ("500.000000", "640.000000")
    assert table["recorded_over_list"]["value"] == "140.000000"
    swap, batch, cache = table["options"]
    # 15 days at the list's 30, 16 days at the contract's 20.
    assert swap["cost"]["value"] == "24.838710"
    assert swap["saving_on_list"]["value"] == "475.161290"
    assert [price["is_negotiated"] for price in swap["prices"]] == [False, True]
    assert (batch["cost"]["value"], batch["cost"]["reason"]) == (None, "latency_sensitive")
    assert cache["cost"]["value"] == "450.000000"
    assert cache["option"] == {
        "provider": "",
        "model": "",
        "cache_rate": "0.500000",
        "batch_share": "0.000000",
    }
    (month,) = table["months"]
    assert month["month"] == "2026-01"
    assert month["tokens"] == {"input": "80000000.000000", "output": "30000000.000000", "cached": "0.000000"}


def test_nothing_to_price_has_reasons(world: World) -> None:
    table = world.client("vera").post(f"{API}/investments/CX-1/reprice", {}, format="json").json()
    assert (table["months"], table["list_cost"]["reason"]) == ([], "no_volume")


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        ({"options": [{}] * 6}, 422, "Up to 5 options stand side by side"),
        ({"options": [{"model": "gpt-4o"}]}, 422, "both a provider and a model"),
        ({"options": [{"cache_rate": "1.2"}]}, 400, "less than or equal to 1"),
        ({"options": [{"batch_share": 0.5}]}, 400, "a JSON fraction may lose digits"),
        ({"first_month": "2026-02", "last_month": "2026-01"}, 422, "is before the first"),
        ({"first_month": "2026"}, 400, "is not a month"),
    ],
)
def test_a_what_if_that_cannot_be_is_refused(world: World, body: Any, status: int, says: str) -> None:
    use(world)
    response = world.client("vera").post(f"{API}/investments/CX-1/reprice", body, format="json")
    assert says in refusal(response, status)


def test_usage_of_a_foreign_investment_is_missing(world: World) -> None:
    for code in ("OPS-SECRET", "NONE"):
        response = world.client("ada").post(f"{API}/investments/{code}/reprice", {}, format="json")
        assert refusal(response, 404) == "There is no such investment."


def test_asking_stores_nothing(world: World) -> None:
    use(world)
    body = {"options": [{"provider": "openai", "model": "gpt-4o-mini"}]}
    with CaptureQueriesContext(connection) as captured:
        world.client("vera").post(f"{API}/investments/CX-1/reprice", body, format="json")
    assert not [
        q["sql"] for q in captured if q["sql"].startswith(('INSERT INTO "roi', 'INSERT INTO "portfolio'))
    ]


def test_today_is_the_default_day(world: World) -> None:
    body = world.client("vera").get(f"{API}/token-prices", {"provider": "openai", "model": "o3"}).json()
    assert abs((date.fromisoformat(body["on"]) - now().date()).days) <= 1
