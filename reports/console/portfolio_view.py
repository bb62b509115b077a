"""A portfolio rolled up on one page: groups that add up, pools, untraced spend, the reserve, misplaced money."""

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.http import Http404, HttpRequest, HttpResponseBase
from django.utils import timezone
from django.utils.safestring import SafeString
from django.views.decorators.http import require_GET

from alerts.models import Episode
from portfolio import access
from portfolio.access import Action
from portfolio.knowledge import with_one_view
from portfolio.models import Investment, Portfolio
from portfolio.terms import (
    Basis,
    Stage,
    Treatment,
    ValueCategory,
    format_month,
    from_micros,
    parse_month,
    to_micros,
)
from reports.console import figures, investment_page, pages, standing
from reports.console.past import then_of
from reports.console.time_travel import asked_day
from roi import rollups
from roi.benefit_pools import Pooled
from roi.engine import waiting
from roi.engine.rollup import NONE, Group, Misfunded, Reserve
from roi.engine.series import WINDOW_MONTHS
from roi.rollups import Dimension, View

Context = dict[str, Any]

DIMENSIONS: Mapping[Dimension, str] = {
    Dimension.UNIT: "Business unit",
    Dimension.SPONSOR: "Sponsor",
    Dimension.USE_CASE: "Use case",
    Dimension.VENDOR: "Vendor",
    Dimension.STAGE: "Stage",
    Dimension.VALUE_CATEGORY: "Value category",
    Dimension.TREATMENT: "Capex and opex",
    Dimension.REGULATORY_TAG: "Regulatory tag",
}
RULES: Mapping[str, str] = {
    "pro_rata": "pro rata",
    "approval_order": "in order of approval",
    "shapley": "Shapley",
}
_WORDS = {one.value: one.value.replace("_", " ").capitalize() for one in (*Stage, *ValueCategory, *Treatment)}
NOTE = (
    "Figures and pools as known at the end of {}. Investments, their names and groups are those of today; "
    "alerts are left out."
)
_LOSING = ("hurdle_rate", "negative_roi")


@require_GET
def page(request: HttpRequest) -> HttpResponseBase:
    """Show the portfolio in the address, grouped and on the basis asked for, as known now or on a past day."""
    open_to_user = pages.portfolios(request, Action.VIEW)
    try:
        portfolio = pages.chosen_portfolio(request, open_to_user)
    except Portfolio.DoesNotExist:
        raise Http404 from None
    shown: Context = {"portfolio": portfolio, "portfolios": open_to_user}
    if portfolio is not None:
        shown |= _context(portfolio, request.GET)
        is_now = shown["then"].day is None
        shown["may_manage"] = is_now and access.may(request.user, Action.MANAGE, portfolio.pk)
    return pages.render(request, "reports/portfolio_view.html", "Portfolio view", **shown)


def _context(portfolio: Portfolio, asked: Mapping[str, str]) -> Context:
    by = Dimension(asked["by"]) if asked.get("by") in list(Dimension) else Dimension.UNIT
    basis = Basis(asked["basis"]) if asked.get("basis") in list(Basis) else Basis.SUPPORTED
    now = timezone.now()
    day = asked_day(asked.get("as_of", ""), portfolio, now=now)
    today = now.astimezone(ZoneInfo(portfolio.time_zone)).date()
    known = day.knowledge if day else None
    found = with_one_view(
        lambda: rollups.view(
            portfolio, today=today, basis=basis, month=_month(asked.get("month", "")), knowledge=known
        )
    )
    return {
        "currency": portfolio.reporting_currency,
        "then": then_of(asked, day.past if day else None, note=NOTE),
        "dimensions": [(one.value, title) for one, title in DIMENSIONS.items()],
        "by": by.value,
        "by_title": DIMENSIONS[by],
        "basis": basis.value,
        "bases": [one.value for one in Basis],
        "month": found.month,
        "rows": [_group(one) for one in found.by_dimension[by].groups],
        "total": _group(found.total),
        "has_overlap": bool(found.total.amounts.overlap),
        "pools": [_pool(one) for one in found.pools],
        "untraced": _untraced(found),
        "reserves": _reserves(found),
        "under": _side(found, found.balance.under),
        "over": _side(found, found.balance.over),
        "sides": [
            figures.amount(from_micros(amount))
            for amount in (found.balance.under_spend, found.balance.over_spend, found.balance.total_spend)
        ],
        # Alerts are told as they stand now; a look back shows figures alone.
        "waiting": [] if day else _waiting(portfolio, today),
    }


def _month(text: str) -> date | None:
    try:
        return parse_month(text)
    except ValueError:
        return None


def _group(group: Group) -> Context:
    amounts = group.amounts
    return {
        "name": _WORDS.get(group.name, group.name),
        "is_nameless": group.name == NONE,
        "count": len(group.investments),
        "cells": [
            figures.money(from_micros(amount))
            for amount in (amounts.one_time, amounts.run, amounts.cost, amounts.benefit)
        ],
        "overlap": figures.money(from_micros(-amounts.overlap)),
        "net": figures.money(from_micros(amounts.net)),
        "roi": figures.percent(group.roi.value, reason=group.roi.reason or ""),
    }


def _pool(one: Pooled) -> Context:
    terms = one.terms
    return {
        "name": terms.pool.name,
        "cap": figures.exact_text(terms.monthly_cap),
        "rule": RULES[terms.rule],
        "account": terms.account.name if terms.account else "all benefits",
        "claimed": figures.money(from_micros(sum(one.claimed.values()))),
        "kept": figures.money(from_micros(sum(one.kept.values()))),
        "overlap": figures.money(from_micros(-one.overlap)),
        "members": [
            {
                "code": member.investment.code,
                "name": member.investment.name,
                "link": investment_page.link(member.investment),
                "since": format_month(member.since),
                "claimed": figures.money(from_micros(one.claimed.get(member.investment_id, 0))),
                "kept": figures.money(from_micros(one.kept.get(member.investment_id, 0))),
                "overlap": figures.money(
                    from_micros(
                        one.kept.get(member.investment_id, 0) - one.claimed.get(member.investment_id, 0)
                    )
                ),
            }
            for member in one.members
        ],
    }


def _untraced(found: View) -> Context:
    one = found.untraced
    return {
        "run": figures.amount(from_micros(one.run)),
        "share": figures.percent(one.share.value, reason=one.share.reason or ""),
        "investments": [_named(found, code) for code in one.investments],
    }


def _named(found: View, code: str) -> Context:
    investment = found.investments[code]
    return {"code": code, "name": investment.name, "link": investment_page.link(investment)}


def _reserves(found: View) -> list[Context]:
    share = found.portfolio.exploration_share
    return [
        _reserve("Budget of the fiscal year", found.portfolio.reporting_currency, found.budget, figures.money)
        | {"goal": figures.percent_text(share)},
        _reserve("Capacity", "person-months", found.capacity, _person_months)
        | {"goal": figures.percent_text(share)},
    ]


def _person_months(value: Decimal) -> SafeString | str:
    return figures.quantity(value) if value else "–"


def _reserve(title: str, unit: str, one: Reserve, write: Callable[[Decimal], Any]) -> Context:
    def cell(amount: Decimal | None) -> Any:
        return (
            figures.missing(f"The portfolio states no {title.lower()}.") if amount is None else write(amount)
        )

    is_short = bool(one.shortfall)
    return {
        "title": title,
        "unit": unit,
        "available": cell(one.available),
        "target": cell(one.target),
        "used": write(one.used),
        "share": figures.percent(one.share.value, reason=one.share.reason or ""),
        "verdict": "" if one.shortfall is None else "below target" if is_short else "met",
        "tone": "warning" if is_short else "good",
        "icon": "trending_down" if is_short else "check",
        "shortfall": cell(one.shortfall),
    }


def _side(found: View, rows: tuple[Misfunded, ...]) -> list[Context]:
    return [
        _named(found, one.investment)
        | {
            "spend": figures.money(from_micros(one.spend)),
            "share": figures.percent(float(one.share)),
            "reasons": "; ".join(one.reasons),
        }
        for one in rows
    ]


def _waiting(portfolio: Portfolio, today: date) -> list[Context]:
    """Return what each open loss costs by the day, and what runs until the next review."""
    episodes = (
        Episode.objects.filter(
            investment__portfolio=portfolio,
            rule__in=_LOSING,
            closed_at__isnull=True,
            is_announced=True,
        )
        .select_related("investment__portfolio")
        .order_by("opened_at")
    )
    since: dict[int, tuple[Investment, date]] = {}
    for episode in episodes:
        zone = ZoneInfo(portfolio.time_zone)
        opened = episode.opened_at.astimezone(zone).date()
        since.setdefault(episode.investment_id, (episode.investment, opened))
    stands = standing.of([investment for investment, _ in since.values()])
    return [_waits(stands[pk], opened, today) for pk, (_, opened) in since.items()]


def _waits(stands: standing.Standing, opened: date, today: date) -> Context:
    investment, days = stands.investment, (today - opened).days
    shown: Context = {
        "code": investment.code,
        "name": investment.name,
        "link": investment_page.link(investment),
        "days": days,
        "review": investment.review_date,
    }
    snapshot, reason = stands.snapshot, stands.reason("operating_margin_supported")
    if snapshot is None or reason != "":
        return shown | dict.fromkeys(("per_day", "so_far", "at_risk"), figures.missing(reason))
    run = to_micros(snapshot.window_avoidable_run_cost)
    margin = to_micros(snapshot.window_benefit_supported) - run
    cost = waiting.cost_of_waiting(margin, months=WINDOW_MONTHS, days=days)
    until = (investment.review_date - today).days if investment.review_date else None
    at_risk = figures.missing("No review date is set." if until is None else "The review is overdue.")
    if until is not None and until >= 0:
        at_risk = figures.money(from_micros(waiting.money_at_risk(run, months=WINDOW_MONTHS, days=until)))
    return shown | {
        "per_day": figures.money(from_micros(cost.per_day)),
        "so_far": figures.money(from_micros(cost.so_far)),
        "at_risk": at_risk,
    }


pages.add("portfolio-view/", page, "reports_portfolio_view")
