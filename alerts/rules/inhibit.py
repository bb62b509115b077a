"""When one rule's firing keeps another's notices back. Notices only: states and episodes run on."""

from collections.abc import Collection
from decimal import Decimal

from alerts.rules.hurdle_rate import HURDLE_RATE
from alerts.rules.negative_roi import NEGATIVE_ROI
from alerts.rules.reconcile import ChangeKind

INHIBITORS: dict[str, str] = {HURDLE_RATE.name: NEGATIVE_ROI.name}
ABOUT_AN_END = frozenset({ChangeKind.RESOLVED, ChangeKind.RETRACTED, ChangeKind.CLOSED})


def inhibitor_of(rule: str, *, open_rules: Collection[str], hurdle: Decimal) -> str | None:
    """Return the rule that inhibits this one's notices now, None when none does.

    `open_rules` are the investment's rules with an open episode, silenced or not: inhibition looks at the
    lifecycle. Under a hurdle below zero the hurdle rule says more than the negative one and is not inhibited.
    """
    inhibitor = INHIBITORS.get(rule)
    if inhibitor is None or inhibitor not in open_rules:
        return None
    return inhibitor if hurdle >= 0 else None


def is_inhibited(kind: ChangeKind | str, rule: str, *, open_rules: Collection[str], hurdle: Decimal) -> bool:
    """Whether a notice is kept back. The end of what people were told is always told."""
    if kind in ABOUT_AN_END:
        return False
    return inhibitor_of(rule, open_rules=open_rules, hurdle=hurdle) is not None
