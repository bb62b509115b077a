"""The overview page: what the portfolios amount to, what needs a decision, and what to do next."""

from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.http import urlencode
from django.utils.safestring import SafeString

from alerts.models import Episode
from portfolio import access
from portfolio.access import Action
from portfolio.models import Investment, Portfolio, Review
from portfolio.terms import format_month
from reports.console import figures, overview, overview_story, overview_then, standing, status
from reports.console.past import Past, asked_past, then_of
from reports.console.standing import Standing
from roi.engine.result import Reason

ATTENTION, REVIEWS, RANKED = 10, 6, 5
Context = dict[str, Any]
NOTE = (
    "Totals, alerts and open reviews as known at the end of {}, derived from the facts of then. Portfolios, owners and "
    "due dates are those of today."
)


@dataclass(frozen=True, slots=True)
class Tile:
    """One headline figure with what it is made of."""

    title: str
    value: SafeString | str
    note: str
    link: str = ""
    is_alarming: bool = False


@dataclass(frozen=True, slots=True)
class Bar:
    """How many investments share a status."""

    name: str
    pill: SafeString
    count: str
    share: float
    link: str
    tone: str


@dataclass(frozen=True, slots=True)
class Row:
    """One investment in one of the overview's tables."""

    investment: Investment
    link: str
    what: SafeString | str
    since: SafeString | str
    roi: SafeString
    net: SafeString
    currency: str


def dashboard(request: HttpRequest, context: Context) -> Context:
    """Add the overview's figures to the context of the admin's index page."""
    portfolios = overview.portfolios_of(request.user)
    past = asked_past(request.GET.get("as_of", ""), (p.time_zone for p in portfolios), now=timezone.now())
    context |= {"title": "Overview", "then": then_of(request.GET, past, note=NOTE)}
    if past is not None and portfolios:
        return context | _then(portfolios, past)
    rows = overview.totals_by_portfolio(portfolios)
    investments = sum(row.totals.investments for row in rows)
    context |= {"steps": _next_steps(request, portfolios, investments)}
    if not investments:
        return context
    now = timezone.now()
    episodes = overview.needs_attention(portfolios, limit=ATTENTION)
    due = list(overview.reviews_due(portfolios, today=now.date())[: REVIEWS + 1])
    best = overview.ranked(portfolios, worst=False, limit=RANKED)
    worst = overview.ranked(portfolios, worst=True, limit=RANKED)
    stands = standing.of([group[0].investment for group in episodes] + best + worst)
    return context | {
        "tiles": _money_tiles(overview.by_currency(rows)) + _work_tiles(portfolios, rows, now.date()),
        "portfolio_rows": [_portfolio_row(row) for row in rows] if len(rows) > 1 else [],
        "bars": _bars(overview.status_counts(portfolios), investments),
        "attention": [_attention_row(group, stands[group[0].investment_id]) for group in episodes],
        "attention_link": _list_link(attention="open"),
        "reviews": [_review_row(one, now.date()) for one in due[:REVIEWS]],
        "more_reviews": len(due) > REVIEWS,
        "reviews_link": link_to("admin:reports_reviews"),
        "best": [_ranked_row(i, stands[i.pk]) for i in best],
        "worst": [_ranked_row(i, stands[i.pk]) for i in worst],
        "months_to_close": [
            (m.portfolio, len(m.months), m.months[0]) for m in overview.months_to_close(rows, now=now)
        ],
        "months_link": link_to("admin:reports_months"),
        "story": overview_story.steps(portfolios) if settings.IS_DEMO else [],
    }


def _then(portfolios: list[Portfolio], past: Past) -> Context:
    """Return the overview of a past day; lists it would lead to are of today, so it leads to single pages alone."""
    told = overview_then.of(portfolios, past, attention=ATTENTION, ranked=RANKED)
    investments = sum(row.totals.investments for row in told.rows)
    severities = [(one.severity, one.rule) for one in told.episodes]
    overdue = sum(one.due_on < past.day for one in told.reviews)
    tiles = _tiles_of(severities, len(told.reviews), overdue)
    return {
        "steps": [],
        "tiles": _money_tiles(overview.by_currency(told.rows)) + [replace(one, link="") for one in tiles],
        "portfolio_rows": [_portfolio_row(row) for row in told.rows] if len(told.rows) > 1 else [],
        "bars": _bars(dict(told.statuses), investments),
        "attention": [
            _attention_row(list(group), told.stands[group[0].investment_id])
            for group in told.attention
            if group[0].investment_id in told.stands
        ],
        "reviews": [_review_row(one, past.day) for one in told.reviews[:REVIEWS]],
        "best": [_ranked_row(one, told.stands[one.pk]) for one in told.best],
        "worst": [_ranked_row(one, told.stands[one.pk]) for one in told.worst],
    }


def link_to(name: str) -> str:
    """Return the address of a page, empty where the page does not exist."""
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""


def investment_link(pk: int) -> str:
    """Return the address of an investment's page."""
    return reverse("admin:portfolio_investment_change", args=[pk])


def _list_link(**query: str) -> str:
    return f"{reverse('admin:portfolio_investment_changelist')}?{urlencode(query)}"


def _money_tiles(totals: list[overview.Totals]) -> list[Tile]:
    tiles = []
    for t in totals:
        through = f"through {format_month(t.newest)}" if t.newest else "no closed month yet"
        if t.oldest and t.newest and t.oldest != t.newest:
            through = f"through {format_month(t.newest)}, some only to {format_month(t.oldest)}"
        reason = figures.NO_CLOSED_MONTH if not t.with_figures else Reason.NO_COST_YET
        has_any = t.with_figures > 0
        tiles += [
            Tile(
                "Invested",
                figures.compact(t.cost if has_any else None, reason=reason),
                f"{t.currency}, {through}",
            ),
            Tile(
                "Returned",
                figures.compact(t.benefit if has_any else None, reason=reason),
                f"{t.currency}, supported benefit",
            ),
            Tile(
                "Net",
                figures.compact(t.net if has_any else None, reason=reason),
                f"{t.currency}, to date",
                is_alarming=t.net < 0,
            ),
            Tile(
                "ROI to date",
                figures.percent(t.roi, reason=reason),
                f"{t.with_figures:,} of {t.investments:,} investments have figures",
                is_alarming=t.roi is not None and t.roi < 0,
            ),
        ]
    return tiles


def _work_tiles(portfolios: list[Portfolio], rows: list[overview.PortfolioTotals], today: date) -> list[Tile]:
    severities = list(overview.open_episodes(portfolios).values_list("severity", "rule"))
    due = overview.reviews_due(portfolios, today=today)
    dates = list(due.values_list("due_on", flat=True))
    return _tiles_of(severities, len(dates), sum(due_on < today for due_on in dates))


def _tiles_of(severities: list[tuple[str, str]], due: int, overdue: int) -> list[Tile]:
    critical = sum(severity == "critical" for severity, _ in severities)
    warning = sum(severity == "warning" for severity, _ in severities)
    late = sum(rule == "missing_actuals" for _, rule in severities)
    return [
        Tile("Critical alerts", f"{critical:,}", "open now", _list_link(status="negative_roi"), critical > 0),
        Tile("Warnings", f"{warning:,}", "open now", _list_link(attention="open")),
        Tile(
            "Reviews due", f"{due:,}", f"{overdue:,} overdue", link_to("admin:reports_reviews"), overdue > 0
        ),
        Tile(
            "Missing actuals",
            f"{late:,}",
            f"investment{'' if late == 1 else 's'} with a closed month that is not complete",
            _list_link(status="missing_actuals"),
        ),
    ]


def _portfolio_row(row: overview.PortfolioTotals) -> Context:
    t = row.totals
    reason = figures.NO_CLOSED_MONTH if not t.with_figures else Reason.NO_COST_YET
    has_any = t.with_figures > 0
    return {
        "portfolio": row.portfolio,
        "link": _list_link(portfolio=str(row.portfolio.pk)),
        "investments": f"{t.investments:,}",
        "currency": t.currency,
        "cost": figures.money(t.cost if has_any else None, reason=reason),
        "benefit": figures.money(t.benefit if has_any else None, reason=reason),
        "net": figures.money(t.net if has_any else None, reason=reason),
        "roi": figures.percent(t.roi, reason=reason),
    }


def _bars(counts: dict[str, int], total: int) -> list[Bar]:
    return [
        Bar(
            name,
            status.pill(name),
            f"{count:,}",
            round(100 * count / total, 1),
            _list_link(status=name),
            status.STATUSES[name].tone,
        )
        for name, count in counts.items()
    ]


def _attention_row(episodes: list[Episode], stands: Standing) -> Row:
    pills = ((status.rule_pill(e.rule, severity=e.severity),) for e in episodes)
    since = min(e.fired_month for e in episodes)
    return _row(
        episodes[0].investment, stands, what=format_html_join(" ", "{}", pills), since=figures.month(since)
    )


def _ranked_row(investment: Investment, stands: Standing) -> Row:
    return _row(investment, stands, what="", since=figures.month(stands.as_of))


def _row(investment: Investment, stands: Standing, *, what: SafeString | str, since: SafeString) -> Row:
    s = stands.snapshot
    net = s.cumulative_benefit_supported - s.tco if s else None
    return Row(
        investment=investment,
        link=investment_link(investment.pk),
        what=what,
        since=since,
        roi=figures.percent(stands.figure("roi_supported"), reason=stands.reason("roi_supported")),
        net=figures.money(net, reason=figures.NO_CLOSED_MONTH),
        currency=investment.portfolio.reporting_currency,
    )


def _review_row(review: Review, today: date) -> Context:
    days = (review.due_on - today).days
    return {
        "review": review,
        "link": reverse("admin:reports_review", args=[review.public_id]),
        "is_overdue": days < 0,
        "note": f"{-days} days overdue" if days < 0 else "today" if days == 0 else f"in {days} days",
    }


def _next_steps(request: HttpRequest, portfolios: list[Portfolio], investments: int) -> list[Context]:
    """Return what to do while there is nothing to show; empty once there is."""
    if investments:
        return []
    if not portfolios:
        return [
            {
                "text": "You are not a member of any portfolio yet. Ask its administrator to add you.",
                "link": link_to("admin:portfolio_portfolio_add") if request.user.is_superuser else "",
                "label": "Create a portfolio",
            }
        ]
    may_record = any(access.may(request.user, Action.RECORD, p.pk) for p in portfolios)
    register = reverse("admin:portfolio_investment_add") if may_record else ""
    return [
        {
            "text": "Register the first investment: what it is for, who owns it, and when it began.",
            "link": register,
            "label": "Register an investment",
        },
        {
            "text": "Bring its monthly costs and benefits in: a spreadsheet, or the month grid.",
            "link": link_to("admin:reports_imports") if may_record else "",
            "label": "Import actuals",
        },
        {
            "text": "Close the months. ROI, breakeven and alerts appear here a moment later.",
            "link": link_to("admin:reports_months") if may_record else "",
            "label": "Close months",
        },
    ]
