"""What an evaluation judged by beside months and policies, as the JSON its point keeps, and back."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from alerts.models import EvaluationHead
from alerts.rules.base import Context
from portfolio.terms import format_month, parse_month
from roi.engine.result import ENGINE_VERSION

_MONTHS = (
    "start_month",
    "live_month",
    "planned_live_month",
    "planned_breakeven_month",
    "planned_discounted_payback_month",
    "paused_from",
    "ended_month",
)
_NUMBERS = ("horizon_months", "norm_band_end_months")


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What a point says it was judged by.

    `through`: the last month judged by each rule, this evaluation included. `after`: revision and policy
    knowledge of the evaluation before, None where that is not known. `engine`: version of the figures.
    `forecasts`: those that were judged, which are never written again; None for a point of before they were kept.
    """

    context: Context
    stage: str
    through: Mapping[str, date]
    after: tuple[int, int] | None
    engine: int
    forecasts: tuple[int, ...] | None


def to_json(
    context: Context,
    *,
    stage: str,
    through: Mapping[str, date | None],
    before: EvaluationHead,
    forecasts: Iterable[int] = (),
) -> dict[str, Any]:
    """Return what a point keeps. `before` is the evaluation head as it was; a new one has revision -1."""
    return {
        **{name: _text(getattr(context, name)) for name in _MONTHS},
        **{name: getattr(context, name) for name in _NUMBERS},
        "stage": stage,
        "through": {rule: format_month(month) for rule, month in sorted(through.items()) if month},
        "after": [before.revision, before.policy_knowledge] if before.revision >= 0 else None,
        "engine": ENGINE_VERSION,
        "forecasts": sorted(forecasts),
    }


def read(stored: Mapping[str, Any]) -> Judged | None:
    """Return what a point was judged by; None for a point of before contexts were kept."""
    if "engine" not in stored:
        return None
    months = {name: _month(stored.get(name)) for name in _MONTHS}
    numbers = {name: int(stored[name]) for name in _NUMBERS}
    after, forecasts = stored["after"], stored.get("forecasts")
    return Judged(
        context=Context(**months, **numbers),  # type: ignore[arg-type]
        stage=str(stored["stage"]),
        through={rule: parse_month(text) for rule, text in stored["through"].items()},
        after=(int(after[0]), int(after[1])) if after else None,
        engine=int(stored["engine"]),
        forecasts=None if forecasts is None else tuple(int(key) for key in forecasts),
    )


def _text(month: date | None) -> str | None:
    return format_month(month) if month else None


def _month(text: str | None) -> date | None:
    return parse_month(text) if text else None
