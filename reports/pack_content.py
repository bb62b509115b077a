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

from portfolio.models import Decision, Investment, InvestmentVersion, Portfolio
from portfolio.terms import Basis, add_months, format_month
from reports import pack_alerts, pack_first_layout, pack_totals
from reports.pack_alerts import Open, Terms
from reports.pack_totals import NO_CLOSED_MONTH
from reports.pack_totals import text as _text
from reports.pack_views import View
from roi import as_known, rollups
from roi.as_known import Known
from roi.engine.result import ENGINE_VERSION, REASON_OF_CODE
from roi.models import FIGURES, Snapshot

Json = dict[str, Any]
# Grows when the same facts are said differently, so that a difference in hashes can be told from a difference in data.
LAYOUT = 2
# What was archived in these derives again; see `pack_first_layout` for the one that is no longer written.
LAYOUTS = (pack_first_layout.LAYOUT, LAYOUT)
_STORED = ("roi", "incremental_roi", "npv", "npv_hurdle", "irr", "payback", "discounted_payback")


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
    investments: Sequence[Investment]
    known: Mapping[int, Known]
    terms: Mapping[int, Terms]


@dataclass(frozen=True, slots=True)
class _Sums:
    """What is said of the portfolio as a whole, ready for the content, and whose run cost is untraced."""

    content: Json
    untraced_ids: set[int]


def content_of(portfolio: Portfolio, view: View, *, layout: int = LAYOUT) -> Json:
    """Return what a pack says, ready for `canonical`: amounts and ratios are text, an undefined figure has its reason.

    The caller holds one consistent view of the database that has everything up to the view's knowledge time.
    """
    facts = _facts(portfolio, view.knowledge)
    earlier = facts if view.before_knowledge == view.knowledge else _facts(portfolio, view.before_knowledge)
    now, before = _standings(facts, view.month, view), _standings(earlier, view.before_month, view)
    decided = _decisions(portfolio, view)
    if layout == pack_first_layout.LAYOUT:
        sums = _first_sums(facts, now, before, view)
    else:
        sums = _sums(portfolio, (facts, now), (earlier, before), view)
    sections = [
        _section(pk, now[pk], before.get(pk), view, decided, pk in sums.untraced_ids) for pk in sorted(now)
    ]
    return {
        "layout": layout,
        "engine": ENGINE_VERSION,
        "portfolio": str(portfolio.public_id),
        "currency": portfolio.reporting_currency,
        "view": view.as_json(),
        **sums.content,
        "investments": sections,
        "decisions": [_decision(row) for row in decided if view.since <= row.decided_on <= view.until],
    }


def _sums(
    portfolio: Portfolio,
    then: tuple[_Facts, Mapping[int, Standing]],
    earlier: tuple[_Facts, Mapping[int, Standing]],
    view: View,
) -> _Sums:
    """Return the totals of the roll-up at both times."""
    (facts, now), (facts_before, before) = then, earlier
    is_once = facts_before is facts
    months = {view.month, view.before_month} if is_once else {view.month}
    found = rollups.totals(portfolio, facts.investments, months=months, knowledge=view.knowledge)
    found_before = (
        found
        if is_once
        else rollups.totals(
            portfolio, facts_before.investments, months={view.before_month}, knowledge=view.before_knowledge
        )
    )
    total = found[view.month]
    without = set(total.untraced.investments)
    return _Sums(
        content={
            "totals": pack_totals.totals(_shown(now), total),
            "totals_before": pack_totals.totals(_shown(before), found_before[view.before_month]),
            "overlaps": pack_totals.left_out(total),
            "untraced": pack_totals.untraced(total),
        },
        untraced_ids={one.pk for one in facts.investments if one.code in without},
    )


def _first_sums(
    facts: _Facts, now: Mapping[int, Standing], before: Mapping[int, Standing], view: View
) -> _Sums:
    """Return the sums of layout 1."""
    without = pack_first_layout.untraced_ids(facts.known, view)
    shown = {pk: one.snapshot for pk, one in now.items()}
    return _Sums(
        content={
            "totals": pack_first_layout.totals(_shown(now)),
            "totals_before": pack_first_layout.totals(_shown(before)),
            "untraced": pack_first_layout.untraced(shown, without),
        },
        untraced_ids=without,
    )


def _shown(standings: Mapping[int, Standing]) -> list[Snapshot | None]:
    return [one.snapshot for one in standings.values()]


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
        investments=rows,
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
    is_untraced: bool,
) -> Json:
    last = next((row for row in decided if row.investment_id == pk), None)
    until = [s for s in now.known.snapshots if s.month <= view.month]
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
        "is_untraced": is_untraced,
        "months": [_month(s) for s in until],
        "last_decision": _decision(last) if last else None,
    }


def _through(standing: Standing | None) -> str | None:
    return format_month(standing.snapshot.month) if standing and standing.snapshot else None


def _figures(snapshot: Snapshot | None, start: date) -> Json:
    """Return figures by basis; money and ratios as text, else a reason."""
    if snapshot is None:
        return {"reason": NO_CLOSED_MONTH}
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
