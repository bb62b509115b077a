"""The calendar's task: every portfolio whose close day has passed, each on its own."""

from __future__ import annotations

import pytest

from portfolio import facts, tasks
from portfolio.models import Portfolio
from tests import factories

pytestmark = pytest.mark.django_db


def test_the_calendar_closes_the_months_of_every_portfolio() -> None:
    made = [factories.make_portfolio() for _ in range(2)]
    for portfolio in made:
        factories.make_investment(portfolio)
    tasks.close_due_months(sent_by="a newer version")
    for portfolio in Portfolio.objects.all():
        states = facts.month_states(portfolio)
        assert set(states.values()) == {"closed"}
        assert min(states) == factories.START
