"""Cases cost the database the same, however many there are, and a look at changed inputs costs next to nothing."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.reports.cases.conftest import Stage, write

pytestmark = pytest.mark.django_db
# Session, person, case, may record, two for the rates, scenarios.
MOST_OF_A_LOOK = 8


def test_the_list_asks_as_often_for_many_cases_as_for_few(stage: Stage) -> None:
    """Rates and plan versions are read together."""
    counts = []
    client, address = stage.client(), reverse("admin:reports_cases")
    client.get(address)
    for _ in range(2):
        with CaptureQueriesContext(connection) as captured:
            assert client.get(address).status_code == 200
        counts.append(len(captured))
        for number in range(8):
            write(stage.cast, title=f"{number}", investment=stage.cast.coding if number % 2 else None)
    assert counts[0] == counts[1]


def test_a_look_asks_little(stage: Stage) -> None:
    """Typing must not load the database: who asks, the case, its rates and scenarios."""
    typed, client = stage.inputs(), stage.client()
    client.post(stage.look, typed)
    with CaptureQueriesContext(connection) as captured:
        assert client.post(stage.look, typed).status_code == 200
    assert len(captured) <= MOST_OF_A_LOOK, [query["sql"][:80] for query in captured.captured_queries]
