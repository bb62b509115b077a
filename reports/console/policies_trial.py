"""Terms tried on an investment's past, as the policy page shows them before they are put in force."""

from datetime import date
from typing import Any

from alerts.policy_backtest import Backtest
from alerts.rules.policy_backtest import PastFiring, Replay
from portfolio.terms import format_month

_ENDINGS = {
    "resolved": "resolved",
    "retracted": "retracted: a restatement took it back",
    "one_shot": "told once",
    "investment_closed": "closed with the investment",
    "rule_deleted": "closed: the rule is off",
}


def of(found: Backtest) -> dict[str, Any]:
    """Return the sentence, how far both sets of terms agree, and every firing of each."""
    agreed = found.overlap
    return {
        "sentence": found.sentence,
        "agreement": (
            f"Months in which both fire: {agreed.both}; only the new terms: {agreed.only_candidate}; "
            f"only the present terms: {agreed.only_present}."
        ),
        "left_out": found.left_out,
        "groups": [
            {"title": "New terms", "rows": _rows(found.replay)},
            {"title": "Present terms", "rows": _rows(found.present)},
        ],
    }


def _rows(replay: Replay) -> list[dict[str, Any]]:
    return [_row(firing) for firing in replay.firings]


def _row(firing: PastFiring) -> dict[str, Any]:
    reason = firing.closed_reason.value if firing.closed_reason else ""
    return {
        "fired": format_month(firing.fired_month),
        "ended": _ended(firing.resolved_month, is_retracted=firing.is_retracted),
        "months": len(firing.months),
        "ending": _ENDINGS.get(reason, reason) or "open",
        "is_announced": firing.is_announced,
    }


def _ended(month: date | None, *, is_retracted: bool) -> str:
    return "–" if month is None or is_retracted else format_month(month)
