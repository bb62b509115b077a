"""A firing negative rule keeps the hurdle rule's notices back; the lifecycle behind them runs on."""

from decimal import Decimal

import pytest

from alerts.rules.inhibit import inhibitor_of, is_inhibited
from alerts.rules.reconcile import ChangeKind

HURDLE, NEGATIVE, BOTH = "hurdle_rate", "negative_roi", {"hurdle_rate", "negative_roi"}
TENTH = Decimal("0.1")


def inhibited(kind: str, rule: str, *, open_rules: set[str], hurdle: Decimal = TENTH) -> bool:
    return is_inhibited(kind, rule, open_rules=open_rules, hurdle=hurdle)


def test_case_35_both_firing_in_one_evaluation_is_one_notice() -> None:
    told = [rule for rule in (HURDLE, NEGATIVE) if not inhibited("fired", rule, open_rules=BOTH)]
    assert told == [NEGATIVE]


def test_case_36_reminders_of_a_hurdle_stop_when_the_negative_rule_fires() -> None:
    assert not inhibited("reminder", HURDLE, open_rules={HURDLE})
    assert inhibited("reminder", HURDLE, open_rules=BOTH)


@pytest.mark.parametrize("kind", [ChangeKind.RESOLVED, ChangeKind.RETRACTED, ChangeKind.CLOSED])
def test_case_38_the_end_of_what_was_told_is_told(kind: ChangeKind) -> None:
    assert inhibited(kind, HURDLE, open_rules=BOTH) is False


@pytest.mark.parametrize("kind", [ChangeKind.FIRED, ChangeKind.REOPENED, ChangeKind.RESTATED])
def test_what_opens_or_reminds_is_kept_back(kind: ChangeKind) -> None:
    assert inhibited(kind, HURDLE, open_rules=BOTH)


def test_case_39_under_a_hurdle_below_zero_nothing_is_kept_back() -> None:
    assert not inhibited("fired", HURDLE, open_rules=BOTH, hurdle=Decimal("-0.01"))
    assert inhibited("fired", HURDLE, open_rules=BOTH, hurdle=Decimal(0))


def test_case_40_other_rules_and_the_inhibitor_itself_are_never_kept_back() -> None:
    every = {HURDLE, NEGATIVE, "breakeven_overdue", "breakeven_lost"}
    for rule in every - {HURDLE}:
        assert inhibitor_of(rule, open_rules=every, hurdle=TENTH) is None
