"""What the overview says as known at the end of a past day: derived from the facts, alerts and reviews of then."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from alerts.models import Episode
from portfolio.models import Investment, Portfolio, Review
from reports.console import overview, status, time_travel
from reports.console.overview import PortfolioTotals, Totals
from reports.console.past import Past
from reports.console.standing import Standing


@dataclass(frozen=True, slots=True)
class Overview:
    """The overview of a day; `attention` holds the open alerts of each investment, the most urgent first."""

    rows: Sequence[PortfolioTotals]
    stands: Mapping[int, Standing]
    statuses: Mapping[str, int]
    episodes: Sequence[Episode]
    attention: Sequence[Sequence[Episode]]
    reviews: Sequence[Review]
    best: Sequence[Investment]
    worst: Sequence[Investment]


def of(portfolios: Sequence[Portfolio], past: Past, *, attention: int, ranked: int) -> Overview:
    """Return the overview of portfolios; investments and their portfolios are those of today that were known then."""
    mine = overview.visible_investments(portfolios).select_related("portfolio", "owner").order_by("code")
    stands = time_travel.standings_on(list(mine), past)
    episodes = list(overview.open_episodes(portfolios, past=past).order_by("fired_month", "id"))
    rules: dict[int, set[str]] = defaultdict(set)
    for episode in episodes:
        rules[episode.investment_id].add(episode.rule)
    names = [status.name_of(rules[pk], one.snapshot) for pk, one in stands.items()]
    ordered = sorted(
        (one for one in stands.values() if one.figure("roi_supported") is not None),
        key=lambda one: (one.figure("roi_supported"), one.investment.code),
    )
    due = Review.objects.filter(past.open_then("opened_at", "closed_at"), investment__in=list(stands))
    return Overview(
        rows=[_row(portfolio, stands.values()) for portfolio in portfolios],
        stands=stands,
        statuses={name: names.count(name) for name in status.STATUSES if name in names},
        episodes=episodes,
        attention=overview.needs_attention(portfolios, limit=attention, past=past),
        reviews=list(
            due.filter(due_on__lte=past.day + overview.DUE_WITHIN)
            .select_related("investment__owner")
            .order_by("due_on", "id")
        ),
        best=[one.investment for one in ordered[::-1][:ranked]],
        worst=[one.investment for one in ordered[:ranked]],
    )


def _row(portfolio: Portfolio, stands: Any) -> PortfolioTotals:
    members = [one for one in stands if one.investment.portfolio_id == portfolio.pk]
    known = [one.snapshot for one in members if one.snapshot]
    months = [one.month for one in known]
    totals = Totals(
        currency=portfolio.reporting_currency,
        investments=len(members),
        with_figures=len(known),
        cost=sum((one.tco for one in known), Decimal(0)),
        benefit=sum((one.cumulative_benefit_supported for one in known), Decimal(0)),
        oldest=min(months, default=None),
        newest=max(months, default=None),
    )
    return PortfolioTotals(portfolio, totals, None)
