"""What a review pack says, as of a month and a knowledge time: the same view yields the same bytes every time.

Names, owners, review dates and whatever else has no knowledge time is not here but in `pack_labels`.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from portfolio.models import Decision, Hypothesis, Investment, InvestmentVersion, Portfolio
from portfolio.terms import Basis, add_months, format_month
from reports import pack_alerts
from reports.pack_alerts import Open, Terms
from reports.pack_views import View
from roi import as_known
from roi.as_known import Known
from roi.engine.result import ENGINE_VERSION, REASON_OF_CODE
from roi.models import FIGURES, Snapshot

Json = dict[str, Any]
# Grows when the same facts are said differently, so that a difference in hashes can be told from a difference in data.
LAYOUT = 1
_STORED = ("roi", "incremental_roi", "npv", "npv_hurdle", "irr", "payback", "discounted_payback")
_NO_CLOSED_MONTH = "no_closed_month"


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one investment stands in a view: its newest closed and complete month up to the view's, and its alerts."""

    public_id: UUID
    known: Known
    snapshot: Snapshot | None
    alerts: Sequence[Open]
    status: str


@dataclass(frozen=True, slots=True)
class _Facts:
    """Everything read at one knowledge time, by investment."""

    ids: Mapping[int, UUID]
    known: Mapping[int, Known]
    terms: Mapping[int, Terms]


def content_of(portfolio: Portfolio, view: View) -> Json:
    """Return what a pack says, ready for `canonical`: amounts and ratios are text, an undefined figure has its reason.

    The caller holds one consistent view of the database that has everything up to the view's knowledge time.
    """
    facts = _facts(portfolio, view.knowledge)
    earlier = facts if view.before_knowledge == view.knowledge else _facts(portfolio, view.before_knowledge)
    now, before = _standings(facts, view.month, view), _standings(earlier, view.before_month, view)
    decided = _decisions(portfolio, view)
    claimed = _with_hypothesis(portfolio, view)
    sections = [_section(pk, now[pk], before.get(pk), view, decided, pk in claimed) for pk in sorted(now)]
    return {
        "layout": LAYOUT,
        "engine": ENGINE_VERSION,
        "portfolio": str(portfolio.public_id),
        "currency": portfolio.reporting_currency,
        "view": view.as_json(),
        "totals": _totals(now.values()),
        "totals_before": _totals(before.values()),
        "untraced": _untraced(sections),
        "investments": sections,
        "decisions": [_decision(row) for row in decided if view.since <= row.decided_on <= view.until],
    }


def canonical(content: Mapping[str, Any]) -> bytes:
    """Return JSON in the one spelling that is hashed; numbers in it are whole."""
    return json.dumps(
        content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode()


def hash_of(content: Mapping[str, Any]) -> str:
    """Return the SHA-256 of the canonical JSON, as hexadecimal."""
    return hashlib.sha256(canonical(content)).hexdigest()


def _facts(portfolio: Portfolio, known_at: int) -> _Facts:
    """Return what was known of every investment that belonged to the portfolio then."""
    latest = InvestmentVersion.objects.filter(batch_id__lte=known_at).order_by("investment_id", "-batch_id")
    owned = latest.distinct("investment_id").values_list("investment_id", "portfolio_id")
    members = [pk for pk, owner in owned if owner == portfolio.pk]
    rows = list(Investment.objects.filter(pk__in=members).select_related("portfolio").order_by("pk"))
    return _Facts(
        ids={row.pk: row.public_id for row in rows},
        known=as_known.figures(rows, knowledge=known_at),
        terms=pack_alerts.terms_of(rows, knowledge=known_at),
    )


def _standings(facts: _Facts, month: date, view: View) -> dict[int, Standing]:
    """Return where each investment stood at the end of a month."""
    alerts = pack_alerts.open_at(
        facts.known, facts.terms, month=month, norm_band_end_months=view.norm_band_end_months
    )
    found = {}
    for pk, one in facts.known.items():
        complete = [s for s in one.snapshots if s.month <= month and s.is_complete]
        snapshot = complete[-1] if complete else None
        status = pack_alerts.status_of(snapshot, alerts[pk])
        found[pk] = Standing(facts.ids[pk], one, snapshot, alerts[pk], status)
    return found


def _section(
    pk: int,
    now: Standing,
    before: Standing | None,
    view: View,
    decided: Sequence[Decision],
    has_hypothesis: bool,
) -> Json:
    last = next((row for row in decided if row.investment_id == pk), None)
    until = [s for s in now.known.snapshots if s.month <= view.month]
    has_benefit = any(s.cumulative_benefit_claimed != 0 for s in until)
    return {
        "id": str(now.public_id),
        "status": now.status,
        "status_before": before.status if before else None,
        "through": format_month(now.snapshot.month) if now.snapshot else None,
        "through_before": _through(before),
        "figures": _figures(now.snapshot, now.known.investment.start_month),
        "figures_before": _figures(before.snapshot if before else None, now.known.investment.start_month),
        "alerts": [asdict(one) for one in now.alerts],
        "missing": [format_month(s.month) for s in until if s.is_closed and not s.is_complete],
        "is_untraced": not has_benefit and not has_hypothesis,
        "months": [_month(s) for s in until],
        "last_decision": _decision(last) if last else None,
    }


def _through(standing: Standing | None) -> str | None:
    return format_month(standing.snapshot.month) if standing and standing.snapshot else None


def _figures(snapshot: Snapshot | None, start: date) -> Json:
    """Return figures by basis; money and ratios as text, else a reason."""
    if snapshot is None:
        return {"reason": _NO_CLOSED_MONTH}
    return {
        "tco": _text(snapshot.tco),
        "run_cost": _text(snapshot.run_cost),
        "one_time_cost": _text(snapshot.one_time_cost),
        "window_run_cost": _text(snapshot.window_avoidable_run_cost),
        **{basis.value: _of_basis(snapshot, basis.value, start) for basis in Basis},
    }


def _of_basis(snapshot: Snapshot, basis: str, start: date) -> Json:
    benefit: Decimal = getattr(snapshot, f"cumulative_benefit_{basis}")
    number = getattr(snapshot, f"breakeven_month_{basis}")
    margin = getattr(snapshot, f"window_benefit_{basis}") - snapshot.window_avoidable_run_cost
    reason = reason_of(snapshot, f"operating_margin_{basis}")
    return {
        "benefit": _text(benefit),
        "month_benefit": _text(getattr(snapshot, f"benefit_{basis}")),
        "net": _text(benefit - snapshot.tco),
        "breakeven": format_month(add_months(start, number - 1)) if number else None,
        "operating_margin": {"reason": reason} if reason else {"value": _text(margin)},
        **{name: _ratio(snapshot, f"{name}_{basis}") for name in _STORED},
    }


def _ratio(snapshot: Snapshot, name: str) -> Json:
    value = getattr(snapshot, name)
    if value is None:
        return {"reason": reason_of(snapshot, name)}
    return {"value": _text(value) if isinstance(value, Decimal) else repr(float(value))}


def reason_of(snapshot: Snapshot, name: str) -> str:
    """Return the code of why a figure is undefined; empty where it is defined."""
    code = bytes(snapshot.reasons)[FIGURES.index(name)]
    return REASON_OF_CODE[code].value if code else ""


def _month(snapshot: Snapshot) -> Json:
    return {
        "month": format_month(snapshot.month),
        "cost": _text(snapshot.tco),
        "benefit": _text(snapshot.cumulative_benefit_supported),
        "month_cost": _text(snapshot.run_cost + snapshot.one_time_cost),
        "month_benefit": _text(snapshot.benefit_supported),
        "is_closed": snapshot.is_closed,
        "is_complete": snapshot.is_complete,
    }


def _totals(standings: Any) -> Json:
    """Return the portfolio's sums, each investment at its own newest complete month, as the overview adds them up."""
    every = list(standings)
    rows = [one.snapshot for one in every if one.snapshot]
    cost = sum((s.tco for s in rows), Decimal(0))
    found: Json = {
        "investments": len(every),
        "with_figures": len(rows),
        "cost": _text(cost),
        "oldest": format_month(min(s.month for s in rows)) if rows else None,
        "newest": format_month(max(s.month for s in rows)) if rows else None,
    }
    for basis in Basis:
        benefit = sum((getattr(s, f"cumulative_benefit_{basis.value}") for s in rows), Decimal(0))
        roi = {"value": repr(float((benefit - cost) / cost))} if cost > 0 else {"reason": _why_no_roi(rows)}
        found[basis.value] = {"benefit": _text(benefit), "net": _text(benefit - cost), "roi": roi}
    return found


def _why_no_roi(rows: Sequence[Snapshot]) -> str:
    return "no_cost_yet" if rows else _NO_CLOSED_MONTH


def _untraced(sections: Sequence[Json]) -> Json:
    """Return the run cost of the window that has neither a benefit line nor a hypothesis, and its share."""
    costs = [
        (Decimal(one["figures"]["window_run_cost"]), one["is_untraced"]) for one in sections if one["through"]
    ]
    whole = sum((cost for cost, _ in costs), Decimal(0))
    part = sum((cost for cost, untraced in costs if untraced), Decimal(0))
    share = {"value": repr(float(part / whole))} if whole > 0 else {"reason": "non_positive_base"}
    return {"run_cost": _text(whole), "amount": _text(part), "share": share}


def _decisions(portfolio: Portfolio, view: View) -> list[Decision]:
    """Return the decisions known then, newest first."""
    rows = Decision.objects.filter(
        portfolio=portfolio, batch_id__lte=view.knowledge, decided_on__lte=view.until
    )
    return list(rows.select_related("investment").order_by("-batch_id", "-id"))


def _decision(row: Decision) -> Json:
    return {
        "id": str(row.public_id),
        "investment": str(row.investment.public_id),
        "kind": row.kind,
        "decided_on": row.decided_on.isoformat(),
        "reason": row.reason,
        "conditions": row.conditions,
        "next_review_on": row.next_review_on.isoformat() if row.next_review_on else None,
    }


def _with_hypothesis(portfolio: Portfolio, view: View) -> set[int]:
    """Return the investments whose value was claimed with a metric, as known then."""
    rows = Hypothesis.objects.filter(investment__portfolio=portfolio).exclude(metric="")
    known = rows.filter(batch_id__lte=view.knowledge) | rows.filter(
        batch__isnull=True, created_at__lte=view.as_of
    )
    return set(known.values_list("investment_id", flat=True))


def _text(value: Decimal) -> str:
    return f"{value:.6f}"
