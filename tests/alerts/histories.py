"""Histories for the auditor's tests: months of losses and gains, closed and judged one step after the other."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import uuid4

from alerts import evaluate
from portfolio.models import Investment
from roi.engine.result import ENGINE_VERSION
from roi.models import Forecast, SnapshotHead
from tests.factories import close, month, now, record, running

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


def foresee(investment: Investment, number: int, share: float, *, about: str = "negative_roi") -> Forecast:
    """Store a forecast made after a month: by the third month ahead this share of paths crosses."""
    said = {about: {"by_month": [0.0, 0.0, share], "reasons": {}, "p10": None, "p50": None, "p90": None}}
    return Forecast.objects.create(
        investment=investment,
        knowledge=SnapshotHead.objects.get(pk=investment.pk).investment_knowledge,
        engine_version=ENGINE_VERSION,
        fingerprint=uuid4(),
        last_month=month(number),
        method="damped_trend",
        months=3,
        paths=1000,
        content={"crossings": said},
        created_at=now(),
    )
