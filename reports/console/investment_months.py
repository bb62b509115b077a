"""The months tab of an investment: one line per snapshot, newest first, on the supported basis."""

from collections.abc import Mapping
from typing import Any

from reports.console import figures
from reports.console.standing import Standing, reason_of
from roi.models import Snapshot

Context = dict[str, Any]


def context(stands: Standing, query: Mapping[str, str]) -> Context:
    """Return every month's figures."""
    return {"months": [_row(s) for s in reversed(stands.history())]}


def state_of(snapshot: Snapshot) -> str:
    """Return a month's state in words."""
    if not snapshot.is_closed:
        return "open, provisional"
    return "closed" if snapshot.is_complete else "closed, actuals missing"


def _row(s: Snapshot) -> Context:
    cost = s.run_cost + s.one_time_cost
    return {
        "month": s.month,
        "number": s.month_number,
        "state": state_of(s),
        "is_final": s.is_closed and s.is_complete,
        "benefit": figures.money(s.benefit_supported),
        "run_cost": figures.money(s.run_cost),
        "one_time": figures.money(s.one_time_cost),
        "net": figures.money(s.benefit_supported - cost),
        "tco": figures.money(s.tco),
        "cumulative_net": figures.money(s.cumulative_benefit_supported - s.tco),
        "roi": figures.percent(s.roi_supported, reason=reason_of(s, "roi_supported")),
        "incremental": figures.percent(
            s.incremental_roi_supported, reason=reason_of(s, "incremental_roi_supported")
        ),
    }
