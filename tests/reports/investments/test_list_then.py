"""The investment list as known at the end of a past day, over facts that were restated since."""

from __future__ import annotations

from datetime import UTC, datetime
from unittest import mock

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from reports.console import past
from tests import factories
from tests.reports.figures_cast import Figures
from tests.reports.investments.test_list import rows
from tests.reports.test_time_travel import DAY, figures, page_of

__all__ = ["figures"]  # a fixture

pytestmark = pytest.mark.django_db
LIST = reverse("admin:portfolio_investment_changelist")


def then(figures: Figures, **query: str) -> dict[str, str]:
    """Return the text of each row as known on the day."""
    return rows(figures, "vera", as_of=str(DAY), **query)


def source(figures: Figures, **query: str) -> str:
    """Return the list of the day as it is written."""
    page = figures.cast.client("vera").get(LIST, {"as_of": str(DAY), **query})
    assert page.status_code == 200
    return page.content.decode()


def test_figures_and_status_are_those_of_the_day(figures: Figures) -> None:
    today, back = rows(figures, "vera")["SUM-002"], then(figures)["SUM-002"]
    assert "(83.8%)" not in today
    assert "Negative ROI" not in today
    for word in ("(83.8%)", "(77.8%)", "Negative ROI"):
        assert word in back


def test_the_list_says_the_day_and_keeps_it(figures: Figures) -> None:
    page = source(figures, stage="proposed")
    assert f"the end of {DAY}" in page
    assert f'href="{page_of(figures)}?as_of={DAY}"' in page
    # Whoever searches or filters on stays with the day.
    assert page.count(f'type="hidden" name="as_of" value="{DAY}"') >= 2
    assert "is no day that is over" in figures.cast.client("vera").get(LIST, {"as_of": "x"}).content.decode()


def test_what_was_registered_later_is_not_there(figures: Figures) -> None:
    known = set(then(figures))
    factories.make_investment(figures.cast.portfolio, "NEW-1", owner=figures.cast.people["olivia"])
    assert set(then(figures)) == known
    assert set(rows(figures, "vera")) == {*known, "NEW-1"}


@pytest.mark.parametrize("query", [{"status": "negative_roi"}, {"attention": "open"}, {"o": "-4"}])
def test_nothing_is_chosen_or_ordered_by_figures_of_today(figures: Figures, query: dict[str, str]) -> None:
    assert list(then(figures, **query)) == list(then(figures))
    assert "By open alerts" not in source(figures, **query)


def test_portfolio_and_search_still_choose(figures: Figures) -> None:
    assert then(figures, portfolio=str(figures.cast.portfolio.pk)) == then(figures)
    assert set(then(figures, q="Call summaries")) == {"SUM-002"}


def test_queries_do_not_grow_with_rows(figures: Figures) -> None:
    counts, client = [], figures.cast.client("vera")
    for size in (1, 12):
        for number in range(size):
            factories.make_investment(figures.cast.portfolio, f"G{size}-{number}")
        with mock.patch.object(past, "_end", return_value=datetime.now(UTC)):
            client.get(LIST, {"as_of": str(DAY)})
            with CaptureQueriesContext(connection) as queries:
                page = client.get(LIST, {"as_of": str(DAY)}).content.decode()
        assert f"G{size}-0" in page
        counts.append(len(queries))
    assert counts[0] == counts[1], counts
