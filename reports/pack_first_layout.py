"""What layout 1 of a content said of a portfolio, so that reports archived in it derive again to their hash.

It added up each investment at its own newest complete month, before benefit pools, and looked for untraced spend in
the avoidable run cost of the window.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from portfolio.models import Hypothesis
from portfolio.terms import Basis, format_month
from reports.pack_totals import NO_CLOSED_MONTH, text
from reports.pack_views import View
from roi.as_known import Known
from roi.models import Snapshot

Json = dict[str, Any]
LAYOUT = 1


def totals(snapshots: Sequence[Snapshot | None]) -> Json:
    """Return the portfolio's sums."""
    rows = [one for one in snapshots if one]
    cost = sum((s.tco for s in rows), Decimal(0))
    found: Json = {
        "investments": len(snapshots),
        "with_figures": len(rows),
        "cost": text(cost),
        "oldest": format_month(min(s.month for s in rows)) if rows else None,
        "newest": format_month(max(s.month for s in rows)) if rows else None,
    }
    why = "no_cost_yet" if rows else NO_CLOSED_MONTH
    for basis in Basis:
        benefit = sum((getattr(s, f"cumulative_benefit_{basis.value}") for s in rows), Decimal(0))
        roi = {"value": repr(float((benefit - cost) / cost))} if cost > 0 else {"reason": why}
        found[basis.value] = {"benefit": text(benefit), "net": text(benefit - cost), "roi": roi}
    return found


def untraced_ids(known: Mapping[int, Known], view: View) -> set[int]:
    """Return the investments whose benefit came to nothing, and for which no metric was stated."""
    rows = Hypothesis.objects.filter(investment__in=list(known)).exclude(metric="")
    stated = rows.filter(batch_id__lte=view.knowledge) | rows.filter(
        batch__isnull=True, created_at__lte=view.as_of
    )
    with_benefit = {
        pk
        for pk, one in known.items()
        if any(s.cumulative_benefit_claimed != 0 for s in one.snapshots if s.month <= view.month)
    }
    return set(known) - with_benefit - set(stated.values_list("investment_id", flat=True))


def untraced(snapshots: Mapping[int, Snapshot | None], without: set[int]) -> Json:
    """Return the avoidable run cost of the window of those investments, and its share."""
    costs = {pk: one.window_avoidable_run_cost for pk, one in snapshots.items() if one}
    whole = sum(costs.values(), Decimal(0))
    part = sum((cost for pk, cost in costs.items() if pk in without), Decimal(0))
    share = {"value": repr(float(part / whole))} if whole > 0 else {"reason": "non_positive_base"}
    return {"run_cost": text(whole), "amount": text(part), "share": share}
