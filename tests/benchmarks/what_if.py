"""The what-if endpoint without Monte Carlo beside an empty view: same authentication, throttles and renderer."""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from tests.benchmarks.report import Row

REQUESTS = 400
_WARM_UP = 40
# What the page asks at every change of a driver: tornado, two scenarios, the portfolio's rates.
QUESTION: dict[str, Any] = {
    "template": "customer_support",
    "months": 36,
    "portfolio": "WHATIF",
    "drivers": {"deflection_rate": 0.5, "ramp_months": 6, "growth_rate": 0.1, "dev_cost": 140_000},
    "hidden_costs": {"legal_review": 500, "evaluation_pipeline": 800},
    "scenarios": [
        {"name": "Pessimistic", "kind": "pessimistic", "drivers": {"deflection_rate": 0.4}},
        {"name": "Optimistic", "kind": "optimistic", "drivers": {"deflection_rate": 0.6}},
    ],
}


def rows() -> list[Row]:
    """Measure in a process of its own."""
    command = [sys.executable, "-m", "tests.benchmarks.what_if"]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, list[float]] = json.loads(done.stdout.strip().splitlines()[-1])
    p95 = {name: statistics.quantiles(seconds, n=20)[-1] for name, seconds in found.items()}
    return [
        Row("what-if: endpoint without Monte Carlo, p95", p95["what_if"] * 1000, "ms"),
        Row("what-if: empty view, p95", p95["empty"] * 1000, "ms"),
        Row("what-if: endpoint / empty view, p95", p95["what_if"] / p95["empty"], "ratio", "<= 15"),
    ]


def run() -> dict[str, list[float]]:
    """Return the seconds of each request to either view, asked in turns so that both meet the same machine."""
    from rest_framework.request import Request
    from rest_framework.response import Response
    from rest_framework.views import APIView

    from roi.api_what_ifs import WhatIfs

    class Empty(APIView):
        def post(self, request: Request) -> Response:
            return Response({})

    asked = {"what_if": _asker(WhatIfs.as_view(), "asker"), "empty": _asker(Empty.as_view(), "idler")}
    seconds: dict[str, list[float]] = {name: [] for name in asked}
    for _ in range(REQUESTS + _WARM_UP):
        for name, ask in asked.items():
            seconds[name].append(ask())
    return {name: each[_WARM_UP:] for name, each in seconds.items()}


def _asker(view: Callable[..., Any], name: str) -> Callable[[], float]:
    """Return a request to a view by a member with a token of their own, whose throttle counts nobody else's."""
    from knox.models import AuthToken
    from rest_framework.test import APIRequestFactory

    from portfolio.models import Membership, Portfolio, User

    portfolio, _ = Portfolio.objects.get_or_create(code="WHATIF", name="What-if")
    user, _ = User.objects.get_or_create(username=name)
    Membership.objects.get_or_create(user=user, portfolio=portfolio, role="viewer")
    _, token = AuthToken.objects.create(user=user)
    factory, body = APIRequestFactory(), json.dumps(QUESTION)

    def ask() -> float:
        request = factory.post(
            "/api/v1/what-ifs",
            body,
            content_type="application/json",
            headers={"Authorization": f"Bearer {token}"},
        )
        started = time.perf_counter()
        response = view(request).render()
        elapsed = time.perf_counter() - started
        if response.status_code != 200:
            raise RuntimeError(f"{name} was answered {response.status_code}: {response.content[:500]!r}")
        return elapsed

    return ask


if __name__ == "__main__":
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    print(json.dumps(run()))
