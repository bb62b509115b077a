"""What the overview says about the portfolios somebody may see: totals, what is open, what is due."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Any

from django.db import connection
from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from alerts.models import Episode
from portfolio import access, months
from portfolio.access import Action
from portfolio.models import Investment, MonthState, Portfolio, Review
from portfolio.terms import MonthStatus, ReviewState, Stage, add_months, months_from
from reports.console import status
from reports.console.past import Past

ENDED = (Stage.RETIRED.value, Stage.KILLED.value)
DUE_WITHIN = timedelta(days=30)
_GOOD_NEWS = "good_news"
_URGENCY = {"critical": 0, "warning": 1, "info": 2}

_TOTALS = """
    SELECT i.portfolio_id, count(*), count(s.id), sum(s.tco), sum(s.cumulative_benefit_supported),
           min(h.last_complete_month), max(h.last_complete_month), min(i.start_month)
    FROM portfolio_investment i
    LEFT JOIN roi_snapshothead h ON h.investment_id = i.id
    LEFT JOIN roi_snapshot s ON s.investment_id = i.id AND s.month = h.last_complete_month
    WHERE i.portfolio_id = ANY(%s)
    GROUP BY i.portfolio_id
"""

# Two joins: asking each investment for its newest snapshot costs several times as much at ten thousand.
_RANKED = """
    SELECT i.id FROM portfolio_investment i
    JOIN roi_snapshothead h ON h.investment_id = i.id
    JOIN roi_snapshot s ON s.investment_id = i.id AND s.month = h.last_complete_month
    WHERE i.portfolio_id = ANY(%s) AND i.stage <> ALL(%s) AND s.roi_supported IS NOT NULL
    ORDER BY s.roi_supported {direction}, i.code LIMIT %s
"""


@dataclass(frozen=True, slots=True)
class Totals:
    """The sums of portfolios of one currency, each investment at its own newest complete month."""

    currency: str
    investments: int
    with_figures: int
    cost: Decimal
    benefit: Decimal
    oldest: date | None
    newest: date | None

    @property
    def net(self) -> Decimal:
        """Benefit less cost, to date."""
        return self.benefit - self.cost

    @property
    def roi(self) -> float | None:
        """Net over cost; None where there is no cost."""
        return float(self.net / self.cost) if self.cost > 0 else None


@dataclass(frozen=True, slots=True)
class PortfolioTotals:
    """One portfolio's sums and the month its books begin with."""

    portfolio: Portfolio
    totals: Totals
    first_month: date | None


@dataclass(frozen=True, slots=True)
class OpenMonths:
    """Months of a portfolio that have ended and are not closed."""

    portfolio: Portfolio
    months: list[date]


def portfolios_of(user: Any) -> list[Portfolio]:
    """Return the portfolios a user may see."""
    return list(Portfolio.objects.filter(access.scope(user, Action.VIEW, via="pk")).order_by("code"))


def totals_by_portfolio(portfolios: Sequence[Portfolio]) -> list[PortfolioTotals]:
    """Return each portfolio's sums, in the order given: one query."""
    with connection.cursor() as cursor:
        cursor.execute(_TOTALS, [[p.pk for p in portfolios]])
        rows = {row[0]: row[1:] for row in cursor.fetchall()}
    answer = []
    for portfolio in portfolios:
        count, computed, cost, benefit, oldest, newest, first = rows.get(portfolio.pk, (0, 0, *[None] * 5))
        totals = Totals(
            currency=portfolio.reporting_currency,
            investments=count,
            with_figures=computed,
            cost=cost or Decimal(0),
            benefit=benefit or Decimal(0),
            oldest=oldest,
            newest=newest,
        )
        answer.append(PortfolioTotals(portfolio, totals, first))
    return answer


def by_currency(rows: Sequence[PortfolioTotals]) -> list[Totals]:
    """Add up portfolios that report in the same currency; different currencies are never added."""
    ordered = sorted((row.totals for row in rows), key=lambda t: t.currency)
    return [_add_up(list(group)) for _, group in groupby(ordered, key=lambda t: t.currency)]


def _add_up(parts: list[Totals]) -> Totals:
    dates = [d for part in parts for d in (part.oldest, part.newest) if d]
    return Totals(
        currency=parts[0].currency,
        investments=sum(p.investments for p in parts),
        with_figures=sum(p.with_figures for p in parts),
        cost=sum((p.cost for p in parts), Decimal(0)),
        benefit=sum((p.benefit for p in parts), Decimal(0)),
        oldest=min(dates, default=None),
        newest=max(dates, default=None),
    )


def visible_investments(portfolios: Sequence[Portfolio]) -> QuerySet[Investment]:
    """Return the investments of portfolios."""
    return Investment.objects.filter(portfolio__in=[p.pk for p in portfolios])


def status_counts(portfolios: Sequence[Portfolio]) -> dict[str, int]:
    """Return how many investments have each status, by urgency; statuses nobody has are left out."""
    rows: QuerySet[Any] = status.annotate(visible_investments(portfolios)).order_by()
    counted = dict(rows.values("status").annotate(count=Count("pk")).values_list("status", "count"))
    return {name: counted[name] for name in status.STATUSES if name in counted}


def open_episodes(portfolios: Sequence[Portfolio], *, past: Past | None = None) -> QuerySet[Episode]:
    """Return what is (or at the end of a day was) open against investments; good news asks for no attention."""
    mine = visible_investments(portfolios).filter(pk=OuterRef("investment_id"))
    is_open = Q(closed_at__isnull=True)
    if past is not None:
        is_open = past.open_then("opened_at", "closed_at", portfolio="investment__portfolio")
    return Episode.objects.filter(is_open, Exists(mine)).exclude(severity=_GOOD_NEWS)


def needs_attention(
    portfolios: Sequence[Portfolio], *, limit: int, past: Past | None = None
) -> list[list[Episode]]:
    """Return the open episodes of the investments that need it most, by urgency, longest open first."""
    ordered = sorted(
        open_episodes(portfolios, past=past).values_list("pk", "severity", "fired_month", "investment_id"),
        key=lambda row: (_URGENCY.get(row[1], 9), row[2], row[0]),
    )
    chosen: dict[int, list[int]] = {}
    for pk, _, _, investment in ordered:
        if investment in chosen or len(chosen) < limit:
            chosen.setdefault(investment, []).append(pk)
    wanted = [pk for pks in chosen.values() for pk in pks]
    rows = Episode.objects.select_related("investment", "investment__portfolio").in_bulk(wanted)
    return [[rows[pk] for pk in pks] for pks in chosen.values()]


def reviews_due(portfolios: Sequence[Portfolio], *, today: date) -> QuerySet[Review]:
    """Return open reviews that are overdue or due soon, the oldest first."""
    due = Review.objects.filter(
        portfolio__in=portfolios, state=ReviewState.OPEN.value, due_on__lte=today + DUE_WITHIN
    )
    return due.select_related("investment__owner").order_by("due_on", "id")


def ranked(portfolios: Sequence[Portfolio], *, worst: bool, limit: int) -> list[Investment]:
    """Return the investments with the highest (or lowest) supported ROI to date."""
    with connection.cursor() as cursor:
        cursor.execute(
            _RANKED.format(direction="ASC" if worst else "DESC"),
            [[p.pk for p in portfolios], list(ENDED), limit],
        )
        ids = [row[0] for row in cursor.fetchall()]
    rows = Investment.objects.select_related("portfolio").in_bulk(ids)
    return [rows[pk] for pk in ids]


def months_to_close(rows: Sequence[PortfolioTotals], *, now: datetime) -> list[OpenMonths]:
    """Return for each portfolio the months that have ended and are not closed."""
    states: dict[int, dict[date, str]] = {row.portfolio.pk: {} for row in rows}
    latest = MonthState.objects.filter(portfolio__in=states).order_by("portfolio_id", "month", "-batch_id")
    for state in latest.distinct("portfolio_id", "month"):
        states[state.portfolio_id][state.month] = state.status
    answer = []
    for row in rows:
        if row.first_month is None:
            continue
        ended = months_from(row.first_month, add_months(months.current_month(row.portfolio, now), -1))
        known = states[row.portfolio.pk]
        waiting = [m for m in ended if known.get(m, MonthStatus.OPEN.value) == MonthStatus.OPEN.value]
        if waiting:
            answer.append(OpenMonths(row.portfolio, waiting))
    return answer
