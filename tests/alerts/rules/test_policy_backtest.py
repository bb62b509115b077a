"""A policy laid over the past: what it would have fired, taken back and agreed on with another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.rules import policy_backtest
from alerts.rules.base import MonthFacts, Policy
from alerts.rules.policy_backtest import Overlap, View
from alerts.rules.trajectory import ClosedReason
from tests.alerts.rules.cases import CONTEXT, Desk, facts, month, policy, script_policy, scripted, told


def seen(*scripts: str) -> list[View]:
    """Return what was known at one time after another; a later script restates an earlier one."""
    return [
        View(knowledge=10 * n, months=scripted(script), context=CONTEXT)
        for n, script in enumerate(scripts, 1)
    ]


def replay(*scripts: str, **changes: object) -> policy_backtest.Replay:
    return policy_backtest.replay(script_policy(**changes), seen(*scripts))


def test_each_firing_has_its_months_and_when_it_was_known() -> None:
    found = replay("CBB", "CBBC", "CBBCB")
    first, second = found.firings
    assert (first.fired_month, first.resolved_month, first.closed_reason) == (month(2), month(4), "resolved")
    assert (first.months, first.known_at, first.ended_at) == ((month(2), month(3)), 10, 20)
    assert (second.months, second.known_at, second.ended_at) == ((month(5),), 30, None)
    assert first.verdict.value == Decimal("-0.1")
    assert (found.retracted, found.views, len(found.judged)) == (0, 3, 5)
    assert policy_backtest.sentence(found) == "would have fired 2 times"


def test_a_restatement_takes_a_firing_back() -> None:
    """It fired on what was known then: it counts, as retracted, and with no month of its own."""
    found = replay("CB", "CC", "CCB", "CCBCB", "CCBCC")
    assert [firing.closed_reason for firing in found.firings] == ["retracted", "resolved", "retracted"]
    assert [firing.months for firing in found.firings] == [(), (month(3),), ()]
    assert [(f.known_at, f.ended_at) for f in found.firings] == [(10, 20), (30, 40), (40, 50)]
    assert policy_backtest.sentence(found) == "would have fired 3 times, 2 of them retracted"
    assert policy_backtest.sentence(replay("B", "C")) == "would have fired once and been retracted"
    assert policy_backtest.sentence(replay("CCN")) == "would not have fired"


def test_only_what_was_known_then_is_judged() -> None:
    """Looking at the last view alone would miss what fired in error."""
    assert len(replay("CB", "CC").firings) == 1
    assert len(replay("CC").firings) == 0


def test_a_reopened_episode_is_the_same_one_and_not_over() -> None:
    found = replay("BC", "BB")
    (firing,) = found.firings
    assert (firing.closed_reason, firing.ended_at, firing.known_at) == (None, None, 10)
    assert firing.months == (month(1), month(2))


def test_history_that_was_over_when_first_seen_tells_nobody() -> None:
    past, now_open = replay("CBCB").firings
    assert (past.is_announced, now_open.is_announced) == (False, True)


def test_months_in_which_two_policies_agree() -> None:
    views = seen("CBBBBC")
    strict = policy_backtest.replay(script_policy(), views)
    patient = policy_backtest.replay(script_policy(for_months=3, keep_months=2), views)
    assert policy_backtest.overlap(patient, strict) == Overlap(both=2, only_candidate=1, only_present=2)
    assert policy_backtest.overlap(strict, strict) == Overlap(both=4, only_candidate=0, only_present=0)


def test_good_news_takes_one_month() -> None:
    months = facts([50, 100, 200], one_time=20)
    (firing,) = policy_backtest.replay(
        policy("breakeven_reached"), [View(knowledge=1, months=months, context=CONTEXT)]
    ).firings
    assert (firing.closed_reason, firing.months) == ("one_shot", (month(3),))


def test_an_end_closes_and_a_rule_that_is_off_fires_nothing() -> None:
    views = seen("BB")
    ended = replace(CONTEXT, ended_month=month(3))
    gone = [*views, View(knowledge=99, months=scripted("BB"), context=ended)]
    (firing,) = policy_backtest.replay(script_policy(), gone).firings
    assert (firing.closed_reason, firing.ended_at, len(firing.months)) == ("investment_closed", 99, 2)
    assert policy_backtest.replay(script_policy(enabled=False), views).firings == ()
    assert policy_backtest.replay(script_policy(), []).firings == ()


# Months are closed and restated, never forgotten: a later view is at least as long.
histories = st.lists(st.text("BNC-E", min_size=1, max_size=8), min_size=1, max_size=6).map(
    lambda scripts: sorted(scripts, key=len)
)


@given(histories, st.integers(1, 3), st.integers(1, 3))
def test_it_records_what_the_desk_that_judges_now_would_record(
    scripts: Sequence[str], for_months: int, keep_months: int
) -> None:
    """Same verbs, same views: the same episodes, whatever was restated in between."""
    terms = {"for_months": for_months, "keep_months": keep_months}
    desk = Desk()
    for script in scripts:
        desk.see(told(script, **terms))
    found = policy_backtest.replay(script_policy(**terms), seen(*scripts))
    assert [(f.number, f.fired_month, f.resolved_month, f.closed_reason) for f in found.firings] == [
        (e.number, e.fired_month, e.resolved_month, e.closed_reason)
        for e in sorted(desk.recorded, key=lambda episode: episode.number)
    ]
    assert [f.is_announced for f in found.firings] == [e.announced for e in desk.recorded]
    assert found.retracted == sum(e.closed_reason == "retracted" for e in desk.recorded)


@given(st.text("BNC", min_size=1, max_size=10))
def test_a_policy_agrees_with_itself(script: str) -> None:
    found = replay(*(script[:end] for end in range(1, len(script) + 1)))
    same = policy_backtest.overlap(found, found)
    assert (same.only_candidate, same.only_present) == (0, 0)
    assert same.both == sum(len(firing.months) for firing in found.firings)


@pytest.mark.parametrize("rule", ["hurdle_rate", "negative_roi"])
def test_a_higher_bar_never_fires_in_fewer_months(rule: str) -> None:
    """Without keeping or waiting, what is under a bar is under every higher one."""
    months: list[MonthFacts] = facts([120, 105, 99, 90, 130, 100])
    bars: list[Policy] = [policy(rule, hurdle=Decimal(bar) / 10) for bar in range(4)]
    counts = [
        len(policy_backtest.replay(b, [View(knowledge=1, months=months, context=CONTEXT)]).firing_months)
        for b in bars
    ]
    assert counts == sorted(counts)
    assert counts[0] > 0


def test_a_past_firing_in_full() -> None:
    found = replay("CB", "CBBC", for_months=2)
    assert found == policy_backtest.Replay(
        views=2,
        judged=tuple(month(n) for n in range(1, 5)),
        firings=(
            policy_backtest.PastFiring(
                number=1,
                first_breach_month=month(2),
                fired_month=month(3),
                resolved_month=month(4),
                closed_reason=ClosedReason.RESOLVED,
                verdict=told("CBBC", for_months=2).firings[0].verdict,
                known_at=20,
                ended_at=20,
                is_announced=False,
                months=(month(3),),
            ),
        ),
    )
    assert found.firing_months == {month(3)}
    assert policy_backtest.sentence(found) == "would have fired once"


def test_what_was_retracted_keeps_the_verdict_it_fired_on() -> None:
    (firing,) = replay("CB", "CC", "CCC").firings
    assert firing.verdict == told("CB").firings[0].verdict
    assert (firing.first_breach_month, firing.resolved_month, firing.is_announced) == (
        month(2),
        month(2),
        True,
    )
