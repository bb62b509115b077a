"""The day in the address of a page: when it ended, which rows stood then, and what the page says of it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Q
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString

from portfolio.models import Portfolio

_EARLIEST_YEAR = 2000


@dataclass(frozen=True, slots=True)
class Past:
    """A day that is over, for a page of several portfolios: its end in each of their time zones."""

    day: date
    ends: Mapping[str, datetime]

    def until(self, column: str, *, portfolio: str = "portfolio") -> Q:
        """Return the rows whose time in `column` is not after the day; `portfolio` is the way to their portfolio."""
        return self._where(f"{column}__lte", portfolio)

    def open_then(self, opened: str, closed: str, *, portfolio: str = "portfolio") -> Q:
        """Return the rows that were open at the end of the day."""
        still = Q(**{f"{closed}__isnull": True}) | self._where(f"{closed}__gt", portfolio)
        return self.until(opened, portfolio=portfolio) & still

    def _where(self, condition: str, portfolio: str) -> Q:
        found = Q(pk__in=())
        for zone, end in self.ends.items():
            found |= Q(**{f"{portfolio}__time_zone": zone, condition: end})
        return found

    def end(self, portfolio: Portfolio) -> datetime:
        """Return the last moment of the day where the portfolio is."""
        return self.ends[portfolio.time_zone]


@dataclass(frozen=True, slots=True, kw_only=True)
class Then:
    """What the look back of a page shows: the day, what the page says about it, and what its links keep."""

    day: date | None
    refused: str = ""
    note: str = ""
    kept: Sequence[tuple[str, str]] = ()

    @property
    def back(self) -> str:
        """The address of the same page today."""
        return f"?{urlencode(self.kept)}"

    @property
    def query(self) -> str:
        """What leads a link on the page to the same day; empty for today."""
        return f"?as_of={self.day}" if self.day else ""

    @property
    def more(self) -> str:
        """The same behind other words of an address."""
        return f"&as_of={self.day}" if self.day else ""

    @property
    def field(self) -> SafeString | str:
        """What keeps the day in a form of the page."""
        return format_html('<input type="hidden" name="as_of" value="{}">', self.day) if self.day else ""


def then_of(asked: Mapping[str, str], past: Past | None, *, note: str) -> Then:
    """Return the look back of a page for its address; a day that cannot be looked back to is named.

    `note` says what the page shows; its braces take the day.
    """
    text, day = asked.get("as_of", ""), past.day if past else None
    return Then(
        day=day,
        refused=text[:40] if text and day is None else "",
        note=note.format(day),
        kept=[(name, value) for name, value in asked.items() if name not in ("as_of", "page")],
    )


def asked_past(text: str, zones: Iterable[str], *, now: datetime) -> Past | None:
    """Return the day in the address where it is over in every time zone; `zones` is read only where a day is asked."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    if day.year < _EARLIEST_YEAR or day.year == date.max.year:
        return None
    ends = {name: _end(day, ZoneInfo(name)) for name in {*zones}}
    return Past(day, ends) if all(end < now for end in ends.values()) else None


def _end(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day + timedelta(days=1), time.min, zone) - timedelta(microseconds=1)
