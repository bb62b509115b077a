"""The plan tab of an investment: the versions of its plan, which is approved, and how the actuals compare."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from portfolio import assumptions
from portfolio.models import Investment, PlanApproval
from portfolio.terms import format_month
from reports.console import figures, plans_book, plans_variance
from reports.console.plans_book import Months
from reports.console.standing import Standing
from roi.engine.result import Reason

Context = dict[str, Any]
_APPROVALS_SHOWN = 50


def context(stands: Standing, query: Mapping[str, str]) -> Context:
    """Return the versions, newest first, the approvals, and the comparison with the approved one."""
    investment = stands.investment
    known = stands.knowledge
    share = assumptions.rates_of([investment], knowledge_time=known)[investment.pk].asserted_share
    versions = plans_book.by_version(investment, share=share, known=known)
    approvals = PlanApproval.objects.filter(investment=investment).select_related("batch__actor")
    if known is not None:
        approvals = approvals.filter(batch_id__lte=known)
    newest = list(approvals.order_by("-batch_id")[:_APPROVALS_SHOWN])
    approved = approved_version(stands)
    shown: Context = {
        "versions": [
            row(number, versions[number]) | {"is_approved": number == approved}
            for number in sorted(versions, reverse=True)
        ],
        "approvals": newest,
        "approved": approved,
        "share": figures.percent(float(share)),
        "has_share": share != 1,
    }
    if approved not in versions or approved is None:
        return shown
    return shown | plans_variance.context(
        stands, versions[approved], version=approved, share=share, year=query.get("year", "")
    )


def approved_version(stands: Standing) -> int | None:
    """Return the version of the plan that was approved at the standing's knowledge time."""
    if stands.knowledge is None:
        return stands.investment.approved_plan_version
    rows = PlanApproval.objects.filter(investment=stands.investment, batch_id__lte=stands.knowledge)
    return rows.order_by("-batch_id").values_list("version", flat=True).first()


def row(number: int, months: Months) -> Context:
    """Return one version as the table shows it: its months, totals, and where it would break even."""
    known = months.known()
    cost, benefit = sum(months.cost.values(), Decimal(0)), sum(months.benefit.values(), Decimal(0))
    reason = Reason.MISSING_FX_RATE if months.missing_fx else ""
    breakeven = months.breakeven()
    return {
        "number": number,
        "months": f"{format_month(known[0])} to {format_month(known[-1])}" if known else "–",
        "count": len(known),
        "cost": figures.money(None if reason else cost, reason=reason),
        "benefit": figures.money(None if reason else benefit, reason=reason),
        "net": figures.money(None if reason else benefit - cost, reason=reason),
        "breakeven": figures.month(breakeven, reason=reason or Reason.NOT_REACHED),
    }


def version_of(investment: Investment, number: int) -> Context | None:
    """Return one version as the table shows it, None where it has no entries."""
    share = assumptions.rates_of([investment])[investment.pk].asserted_share
    months = plans_book.by_version(investment, share=share).get(number)
    return row(number, months) if months else None
