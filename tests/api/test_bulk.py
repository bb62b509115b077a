"""`PUT /actuals/bulk`: what is recorded, what is refused and how, in a constant number of queries."""

import json
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from portfolio import months
from portfolio.models import Batch, Cell, Entry, Membership
from portfolio.terms import add_months
from tests.api.conftest import START, World, make_investment, now, row

URL = "/api/v1/actuals/bulk"


def put(world: World, body: Any, *, name: str = "finn", **headers: str) -> Any:
    return world.client(name).put(URL, body, format="json", headers=headers)


def test_new_changed_and_unchanged_are_counted(world: World) -> None:
    first = put(world, [row(), row(account="labor_savings", amount=600)])
    assert first.json() | {"batches": []} == {
        "new": 2,
        "changed": 0,
        "unchanged": 0,
        "late": 0,
        "restated": 0,
        "batches": [],
    }
    assert first.json()["batches"][0]["portfolio"] == "CX"
    second = put(world, [row(amount="410.5"), row(account="labor_savings", amount="601")])
    assert (second.json()["changed"], second.json()["unchanged"]) == (1, 1)
    again = put(world, [row()])
    assert again.json()["batches"] == []


def test_source_is_the_api_unless_named(world: World) -> None:
    put(world, [row()])
    put(world, {"source": "actuals", "rows": [row(month="2026-04")]})
    assert set(Cell.objects.filter(month__gte="2026-03-01").values_list("source", flat=True)) == {
        "api",
        "actuals",
    }


def test_currency_defaults_to_the_portfolios(world: World) -> None:
    put(world, [row(currency="")])
    assert Cell.objects.get(source="api").currency == "USD"


def test_nil_states_that_there_is_none(world: World) -> None:
    assert put(world, [row(amount=None, nil=True)]).status_code == 200
    assert Cell.objects.get(source="api").kind == "nil"


def test_plan_rows_go_to_the_draft(world: World) -> None:
    assert put(world, [row(book="plan", month="2027-03")]).json()["batches"][0]["book"] == "plan"
    assert Cell.objects.get(source="api").book_version == 1


def test_amounts_are_exact(world: World) -> None:
    put(world, [row(amount="99999999999.999999")])
    assert Cell.objects.get(source="api").amount == Decimal("99999999999.999999")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"amount": 12.5}, "amount"),
        ({"amount": "1,234.5"}, "amount"),
        ({"amount": "1e5"}, "amount"),
        ({"amount": "NaN"}, "amount"),
        ({"amount": True}, "amount"),
        ({"amount": "١٢"}, "amount"),
        ({"amount": 10**25}, "amount"),
        ({"amount": "1.1234567"}, "amount"),
        ({"amount": "100000000001"}, "amount"),
        ({"amount": None}, "amount"),
        ({"quantity": {}}, "quantity"),
        ({"month": "2026-3"}, "month"),
        ({"month": 202603}, "month"),
        ({"month": "2199-01"}, "month"),
        ({"month": "2025-12"}, "month"),
        ({"account": "nonsense"}, "account"),
        ({"account": None}, "account"),
        ({"investment": "OPS-SECRET"}, "investment"),
        ({"investment": "NONE"}, "investment"),
        ({"investment": "\x00"}, "investment"),
        ({"investment": 7}, "investment"),
        ({"currency": "usd"}, "currency"),
        ({"book": "ledger"}, "book"),
        ({"note": "a\nb"}, "note"),
        ({"source_ref": "x" * 201}, "source_ref"),
        ({"nil": "yes"}, "nil"),
        ({"nil": True}, "amount"),
        ({"id": 1}, "id"),
        ({"a/b~c": 1}, "a~1b~0c"),
    ],
)
def test_wrong_row_is_refused_with_its_pointer(world: World, changes: dict[str, Any], field: str) -> None:
    before = Entry.objects.count()
    response = put(world, {"rows": [row(), row(month="2026-04") | changes]})
    assert response.status_code == 422
    assert response["Content-Type"] == "application/problem+json"
    assert [e["pointer"] for e in response.json()["errors"]] == [f"#/rows/1/{field}"], response.json()
    assert Entry.objects.count() == before


def test_pointer_into_a_plain_list_has_no_rows(world: World) -> None:
    assert put(world, [row(amount="x")]).json()["errors"][0]["pointer"] == "#/0/amount"


def test_half_a_surrogate_pair_is_refused(world: World) -> None:
    body = json.dumps([row(note="\ud800")])
    response = world.client("finn").put(URL, body, content_type="application/json")
    assert response.json()["errors"][0]["pointer"] == "#/0/note"


def test_every_wrong_row_is_named_at_once(world: World) -> None:
    body = [row(amount="x"), row(investment="NONE"), row(month="2025-01"), row(), 5]
    pointers = {e["pointer"] for e in put(world, body).json()["errors"]}
    assert pointers == {"#/0/amount", "#/1/investment", "#/2/month", "#/4"}


def test_foreign_and_missing_investment_read_the_same(world: World) -> None:
    foreign = put(world, [row(investment="OPS-SECRET")]).json()["errors"][0]["detail"]
    missing = put(world, [row(investment="OPS-SECRETS")]).json()["errors"][0]["detail"]
    assert foreign.replace("OPS-SECRET'", "X'") == missing.replace("OPS-SECRETS'", "X'")


def test_viewer_may_record_nothing(world: World) -> None:
    assert put(world, [row()], name="vera").json()["errors"][0]["pointer"] == "#/0/investment"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"rows": "x"},
        5,
        "x",
        None,
        {"rows": [], "recorded_at": "2020-01-01"},
        {"rows": [], "source": "BAD SOURCE"},
        {"rows": [], "reason": "x" * 1001},
        [{}] * 50_001,
    ],
)
def test_wrong_body_is_refused(world: World, body: Any) -> None:
    assert put(world, body).status_code == 400


def test_late_entry_needs_no_reason_and_restatement_does(world: World) -> None:
    late = put(world, [row(month="2026-01")])
    assert (late.json()["late"], late.json()["restated"]) == (1, 0)
    changed = [row(month="2026-01", amount="1")]
    refused = put(world, changed)
    assert refused.json()["errors"][0]["code"] == "reason_required"
    accepted = put(world, {"reason": "Invoice corrected.", "rows": changed})
    assert accepted.json()["restated"] == 1
    assert Batch.objects.get(pk=accepted.json()["batches"][0]["knowledge"]).reason == "Invoice corrected."


def test_locked_month_needs_a_second_person(world: World) -> None:
    months.lock(world.cx, [START], now=now(), actor=world.users["ada"])
    assert put(world, [row(month="2026-01")]).json()["errors"][0]["code"] == "locked"


def test_several_portfolios_are_recorded_together_or_not_at_all(world: World) -> None:
    Membership.objects.create(user=world.users["finn"], portfolio=world.ops, role="finance")
    both = [row(), row(investment="OPS-SECRET")]
    assert [b["portfolio"] for b in put(world, both).json()["batches"]] == ["CX", "OPS"]
    before = Entry.objects.count()
    wrong = [row(month="2026-04"), row(investment="OPS-SECRET", month="2025-01")]
    assert put(world, wrong).json()["errors"][0]["pointer"] == "#/1/month"
    assert Entry.objects.count() == before


def test_queries_do_not_grow_with_rows(world: World) -> None:
    for number in range(1, 10):
        make_investment(world.cx, f"CX-N{number}", owner=world.users["olivia"])
    months_ = [f"{add_months(START, n):%Y-%m}" for n in range(10)]
    accounts = ["infrastructure", "licenses", "maintenance", "model_api", "revenue"]

    def rows(investments: int, refs: int) -> list[dict[str, Any]]:
        return [
            row(
                investment=f"CX-N{i}" if i else "CX-1",
                month=month,
                account=account,
                source_ref=f"{investments}-{ref}",
            )
            for i in range(investments)
            for month in months_[: 10 if refs > 1 else 2]
            for account in accounts
            for ref in range(refs)
        ]

    counts = []
    for body in (rows(1, 1), rows(10, 2)):
        client = world.client("finn")
        with CaptureQueriesContext(
            connection,
        ) as queries:
            response = client.put(URL, body, format="json")
        assert response.json()["new"] == len(body)
        counts.append((len(body), len(queries)))
    assert [size for size, _ in counts] == [10, 1000]
    assert counts[0][1] == counts[1][1], counts
