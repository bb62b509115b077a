"""The items of the agenda in order: open reviews by due date, firing alerts by urgency, the rest by run cost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from portfolio.models import Account, Investment, Review
from portfolio.terms import add_months, parse_month
from reports.console import figures, investment_page, reviews_list, status
from reports.console.plans_variance import signed
from roi.engine.result import Reason

Context = dict[str, Any]
Json = Mapping[str, Any]
NO_PLAN = "No approved plan covers this month."
_TITLES = (
    ("reviews", "Waits for a decision", "Open reviews, the longest overdue first."),
    ("alerts", "Alerts", "Firing without an open review, the most urgent first."),
    ("rest", "The rest", "The highest run cost of the last three months first."),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """What the items are made of; `figures` are those of the pack, by public id like the investments."""

    currency: str
    today: date
    month: date
    investments: Mapping[str, Investment]
    figures: Mapping[str, Json]
    reviews: Sequence[Review]
    counted: Mapping[tuple[int, int, date], float]
    accounts: Mapping[int, Account]
    planned: Mapping[int, tuple[Decimal, Decimal]]


def groups(sections: Sequence[Json], gathered: Gathered) -> list[Context]:
    """Return the groups that have items, each investment in the first that fits it."""
    due: dict[int, list[Review]] = {}
    for review in gathered.reviews:
        due.setdefault(review.investment_id, []).append(review)
    use = _use(gathered)
    placed: dict[str, list[tuple[Any, Context]]] = {name: [] for name, _, _ in _TITLES}
    for section in sections:
        investment = gathered.investments[section["id"]]
        mine, found = due.get(investment.pk, []), gathered.figures[section["id"]]
        item = _item(section, found, investment, mine, gathered) | {"use": use.get(investment.pk, [])}
        name, rank = _place(found, mine)
        placed[name].append(((*rank, investment.code), item))
    return [
        {"name": name, "title": title, "note": note, "items": [item for _, item in _in_order(placed[name])]}
        for name, title, note in _TITLES
        if placed[name]
    ]


def _in_order(items: list[tuple[Any, Context]]) -> list[tuple[Any, Context]]:
    return sorted(items, key=lambda one: one[0])


def _place(found: Json, reviews: Sequence[Review]) -> tuple[str, tuple[Any, ...]]:
    """Return the group of an investment, and where it stands in it."""
    if reviews:
        return "reviews", (reviews[0].due_on,)
    if any(one["severity"] != "good_news" for one in found["alerts"]):
        return "alerts", (list(status.STATUSES).index(found["status"]),)
    return "rest", (-Decimal(found["figures"].get("window_run_cost", "0")),)


def _item(
    section: Json, found: Json, investment: Investment, reviews: Sequence[Review], gathered: Gathered
) -> Context:
    told = found["figures"]
    return {
        "section": section,
        "investment": investment,
        "link": investment_page.link(investment),
        "pill": status.pill(found["status"]),
        "decider": reviews_list.decider_of(investment),
        "reviews": [
            {
                "review": one,
                "due": reviews_list.due_text(one, today=gathered.today),
                "is_late": one.due_on < gathered.today,
            }
            for one in reviews
        ],
        "waiting": _waiting(told, gathered.currency) if reviews or found["alerts"] else "",
        "is_empty": not found["through"] and investment.pk not in gathered.planned,
        "cost": _cost(told, gathered.planned.get(investment.pk)),
        "outcomes": _outcomes(told, gathered.planned.get(investment.pk)),
        "through": section["through"],
        "is_behind": bool(found["through"]) and parse_month(found["through"]) != gathered.month,
    }


def _waiting(told: Json, currency: str) -> Any:
    """Return what a day of waiting costs, as a review says it."""
    margin = told.get("supported", {}).get("operating_margin", {"reason": told.get("reason", "")})
    value = Decimal(margin["value"]) if "value" in margin else None
    reason = "" if value is not None else _why(margin["reason"])
    return reviews_list.waiting_sentence(value, reason=reason, currency=currency)


def _cost(told: Json, plan: tuple[Decimal, Decimal] | None) -> list[tuple[str, Any]]:
    to_date = _money(told, told.get("tco"))
    return [
        ("Run cost of the month", _money(told, told.get("run_cost"))),
        ("One-time cost of the month", _money(told, told.get("one_time_cost"))),
        ("To date", to_date),
        ("Planned to date", figures.money(plan[0] if plan else None, reason=NO_PLAN)),
    ]


def _outcomes(told: Json, plan: tuple[Decimal, Decimal] | None) -> list[tuple[str, Any]]:
    part = told.get("supported", {})
    net = part.get("net")
    better = figures.missing(NO_PLAN)
    if plan and net is not None:
        better = signed(Decimal(net) - (plan[1] - plan[0]))
    return [
        ("Benefit of the month", _money(told, part.get("month_benefit"))),
        ("Benefit to date", _money(told, part.get("benefit"))),
        ("Planned to date", figures.money(plan[1] if plan else None, reason=NO_PLAN)),
        ("Net to date", _money(told, net)),
        ("Better (worse) than plan, net", better),
        ("ROI to date", _ratio(told, part.get("roi"))),
        ("Incremental ROI", _ratio(told, part.get("incremental_roi"))),
        ("Breakeven", _breakeven(told, part)),
    ]


def _money(told: Json, text: str | None) -> Any:
    return figures.money(None if text is None else Decimal(text), reason=_why(told.get("reason", "")))


def _ratio(told: Json, found: Json | None) -> Any:
    if found is None or "value" not in found:
        return figures.missing(_why((found or told)["reason"]))
    return figures.percent(float(found["value"]))


def _breakeven(told: Json, part: Json) -> Any:
    month = part.get("breakeven")
    reason = Reason.NOT_REACHED if part else _why(told.get("reason", ""))
    return figures.month(parse_month(month) if month else None, reason=reason)


def _why(code: str) -> Reason | str:
    return Reason(code) if code in set(Reason) else figures.NO_CLOSED_MONTH


def _use(gathered: Gathered) -> dict[int, list[Context]]:
    """Return what was counted of each investment in the month and the month before, in the order of the accounts."""
    before = add_months(gathered.month, -1)
    counted: dict[tuple[int, int], dict[date, float]] = {}
    for (investment, account, month), quantity in gathered.counted.items():
        if account in gathered.accounts and month in (gathered.month, before):
            counted.setdefault((investment, account), {})[month] = quantity
    found: dict[int, list[Context]] = {}
    for (investment, account), by_month in sorted(
        counted.items(), key=lambda one: gathered.accounts[one[0][1]].position
    ):
        cells = [_quantity(by_month.get(month)) for month in (gathered.month, before)]
        found.setdefault(investment, []).append({"account": gathered.accounts[account], "cells": cells})
    return found


def _quantity(value: float | None) -> Any:
    return figures.missing("Nothing was stated.") if value is None else figures.quantity(Decimal(str(value)))
