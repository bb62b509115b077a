"""When a notice leaves: after quiet hours, at the hour of a digest, days after a close. Pure; any clock change."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from alerts.rules.routes import WEEKLY
from portfolio.business_days import Calendar
from portfolio.terms import add_months

# Business days past the close day until somebody is asked for data.
ASKED_AFTER = 5
_MONDAY = 0


def quiet_until(now: datetime, *, start: time | None, end: time | None, zone: str) -> datetime:
    """Return when somebody's quiet hours end, `now` where they are not in them; equal times mean no quiet hours."""
    if start is None or end is None or start == end:
        return now
    local = now.astimezone(ZoneInfo(zone))
    at = time(local.hour, local.minute, local.second, local.microsecond)
    is_quiet = start <= at < end if start < end else at >= start or at < end
    return _next(now, at=end, zone=zone) if is_quiet else now


def digest_at(now: datetime, *, hour: int, zone: str, mode: str) -> datetime:
    """Return the next local hour at which digests leave: tomorrow's at the latest, or Monday's for weekly ones."""
    found = _next(now, at=time(hour), zone=zone)
    while mode == WEEKLY and found.astimezone(ZoneInfo(zone)).weekday() != _MONDAY:
        found = _next(found, at=time(hour), zone=zone)
    return found


def ask_at(
    now: datetime, *, month: date, close_day: int, calendar: Calendar, hour: int, zone: str
) -> datetime:
    """Return when somebody is asked for a month that lacks data: five business days after its close, with a digest.

    The close is the calendar's, or now where the month was closed before it. What is over already is the next digest.
    """
    local = ZoneInfo(zone)
    closes = add_months(month, 1) + timedelta(days=close_day)
    closed = min(now.astimezone(local).date(), closes)
    due = _moment(calendar.after(closed, count=ASKED_AFTER), time(hour), zone)
    return due if due > now else digest_at(now, hour=hour, zone=zone, mode="daily")


def _next(now: datetime, *, at: time, zone: str) -> datetime:
    day = now.astimezone(ZoneInfo(zone)).date()
    for distance in range(3):
        for fold in (0, 1):
            # An hour that comes twice ends the second time where the first is over.
            found = _moment(day + timedelta(days=distance), at.replace(fold=fold), zone)
            if found > now:
                return found
    raise ValueError("A local time that does not come within two days.")


def _moment(day: date, at: time, zone: str) -> datetime:
    return datetime.combine(day, at, tzinfo=ZoneInfo(zone)).astimezone(UTC)
