"""The month grid through its two addresses: what the page shows, and what saving it does."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from portfolio import investments, months
from portfolio.models import Batch, Cell, Investment
from portfolio.terms import EntryKind
from tests.reports.cast import START, Cast, assemble, money

pytestmark = pytest.mark.django_db
PAGE, SAVE = "admin:reports_grid", "admin:reports_grid_save"


@pytest.fixture
def cast() -> Cast:
    """Return the cast in this test's database."""
    return assemble()


def change(text: str, *, investment: str = "AI-001", month: str = "2026-01", **others: str) -> dict[str, str]:
    """Return one changed box as the page sends it."""
    key = {"investment": investment, "account": "model_api", "month": month, "currency": "USD"}
    return key | {"text": text, "seen": ""} | others


def send(client: Client, *changes: dict[str, str], **document: Any) -> HttpResponse:
    """Post changed boxes as the page does."""
    body = {"portfolio": "CX", "notation": "point-comma", "reason": "", "changes": list(changes)} | document
    return client.post(reverse(SAVE), json.dumps(body), content_type="application/json")


def cells(**by: Any) -> list[Cell]:
    """Return what the ledger holds."""
    return list(Cell.objects.filter(**by).order_by("month", "investment_id"))


@pytest.mark.parametrize(
    ("name", "status"), [("olivia", 200), ("finn", 200), ("adam", 200), ("vera", 404), ("mallory", 404)]
)
def test_who_may_see_and_save(cast: Cast, name: str, status: int) -> None:
    """Owner, finance and administrator record; a viewer and a stranger find nothing there."""
    client = cast.client(name)
    assert client.get(reverse(PAGE), {"portfolio": "CX"}).status_code == status
    assert send(client, change("1,000")).status_code == status
    assert len(cells()) == (1 if status == 200 else 0)


def test_nobody_signed_in_is_sent_to_the_login(cast: Cast) -> None:
    """Without a session both addresses lead to the login and nothing is written."""
    assert Client().get(reverse(PAGE)).status_code == 302
    assert send(Client(), change("5")).status_code == 302
    assert not cells()


def test_a_save_without_the_csrf_token_is_refused(cast: Cast) -> None:
    """Another site cannot make a signed-in browser record actuals."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(cast.people["finn"])
    assert send(client, change("5")).status_code == 403
    assert not cells()


def test_a_viewer_reads_what_to_do_instead_of_an_empty_sheet(cast: Cast) -> None:
    """Somebody without a role that records sees a sentence, not a broken page."""
    assert "No portfolio to record in" in cast.client("vera").get(reverse(PAGE)).content.decode()


def test_saving_records_all_changes_in_one_batch_and_answers_what_stands(cast: Cast) -> None:
    """Grouped, negative and nil are read as written; the answer carries what the boxes now show."""
    before = Batch.objects.count()
    response = send(
        cast.client("finn"),
        change("1,000"),
        change("(2,000.5)", month="2026-02"),
        change("nil", investment="AI-002"),
    )
    assert response.json() == {
        "saved": {"new": 3, "changed": 0, "unchanged": 0, "late": 0, "restated": 0},
        "cells": [
            {"text": "1,000", "seen": "1000.000000"},
            {"text": "(2,000.50)", "seen": "-2000.500000"},
            {"text": "nil", "seen": "nil"},
        ],
    }
    assert Batch.objects.count() == before + 1
    assert [(c.kind, c.amount, c.source) for c in cells(investment=cast.support)] == [
        ("value", 1000, "actuals"),
        ("value", -2000.5, "actuals"),
    ]
    assert cells(investment=cast.coding)[0].kind == EntryKind.NIL.value


def test_one_bad_box_saves_nothing_and_each_gets_its_sentence(cast: Cast) -> None:
    """All or nothing: a word, a wrong separator and a future month are all named at once."""
    response = send(
        cast.client("finn"),
        change("5"),
        change("abc", month="2026-02"),
        change("1.000,00", month="2026-03"),
        change("7", month="2199-01"),
    )
    assert response.status_code == 422
    errors = {error["index"]: error["message"] for error in response.json()["errors"]}
    assert sorted(errors) == [1, 2, 3]
    assert "not a number" in errors[1]
    assert "separator" in errors[2]
    assert "future" in errors[3]
    assert not cells()


def test_clearing_a_value_states_nil_and_clearing_nil_takes_it_back(cast: Cast) -> None:
    """An emptied value is an explicit none; emptying that again leaves the cell missing."""
    client = cast.client("finn")
    send(client, change("10"))
    assert send(client, change("", seen="10.000000")).json()["cells"] == [{"text": "nil", "seen": "nil"}]
    assert send(client, change("", seen="nil")).json()["cells"] == [{"text": "", "seen": ""}]
    assert [c.kind for c in cells()] == [EntryKind.WITHDRAWN.value]


def test_a_value_somebody_else_changed_is_not_overwritten(cast: Cast) -> None:
    """Finn's page still shows nothing; Olivia has recorded 7 meanwhile."""
    send(cast.client("olivia"), change("7"))
    response = send(cast.client("finn"), change("9"))
    assert response.status_code == 422
    assert response.json()["errors"][0]["message"].startswith("Somebody has changed this cell to 7")
    assert [c.amount for c in cells()] == [7]


def test_a_closed_month_asks_for_a_reason_only_when_a_value_changes(cast: Cast) -> None:
    """The first value is late, a changed one is a restatement."""
    cast.close(START)
    client = cast.client("finn")
    assert send(client, change("10")).json()["saved"]["late"] == 1
    refused = send(client, change("11", seen="10.000000"))
    assert refused.json()["errors"][0]["code"] == "reason_required"
    saved = send(client, change("11", seen="10.000000"), reason="Late invoice.")
    assert saved.json()["saved"]["restated"] == 1
    assert Batch.objects.latest("id").reason == "Late invoice."


def test_a_locked_month_is_read_only_on_the_page_and_refused_by_the_server(cast: Cast) -> None:
    """The page says why, and a forged save does not get through either."""
    cast.record(money(cast.support, START, "model_api", "10"))
    cast.close(START)
    months.lock(cast.portfolio, [START], now=datetime.now(UTC), actor=cast.people["finn"])
    page = cast.client("finn").get(reverse(PAGE), {"account": "model_api", "year": "2026"}).content.decode()
    assert 'readonly title="2026-01 is locked; it has to be reopened first."' in page
    refused = send(cast.client("finn"), change("11", seen="10.000000"), reason="Because.")
    assert refused.json()["errors"][0]["code"] == "locked"


def test_other_sources_are_shown_as_a_hint_and_left_alone(cast: Cast) -> None:
    """The sum of other sources stands under the box; saving the box does not touch it."""
    cast.record(money(cast.support, START, "model_api", "1200"), source="api")
    client = cast.client("finn")
    page = client.get(reverse(PAGE), {"account": "model_api", "year": "2026"}).content.decode()
    assert "+ 1,200 from api" in page
    send(client, change("5"))
    assert {c.source: c.amount for c in cells()} == {"api": 1200, "actuals": 5}


def test_another_currency_is_a_line_of_its_own(cast: Cast) -> None:
    """Amounts in two currencies are never in one box."""
    cast.record(money(cast.support, START, "model_api", "90", "EUR"))
    sheet = cast.client("finn").get(reverse(PAGE), {"account": "model_api", "year": "2026"}).context["sheet"]
    assert [(line.investment, line.currency) for line in sheet.lines] == [
        ("AI-001", "USD"),
        ("AI-001", "EUR"),
        ("AI-002", "USD"),
    ]


def test_one_investment_shows_the_accounts_it_uses(cast: Cast) -> None:
    """The sheet of an investment has its accounts as lines, all of them on request."""
    cast.record(money(cast.support, START, "model_api", "90"))
    client, ask = cast.client("finn"), {"by": "investment", "investment": "AI-001", "year": "2026"}
    assert [line.account for line in client.get(reverse(PAGE), ask).context["sheet"].lines] == ["model_api"]
    assert len(client.get(reverse(PAGE), ask | {"all": "1"}).context["sheet"].lines) > 30


def test_the_fiscal_year_is_named_for_the_year_it_ends(cast: Cast) -> None:
    """FY26 of a portfolio that starts in October runs from October 2025."""
    cast.portfolio.fiscal_year_start_month = 10
    cast.portfolio.save()
    response = cast.client("finn").get(reverse(PAGE), {"account": "model_api", "year": "2026"})
    columns = response.context["sheet"].columns
    assert (columns[0].month, columns[-1].month) == (date(2025, 10, 1), date(2026, 9, 1))
    assert "FY26 (Oct 2025 – Sep 2026)" in response.content.decode()


@pytest.mark.parametrize(
    "body",
    ["", "[]", "null", '{"changes": 5}', '{"portfolio": "CX", "notation": "point", "changes": [{"text": 5}]}',
     '{"portfolio": "CX", "notation": "roman", "changes": []}', "[" * 100_000],
)  # fmt: skip
def test_a_body_that_is_no_page_of_ours_gets_one_sentence(cast: Cast, body: str) -> None:
    """Never a crash, whatever is posted."""
    response = cast.client("finn").post(reverse(SAVE), body, content_type="application/json")
    assert response.status_code == 400
    assert response.json()["message"]


def test_a_line_of_another_portfolio_cannot_be_written_through_ones_own(cast: Cast) -> None:
    """The investment is looked up inside the portfolio that was opened."""
    response = send(cast.client("finn"), change("5", investment="XX-001"))
    assert response.json()["errors"][0]["code"] == "unknown"
    assert not cells()


def test_foreign_investments_are_nowhere_on_the_page(cast: Cast) -> None:
    """Names of other portfolios do not leak into choices or lines."""
    page = cast.client("finn").get(reverse(PAGE)).content.decode()
    assert "Secret project" not in page
    assert "Somebody else" not in page


def test_two_hundred_investments_take_the_same_queries_as_two(cast: Cast) -> None:
    """The sheet reads in bulk."""
    client, ask = cast.client("finn"), {"account": "model_api", "year": "2026", "portfolio": "CX"}
    client.get(reverse(PAGE), ask)
    with CaptureQueriesContext(
        connection,
    ) as few:
        client.get(reverse(PAGE), ask)
    now = datetime.now(UTC)
    for number in range(30):
        one = Investment(
            portfolio=cast.portfolio, code=f"N-{number:03}", name=f"Number {number}", start_month=START
        )
        one.owner = cast.people["olivia"]
        investments.put(one, now=now)
    with CaptureQueriesContext(connection) as many:
        client.get(reverse(PAGE), ask)
    assert len(many) == len(few)
