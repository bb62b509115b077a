"""Chart specifications: what they say, how months are read, and that colors come from the theme."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal

import pytest

from portfolio.terms import add_months
from roi import charts

POINTS = [
    charts.Point(add_months(date(2026, 1, 1), n), Decimal(100 + n), Decimal(40 * n), is_final=n < 3)
    for n in range(4)
]


def test_every_month_has_both_series() -> None:
    """Two rows a month, in order, as plain numbers."""
    values = charts.cumulative(POINTS, currency="USD")["data"]["values"]
    assert len(values) == 8
    assert values[0] == {"month": "2026-01-01", "series": charts.COST, "value": 100.0, "final": True}
    assert values[-1] == {"month": "2026-04-01", "series": charts.BENEFIT, "value": 120.0, "final": False}


def test_months_are_read_as_utc() -> None:
    """A local reading labels January as December west of Greenwich."""
    assert charts.cumulative(POINTS, currency="USD")["encoding"]["x"]["timeUnit"] == "utcyearmonth"


def test_breakeven_is_marked_where_it_is_reached() -> None:
    """Two layers more: the rule and its words."""
    without = charts.cumulative(POINTS, currency="USD")
    marked = charts.cumulative(POINTS, currency="USD", breakeven=date(2026, 3, 1))
    assert len(marked["layer"]) == len(without["layer"]) + 2
    assert "Breakeven 2026-03" in json.dumps(marked)
    assert "Breakeven is not reached." in without["description"]


@pytest.mark.parametrize(("month", "side"), [(1, "left"), (2, "left"), (3, "right"), (4, "right")])
def test_what_marks_breakeven_stands_where_there_is_room(month: int, side: str) -> None:
    """Right of an early month, left of a late one: never over the edge, nor over the rising curves."""
    *_, text = charts.cumulative(POINTS, currency="USD", breakeven=date(2026, month, 1))["layer"]
    assert text["mark"]["align"] == side


def test_the_sentence_says_what_the_picture_shows() -> None:
    """For those who hear it."""
    sentence = charts.describe(POINTS, currency="USD", breakeven=None)
    assert "from 2026-01 to 2026-04: 103 USD spent, 120 USD returned" in sentence
    assert charts.describe([], currency="USD", breakeven=None) == "No months yet."


def test_a_sum_that_lies_above_has_no_sentence_of_breakeven() -> None:
    """A portfolio has no breakeven month of its own, and the open month does not count."""
    above = [charts.Point(date(2026, 1, 1), Decimal(5), Decimal(6), is_final=True), *POINTS[1:2]]
    assert "not reached" in charts.describe(above, currency="USD", breakeven=None)
    assert "reakeven" not in charts.describe(above[:1], currency="USD", breakeven=None)


def test_specifications_are_plain_and_without_colors() -> None:
    """They survive JSON unchanged, and every color comes from the theme."""
    spec = charts.cumulative(POINTS, currency="USD", breakeven=date(2026, 3, 1))
    assert json.loads(json.dumps(spec)) == spec
    assert "#" not in json.dumps(spec)


def test_themes_have_the_same_shape() -> None:
    """What one theme sets, the other sets too."""

    def shape(value: object) -> object:
        return {k: shape(v) for k, v in value.items()} if isinstance(value, dict) else type(value)

    assert shape(charts.theme("light")) == shape(charts.theme("dark"))
    assert charts.theme("light") != charts.theme("dark")
