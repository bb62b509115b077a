"""Business days: which days count, and when something is due so many of them later. Pure: no clock, no rows."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

# A calendar on which no day counts would never end; nobody waits longer than this for anything.
_LONGEST_SEARCH = 3660
WEEKEND = frozenset({5, 6})


@dataclass(frozen=True, slots=True)
class Calendar:
    """The days on which people decide: all but the weekend (0 is Monday) and the holidays."""

    weekend: frozenset[int] = WEEKEND
    holidays: frozenset[date] = frozenset()

    def is_business_day(self, day: date) -> bool:
        """Return whether people work on a day."""
        return day.weekday() not in self.weekend and day not in self.holidays

    def after(self, day: date, *, count: int) -> date:
        """Return the `count`-th business day after a day; `count` 0 is the day itself or the next business day.

        Raises ValueError for a calendar without business days.
        """
        found = day if count else day - timedelta(days=1)
        left = max(count, 1)
        for _ in range(_LONGEST_SEARCH):
            found += timedelta(days=1)
            left -= self.is_business_day(found)
            if left == 0:
                return found
        raise ValueError("This calendar has no business days.")

    def due_at(self, start: datetime, *, count: int, zone: str) -> datetime:
        """Return the same local time `count` business days after an aware moment, in a time zone."""
        local = start.astimezone(ZoneInfo(zone))
        day = self.after(local.date(), count=count)
        return datetime.combine(day, local.time(), tzinfo=ZoneInfo(zone))
