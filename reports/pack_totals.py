"""What the portfolio of a pack adds up to: the totals of the roll-up, after benefit pools, and its untraced spend."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from portfolio.terms import Basis, format_month, from_micros
from roi.engine.rollup import Group
from roi.models import Snapshot
from roi.rollups import Totals

Json = dict[str, Any]
NO_CLOSED_MONTH = "no_closed_month"


def totals(snapshots: Sequence[Snapshot | None], found: Totals) -> Json:
    """Return a portfolio's sums through one month, and how many of its investments have figures, and to which month.

    `snapshots` are those that the rows of the investments show.
    """
    rows = [one for one in snapshots if one]
    cost = found.by_basis[Basis.SUPPORTED].amounts.cost
    return {
        "investments": len(snapshots),
        "with_figures": len(rows),
        "cost": text(from_micros(cost)),
        "oldest": format_month(min(s.month for s in rows)) if rows else None,
        "newest": format_month(max(s.month for s in rows)) if rows else None,
        **{basis.value: _of_basis(found.by_basis[basis], bool(rows)) for basis in Basis},
    }


def _of_basis(group: Group, has_figures: bool) -> Json:
    reason = group.roi.reason.value if group.roi.reason else ""
    if not has_figures:
        reason = NO_CLOSED_MONTH
    return {
        "benefit": text(from_micros(group.amounts.benefit)),
        "overlap": text(from_micros(group.amounts.overlap)),
        "net": text(from_micros(group.amounts.net)),
        "roi": {"reason": reason} if reason else {"value": repr(group.roi.value)},
    }


def left_out(found: Totals) -> Json:
    """Return by month what pools leave out of the supported benefit, as the chart of the portfolio does."""
    by_month: Mapping[date, int] = found.left_out[Basis.SUPPORTED]
    return {
        format_month(month): text(from_micros(amount)) for month, amount in sorted(by_month.items()) if amount
    }


def untraced(found: Totals) -> Json:
    """Return the run cost to date that has neither a benefit line nor a metric, and its share."""
    spend = found.untraced
    reason = spend.share.reason.value if spend.share.reason else ""
    return {
        "run_cost": text(from_micros(spend.total_run)),
        "amount": text(from_micros(spend.run)),
        "share": {"reason": reason} if reason else {"value": repr(spend.share.value)},
    }


def text(value: Decimal) -> str:
    """Return an amount as a content keeps it."""
    return f"{value:.6f}"
