"""Puts an event into words and figures: its evidence, and the message each target is handed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import F, Window
from django.db.models.functions import RowNumber

from alerts.models import Episode, EvaluationPoint, Event, Notification
from alerts.routing import Recipient
from alerts.rules import RULES, ids
from alerts.rules.reconcile import Change, ChangeKind
from portfolio.models import Investment
from portfolio.terms import format_month
from roi.engine.result import REASON_OF_CODE
from roi.models import FIGURES, Snapshot

# Kinds that open an episode for people: they are told to all targets, the others to those who were told before.
OPENING = frozenset({ChangeKind.FIRED.value, ChangeKind.REOPENED.value})


@dataclass(frozen=True, slots=True)
class Figures:
    """The newest closed, complete month of an investment and the one before it."""

    now: Snapshot | None
    before: Snapshot | None


def figures_of(investment_ids: Sequence[int]) -> dict[int, Figures]:
    """Return the figures that messages about investments show: one query for all of them."""
    rows = (
        Snapshot.objects.filter(investment__in=investment_ids, is_complete=True)
        .annotate(age=Window(RowNumber(), partition_by=F("investment_id"), order_by=F("month").desc()))
        .filter(age__lte=2)
        .order_by("investment_id", "-month")
    )
    found: dict[int, list[Snapshot]] = {pk: [] for pk in investment_ids}
    for snapshot in rows:
        found[snapshot.investment_id].append(snapshot)
    return {
        pk: Figures(snapshots[0] if snapshots else None, snapshots[1] if len(snapshots) > 1 else None)
        for pk, snapshots in found.items()
    }


def event_of(
    episode: Episode,
    change: Change,
    investment: Investment,
    figures: Figures,
    point: EvaluationPoint,
    *,
    now: datetime,
) -> Event:
    """Return the event of a change, with a copy of the figures that made it happen."""
    key = ids.episode_key(investment.public_id, rule=episode.rule, number=episode.number)
    return Event(
        id=ids.event_id(key, kind=change.kind.value, ordinal=change.ordinal),
        episode=episode,
        kind=change.kind.value,
        ordinal=change.ordinal,
        month=change.month,
        point=point,
        evidence=_evidence(episode, change, figures, point) | {"episode_key": key},
        recorded_at=now,
    )


def timed_event(
    episode: Episode,
    kind: str,
    *,
    ordinal: int,
    opening: Event,
    point: EvaluationPoint,
    figures: Figures,
    now: datetime,
) -> Event:
    """Return an event that the clock makes of an open episode: the verdict that opened it, the figures of now."""
    basis = opening.evidence.get("basis", "supported")
    evidence = opening.evidence | {
        "notice": "now",
        "is_material": False,
        "knowledge": point.knowledge,
        "figures": _shown(figures, basis),
        "data_through": _through(figures),
    }
    key = evidence["episode_key"]
    return Event(
        id=ids.event_id(key, kind=kind, ordinal=ordinal),
        episode=episode,
        kind=kind,
        ordinal=ordinal,
        month=episode.fired_month,
        point=point,
        evidence=evidence,
        recorded_at=now,
    )


def _evidence(episode: Episode, change: Change, figures: Figures, point: EvaluationPoint) -> dict[str, Any]:
    firing = change.firing
    evidence: dict[str, Any] = {
        "notice": change.notice.value,
        "is_material": change.is_material,
        "knowledge": point.knowledge,
        "fired_month": format_month(episode.fired_month),
        # With these the record can be rebuilt from events alone.
        "first_breach_month": format_month(episode.first_breach_month),
        "resolved_month": format_month(episode.resolved_month) if episode.resolved_month else "",
        "closed_reason": episode.closed_reason,
        "firing_value": None,
    }
    if firing is not None:
        verdict, policy = firing.verdict, firing.policy
        evidence |= {
            "firing_value": _text(verdict.value),
            "threshold": _text(verdict.threshold),
            "clear_at": _text(verdict.clear_at),
            "unit": verdict.unit.value,
            "months": [format_month(month) for month in verdict.months],
            "about": verdict.about,
            "forecast": verdict.forecast,
            "policy_version": policy.version,
            "basis": policy.basis.value,
            "measure": policy.measure.value if episode.rule == "hurdle_rate" else "",
            "window": policy.window,
        }
    basis = evidence.get("basis", "supported")
    return evidence | {"figures": _shown(figures, basis), "data_through": _through(figures)}


def _shown(figures: Figures, basis: str) -> dict[str, Any]:
    """Return the figures a message shows: money as exact text, ratios as their float's text, or why there is none."""
    now, before = figures.now, figures.before
    if now is None:
        return {}
    shown: dict[str, Any] = {
        "tco": f"{now.tco:.6f}",
        "cumulative_benefit": f"{getattr(now, f'cumulative_benefit_{basis}'):.6f}",
        "cumulative_net": f"{getattr(now, f'cumulative_benefit_{basis}') - now.tco:.6f}",
        "window_benefit": f"{getattr(now, f'window_benefit_{basis}'):.6f}",
        "window_avoidable_run_cost": f"{now.window_avoidable_run_cost:.6f}",
        "roi_claimed": _ratio(now.roi_claimed),
        "roi_cashable": _ratio(now.roi_cashable),
        "previous_roi": _ratio(getattr(before, f"roi_{basis}")) if before else None,
    }
    for name in ("roi", "incremental_roi"):
        shown[name] = _ratio(getattr(now, f"{name}_{basis}"))
        shown[f"{name}_reason"] = reason_of(now, f"{name}_{basis}")
    return shown


def reason_of(snapshot: Snapshot, figure: str) -> str:
    """Return why a figure of a snapshot is undefined; empty when it is defined."""
    code = bytes(snapshot.reasons)[FIGURES.index(figure)]
    return REASON_OF_CODE[code].value if code else ""


def _through(figures: Figures) -> str:
    return format_month(figures.now.month) if figures.now else ""


def _ratio(value: float | None) -> str | None:
    return None if value is None else repr(value)


def _text(value: Decimal | None) -> str | None:
    return None if value is None else f"{value:f}"


def notification_of(
    event: Event, investment: Investment, recipient: Recipient, *, now: datetime
) -> Notification:
    """Return the obligation to tell one recipient of an event, its message's figures copied."""
    episode, evidence = event.episode, event.evidence
    rule = RULES[episode.rule]
    message = {
        "kind": event.kind,
        "rule": episode.rule,
        "title": rule.title,
        "opens": rule.opens.value,
        "severity": episode.severity,
        "investment": {
            "code": investment.code,
            "name": investment.name,
            "public_id": str(investment.public_id),
        },
        "portfolio": {"code": investment.portfolio.code, "name": investment.portfolio.name},
        "currency": investment.portfolio.reporting_currency,
        "month": format_month(event.month),
        "since": format_month(episode.first_breach_month),
        "value": evidence["firing_value"],
        "threshold": evidence.get("threshold"),
        "unit": evidence.get("unit", ""),
        "months": evidence.get("months", []),
        "about": evidence.get("about", ""),
        "measure": evidence.get("measure", ""),
        "basis": evidence.get("basis", "supported"),
        "figures": evidence["figures"],
        "data_through": evidence["data_through"],
        "closed_reason": episode.closed_reason,
        "level": evidence.get("level"),
        "silence": evidence.get("silence", ""),
        "policy_version": evidence.get("policy_version"),
        "knowledge": evidence["knowledge"],
        "episode_number": episode.number,
        "episode_key": evidence["episode_key"],
        # A lasting address: it leads to wherever the investment's page stands.
        "path": f"/go/investment/{investment.public_id}",
        "recipient": {"name": recipient.name, "why": recipient.why}
        | ({"must_hear": True} if recipient.must_hear else {}),
    }
    return Notification(
        id=ids.delivery_id(event.id, target=recipient.key),
        event=event,
        portfolio=investment.portfolio,
        user=recipient.user,
        channel=recipient.channel,
        address=recipient.address,
        thread_key=evidence["episode_key"],
        message=message,
        next_at=now,
        created_at=now,
    )
