"""The page of one investment: its head, and the tab that is shown, which loads only what it shows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from alerts.models import Episode
from portfolio.models import Investment
from reports.console import (
    governance_tab,
    investment_alerts,
    investment_bridge,
    investment_explanation,
    investment_figures,
    investment_forecast,
    investment_ledger,
    investment_months,
    investment_rates,
    investment_scorecard,
    investment_unit_cost,
    investment_what_if,
    overview,
    plans,
    policies_tab,
    standing,
    status,
    time_travel,
)
from reports.console.past import Past, then_of
from reports.console.standing import Standing

Query = Mapping[str, str]
Context = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Tab:
    """One tab: its name in the address, its title, its template, and what it shows."""

    name: str
    title: str
    template: str
    load: Callable[[Standing, Query], Context]
    knows_the_past: bool = False


TABS: dict[str, Tab] = {
    tab.name: tab
    for tab in (
        Tab("figures", "Figures", "reports/investment_figures.html", investment_figures.context, True),
        Tab("months", "Months", "reports/investment_months.html", investment_months.context, True),
        Tab("ledger", "Ledger", "reports/investment_ledger.html", investment_ledger.context, True),
        Tab("forecast", "Forecast", "reports/investment_forecast.html", investment_forecast.context, True),
        Tab("bridge", "Why it moved", "reports/investment_bridge.html", investment_bridge.context, True),
        Tab(
            "scorecard", "Scorecard", "reports/investment_scorecard.html", investment_scorecard.context, True
        ),
        Tab(
            "unit-cost", "Unit cost", "reports/investment_unit_cost.html", investment_unit_cost.context, True
        ),
        Tab("what-if", "What-if", "reports/investment_what_if.html", investment_what_if.context),
        Tab("plan", "Plan", "reports/investment_plan.html", plans.context, True),
        Tab("alerts", "Alerts", "reports/investment_alerts.html", investment_alerts.context, True),
        Tab(
            "explain", "Explain", "reports/investment_explanation.html", investment_explanation.context, True
        ),
        Tab("governance", "Governance", "reports/investment_governance.html", governance_tab.context),
        Tab("policies", "Policies", "reports/investment_policies.html", policies_tab.context),
        Tab("rates", "Rates", "reports/investment_rates.html", investment_rates.context),
    )
}
EDIT = "edit"
KNOWN_THEN = "Figures as known at the end of {}, derived from the facts of then. Nothing is changed here."
KNOWN_TODAY = "This part shows what is known today; most other parts travel to {}. Nothing is changed here."


def link(investment: Investment) -> str:
    """Return the address of an investment's page."""
    return reverse("admin:portfolio_investment_change", args=[investment.pk])


def review_text(investment: Investment, *, today: date) -> SafeString | str:
    """Return the next review's date, marked in words when it is overdue."""
    due = investment.review_date
    if due is None or investment.stage in overview.ENDED:
        return "–"
    if due < today:
        return format_html('<span class="h-num h-neg">{} overdue</span>', due.isoformat())
    return format_html('<span class="h-num">{}</span>', due.isoformat())


def context(investment: Any, query: Query, *, may_edit: bool, may_manage: bool) -> Context:
    """Return what the page shows for the tab in the address; `investment` comes from `status.annotate`."""
    chosen = query.get("tab", "figures")
    day = time_travel.asked_day(query.get("as_of", ""), investment.portfolio, now=timezone.now())
    tab = TABS.get(chosen, TABS["figures"])
    is_then = day is not None and tab.knows_the_past
    stands = (
        time_travel.standing_on(investment, day)
        if day and is_then
        else standing.of([investment])[investment.pk]
    )
    past = stands.past
    rules = _open_rules(investment, past)
    page: Context = {
        "then": then_of(query, day.past if day else None, note=KNOWN_THEN if is_then else KNOWN_TODAY),
        "page": {
            "pill": status.pill(status.name_of(rules, stands.snapshot) if past else investment.status),
            "as_of": stands.as_of,
            "review": review_text(investment, today=timezone.now().date()),
            "currency": investment.portfolio.reporting_currency,
            "open_alerts": sum(severity != "good_news" for severity in rules.values()),
            "tabs": list(TABS.values()),
            "tab": chosen if chosen in TABS or chosen == EDIT else "figures",
            "edit_title": "Edit" if may_edit else "Details",
            # Nothing is changed in the past.
            "may_edit": may_edit and day is None,
            "may_manage": may_manage and day is None,
            "failure": stands.head.failure if stands.head else "",
        },
    }
    if page["page"]["tab"] == EDIT:
        return page
    return page | {"tab_template": tab.template, **tab.load(stands, query)}


def _open_rules(investment: Investment, past: Past | None) -> dict[str, str]:
    """Return the rules with an open episode and its severity, now or at the end of a day."""
    is_open = Q(closed_at__isnull=True)
    if past is not None:
        is_open = past.open_then("opened_at", "closed_at", portfolio="investment__portfolio")
    return dict(Episode.objects.filter(is_open, investment=investment).values_list("rule", "severity"))
