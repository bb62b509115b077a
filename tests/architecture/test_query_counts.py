"""How many queries the verbs, pages and API lists take, against a committed baseline; none may grow with n.

After a change that is meant: `UPDATE_QUERY_COUNTS=1 pytest tests/architecture/test_query_counts.py`, and read the diff.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from alerts import evaluate
from portfolio import ledger
from portfolio.facts import Fact, Writing
from portfolio.models import Investment, Portfolio, User
from roi import cases, snapshots
from roi.models import BusinessCase
from tests import factories
from tests.architecture import source
from tests.factories import START, close, month, now

BASELINE = source.ROOT / "tests" / "architecture" / "query_counts.json"
FEW, MANY = 2, 24
LOSING = {"model_api": Decimal(9000), "labor_savings": Decimal(2000)}
PAGES = {
    "page overview": "admin:index",
    "page investments": "admin:portfolio_investment_changelist",
    "page agenda": "admin:reports_agenda",
    "page alerts": "admin:reports_alerts",
    "page reviews": "admin:reports_reviews",
    "page outbox": "admin:reports_outbox",
    "page months": "admin:reports_months",
    "page grid": "admin:reports_grid",
    "page business cases": "admin:reports_cases",
    "page imports": "admin:reports_imports",
    "page reallocation": "admin:reports_reallocation",
    "page rates": "admin:reports_rates",
    "page reports": "admin:reports_reports",
    "page FX rates": "admin:portfolio_fxrate_changelist",
    "api investments": "api-investment-list",
    "api portfolios": "api-portfolio-list",
    "api episodes": "api-episode-list",
    "api notifications": "api-notification-list",
    "api imports": "api-import-list",
    "api accounts": "api-account-list",
    "api cases": "api-case-list",
    "api use cases": "api-use-cases",
}
ASKED = {
    "page report preview": ("admin:reports_report_preview", "portfolio=CX&audience=monthly_pack"),
    "api investments as known then": ("api-investment-list", "as_of={now}"),
}
PAGES_OF_ONE = (
    "api-investment-snapshots",
    "api-investment-entries",
    "api-investment-cells",
    "api-investment-episodes",
)


def _portfolio(size: int) -> Portfolio:
    portfolio = factories.make_portfolio("CX")
    owner = factories.join(factories.make_user("olivia", is_staff=True), portfolio, "admin")
    for number in range(1, size + 1):
        investment = factories.make_investment(portfolio, f"N-{number}", owner=owner)
        case = {"template": "generic_llm", "title": f"Case {number}"}
        cases.create(portfolio, case, now=now(), actor=owner, investment=investment)
    return portfolio


def _facts(portfolio: Portfolio, *, last: int, first: int = 1) -> list[Fact]:
    keys = factories.accounts()
    return [
        Fact(pk, month(number), keys[code], "USD", value)
        for pk in portfolio.investments.values_list("pk", flat=True)
        for number in range(first, last + 1)
        for code, value in LOSING.items()
    ]


def _count(work: Callable[[], object]) -> int:
    with CaptureQueriesContext(
        connection,
    ) as captured:
        work()
    return sum("SAVEPOINT" not in query["sql"] for query in captured.captured_queries)


def _verbs(size: int) -> dict[str, int]:
    portfolio = _portfolio(size)
    facts = _facts(portfolio, last=6)
    writing = Writing(source="actuals", now=now())
    counts = {
        "verb preview": _count(lambda: ledger.preview(portfolio, facts, writing=writing)),
        "verb record": _count(lambda: ledger.record(portfolio, facts, writing=writing)),
        "verb close": _count(lambda: close(portfolio, last=6)),
        "verb recompute": _count(lambda: snapshots.recompute(now=now())),
        "verb evaluate": _count(lambda: evaluate.evaluate(now=now())),
        "verb advance again": _count(lambda: evaluate.advance(now=now())),
    }
    # What most evaluations find: one more month, and nothing to tell.
    ledger.record(portfolio, _facts(portfolio, first=7, last=7), writing=writing)
    close(portfolio, first=7, last=7)
    snapshots.recompute(now=now())
    return counts | {"verb evaluate without a change": _count(lambda: evaluate.evaluate(now=now()))}


def _pages(client: Client) -> dict[str, int]:
    counts = {}
    addresses = {name: reverse(view) for name, view in PAGES.items()}
    then = now().isoformat().replace("+00:00", "Z")
    addresses |= {name: f"{reverse(view)}?{query.format(now=then)}" for name, (view, query) in ASKED.items()}
    addresses |= {f"{name} of one": reverse(name, kwargs={"code": "N-1"}) for name in PAGES_OF_ONE}
    for name, address in addresses.items():
        cache.clear()
        client.get(address, follow=True)  # sessions and content types are read once
        answers: list[Any] = []
        counts[name] = _count(lambda address=address, answers=answers: answers.append(client.get(address)))
        assert answers[0].status_code == 200, (name, answers[0].status_code)
    return counts


def _measured(size: int) -> dict[str, int]:
    verbs = _verbs(size)
    client = Client()
    client.force_login(User.objects.get(username="olivia"))
    return verbs | _pages(client) | _of_a_case(client)


def _of_a_case(client: Client) -> dict[str, int]:
    """Return the queries of what one case answers; a what-if has two beyond those of signing in."""
    case = str(BusinessCase.objects.get(title="Case 1").public_id)
    addresses = {
        "api case": reverse("api-case-detail", args=[case]),
        "api case figures": reverse("api-case-figures", args=[case]),
    }
    counts = {
        name: _count(lambda address=address: client.get(address)) for name, address in addresses.items()
    }
    body = {"template": "generic_llm", "portfolio": "CX", "scenarios": [{"name": "A"}, {"name": "B"}]}
    asked = {"api what-if": body, "api what-if of nobody": {"template": "generic_llm"}}
    for name, question in asked.items():
        counts[name] = _count(
            lambda question=question: client.post(
                "/api/v1/what-ifs", question, content_type="application/json"
            )
        )
    return counts


@pytest.fixture
def small(db: None) -> dict[str, int]:
    return _measured(FEW)


@pytest.fixture
def large(db: None) -> dict[str, int]:
    return _measured(MANY)


def test_counts_are_the_committed_ones(small: dict[str, int]) -> None:
    if os.environ.get("UPDATE_QUERY_COUNTS"):
        BASELINE.write_text(json.dumps(small, indent=1, sort_keys=True) + "\n")
    assert small == json.loads(BASELINE.read_text())


def test_no_count_grows_with_the_number_of_investments(large: dict[str, int]) -> None:
    baseline = json.loads(BASELINE.read_text())
    grown = {name: (baseline[name], count) for name, count in large.items() if count > baseline[name]}
    assert grown == {}


def test_two_hundred_take_as_many_queries_as_one(db: None) -> None:
    portfolio = _portfolio(1)
    counted = []
    for _ in range(2):
        facts = _facts(portfolio, last=4)
        writing = Writing(source=f"source {len(counted)}", now=now())
        counted.append(
            (
                _count(lambda facts=facts, writing=writing: ledger.record(portfolio, facts, writing=writing)),
                _count(lambda: snapshots.recompute(now=now())),
                _count(lambda: evaluate.evaluate(now=now())),
            )
        )
        if len(counted) == 1:
            _copy_of(portfolio, 199)
            evaluate.advance(now=now())
    assert counted[0][0] == counted[1][0]
    assert counted[0][1] == counted[1][1]
    assert counted[1][2] <= counted[0][2]


def _copy_of(portfolio: Portfolio, count: int) -> None:
    owner = User.objects.get(username="olivia")
    Investment.objects.bulk_create(
        Investment(portfolio=portfolio, code=f"M-{n}", name="x", owner=owner, start_month=START)
        for n in range(count)
    )
