"""What a pack looks at: a month and a knowledge time, beside an earlier month or an earlier time."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import OuterRef, Subquery

from portfolio import knowledge
from portfolio.models import InvestmentVersion, MonthState, Portfolio
from portfolio.terms import MonthStatus, add_months, format_month, parse_month

Json = dict[str, Any]


class PackError(ValueError):
    """A pack that cannot be made; the message is for the user."""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What a pack looks at: a month with everything known at `knowledge`, beside an earlier view of the same kind.

    `as_of` is the moment it was asked for; decisions count that were taken on the days from `since` to `until`.
    `norm_band_end_months` is the one term of the portfolio that thresholds depend on and nothing versions.
    """

    month: date
    knowledge: int
    before_month: date
    before_knowledge: int
    as_of: datetime
    since: date
    until: date
    norm_band_end_months: int

    def as_json(self) -> Json:
        """Return the view as an archive keeps it."""
        return {
            "month": format_month(self.month),
            "knowledge": self.knowledge,
            "before_month": format_month(self.before_month),
            "before_knowledge": self.before_knowledge,
            "as_of": self.as_of.isoformat(),
            "since": self.since.isoformat(),
            "until": self.until.isoformat(),
            "norm_band_end_months": self.norm_band_end_months,
        }

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> "View":
        """Return the view that an archive keeps."""
        return cls(
            month=parse_month(stored["month"]),
            knowledge=int(stored["knowledge"]),
            before_month=parse_month(stored["before_month"]),
            before_knowledge=int(stored["before_knowledge"]),
            as_of=datetime.fromisoformat(stored["as_of"]),
            since=date.fromisoformat(stored["since"]),
            until=date.fromisoformat(stored["until"]),
            norm_band_end_months=int(stored["norm_band_end_months"]),
        )


def monthly(portfolio: Portfolio, *, month: date, as_of: datetime, knowledge_time: int | None = None) -> View:
    """Return the view of a month beside the month before, both as known at one time (else: at `as_of`)."""
    known = _known_at(portfolio, as_of) if knowledge_time is None else knowledge_time
    return View(
        month=month,
        knowledge=known,
        before_month=add_months(month, -1),
        before_knowledge=known,
        as_of=as_of,
        since=month,
        until=add_months(month, 1) - timedelta(days=1),
        norm_band_end_months=portfolio.norm_band_end_months,
    )


def weekly(portfolio: Portfolio, *, as_of: datetime) -> View:
    """Return the newest closed month as known now beside the newest closed month as known a week ago."""
    before = as_of - timedelta(days=7)
    times = [_known_at(portfolio, moment) for moment in (as_of, before)]
    months = [newest_closed(portfolio, knowledge_time=each) for each in times]
    today = as_of.astimezone(ZoneInfo(portfolio.time_zone)).date()
    if months[0] is None:
        raise PackError(f"No month of {portfolio.code} is closed yet, so there is nothing to report.")
    return View(
        month=months[0],
        knowledge=times[0],
        before_month=months[1] or add_months(months[0], -1),
        before_knowledge=times[1],
        as_of=as_of,
        since=today - timedelta(days=7),
        until=today,
        norm_band_end_months=portfolio.norm_band_end_months,
    )


def _known_at(portfolio: Portfolio, moment: datetime) -> int:
    """Return the knowledge time of a moment, with that of the newest investment that had left the portfolio.

    It left by a batch of the portfolio it went to, written under the locks of both: all batches before it are there.
    """
    earlier = InvestmentVersion.objects.filter(
        investment=OuterRef("investment"), batch_id__lt=OuterRef("batch_id")
    ).order_by("-batch_id")
    left = (
        InvestmentVersion.objects.filter(batch__recorded_at__lte=moment)
        .exclude(portfolio=portfolio)
        .filter(investment__versions__portfolio=portfolio)
        .annotate(portfolio_before=Subquery(earlier.values("portfolio_id")[:1]))
        .filter(portfolio_before=portfolio.pk)
        .order_by("-batch_id")
        .values_list("batch_id", flat=True)
        .first()
    )
    return max(knowledge.knowledge_at(portfolio, moment), left or 0)


def newest_closed(portfolio: Portfolio, *, knowledge_time: int | None = None) -> date | None:
    """Return the newest month of a portfolio that was closed, as known at a knowledge time."""
    return max(closed_months(portfolio, knowledge_time=knowledge_time), default=None)


def closed_months(portfolio: Portfolio, *, knowledge_time: int | None = None) -> list[date]:
    """Return the closed months of a portfolio in order, as known at a knowledge time (None: now)."""
    rows = MonthState.objects.filter(portfolio=portfolio)
    if knowledge_time is not None:
        rows = rows.filter(batch_id__lte=knowledge_time)
    latest = rows.order_by("month", "-batch_id", "-id").distinct("month").values_list("month", "status")
    return [month for month, status in latest if status != MonthStatus.OPEN.value]
