"""The rates tab of an investment: what is in force and where it comes from, and every earlier setting."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Q

from portfolio.assumptions import Rates
from portfolio.models import Account, Assumptions, Investment
from reports.console.reference_rates import HISTORY_SHOWN, Past, in_force, percent
from reports.console.standing import Standing

Context = dict[str, Any]
_OWN, _INHERITED = "the investment", "the portfolio"
_TITLES = (
    ("hurdle_rate", "Hurdle rate, per year"),
    ("discount_rate", "Discount rate, per year"),
    ("asserted_share", "Asserted share"),
)


@dataclass(frozen=True, slots=True)
class Line:
    """One rate: the value in force, and whether the investment set it or inherits it."""

    title: str
    value: str
    origin: str
    inherited: str


def own_of(investment: Investment) -> Assumptions | None:
    """Return the investment's own newest setting; its empty rates inherit."""
    return Assumptions.objects.filter(investment=investment).order_by("-batch_id").first()


def lines(own: Assumptions | None, base: Rates) -> list[Line]:
    """Return every rate in force, an account's realization rate included where one is set."""
    shown = []
    for name, title in _TITLES:
        inherited: Decimal = getattr(base, name)
        mine: Decimal | None = getattr(own, name) if own else None
        shown.append(_line(title, mine, inherited))
    realization = own.realization_rates if own else {}
    names = dict(
        Account.objects.filter(code__in={*realization, *base.realization_rates}).values_list("code", "name")
    )
    for code in sorted({*realization, *base.realization_rates}):
        mine = Decimal(realization[code]) if code in realization else None
        inherited = Decimal(base.realization_rates.get(code, "1"))
        shown.append(_line(f"Realization of {names.get(code, code)}", mine, inherited))
    return shown


def _line(title: str, mine: Decimal | None, inherited: Decimal) -> Line:
    value = inherited if mine is None else mine
    return Line(title, f"{percent(value)}%", _INHERITED if mine is None else _OWN, f"{percent(inherited)}%")


def context(stands: Standing, query: Mapping[str, str]) -> Context:
    """Return the rates in force, and the settings of the investment and its portfolio, newest first."""
    investment = stands.investment
    mine = Q(investment=investment) | Q(portfolio=investment.portfolio_id, investment=None)
    history = Assumptions.objects.filter(mine).select_related("batch__actor").order_by("-batch_id")
    return {
        "lines": lines(own_of(investment), in_force(investment.portfolio)),
        "history": [Past.of(row) for row in history[:HISTORY_SHOWN]],
    }
