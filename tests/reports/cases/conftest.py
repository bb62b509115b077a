"""The console's cast with a business case in its portfolio, as the case pages' tests need it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from portfolio.models import Investment
from reports.console import assets
from roi import cases
from roi.models import BusinessCase
from roi.usecases.base import HiddenCosts
from roi.usecases.drivers import drivers_of
from tests.reports.cast import Cast, assemble

NONE = {one.name: {"none": "Covered by the platform team."} for one in drivers_of(HiddenCosts)}


@dataclass(frozen=True, slots=True)
class Stage:
    """The cast, and a case of its first investment."""

    cast: Cast
    case: BusinessCase

    @property
    def page(self) -> str:
        """Return the address of the case."""
        return reverse("admin:reports_case", args=[self.case.public_id])

    @property
    def look(self) -> str:
        """Return the address that answers changed inputs."""
        return reverse("admin:reports_case_figures", args=[self.case.public_id])

    def client(self, name: str = "olivia") -> Client:
        """Return a client signed in as one of the cast."""
        return self.cast.client(name)

    def inputs(self, name: str = "olivia", **changed: str) -> dict[str, str]:
        """Return the page's inputs as it shows them, some changed: `d_dev_cost` for `d-dev_cost`."""
        response = self.client(name).get(self.page)
        written: dict[str, str] = response.context["sheet"].written()
        typed = {name.replace("_", "-", 1): value for name, value in changed.items()}
        assert set(typed) <= set(written)
        return {**written, "revision": str(response.context["revision"]), **typed}

    def post(self, act: str, name: str = "olivia", **typed: str) -> Any:
        """Post the page with something to do."""
        return self.client(name).post(self.page, {**typed, "act": act}, follow=True)


def write(cast: Cast, *, investment: Investment | None = None, **content: Any) -> BusinessCase:
    """Create a case of the published support case as Olivia, some of its content given."""
    base: Mapping[str, Any] = {
        "template": "customer_support",
        "title": "Support assistant, second wave",
        "months": 36,
        "drivers": {"deflection_rate": 0.45},
        "hidden_costs": NONE,
    }
    return cases.create(
        cast.portfolio,
        {**base, **content},
        now=datetime.now(UTC),
        actor=cast.people["olivia"],
        investment=investment,
    )


@pytest.fixture
def stage(db: None, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """Return the cast with one case; charts are on the pages whether or not their library was built."""
    monkeypatch.setattr(assets, "chart_scripts", lambda: ["/static/reports/charts.js"])
    cast = assemble()
    return Stage(cast, write(cast, investment=cast.support))


def tiles(response: HttpResponse) -> dict[str, str]:
    """Return the headline figures by title, as they are read."""
    from tests.reports.investments.test_page import words_of

    return {tile.title: words_of(str(tile.value)) for tile in response.context["results"]["tiles"]}  # type: ignore[attr-defined]
