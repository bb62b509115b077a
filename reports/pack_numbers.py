"""How a pack writes numbers: units in the heading, negatives in parentheses, zero a dash, undefined n/a."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from alerts import wording
from alerts.rules import RULES
from reports.console import figures
from roi.engine.result import Reason

Json = Mapping[str, Any]

NOT_AVAILABLE = "n/a"


def money(text: str | None) -> str:
    """Return an amount for a cell: whole units, negatives in parentheses, zero a dash, missing n/a."""
    return NOT_AVAILABLE if text is None else figures.money_text(Decimal(text))


def figure(found: Json | None, kind: str) -> str:
    """Return a figure that may be undefined for a cell; `kind` is rate, money or months."""
    if not found or "value" not in found:
        return NOT_AVAILABLE
    if kind == "money":
        return money(found["value"])
    value = float(found["value"])
    return figures.percent_text(value) if kind == "rate" else f"{value:,.1f}"


def rule_title(rule: str) -> str:
    """Return a rule in its own words."""
    return RULES[rule].title if rule in RULES else rule.replace("_", " ").capitalize()


def why(reason: str) -> str:
    """Return the sentence for a reason code."""
    return figures.why(Reason(reason)) if reason in set(Reason) else figures.NO_CLOSED_MONTH


def points(now: Json, before: Json) -> str:
    """Return the change of a ratio in percentage points, n/a where either is undefined."""
    if "value" not in now or "value" not in before:
        return NOT_AVAILABLE
    text = f"{abs(change := (float(now['value']) - float(before['value'])) * 100):,.1f}"
    if text == "0.0":
        return "–"
    return f"+{text} pp" if change > 0 else f"({text}) pp"


def months(found: Sequence[str]) -> str:
    """Return months as they are spoken, the first six and how many more."""
    few = ", ".join(wording.month(each) for each in found[:6])
    return f"{few} and {len(found) - 6} more" if len(found) > 6 else few
