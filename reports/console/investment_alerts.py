"""The alerts tab of an investment: where each rule stands, and every episode with its events."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db.models import Prefetch
from django.utils.safestring import SafeString

from alerts.models import AlertState, Episode, Event
from alerts.rules import RULES, trajectory
from alerts.rules.base import Lifecycle
from alerts.rules.trajectory import ClosedReason
from portfolio.models import Investment
from reports.console import figures, status
from reports.console.past import Past
from reports.console.standing import Standing

Context = dict[str, Any]
# Rules whose value is money or months; the others judge a fraction.
_MONEY = {"negative_roi", "breakeven_reached", "breakeven_lost"}
_MONTHS = {"breakeven_overdue", "missing_actuals"}
_EPISODES = 60


def context(stands: Standing, query: Mapping[str, str]) -> Context:
    """Return the rules' states and the newest episodes."""
    past = stands.past
    events, episodes = Event.objects.all(), Episode.objects.filter(investment=stands.investment)
    # Where each rule stands is kept of today alone.
    states = (
        AlertState.objects.filter(investment=stands.investment) if past is None else AlertState.objects.none()
    )
    if past is not None:
        events = events.filter(past.until("recorded_at", portfolio="episode__investment__portfolio"))
        episodes = episodes.filter(past.until("opened_at", portfolio="investment__portfolio"))
    episodes = episodes.select_related("investment__portfolio").prefetch_related(
        Prefetch("events", events.order_by("recorded_at", "ordinal"))
    )
    by_rule = {s.rule: s for s in states}
    restless = flapping(stands.investment, {s.rule: s.month for s in states if s.month})
    return {
        "rules": [_rule_row(name, by_rule[name]) for name in RULES if name in by_rule],
        "episodes": [_episode(as_then(e, past)) for e in episodes.order_by("-opened_at", "-pk")[:_EPISODES]],
        "flapping": [RULES[name].title for name in RULES if name in restless],
    }


def flapping(investment: Investment, judged: Mapping[str, date]) -> set[str]:
    """Return the rules that fired and resolved so often in the year up to the month they were last judged for."""
    rows = Episode.objects.filter(investment=investment, closed_reason=ClosedReason.RESOLVED.value)
    cycles: dict[str, list[tuple[date, date]]] = {}
    for rule, fired, resolved in rows.values_list("rule", "fired_month", "resolved_month"):
        if resolved is not None:
            cycles.setdefault(rule, []).append((fired, resolved))
    return {rule for rule, month in judged.items() if trajectory.flaps(cycles.get(rule, []), month=month)}


def judged_value(rule: str, text: str | None, *, unit: str = "") -> SafeString | str:
    """Return a stored decimal string in the unit its rule judges; empty where nothing was judged."""
    if not text:
        return "–"
    try:
        value = Decimal(text)
    except InvalidOperation:
        return str(text)
    kind = unit or ("money" if rule in _MONEY else "months" if rule in _MONTHS else "rate")
    if value == 0:
        # As a threshold zero is a figure, not the absence of one.
        return "0"
    if kind == "money":
        return figures.money(value)
    return figures.months(float(value)) if kind == "months" else figures.percent(float(value))


def _rule_row(name: str, state: AlertState) -> Context:
    return {
        "title": RULES[name].title,
        "state": state.get_state_display(),
        "month": state.month,
        "verdict": state.reason.replace("_", " ") or _verdict(name, state.verdict),
        "value": judged_value(name, state.value),
        "threshold": judged_value(name, state.threshold),
        "is_firing": state.state in ("firing", "recovering"),
    }


def _verdict(name: str, verdict: str) -> str:
    """Return a verdict in words; to meet a good-news rule is no breach."""
    if RULES[name].lifecycle is not Lifecycle.ONE_SHOT:
        return verdict
    return {"breach": "reached", "clear": "not yet"}.get(verdict, verdict)


def _episode(episode: Episode) -> Context:
    rule = RULES.get(episode.rule)
    return {
        "episode": episode,
        "pill": status.rule_pill(episode.rule, severity=episode.severity),
        "opens": rule.opens.value.replace("_", " ") if rule else "",
        "end": end_of(episode),
        "events": [event_of(episode.rule, e) for e in episode.events.all()],
    }


def as_then(episode: Episode, past: Past | None) -> Episode:
    """Return an episode as it stood at the end of a day; one that ended later was open. It is never saved."""
    if past is not None and episode.closed_at and episode.closed_at > past.end(episode.investment.portfolio):
        episode.closed_at, episode.closed_reason, episode.resolved_month = None, "", None
    return episode


# Good news is told once and over at once; "one shot" is the code's word for it.
_ENDS = {"one_shot": "reached"}


def end_of(episode: Episode) -> str:
    """Return whether an episode is open, or how and when it ended."""
    if episode.closed_at is None:
        return "open"
    reason = _ENDS.get(episode.closed_reason, episode.closed_reason.replace("_", " ")) or "closed"
    return f"{reason} {episode.resolved_month:%Y-%m}" if episode.resolved_month else reason


def event_of(rule: str, event: Event) -> Context:
    """Return an event as pages show it: its kind, its month, and the figures that were copied with it."""
    evidence: Mapping[str, Any] = event.evidence or {}
    unit = str(evidence.get("unit") or "")
    return {
        "kind": event.kind.replace("_", " "),
        "month": event.month,
        "recorded_at": event.recorded_at,
        "value": judged_value(rule, evidence.get("value") or evidence.get("firing_value"), unit=unit),
        "threshold": judged_value(rule, evidence.get("threshold"), unit=unit),
    }
