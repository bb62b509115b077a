"""What a run of verdicts amounts to; the numbers are those of the lifecycle's list of cases."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from alerts.rules import RULES, lifecycle
from alerts.rules.base import NoData, RuleError, VerdictKind
from alerts.rules.trajectory import ClosedReason, State, is_flapping
from tests.alerts.rules.cases import (
    CONTEXT,
    facts,
    month,
    policy,
    script_policy,
    scripted,
    states,
    told,
)


def test_case_06_sixty_months_inside_the_band_after_firing_change_nothing() -> None:
    trajectory = told("B" + "N" * 60)
    assert states(trajectory) == "F" * 61
    assert [(f.fired_month, f.is_open) for f in trajectory.firings] == [(month(1), True)]


def test_case_07_a_month_inside_the_band_breaks_the_count() -> None:
    trajectory = told("BNB", for_months=2)
    assert states(trajectory) == "pnp"
    assert trajectory.firings == ()


def test_case_08_a_month_without_data_holds_the_count() -> None:
    trajectory = told("B-B", for_months=2)
    assert states(trajectory) == "ppF"
    (firing,) = trajectory.firings
    assert (firing.first_breach_month, firing.fired_month) == (month(1), month(3))


def test_case_09_too_many_months_without_data_drop_the_count() -> None:
    assert states(told("B--B", for_months=2)) == "pppF"
    assert states(told("B---B", for_months=2)) == "pppnp"


def test_case_10_back_into_the_band_while_recovering_is_the_same_episode() -> None:
    trajectory = told("BCNCB", keep_months=2)
    assert states(trajectory) == "FRFRF"
    assert len(trajectory.firings) == 1


def test_case_11_clear_for_keep_months_resolves_once() -> None:
    trajectory = told("BCCC", keep_months=2)
    assert states(trajectory) == "FRnn"
    (firing,) = trajectory.firings
    assert (firing.resolved_month, firing.closed_reason) == (month(3), ClosedReason.RESOLVED)


def test_case_12_an_alternating_series_is_one_pair_per_cycle_and_flaps() -> None:
    trajectory = told("BCBCBC")
    assert [(f.fired_month, f.resolved_month) for f in trajectory.firings] == [
        (month(n), month(n + 1)) for n in (1, 3, 5)
    ]
    assert is_flapping(trajectory.firings, month=month(6))
    assert is_flapping(trajectory.firings, month=month(12))
    assert not is_flapping(trajectory.firings, month=month(13))
    assert not is_flapping(trajectory.firings[:2], month=month(6))


def test_case_17_a_first_month_that_is_not_closed_is_nothing_at_all() -> None:
    trajectory = told("o")
    assert (trajectory.months, trajectory.firings, trajectory.last) == ((), (), None)


def test_case_30_firing_again_is_a_new_episode() -> None:
    assert [f.number for f in told("BCB").firings] == [1, 2]


def test_case_60_an_open_month_is_never_judged_and_holds_what_was() -> None:
    assert states(told("BoB", for_months=2)) == "pF"
    assert RULES["hurdle_rate"].judge(script_policy(), scripted("o"), 0, CONTEXT).reason is NoData.NOT_CLOSED


def test_case_62_a_new_version_that_clears_the_firing_closes_it() -> None:
    lower = script_policy(version=2, effective_month=month(3), hurdle=Decimal("-0.5"), keep_months=3)
    trajectory = lifecycle.fold([script_policy(), lower], scripted("BBBB"), CONTEXT)
    (firing,) = trajectory.firings
    assert (firing.resolved_month, firing.closed_reason) == (month(3), ClosedReason.RULE_CHANGED)
    assert states(trajectory) == "FFnn"


def test_case_62_a_month_without_data_does_not_hide_the_change() -> None:
    lower = script_policy(version=2, effective_month=month(3), hurdle=Decimal("-0.5"), keep_months=3)
    trajectory = lifecycle.fold([script_policy(), lower], scripted("BB-B"), CONTEXT)
    assert trajectory.firings[0].closed_reason is ClosedReason.RULE_CHANGED
    assert trajectory.firings[0].resolved_month == month(4)


def test_case_62_what_clears_under_both_versions_recovers_as_ever() -> None:
    longer = script_policy(version=2, effective_month=month(2), keep_months=2)
    trajectory = lifecycle.fold([script_policy(), longer], scripted("BCC"), CONTEXT)
    assert states(trajectory) == "FRn"
    assert trajectory.firings[0].closed_reason is ClosedReason.RESOLVED


def test_case_63_a_rule_deleted_while_firing_closes_its_episode() -> None:
    off = script_policy(version=2, effective_month=month(3), enabled=False)
    trajectory = lifecycle.fold([script_policy(), off], scripted("BBBB"), CONTEXT)
    (firing,) = trajectory.firings
    assert (firing.resolved_month, firing.closed_reason) == (month(3), ClosedReason.RULE_DELETED)
    assert [p.verdict.reason for p in trajectory.months[2:]] == [NoData.NOT_IN_FORCE] * 2


def test_case_63_a_deleted_rule_does_not_wait_for_its_month_to_close() -> None:
    off = script_policy(version=2, effective_month=month(3), enabled=False)
    trajectory = lifecycle.fold([script_policy(), off], scripted("BBo"), CONTEXT)
    assert trajectory.firings[0].closed_reason is ClosedReason.RULE_DELETED


def test_case_63_a_rule_switched_on_again_starts_anew() -> None:
    off = script_policy(version=2, effective_month=month(2), enabled=False)
    on = script_policy(version=3, effective_month=month(3))
    trajectory = lifecycle.fold([script_policy(), off, on], scripted("BBB"), CONTEXT)
    assert [f.closed_reason for f in trajectory.firings] == [ClosedReason.RULE_DELETED, None]
    assert trajectory.ending is None


def test_case_64_a_longer_count_while_firing_stays_firing() -> None:
    longer = script_policy(version=2, effective_month=month(2), for_months=6)
    trajectory = lifecycle.fold([script_policy(), longer], scripted("BBN"), CONTEXT)
    assert states(trajectory) == "FFF"


def test_case_66_months_are_calendar_months_across_years_and_leap_days() -> None:
    context = replace(CONTEXT, start_month=date(2023, 12, 1), live_month=None)
    months = [
        replace(m, month=date(2023 + (11 + i) // 12, (11 + i) % 12 + 1, 1))
        for i, m in enumerate(scripted("CCCB"))
    ]
    trajectory = lifecycle.fold([script_policy(effective_month=date(2023, 12, 1))], months, context)
    assert trajectory.firings[0].fired_month == date(2024, 3, 1)


def test_an_ended_investment_closes_its_episode_and_is_judged_no_more() -> None:
    ended = replace(CONTEXT, ended_month=month(3))
    for script in ("BBBB", "BBo", "BB"):
        trajectory = told(script, context=ended)
        (firing,) = trajectory.firings
        assert (firing.resolved_month, firing.closed_reason) == (month(3), ClosedReason.INVESTMENT_CLOSED)
        assert len(trajectory.months) == 2
    judged = RULES["hurdle_rate"].judge(script_policy(), scripted("BBB"), 2, ended)
    assert judged.reason is NoData.ENDED


def test_a_paused_investment_holds_its_state() -> None:
    trajectory = told("BCC", context=replace(CONTEXT, paused_from=month(2)))
    assert states(trajectory) == "FFF"
    assert trajectory.last is not None
    assert trajectory.last.verdict.reason is NoData.PAUSED


def test_an_error_holds_and_is_no_gap() -> None:
    assert states(told("BEEEEB", for_months=2)) == "pppppF"


def test_a_firing_without_new_data_is_stale_since() -> None:
    trajectory = told("BC--", keep_months=2)
    assert trajectory.stale_since == month(3)
    assert trajectory.last is not None
    assert (trajectory.last.state, trajectory.last.count) == (State.RECOVERING, 1)
    assert told("B").stale_since is None


def test_months_before_the_first_version_are_not_judged() -> None:
    trajectory = lifecycle.fold([script_policy(effective_month=month(3))], scripted("BBC"), CONTEXT)
    assert [p.verdict.kind for p in trajectory.months] == [VerdictKind.NODATA] * 2 + [VerdictKind.CLEAR]
    assert trajectory.firings == ()


def test_a_version_with_its_own_facts_is_judged_on_them() -> None:
    second = script_policy(version=2, effective_month=month(2))
    trajectory = lifecycle.fold(
        [script_policy(), second], scripted("CCC"), CONTEXT, by_version={2: scripted("BBB")}
    )
    assert states(trajectory) == "nFF"
    assert trajectory.firings[0].policy.version == 2


def test_history_is_never_judged_by_what_came_later() -> None:
    whole = told("BCNB-CBBC", for_months=2, keep_months=2)
    for length in range(1, 9):
        part = told("BCNB-CBBC"[:length], for_months=2, keep_months=2)
        assert part.months == whole.months[:length]


def test_what_cannot_be_folded_is_refused() -> None:
    with pytest.raises(RuleError, match="exactly one rule"):
        lifecycle.fold([], [], CONTEXT)
    with pytest.raises(RuleError, match="exactly one rule"):
        lifecycle.fold([policy(), policy("negative_roi")], [], CONTEXT)
    with pytest.raises(RuleError, match="no rule named 'weather'"):
        lifecycle.fold([policy("weather")], [], CONTEXT)
    with pytest.raises(RuleError, match="in the order in which they take effect"):
        lifecycle.fold([policy(effective_month=month(2)), policy(version=2)], [], CONTEXT)
    with pytest.raises(RuleError, match="Month 1 of this investment is 2024-01-01, not 2024-02-01"):
        lifecycle.fold([policy()], facts([1, 2])[1:], CONTEXT)
