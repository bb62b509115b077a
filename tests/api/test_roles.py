"""Who gets what from every address: the written matrix, and that no address is missing from it."""

import json
import re
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from django.urls import URLPattern, get_resolver

from alerts import routebook, silences
from alerts.models import Route, Silence
from alerts.rules.routes import Named
from alerts.silences import Matcher
from config import api_urls
from portfolio import decisions, reviews
from portfolio.models import Approval, Decision, Membership, Review
from portfolio.reviews import Request as Asked
from portfolio.terms import DecisionKind, ReviewKind
from reports import archive, pack_views
from reports.models import ArchivedReport
from roi import prices, reallocations
from roi.models import PriceOverride, Reallocation
from roi.prices import Terms
from roi.reallocation_answers import Question
from tests import factories
from tests.api.conftest import CASE, World, now, row

CAST = ("vera", "olivia", "finn", "ada", "mallory", "anonymous")
ALL = {"vera": 200, "olivia": 200, "finn": 200, "ada": 200, "mallory": 200, "anonymous": 401}
MEMBERS = ALL | {"mallory": 404}
RECORDERS = MEMBERS | {"vera": 403}
CLOSERS = MEMBERS | {"vera": 403, "olivia": 403}
ADMINS = CLOSERS | {"finn": 403}


def _answering(status: int, expected: dict[str, int]) -> dict[str, int]:
    """Return an expectation whose successes have another status than 200."""
    return {name: status if found == 200 else found for name, found in expected.items()}


NOBODY_HERE = {**dict.fromkeys(ALL, 404), "anonymous": 401}
RATES = {
    "rates": [
        {"currency": "EUR", "reporting_currency": "USD", "month": "2026-01", "rate": "1.1", "source": "ECB"}
    ]
}
PRICE = {
    "portfolio": "CX",
    "provider": "openai",
    "model": "o3",
    "effective_from": "2026-01-01",
    "input_per_million": "1",
    "output_per_million": "4",
    "source": "Contract 7",
}


def _midnight(days: int) -> str:
    """Return the start of a day to come: the same text in every process of a run."""
    return f"{now() + timedelta(days=days):%Y-%m-%d}T00:00:00Z"


SILENCE = {
    "portfolio": "CX",
    "rule": "negative_roi",
    "starts_at": _midnight(1),
    "ends_at": _midnight(8),
    "comment": "Known.",
}
POOL = {"name": "Agents", "monthly_cap": "100", "members": [{"investment": "CX-1", "since": "2026-01"}]}
REVIEW = {
    "investment": "CX-1",
    "kind": "business_review",
    "due_on": (now() + timedelta(days=9)).date().isoformat(),
    "why": "A new vendor.",
}
DECISION = {
    "kind": "hold",
    "reason": "Until May.",
    "next_review_on": (now() + timedelta(days=60)).date().isoformat(),
}
ROUTE = {"name": "Losses", "recipients": [{"role": "owner"}]}
CLAIM = {"claim": "Faster answers.", "metric": "Minutes per case"}
BASELINE = {
    "measure": "error_rate",
    "value": "0.03",
    "unit": "fraction",
    "period_from": "2020-01-01",
    "period_to": "2020-03-31",
    "method": "Sample of 500.",
}
STRATEGY = {
    "kind": "capability",
    "narrative": "Opens two lines.",
    "review_criteria": "A second plant asks.",
    "horizon_months": 36,
    "importance": 4,
    "expires_on": "2030-01-01",
}
RATING = {"rating": 4, "narrative": "Our own data.", "rated_on": "2026-01-05"}
REALLOCATION = {"portfolio": "CX", "budget": "1000", "reason": "Less money."}
MONTH = {"months": ["2026-02"], "reason": "Reviewed."}

# (method, address, body, expected). {code} and the like are filled with CX's rows.
MATRIX: list[tuple[str, str, Any, dict[str, int]]] = [
    ("get", "/portfolios", None, ALL),
    ("get", "/portfolios/{portfolio}", None, MEMBERS),
    ("get", "/portfolios/{portfolio}/months", None, MEMBERS),
    ("post", "/portfolios/{portfolio}/months/close", MONTH, CLOSERS),
    ("post", "/portfolios/{portfolio}/months/lock", {"months": ["2026-01"]}, CLOSERS),
    (
        "post",
        "/portfolios/{portfolio}/months/reopen",
        {"months": ["2026-01"], "reason": "Late bill."},
        CLOSERS,
    ),
    ("get", "/accounts", None, ALL),
    ("get", "/investments/{investment}/forecast", None, MEMBERS),
    ("get", "/investments/{investment}/unit-economics", None, MEMBERS),
    ("get", "/investments/{investment}/bridge", None, MEMBERS),
    ("get", "/investments/{investment}/scorecard", None, MEMBERS),
    ("get", "/investments/{investment}/hypotheses", None, MEMBERS),
    ("post", "/investments/{investment}/hypotheses", CLAIM, _answering(201, RECORDERS)),
    ("get", "/investments/{investment}/baselines", None, MEMBERS),
    ("post", "/investments/{investment}/baselines", BASELINE, _answering(201, RECORDERS)),
    ("get", "/investments/{investment}/strategic-terms", None, MEMBERS),
    ("post", "/investments/{investment}/strategic-terms", STRATEGY, _answering(422, RECORDERS)),
    ("get", "/investments/{investment}/differentiations", None, MEMBERS),
    ("post", "/investments/{investment}/differentiations", RATING, _answering(201, RECORDERS)),
    ("get", "/investments/{investment}/stages", None, MEMBERS),
    (
        "post",
        "/investments/{investment}/stages",
        {"stage": "killed", "reason": "Others sell it."},
        _answering(201, RECORDERS),
    ),
    ("get", "/portfolios/{portfolio}/roll-up", None, MEMBERS),
    ("get", "/portfolios/{portfolio}/reallocation?budget=1000", None, MEMBERS),
    ("get", "/portfolios/{portfolio}/pools", None, MEMBERS),
    ("put", "/portfolios/{portfolio}/pools", POOL, ADMINS),
    ("get", "/portfolios/{portfolio}/scorecard-thresholds", None, MEMBERS),
    ("put", "/portfolios/{portfolio}/scorecard-thresholds", {"importance": 5}, ADMINS),
    ("get", "/use-cases", None, ALL),
    ("post", "/what-ifs", {"template": "generic_llm"}, ALL),
    ("post", "/what-ifs", {"template": "generic_llm", "portfolio": "CX"}, MEMBERS),
    ("post", "/what-ifs/degradation", {"points": [{"after": 0, "accuracy": 0.9}], "value": 1}, ALL),
    ("post", "/what-ifs/serving", {"volume": 1, "api_unit_cost": 1}, ALL),
    (
        "post",
        "/what-ifs/batch",
        {"real_time_cost": 1, "value": 1, "deferral_share": 0, "is_latency_sensitive": False},
        ALL,
    ),
    (
        "post",
        "/what-ifs/options",
        {"options": [{"name": "A"}], "terms": {"months": 12, "volume": 1, "benefit": 1}},
        ALL,
    ),
    ("get", "/cases", None, ALL),
    ("post", "/cases", CASE | {"portfolio": "CX"}, _answering(201, RECORDERS)),
    ("get", "/cases/{case}", None, MEMBERS),
    ("patch", "/cases/{case}", {"revision": 1, "months": 24}, RECORDERS),
    ("delete", "/cases/{case}?revision=1", None, _answering(204, RECORDERS)),
    ("get", "/cases/{case}/figures", None, MEMBERS),
    ("post", "/cases/{case}/submit", {"revision": 1}, RECORDERS),
    ("get", "/cases/{case}/submissions", None, MEMBERS),
    ("get", "/cases/{case}/workbook", None, MEMBERS),
    ("get", "/cases/{case}/scenarios", None, MEMBERS),
    ("put", "/cases/{case}/scenarios/{scenario}", {"drivers": {"dev_cost": 1}}, RECORDERS),
    (
        "delete",
        "/cases/{case}/scenarios/{scenario}",
        None,
        _answering(204, RECORDERS),
    ),
    ("get", "/cases/{case}/studies", None, MEMBERS),
    (
        "post",
        "/cases/{case}/studies",
        {"kind": "sobol"},
        _answering(202, MEMBERS),
    ),
    ("get", "/cases/{case}/studies/{study}", None, MEMBERS),
    ("get", "/fx-rates", None, ALL),
    # OPS reports in dollars too, so nobody of CX alone may change the dollar's rates.
    ("put", "/fx-rates", RATES, {**dict.fromkeys(ALL, 403), "anonymous": 401}),
    ("get", "/investments", None, ALL),
    ("get", "/investments/{investment}", None, MEMBERS),
    ("get", "/investments/{investment}/snapshots", None, MEMBERS),
    ("get", "/investments/{investment}/entries", None, MEMBERS),
    ("get", "/investments/{investment}/cells", None, MEMBERS),
    ("get", "/investments/{investment}/episodes", None, MEMBERS),
    ("get", "/episodes", None, ALL),
    ("get", "/episodes/{episode}", None, MEMBERS),
    ("get", "/episodes/{episode}/explanation", None, MEMBERS),
    ("post", "/episodes/{episode}/acknowledge", {}, RECORDERS),
    (
        "post",
        "/episodes/{episode}/snooze",
        {"until": _midnight(30), "reason": "Busy."},
        _answering(201, RECORDERS),
    ),
    # Nothing is snoozed, which only who may act learns.
    ("delete", "/episodes/{episode}/snooze", None, _answering(409, RECORDERS)),
    ("get", "/silences", None, ALL),
    ("post", "/silences", SILENCE, _answering(201, RECORDERS)),
    ("post", "/silences/preview", {"portfolio": "CX", "rule": "negative_roi"}, RECORDERS),
    ("get", "/silences/{silence}", None, MEMBERS),
    ("delete", "/silences/{silence}", None, _answering(204, RECORDERS)),
    # A silence of a week needs nobody's approval.
    ("post", "/silences/{silence}/decide", {"is_allowed": True}, _answering(409, CLOSERS)),
    ("get", "/routes", None, ALL),
    ("post", "/routes", ROUTE | {"portfolio": "CX"}, _answering(201, ADMINS)),
    ("post", "/routes/preview", {"investment": "CX-1", "rule": "negative_roi"}, MEMBERS),
    ("get", "/routes/{route}", None, MEMBERS),
    ("put", "/routes/{route}", ROUTE, ADMINS),
    ("delete", "/routes/{route}", None, _answering(204, ADMINS)),
    ("get", "/approvals", None, ALL),
    ("get", "/approvals/{approval}", None, MEMBERS),
    ("post", "/approvals/{approval}/decide", {"is_allowed": True}, CLOSERS),
    ("get", "/reviews", None, ALL),
    ("post", "/reviews", REVIEW, _answering(201, RECORDERS)),
    ("get", "/reviews/{review}", None, MEMBERS),
    ("post", "/reviews/{review}/answer", {"step": "outcomes", "answer": "Met."}, RECORDERS),
    # Who owns the investment does not decide on it.
    ("post", "/reviews/{review}/decide", DECISION, _answering(201, ADMINS)),
    ("get", "/decisions", None, ALL),
    ("get", "/decisions/{decision}", None, MEMBERS),
    ("get", "/decisions/{decision}/receipt", None, MEMBERS),
    ("get", "/reallocations", None, ALL),
    ("post", "/reallocations", REALLOCATION, _answering(201, RECORDERS)),
    ("get", "/reallocations/{reallocation}", None, MEMBERS),
    ("post", "/reallocations/{reallocation}/ask", {}, _answering(202, RECORDERS)),
    ("get", "/reports", None, ALL),
    ("get", "/reports/{report}", None, MEMBERS),
    ("get", "/reports/{report}/derivation", None, MEMBERS),
    ("get", "/reports/{report}/files/{kind}", None, MEMBERS),
    ("get", "/notifications", None, ALL),
    ("get", "/notifications/{notification}", None, MEMBERS),
    ("put", "/actuals/bulk", [row()], ALL | {"vera": 422, "mallory": 422}),
    ("get", "/imports", None, ALL),
    ("post", "/imports", {}, {**dict.fromkeys(ALL, 415), "vera": 403, "anonymous": 401}),
    # Imports are their uploader's: this one is Finn's.
    ("get", "/imports/{import}", None, NOBODY_HERE | {"finn": 200}),
    ("get", "/imports/{import}/rows", None, NOBODY_HERE | {"finn": 200}),
    ("post", "/imports/{import}/commit", {}, NOBODY_HERE | {"finn": 200}),
    ("post", "/imports/{import}/undo", {}, NOBODY_HERE | {"finn": 422}),
    ("get", "/token-prices?provider=openai&model=o3", None, ALL),
    ("get", "/price-overrides", None, ALL),
    ("post", "/price-overrides", PRICE, {**CLOSERS, "finn": 201, "ada": 201, "mallory": 422}),
    # OPS would pay a common price too.
    ("post", "/price-overrides", PRICE | {"portfolio": None}, {**dict.fromkeys(ALL, 403), "anonymous": 401}),
    ("post", "/price-overrides/{override}/withdraw", {"reason": "Wrong."}, CLOSERS),
    ("post", "/investments/{investment}/reprice", {}, MEMBERS),
    ("post", "/investments/{investment}/policies/backtest", {"rule": "negative_roi"}, MEMBERS),
    ("get", "/tokens", None, ALL),
    ("post", "/tokens", {}, {**dict.fromkeys(ALL, 201), "anonymous": 401}),
    ("delete", "/tokens/hurdle_00000000", None, NOBODY_HERE),
    ("get", "/schema", None, dict.fromkeys(ALL, 200)),
    ("get", "/docs", None, dict.fromkeys(ALL, 200)),
    ("get", "/no/such/address", None, dict.fromkeys(ALL, 404)),
]


def _filled(address: str, world: World, *, side: str = "cx") -> str:
    is_ours = side == "cx"
    values = {
        "portfolio": "CX" if is_ours else "OPS",
        "investment": "CX-1" if is_ours else "OPS-SECRET",
        "episode": str(world.episodes[side].public_id),
        "notification": str(world.notifications[side].pk),
        "case": str(world.cases[side].public_id),
        "scenario": "Cheaper",
        "study": str(world.cases[side].studies.get().public_id),
        "import": str(world.imports["finn" if is_ours else "mallory"].public_id),
    }
    if "{override}" in address:
        values["override"] = str(_override(world, side=side).public_id)
    if "{reallocation}" in address:
        values["reallocation"] = str(_reallocation(world, side=side).public_id)
    if "{report}" in address:
        values |= {"report": str(_report(world, side=side).public_id), "kind": "pdf"}
    if "{review}" in address:
        values["review"] = str(_review(world, side=side).public_id)
    if "{decision}" in address:
        values["decision"] = str(_decision(world, side=side).public_id)
    if "{silence}" in address:
        values["silence"] = str(_silence(world, side=side).public_id)
    if "{route}" in address:
        values["route"] = str(_route(world, side=side).public_id)
    if "{approval}" in address:
        values["approval"] = str(_approval(world, side=side).public_id)
    return "/api/v1" + address.format(**values)


def _override(world: World, *, side: str = "cx") -> PriceOverride:
    terms = Terms("openai", "o3", date(2026, 1, 1), Decimal(1), Decimal(4), "Contract 7")
    portfolio = world.cx if side == "cx" else world.ops
    return prices.state(terms, portfolio=portfolio, actor=world.users["ada"], now=now())


def _reallocation(world: World, *, side: str) -> Reallocation:
    portfolio, author = (world.cx, "finn") if side == "cx" else (world.ops, "mallory")
    question = Question(budget=Decimal(1_000))
    return reallocations.propose(portfolio, question, author=world.users[author], now=now(), reason="Less.")


def _report(world: World, *, side: str) -> ArchivedReport:
    portfolio = world.cx if side == "cx" else world.ops
    view = pack_views.monthly(portfolio, month=date(2026, 1, 1), as_of=now())
    frozen = archive.freeze(portfolio, "monthly_pack", view, now=now())
    return archive.store(ArchivedReport(created_at=now()), frozen, {"pdf": b"%PDF-1.7"})


def _review(world: World, *, side: str) -> Review:
    investment = world.chatbot if side == "cx" else world.robot
    asked = Asked(investment=investment, kind=ReviewKind.SCHEDULED, origin="calendar", due_on=now().date())
    reviews.request([asked], now=now())
    return Review.objects.get(investment=investment, kind="scheduled", state="open")


def _decision(world: World, *, side: str) -> Decision:
    terms = decisions.Terms(
        kind=DecisionKind.HOLD, reason="Until May.", next_review_on=now().date() + timedelta(days=60)
    )
    shown = decisions.Evidence(content={}, knowledge=0, engine_version="1", month=None)
    review, ada = _review(world, side=side), world.users["ada"]
    if side != "cx":
        ada = factories.join(factories.make_user(), world.ops, "board")
    return decisions.decide(review, terms, user=ada, evidence=shown, now=now())


def _silence(world: World, *, side: str, days: int = 7) -> Silence:
    is_ours = side == "cx"
    return silences.create(
        Matcher(portfolio=world.cx if is_ours else world.ops, rule="negative_roi"),
        starts_at=now(),
        ends_at=now() + timedelta(days=days),
        comment="Known.",
        author=world.users["olivia" if is_ours else "mallory"],
        now=now(),
    )


def _route(world: World, *, side: str) -> Route:
    terms = routebook.Terms(name=f"Ours {Route.objects.count()}", recipients=[Named("role", "owner")])
    return routebook.put(world.cx if side == "cx" else world.ops, terms)


def _approval(world: World, *, side: str) -> Approval:
    approval = _silence(world, side=side, days=60).approval
    assert approval is not None
    return approval


def _status(world: World, name: str, method: str, address: str, body: Any) -> tuple[int, str]:
    """Ask, and take back what the request changed."""
    with transaction.atomic():
        response = getattr(world.client(name), method)(address, body, format="json")
        transaction.set_rollback(True)
    return response.status_code, response.content.decode(errors="replace")


@pytest.mark.parametrize(("method", "address", "body", "expected"), MATRIX, ids=lambda part: str(part)[:50])
def test_matrix(world: World, method: str, address: str, body: Any, expected: dict[str, int]) -> None:
    found = {name: _status(world, name, method, _filled(address, world), body) for name in CAST}
    assert {name: status for name, (status, _) in found.items()} == expected, found


@pytest.mark.parametrize(("method", "address", "body"), [m[:3] for m in MATRIX if "{" in m[1]])
def test_foreign_row_is_a_missing_row(world: World, method: str, address: str, body: Any) -> None:
    nothing = {"portfolio": "NONE", "investment": "NONE", "kind": "pdf"} | dict.fromkeys(
        (
            *("episode", "notification", "import", "override", "case", "scenario", "study"),
            *("silence", "approval", "route", "report", "review", "decision", "reallocation"),
        ),
        "00000000-0000-0000-0000-000000000000",
    )
    for name in ("vera", "olivia", "finn", "ada"):
        foreign = _status(world, name, method, _filled(address, world, side="ops"), body)
        absent = _status(world, name, method, "/api/v1" + address.format(**nothing), body)
        assert foreign[0] == absent[0] == 404
        assert json.loads(foreign[1])["detail"] == json.loads(absent[1])["detail"]


def test_no_body_shows_a_foreign_mark(world: World) -> None:
    for name in ("vera", "olivia", "finn", "ada"):
        for address in (m[1] for m in MATRIX if m[0] == "get"):
            body = world.client(name).get(_filled(address, world)).content.decode(errors="replace")
            assert "OPS-SECRET" not in body
            assert "mallory" not in body


def test_every_address_stands_in_the_matrix() -> None:
    written = {
        (method, re.sub(r"\{\w+\}", "X", address.partition("?")[0])) for method, address, _, _ in MATRIX
    }
    for pattern in api_urls.urlpatterns:
        assert isinstance(pattern, URLPattern)
        address = "/" + re.sub(r"\(\?P<\w+>(?:[^()]|\([^()]*\))*\)", "X", str(pattern.pattern)).strip("^$")
        address = {"/.*": "/no/such/address", "/tokens/X": "/tokens/hurdle_00000000"}.get(address, address)
        actions = getattr(pattern.callback, "actions", None)
        methods = actions or [
            m for m in ("get", "post", "put", "patch", "delete") if hasattr(pattern.callback.cls, m)
        ]
        for method in sorted(set(methods or ["get"]) - {"head"}):
            assert (method, address) in written, f"{method} {address} has no row in the matrix"


def test_api_is_mounted_once() -> None:
    mounted = [p for p in get_resolver().url_patterns if "api" in str(p.pattern)]
    assert [str(p.pattern) for p in mounted] == ["api/v1/"]


def test_losing_a_membership_counts_on_the_next_request(world: World) -> None:
    client = world.client("vera")
    assert client.get("/api/v1/investments/CX-1").status_code == 200
    Membership.objects.filter(user=world.users["vera"]).delete()
    assert client.get("/api/v1/investments/CX-1").status_code == 404


def test_disabled_user_is_nobody(world: World) -> None:
    client = world.client("ada")
    world.users["ada"].is_active = False
    world.users["ada"].save()
    assert client.get("/api/v1/investments").status_code == 401


def test_admin_of_every_portfolio_in_the_currency_sets_rates(world: World) -> None:
    Membership.objects.create(user=world.users["ada"], portfolio=world.ops, role="admin")
    response = world.client("ada").put("/api/v1/fx-rates", RATES, format="json")
    assert response.json() == {"changed": 1}
    assert world.client("vera").get("/api/v1/fx-rates").json()["results"][0]["rate"] == "1.1000000000"


def test_unsafe_request_of_a_session_needs_the_csrf_token(world: World) -> None:
    client = world.client("finn")
    client.handler.enforce_csrf_checks = True
    response = client.post("/api/v1/portfolios/CX/months/close", MONTH, format="json")
    assert response.status_code == 403
