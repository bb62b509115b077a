"""Closing, locking and reopening months: by the portfolio's calendar, with reasons and second persons."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime

import pytest
from django.db import connection, transaction

from portfolio import facts, knowledge, months
from portfolio.models import MonthState, Portfolio
from portfolio.months import MonthStateError
from portfolio.terms import month_at, month_index
from tests import factories
from tests.factories import START, close
from tests.servers import TestDatabase


@pytest.fixture
def portfolio(db: None) -> Portfolio:
    return factories.make_portfolio()


def _old(zone: str, **changes: object) -> Portfolio:
    """Return a portfolio without batches, so that any past time can be played."""
    portfolio = Portfolio.objects.create(
        code=f"Z{Portfolio.objects.count()}", name=zone, time_zone=zone, **changes
    )
    portfolio.investments.create(code=f"{portfolio.code}-1", name="x", start_month=date(2024, 3, 1))
    return portfolio


# 31 May, 11:59 UTC: one minute before June begins in Auckland. 1 June 09:59 UTC: still May in Honolulu.
@pytest.mark.parametrize(
    ("zone", "moment", "is_over"),
    [
        ("Pacific/Auckland", datetime(2024, 5, 31, 11, 59, tzinfo=UTC), False),
        ("Pacific/Auckland", datetime(2024, 5, 31, 12, 0, tzinfo=UTC), True),
        ("UTC", datetime(2024, 5, 31, 23, 59, tzinfo=UTC), False),
        ("UTC", datetime(2024, 6, 1, 0, 0, tzinfo=UTC), True),
        ("Pacific/Honolulu", datetime(2024, 6, 1, 9, 59, tzinfo=UTC), False),
        ("Pacific/Honolulu", datetime(2024, 6, 1, 10, 0, tzinfo=UTC), True),
    ],
)
def test_a_month_is_closed_after_its_end_where_the_portfolio_is(
    db: None, zone: str, moment: datetime, is_over: bool
) -> None:
    portfolio, may = _old(zone), date(2024, 5, 1)
    if is_over:
        assert months.close(portfolio, [may], now=moment) == [may]
        return
    with pytest.raises(MonthStateError, match="2024-05 has not ended"):
        months.close(portfolio, [may], now=moment)
    assert not MonthState.objects.exists()


@pytest.mark.parametrize(
    ("zone", "moment", "last"),
    [
        ("UTC", datetime(2024, 6, 10, 23, 59, tzinfo=UTC), date(2024, 4, 1)),
        ("UTC", datetime(2024, 6, 11, 0, 0, tzinfo=UTC), date(2024, 5, 1)),
        ("Pacific/Auckland", datetime(2024, 6, 10, 12, 0, tzinfo=UTC), date(2024, 5, 1)),
        ("Pacific/Honolulu", datetime(2024, 6, 11, 9, 59, tzinfo=UTC), date(2024, 4, 1)),
    ],
)
def test_the_calendar_closes_once_the_close_day_has_passed(
    db: None, zone: str, moment: datetime, last: date
) -> None:
    portfolio = _old(zone, close_day=10)
    expected = [month_at(i) for i in range(month_index(date(2024, 3, 1)), month_index(last) + 1)]
    assert months.close_due(portfolio, now=moment) == expected
    assert months.close_due(portfolio, now=moment) == []


def test_the_calendar_has_nothing_to_close_without_investments(db: None) -> None:
    empty = Portfolio.objects.create(code="EMPTY", name="x")
    assert months.close_due(empty, now=factories.now()) == []


def test_a_reopened_month_stays_open_until_finance_closes_it(db: None) -> None:
    portfolio, finn = _old("UTC"), factories.make_user()
    moment = datetime(2024, 6, 11, tzinfo=UTC)
    months.close_due(portfolio, now=moment)
    april = date(2024, 4, 1)
    assert months.reopen(portfolio, [april], now=moment, actor=finn, reason="A bill came late.") == [april]
    assert months.close_due(portfolio, now=moment) == []
    assert facts.month_states(portfolio)[april] == "open"
    assert months.close(portfolio, [april], now=moment, actor=finn) == [april]


def test_closing_again_changes_nothing(portfolio: Portfolio) -> None:
    assert close(portfolio, last=2) == [START, factories.month(2)]
    rows = MonthState.objects.count()
    assert close(portfolio, last=2) == []
    assert MonthState.objects.count() == rows


def test_a_month_is_its_first_day(portfolio: Portfolio) -> None:
    with pytest.raises(MonthStateError, match="first day"):
        months.close(portfolio, [date(2024, 1, 2)], now=factories.now())


def test_only_closed_months_are_locked(portfolio: Portfolio) -> None:
    finn = factories.make_user()
    with pytest.raises(MonthStateError, match="is open"):
        months.lock(portfolio, [START], now=factories.now(), actor=finn)
    close(portfolio, last=1)
    assert months.lock(portfolio, [START], now=factories.now(), actor=finn) == [START]
    assert close(portfolio, last=1) == []
    assert facts.month_states(portfolio) == {START: "locked"}


def test_reopening_needs_a_reason_and_for_a_lock_a_second_person(portfolio: Portfolio) -> None:
    finn, fiona = factories.make_user(), factories.make_user()
    close(portfolio, last=1)
    now = factories.now()
    with pytest.raises(MonthStateError, match="reason"):
        months.reopen(portfolio, [START], now=now, actor=finn, reason=" ")
    months.lock(portfolio, [START], now=now, actor=finn)
    for approver in (None, finn):
        with pytest.raises(MonthStateError, match="second person"):
            months.reopen(portfolio, [START], now=now, actor=finn, reason="Audit.", approver=approver)
    done = months.reopen(portfolio, [START], now=now, actor=finn, reason="Audit.", approver=fiona)
    assert done == [START]
    row = MonthState.objects.order_by("-pk")[0]
    assert (row.status, row.actor, row.approver, row.reason) == ("open", finn, fiona, "Audit.")


def test_reopening_an_open_month_changes_nothing(portfolio: Portfolio) -> None:
    finn = factories.make_user()
    assert months.reopen(portfolio, [START], now=factories.now(), actor=finn, reason="x") == []


def test_a_month_locked_meanwhile_needs_the_second_person(fresh_database: TestDatabase) -> None:
    """Reopening looks at the month under the lock: one person does not reopen what was just locked."""
    portfolio, finn = factories.make_portfolio(), factories.make_user()
    close(portfolio, last=1)
    answers: list[object] = []

    def reopen() -> None:
        try:
            answers.append(
                months.reopen(portfolio, [START], now=factories.now(), actor=finn, reason="Late bill.")
            )
        except MonthStateError as refused:
            answers.append(refused)
        finally:
            connection.close()

    with transaction.atomic():
        knowledge.lock_portfolio(portfolio.pk)
        months.lock(portfolio, [START], now=factories.now(), actor=finn)
        racer = threading.Thread(target=reopen)
        racer.start()
        factories.until_locked()
    racer.join(30)
    assert isinstance(answers[0], MonthStateError)
    assert facts.month_states(portfolio) == {START: "locked"}
