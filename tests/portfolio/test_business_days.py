"""Business days: weekends and holidays are skipped, the time of day stays local, and no calendar hangs."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolio.business_days import Calendar

days = st.dates(date(2000, 1, 1), date(2100, 1, 1))
calendars = st.builds(Calendar, st.frozensets(st.integers(0, 6), max_size=6), st.frozensets(days, max_size=5))


@pytest.mark.parametrize(
    ("start", "count", "expected"),
    [("2026-03-06", 1, "2026-03-09"), ("2026-03-06", 3, "2026-03-11"), ("2026-03-07", 0, "2026-03-09"),
     ("2026-12-31", 1, "2027-01-01"), ("2028-02-28", 1, "2028-02-29")],
)  # fmt: skip
def test_weekends_do_not_count(start: str, count: int, expected: str) -> None:
    assert Calendar().after(date.fromisoformat(start), count=count) == date.fromisoformat(expected)


def test_holidays_do_not_count() -> None:
    easter = Calendar(holidays=frozenset({date(2026, 4, 3), date(2026, 4, 6)}))
    assert easter.after(date(2026, 4, 2), count=1) == date(2026, 4, 7)


def test_the_hour_is_local_across_a_change_of_clocks() -> None:
    friday = datetime(2026, 3, 27, 9, 0, tzinfo=UTC)  # 10:00 in Berlin, which changes on the 29th
    due = Calendar().due_at(friday, count=1, zone="Europe/Berlin")
    assert (due.hour, due.astimezone(UTC).hour) == (10, 8)


def test_a_calendar_without_business_days_is_refused() -> None:
    with pytest.raises(ValueError, match="no business days"):
        Calendar(weekend=frozenset(range(7))).after(date(2026, 1, 1), count=1)


@given(calendars, days, st.integers(1, 30))
def test_exactly_so_many_business_days_lie_between(calendar: Calendar, day: date, count: int) -> None:
    found = calendar.after(day, count=count)
    between = [day + timedelta(days=n) for n in range(1, (found - day).days + 1)]
    assert sum(map(calendar.is_business_day, between)) == count
    assert calendar.is_business_day(found)
