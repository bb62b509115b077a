"""Lists: figures with reasons, fixed filters, pages by cursor, query counts that do not grow."""

from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from portfolio import ledger, months
from portfolio.facts import Fact, Writing
from portfolio.models import Portfolio, User
from roi import snapshots
from tests.api.conftest import START, World, account, make_episode, make_investment, make_world, now

API = "/api/v1"


def get(world: World, address: str, *, name: str = "vera") -> Any:
    response = world.client(name).get(API + address)
    assert response.status_code == 200, response.content
    return response.json()


def test_figures_are_those_of_the_newest_complete_month(world: World) -> None:
    figures = get(world, "/investments/CX-1")["figures"]
    assert (figures["month"], figures["basis"], figures["currency"]) == ("2026-01", "supported", "USD")
    assert (figures["tco"], figures["cumulative_benefit"]) == ("400.000000", "500.000000")
    assert figures["cumulative_net"] == "100.000000"
    assert figures["roi"] == 0.25


def test_undefined_is_null_with_its_reason(world: World) -> None:
    figures = get(world, "/investments/CX-1")["figures"]
    assert figures["incremental_roi"] is None
    assert figures["reasons"]["incremental_roi"] == "window_incomplete"
    assert figures["operating_margin"] is None
    assert "roi" not in figures["reasons"]
    undefined = {name for name, value in figures.items() if value is None} - {
        "breakeven_month",
        "last_breakeven_month",
    }
    assert undefined <= set(figures["reasons"])


def test_without_a_complete_month_there_are_no_figures(world: World) -> None:
    make_investment(world.cx, "CX-NEW", owner=world.users["olivia"])
    new = get(world, "/investments/CX-NEW")
    assert (new["figures"], new["status"]) == (None, "no_figures")


def test_status_is_that_of_the_open_episode(world: World) -> None:
    assert get(world, "/investments/CX-1")["status"] == "negative_roi"
    assert len(get(world, "/investments?status=negative_roi")["results"]) == 1
    assert get(world, "/investments?status=on_track")["results"] == []


@pytest.mark.parametrize(
    ("query", "is_found"),
    [
        ("roi__gte=0.25", True),
        ("roi__gte=0.250001", False),
        ("roi__lt=0.25", False),
        ("roi__lt=0.26&basis=cashable", True),
        ("portfolio=CX&stage=proposed&owner=olivia", True),
        ("portfolio=OPS", False),
        ("stage=killed", False),
        ("search=oliv", True),
        ("search=cx-1", True),
        ("search=mallory", False),
        ("review_date__lte=2026-01-01", False),
        ("value_category=cost_savings", True),
    ],
)
def test_filters(world: World, query: str, is_found: bool) -> None:
    assert bool(get(world, f"/investments?{query}")["results"]) is is_found


@pytest.mark.parametrize(
    "query",
    [
        "owner__password=x",
        "owner__username=x",
        "portfolio__memberships__user=1",
        "portfolo=CX",
        "ordering=owner__password",
        "ordering=-review_date",
        "ordering=",
        "roi__gte=abc",
        "roi__gte=NaN",
        "basis=wished",
        "stage=x",
        "page_size=0",
        "page_size=501",
        "page_size=x",
        "cursor=x",
        "cursor=cD0lMDA%3D",
        "search=%00",
    ],
)
def test_what_is_not_on_the_list_is_refused(world: World, query: str) -> None:
    response = world.client("vera").get(f"{API}/investments?{query}")
    assert response.status_code == 400
    assert response.json()["errors"][0]["parameter"] == query.split("=")[0]


@pytest.mark.parametrize("address", ["/investments/CX-1/entries", "/episodes", "/notifications", "/fx-rates"])
def test_forged_cursor_is_refused(world: World, address: str) -> None:
    # p=abc, where the ordered column holds numbers or times.
    assert world.client("vera").get(f"{API}{address}?cursor=cD1hYmM%3D").status_code in (200, 400)
    assert world.client("vera").get(f"{API}{address}?cursor=%F0").status_code == 400


def test_pages_follow_each_other(world: World) -> None:
    for number in range(4):
        make_investment(world.cx, f"CX-P{number}", owner=world.users["olivia"])
    for ordering in ("code", "-code", "start_month", "name"):
        seen, url = [], f"{API}/investments?page_size=2&ordering={ordering}"
        while url:
            page = world.client("vera").get(url).json()
            assert len(page["results"]) <= 2
            seen += [row["code"] for row in page["results"]]
            url = page["next"]
        assert sorted(seen) == ["CX-1", "CX-P0", "CX-P1", "CX-P2", "CX-P3"]
        assert len(seen) == 5


def test_snapshots_on_a_basis(world: World) -> None:
    rows = get(world, "/investments/CX-1/snapshots?basis=claimed&month__gte=2026-01")["results"]
    assert (rows[0]["month"], rows[0]["basis"], rows[0]["is_closed"]) == ("2026-01", "claimed", True)
    assert get(world, "/investments/CX-1/snapshots?is_complete=true")["results"][0]["month"] == "2026-01"


def test_months_are_listed_with_their_states(world: World) -> None:
    results = get(world, "/portfolios/CX/months")["results"]
    assert results[:2] == [{"month": "2026-01", "status": "closed"}, {"month": "2026-02", "status": "open"}]


def test_months_change_by_the_rules_of_the_house(world: World) -> None:
    client = world.client("finn")

    def post(verb: str, **body: Any) -> Any:
        return client.post(f"{API}/portfolios/CX/months/{verb}", body, format="json")

    assert post("close", months=["2026-02"]).json() == {"changed": ["2026-02"]}
    assert post("close", months=["2999-01"]).status_code == 400
    assert post("close", months=["2199-01"]).status_code == 409
    assert post("lock", months=["2026-03"]).status_code == 409
    assert post("reopen", months=["2026-02"]).status_code == 409
    assert post("reopen", months=["2026-02"], reason="Late bill.").json() == {"changed": ["2026-02"]}
    assert post("lock", months=["2026-01"]).json() == {"changed": ["2026-01"]}
    assert post("reopen", months=["2026-01"], reason="Late bill.").status_code == 409


def test_entries_tell_who_and_why(world: World) -> None:
    entries = get(world, "/investments/CX-1/entries?account=infrastructure&month=2026-01")["results"]
    assert [(e["amount"], e["actor"], e["kind"]) for e in entries] == [("400.000000", "olivia", "value")]


def _restate(world: World) -> int:
    fact = Fact(world.chatbot.pk, START, account("infrastructure"), "USD", amount=Decimal(450))
    done = ledger.record(
        world.cx,
        [fact],
        writing=Writing(source="actuals", now=now(), actor=world.users["finn"], reason="Bill."),
    )
    assert done.batch is not None
    return done.batch.pk


def test_cells_as_known_before_a_restatement(world: World) -> None:
    before = now().isoformat().replace("+00:00", "Z")
    known = _restate(world)
    query = "account=infrastructure&month=2026-01"

    def amount(as_of: object) -> str:
        page = get(world, f"/investments/CX-1/cells?{query}&as_of={as_of}")
        return str(page["results"][0]["amount"])

    assert get(world, f"/investments/CX-1/cells?{query}")["results"][0]["amount"] == "450.000000"
    assert amount(known) == "450.000000"
    assert amount(known - 1) == amount(before) == "400.000000"
    assert get(world, "/investments/CX-1/cells?as_of=0")["results"] == []


def test_cells_as_of_an_unborn_time_are_refused(world: World) -> None:
    for text in (
        "2999-01-01T00:00:00Z",
        "999999999999",
        "2026-01-01",
        "2026-01-01T00:00:00",
        "x",
        "-1",
        "9" * 30,
    ):
        assert world.client("vera").get(f"{API}/investments/CX-1/cells?as_of={text}").status_code == 400, text


def _grow(portfolio: Portfolio, owner: User, count: int) -> None:
    for number in range(count):
        make_episode(make_investment(portfolio, f"CX-G{number:02d}-{count}", owner=owner))
    months.close(portfolio, [START], now=now())
    snapshots.recompute(now=now())


@pytest.mark.parametrize(
    "address",
    [
        "/portfolios",
        "/accounts",
        "/investments",
        "/episodes",
        "/notifications",
        "/imports",
        "/fx-rates",
        "/investments/CX-1/entries",
        "/investments/CX-1/cells",
        "/investments/CX-1/snapshots",
        "/investments/CX-1/episodes",
    ],
)
def test_queries_do_not_grow_with_rows(db: None, address: str) -> None:
    counts = []
    world = make_world()
    for count in (2, 27):
        _grow(world.cx, world.users["olivia"], count)
        client = world.client("vera")
        with CaptureQueriesContext(connection) as queries:
            assert client.get(API + address).status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 8, counts
