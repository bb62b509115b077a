"""State × verdict × health of the data × change of policy: every combination, against a table written for it alone.

The whole fold is judged here, notices included; `test_step` looks at the counts within a cell.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache
from itertools import product
from typing import Any

import pytest

from alerts.rules import lifecycle
from alerts.rules.base import MonthFacts, Policy, VerdictKind
from alerts.rules.trajectory import ClosedReason, State, Trajectory
from tests.alerts.rules.cases import BENEFIT, CONTEXT, Desk, facts, month, script_policy

N, P, F, R = State.NORMAL, State.PENDING, State.FIRING, State.RECOVERING
FOR, KEEP, MAX_GAP = 3, 3, 2

# Histories that end in each state; the number is the count.
STARTS = {
    "normal": ("C", N, 0),
    "pending 1": ("CB", P, 1),
    "pending 2": ("CBB", P, 2),
    "firing": ("CBBB", F, 0),
    "recovering 1": ("CBBBC", R, 1),
    "recovering 2": ("CBBBCC", R, 2),
}
# What may lie between: nothing, late accounts, a month without a rate, a broken figure, a month not closed yet.
GAPS = ("", *(kind * length for kind in "-xEo" for length in (1, 2, 3)), "-x", "-E-", "-o-", "x-x")
# The month that is judged: by its figure, or unhealthy in one of the ways above.
LETTERS = "BNC-xEo"
CHANGES: dict[str, dict[str, Any]] = {
    "none": {},
    "same terms again": {},
    "threshold that clears": {"hurdle": Decimal("-0.5")},
    "threshold that leaves it in the band": {"hurdle": Decimal("-0.15")},
    "threshold out of reach": {"hurdle": Decimal(5)},
    "longer for": {"for_months": 6},
    "shorter for": {"for_months": 1},
    "longer keep": {"keep_months": 6},
    "shorter keep": {"keep_months": 1},
    "switched off": {"enabled": False},
}
# The verdict on each figure under thresholds other than the first one's: the same month, read anew.
READ_ANEW = {
    "threshold that clears": {"B": "C", "N": "C", "C": "C"},
    "threshold that leaves it in the band": {"B": "N", "N": "C", "C": "C"},
    "threshold out of reach": {"B": "B", "N": "B", "C": "B"},
}
# The table itself: what a verdict does in a state.
TABLE = {
    N: {"B": "count", "N": "stay", "C": "stay", "-": "hold", "E": "hold"},
    P: {"B": "count", "N": "drop", "C": "drop", "-": "hold", "E": "hold"},
    F: {"B": "stay", "N": "stay", "C": "recover", "-": "hold", "E": "hold"},
    R: {"B": "refire", "N": "refire", "C": "recover", "-": "hold", "E": "hold"},
}
HEALTH = {"x": "-", "-": "-", "E": "E"}  # a month without a rate has no figure either


@dataclass(slots=True)
class Model:
    """Where the table says an investment stands, and which notices it has sent."""

    state: State
    count: int
    gap: int = 0
    notice: str = ""

    def month(self, letter: str, terms: dict[str, Any]) -> None:
        """Read one month off the table."""
        match TABLE[self.state][letter]:
            case "hold":
                self.gap += letter == "-"
                if self.state is P and self.gap > MAX_GAP:
                    self.state, self.count = N, 0
                return
            case "count":
                self.count += 1
                is_firing = self.count >= terms.get("for_months", FOR)
                self.state, self.notice = (F, "fired#1") if is_firing else (P, "")
                self.count = 0 if is_firing else self.count
            case "recover":
                self.count += 1
                is_over = self.count >= terms.get("keep_months", KEEP)
                self.state, self.notice = (N, "resolved#1") if is_over else (R, "")
                self.count = 0 if is_over else self.count
            case "drop":
                self.state, self.count = N, 0
            case "refire":
                self.state, self.count = F, 0
            case "stay":
                pass
        self.gap = 0

    def close(self) -> None:
        """End what is open for a reason other than its months."""
        self.notice = "closed#1" if self.state in (F, R) else ""
        self.state, self.count, self.gap = N, 0, 0


def expected(start: str, gap: str, letter: str, change: str) -> Model:
    """Return what the table makes of a combination."""
    _, state, count = STARTS[start]
    model = Model(state, count)
    for between in gap:
        if between != "o":
            model.month(HEALTH[between], {})
    model.notice = ""
    if change == "switched off":
        model.close()
        return model
    if letter == "o":
        return model
    read = HEALTH.get(letter) or READ_ANEW.get(change, {}).get(letter, letter)
    if read == "C" and letter != "C" and model.state in (F, R):
        model.close()  # the new threshold clears it, not the investment
    else:
        model.month(read, CHANGES[change])
    return model


@cache
def months_of(script: str) -> tuple[MonthFacts, ...]:
    """Return the facts of a script; x is a month without a rate."""
    changes: dict[int, dict[str, Any]] = {}
    for number, letter in enumerate(script, start=1):
        if letter in "-o":
            changes[number] = {"complete": False, "closed": letter == "-"}
        elif letter in "xE":
            changes[number] = {"missing_fx" if letter == "x" else "overflow": True}
    return tuple(facts([BENEFIT.get(letter, 0) for letter in script], changes=changes))


def policies_of(change: str, at: int) -> list[Policy]:
    """Return the versions in force: the first, and the changed one from month `at`."""
    first = script_policy(for_months=FOR, keep_months=KEEP)
    if change == "none":
        return [first]
    return [first, replace(first, version=2, effective_month=month(at), **CHANGES[change])]


def folded(script: str, policies: list[Policy]) -> Trajectory:
    return lifecycle.fold(policies, months_of(script), CONTEXT)


@cache
def before(script: str) -> Trajectory:
    """Return what was folded before the last month came."""
    return folded(script, policies_of("none", 1))


COMBINATIONS = list(product(STARTS, GAPS, LETTERS, CHANGES))


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("start", STARTS)
def test_every_combination_ends_where_the_table_says(start: str, change: str) -> None:
    for gap, letter in product(GAPS, LETTERS):
        past = STARTS[start][0] + gap
        policies = policies_of(change, len(past) + 1)
        trajectory = folded(past + letter, policies)
        model = expected(start, gap, letter, change)
        desk = Desk()
        desk.see(before(past))
        heard = desk.hear(trajectory)
        combination = (start, gap, letter, change)
        assert heard == ([model.notice] if model.notice else []), combination
        if change == "switched off":
            assert trajectory.open_firing is None, combination
            continue
        assert trajectory.last is not None
        assert (trajectory.last.state, trajectory.last.count) == (model.state, model.count), combination
        assert (trajectory.open_firing is not None) is (model.state in (F, R)), combination


@pytest.mark.parametrize("start", STARTS)
def test_why_an_episode_is_over_is_kept(start: str) -> None:
    """A threshold that clears closes; the same threshold again leaves a clear month to resolve."""
    past, state, count = STARTS[start]
    reasons = {}
    for change in ("none", "same terms again", "threshold that clears", "switched off", "shorter keep"):
        for letter in "BC":
            trajectory = folded(past + letter, policies_of(change, len(past) + 1))
            reasons[change, letter] = [firing.closed_reason for firing in trajectory.firings]
    is_open = state in (F, R)
    assert reasons["threshold that clears", "B"] == ([ClosedReason.RULE_CHANGED] if is_open else [])
    assert reasons["switched off", "B"] == ([ClosedReason.RULE_DELETED] if is_open else [])
    assert reasons["shorter keep", "C"] == ([ClosedReason.RESOLVED] if is_open else [])
    is_third = (state, count) == (R, KEEP - 1)
    for change in ("none", "same terms again"):
        assert reasons[change, "C"] == ([ClosedReason.RESOLVED if is_third else None] if is_open else [])


def test_the_table_and_the_combinations_are_whole() -> None:
    assert {state: set(row) for state, row in TABLE.items()} == {
        state: {"B", "N", "C", "-", "E"} for state in State
    }
    assert len(VerdictKind) == 5
    assert len(set(COMBINATIONS)) == 6 * 17 * 7 * 10
    ends = Counter(expected(*combination).state for combination in COMBINATIONS)
    assert set(ends) == set(State)
    assert {expected(*combination).notice for combination in COMBINATIONS} == {
        "",
        "fired#1",
        "resolved#1",
        "closed#1",
    }


def test_histories_start_where_they_say() -> None:
    for script, state, count in STARTS.values():
        last = before(script).last
        assert last is not None
        assert (last.state, last.count) == (state, count)
