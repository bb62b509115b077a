"""When notices leave: quiet hours over midnight and clock changes, digest hours, five business days after a close."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.rules import leaving
from portfolio.business_days import Calendar

BERLIN = "Europe/Berlin"
NIGHT = {"start": time(22), "end": time(7), "zone": BERLIN}


def berlin(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(BERLIN))


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-06-01T21:59", "2026-06-01T21:59"),
        ("2026-06-01T22:00", "2026-06-02T07:00"),
        ("2026-06-02T06:59", "2026-06-02T07:00"),
        ("2026-06-02T07:00", "2026-06-02T07:00"),
        # The clocks change in the night: seven is seven all the same.
        ("2026-03-28T23:00", "2026-03-29T07:00"),
        ("2026-10-24T23:00", "2026-10-25T07:00"),
    ],
)
def test_quiet_hours_over_midnight(now: str, until: str) -> None:
    assert leaving.quiet_until(berlin(now).astimezone(UTC), **NIGHT) == berlin(until)  # type: ignore[arg-type]


def test_an_end_in_the_hour_that_comes_twice_is_never_in_the_past() -> None:
    now = datetime(2026, 10, 25, 1, 15, tzinfo=UTC)  # 02:15 for the second time in Berlin
    until = leaving.quiet_until(now, start=time(22), end=time(2, 30), zone=BERLIN)
    assert until == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)


def test_an_end_in_the_hour_that_is_left_out_still_comes() -> None:
    now = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)
    until = leaving.quiet_until(now, start=time(22), end=time(2, 30), zone=BERLIN)
    assert until == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)


@given(
    st.integers(1_704_067_200, 1_830_297_600).map(lambda at: datetime.fromtimestamp(at, UTC)),
    st.times(),
    st.times(),
    st.sampled_from([BERLIN, "Pacific/Auckland", "America/New_York", "Pacific/Kiritimati", "UTC"]),
)
def test_quiet_hours_end_within_a_day_and_then_are_over(
    now: datetime, start: time, end: time, zone: str
) -> None:
    until = leaving.quiet_until(now, start=start, end=end, zone=zone)
    assert now <= until <= now + timedelta(hours=25)


def test_equal_or_missing_times_mean_no_quiet_hours() -> None:
    now = datetime(2026, 6, 1, tzinfo=UTC)
    for start, end in ((time(8), time(8)), (None, time(8)), (time(8), None)):
        assert leaving.quiet_until(now, start=start, end=end, zone="UTC") == now


def test_digests_leave_at_their_local_hour() -> None:
    at = leaving.digest_at(berlin("2026-06-03T07:59"), hour=8, zone=BERLIN, mode="daily")
    assert at == berlin("2026-06-03T08:00")
    assert leaving.digest_at(at, hour=8, zone=BERLIN, mode="daily") == berlin("2026-06-04T08:00")
    assert leaving.digest_at(at, hour=8, zone=BERLIN, mode="weekly") == berlin("2026-06-08T08:00")
    monday = leaving.digest_at(berlin("2026-06-08T07:00"), hour=8, zone=BERLIN, mode="weekly")
    assert monday == berlin("2026-06-08T08:00")


def ask(now: str, calendar: Calendar | None = None) -> datetime:
    return leaving.ask_at(
        berlin(now),
        month=date(2026, 5, 1),
        close_day=10,
        calendar=calendar or Calendar(),
        hour=8,
        zone=BERLIN,
    )


def test_data_is_asked_for_five_business_days_after_the_close() -> None:
    assert ask("2026-06-11T00:05") == berlin("2026-06-18T08:00")  # Thursday to Thursday
    holiday = Calendar(holidays=frozenset({date(2026, 6, 15)}))
    assert ask("2026-06-11T00:05", holiday) == berlin("2026-06-19T08:00")
    assert ask("2026-06-03T12:00") == berlin("2026-06-10T08:00")  # closed early by hand


def test_data_of_a_month_closed_long_ago_is_asked_for_with_the_next_digest() -> None:
    assert ask("2026-09-01T12:00") == berlin("2026-09-02T08:00")
