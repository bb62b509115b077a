"""Investments with figures for the console tests: one that breaks even, one that loses."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal

from alerts import evaluate
from portfolio import assumptions, investments, ledger, months
from portfolio.facts import Writing
from portfolio.models import Investment, Portfolio
from portfolio.terms import add_months, months_from
from tests.reports.cast import Cast, assemble, money

FIRST, LAST = date(2025, 1, 1), date(2025, 12, 1)
# The customer-support case of the definitions: ROI 0.96 % after a year, breakeven in month 12.
SUPPORT = {"infrastructure": "4500", "model_api": "6000", "maintenance": "3000"}
SAVED = {"labor_savings": "19250", "speed": "3000", "quality": "2500", "revenue": "1500"}


@dataclass(frozen=True, slots=True)
class Figures:
    """The cast, and investments of its portfolio that have figures."""

    cast: Cast
    support: Investment
    losing: Investment


def assemble_with_figures() -> Figures:
    """Create the cast, two investments with a year of closed actuals, their snapshots and alerts."""
    cast = assemble()
    support = run(cast, cast.portfolio, "SUP-001", "Support automation", "150000", SUPPORT, SAVED)
    losing = run(
        cast, cast.portfolio, "SUM-002", "Call summaries", "40000", {"model_api": "9000"}, {"speed": "2000"}
    )
    months.close(cast.portfolio, months_from(FIRST, LAST), now=datetime.now(UTC), actor=cast.people["finn"])
    evaluate.advance(now=datetime.now(UTC))
    return Figures(cast, support, losing)


def run(
    cast: Cast,
    portfolio: Portfolio,
    code: str,
    name: str,
    development: str,
    costs: dict[str, str],
    benefits: dict[str, str],
) -> Investment:
    """Register an investment and record the same month twelve times."""
    now = datetime.now(UTC)
    if not portfolio.assumptions.exists():
        assumptions.set_rates(
            portfolio,
            now=now,
            hurdle_rate=Decimal("0.12"),
            discount_rate=Decimal("0.10"),
            asserted_share=Decimal("1"),
        )
    made = Investment(
        portfolio=portfolio,
        code=code,
        name=name,
        owner=cast.people["olivia"],
        start_month=FIRST,
        live_month=FIRST,
    )
    investments.put(made, now=now)
    facts = [money(made, FIRST, "development", development)]
    for number in range(12):
        month = add_months(FIRST, number)
        facts += [money(made, month, account, amount) for account, amount in (costs | benefits).items()]
    ledger.record(
        portfolio, facts, writing=Writing(source="actuals", now=datetime.now(UTC), actor=cast.people["finn"])
    )
    return made
