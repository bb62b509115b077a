"""Histories for the auditor's tests: months of losses and gains, closed and judged one step after the other."""

from __future__ import annotations

from collections.abc import Mapping

from alerts import evaluate
from portfolio.models import Investment
from tests.factories import close, now, record, running

LOSING = {"model_api": 9000, "labor_savings": 2000}
THIN = {"model_api": 9000, "labor_savings": 9100}  # above zero, below a hurdle of ten percent
EARNING = {"model_api": 2000, "labor_savings": 9000}


def live(investment: Investment, lines: Mapping[str, int], *, first: int, last: int) -> None:
    """Record and close the months first..last and judge them."""
    record(investment.portfolio, *running(investment, lines, first=first, last=last))
    close(investment.portfolio, first=first, last=last)
    evaluate.advance(now=now())


def restate(investment: Investment, lines: Mapping[str, int], *, first: int, last: int) -> None:
    """State other values for closed months and judge them."""
    record(
        investment.portfolio,
        *running(investment, lines, first=first, last=last),
        reason="The invoices were wrong.",
    )
    evaluate.advance(now=now())
