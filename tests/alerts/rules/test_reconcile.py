"""What people hear when facts arrive, late facts and restatements included; judging again says nothing."""

from dataclasses import replace
from decimal import Decimal
from itertools import permutations

import pytest

from alerts.rules import lifecycle
from alerts.rules.reconcile import ChangeKind, Notice, is_material, reconcile
from alerts.rules.trajectory import ClosedReason, Trajectory
from tests.alerts.rules.cases import (
    CONTEXT,
    Desk,
    facts,
    month,
    policy,
    record,
    script_policy,
    scripted,
    told,
)


def reached(benefits: list[int]) -> Trajectory:
    return lifecycle.fold([policy("breakeven_reached")], facts(benefits, one_time=100), CONTEXT)


def heard(*scripts: str, **changes: int) -> list[list[str]]:
    """Return what a desk that has seen these histories one after the other told people each time."""
    desk = Desk()
    return [desk.hear(told(script, **changes)) for script in scripts]


def test_an_ordinary_life_is_fired_resolved_and_fired_again_under_a_new_number() -> None:
    assert heard("B", "BB", "BBC", "BBCC", "BBCCB") == [["fired#1"], [], ["resolved#1"], [], ["fired#2"]]


def test_case_10_recovering_and_falling_back_is_no_notice() -> None:
    assert heard("B", "BC", "BCN", keep_months=2) == [["fired#1"], [], []]


def test_case_11_exactly_one_resolved() -> None:
    assert heard("B", "BC", "BCC", "BCCC", keep_months=2) == [["fired#1"], [], ["resolved#1"], []]


def test_case_19_a_late_month_ends_in_the_same_state_in_all_orders() -> None:
    ends = set()
    for order in permutations(range(5)):
        desk = Desk()
        shown = ["-"] * 5
        for at in order:
            shown[at] = "CBBCB"[at]
            desk.see(told("".join(shown), for_months=2))
        kept = [e for e in desk.recorded if e.closed_reason is not ClosedReason.RETRACTED]
        ends.add(tuple((e.fired_month, e.resolved_month, e.closed_reason) for e in kept))
    assert ends == {((month(3), month(4), ClosedReason.RESOLVED),)}


def test_case_20_a_restatement_that_removes_the_breach_retracts_once() -> None:
    assert heard("CB", "CC", "CC") == [["fired#1"], ["retracted#1"], []]


def test_case_20_what_fires_after_a_retraction_is_a_new_episode() -> None:
    assert heard("CB", "CC", "CB") == [["fired#1"], ["retracted#1"], ["fired#2"]]


def test_case_21_a_breach_long_ago_goes_to_the_digest_only() -> None:
    healthy = "C" * 10
    desk = Desk()
    desk.see(told(healthy))
    changes = desk.see(told("CB" + healthy[2:]))
    assert [(c.kind, c.notice) for c in changes] == [
        (ChangeKind.FIRED, Notice.NONE),
        (ChangeKind.RESOLVED, Notice.NONE),
        (ChangeKind.RESTATED, Notice.DIGEST),
    ]


def test_a_breach_that_turns_out_never_to_have_been_long_ago_goes_to_the_digest() -> None:
    assert heard("B", "BC", "CC") == [["fired#1"], ["resolved#1"], ["[retracted#1]"]]


def test_case_22_a_restatement_that_undoes_a_resolve_reopens_the_same_episode() -> None:
    assert heard("B", "BC", "BB", "BBC") == [["fired#1"], ["resolved#1"], ["reopened#1"], ["resolved#1"]]


def test_case_22_the_second_resolve_has_its_own_ordinal() -> None:
    desk = Desk()
    for script in ("B", "BC", "BB"):
        desk.see(told(script))
    (change,) = desk.see(told("BBC"))
    assert (change.kind, change.ordinal) == (ChangeKind.RESOLVED, 2)


def test_case_23_the_same_values_again_are_no_event() -> None:
    desk = Desk()
    desk.see(told("BCB"))
    assert desk.see(told("BCB")) == []


def test_case_24_restated_twice_before_judging_is_one_difference() -> None:
    desk = Desk()
    desk.see(told("CCB"))
    told("CBB")  # the first restatement of the batch, which nobody judged
    assert desk.hear(told("CCC")) == ["retracted#1"]


def test_a_breach_that_moves_into_the_past_is_retracted_and_kept_for_the_digest() -> None:
    assert heard("CCB", "BCC") == [["fired#1"], ["retracted#1", "[restated#2]"]]


def test_case_25_materiality_is_a_quarter_of_the_distance() -> None:
    threshold = Decimal("0.1")
    assert not is_material(Decimal("0.02"), after=Decimal("0.04"), threshold=threshold)
    assert is_material(Decimal("0.02"), after=Decimal("0.0401"), threshold=threshold)
    assert is_material(threshold, after=Decimal("0.0999"), threshold=threshold)


def test_case_25_a_restated_value_of_an_open_episode_says_whether_it_is_material() -> None:
    def shown(benefit: int) -> Trajectory:
        return lifecycle.fold([script_policy()], facts([benefit]), CONTEXT)

    for after, material in ((89, False), (50, True)):
        desk = Desk()
        desk.see(shown(90))
        (change,) = desk.see(shown(after))
        assert (change.kind, change.notice) == (ChangeKind.RESTATED, Notice.DIGEST)
        assert change.is_material is material


@pytest.mark.parametrize("gone", ["C-", "Co", "CE"])
def test_case_27_a_withdrawn_or_reopened_month_retracts_nothing(gone: str) -> None:
    assert heard("CB", gone, "CB") == [["fired#1"], [], []]
    assert heard("CB", gone, "CC") == [["fired#1"], [], ["retracted#1"]]


def test_case_27_an_episode_whose_data_are_gone_is_still_resolved_by_clear_months() -> None:
    assert heard("B", "-", "-C", "-CC", keep_months=2) == [["fired#1"], [], [], ["resolved#1"]]
    assert heard("B", "-", "-CB", "-CBCC", keep_months=2)[2:] == [["[restated#1]"], ["resolved#1"]]
    assert heard("B", "-CCB", keep_months=2)[1] == ["[resolved#1]", "fired#2"]


def test_case_27_a_hole_in_a_longer_count_retracts_nothing() -> None:
    assert heard("BBB", "B-B", for_months=3) == [["fired#1"], []]
    assert heard("B-BB", "B-CB", for_months=3) == [["fired#1"], ["retracted#1"]]


def test_case_27_an_ended_investment_closes_an_episode_whose_data_are_gone() -> None:
    desk = Desk()
    desk.see(told("CB"))
    assert desk.hear(told("C-", context=replace(CONTEXT, ended_month=month(3)))) == ["closed#1"]


def test_a_live_month_fixed_later_does_retract() -> None:
    desk = Desk()
    desk.see(told("CB"))
    assert desk.hear(told("CB", context=replace(CONTEXT, live_month=month(3)))) == ["retracted#1"]


def test_case_62_and_63_a_changed_or_deleted_rule_is_one_closed_notice() -> None:
    for change in ({"hurdle": Decimal("-0.5")}, {"enabled": False}):
        desk = Desk()
        desk.see(told("BB"))
        second = script_policy(version=2, effective_month=month(3), **change)
        after = lifecycle.fold([script_policy(), second], scripted("BBB"), CONTEXT)
        assert desk.hear(after) == ["closed#1"]
        assert desk.recorded[0].closed_reason is after.firings[0].closed_reason


def test_case_67_a_backfill_is_one_notice_of_the_final_state() -> None:
    assert heard("BC" * 17 + "CC") == [[]]
    assert heard("BC" * 17 + "CB") == [["fired#18"]]
    assert heard("B", "BCBCB") == [["fired#1"], ["[resolved#1]", "fired#3"]]


def test_case_67_five_hundred_backfills_are_at_most_one_notice_each() -> None:
    for seed in range(500):
        letters = [("B", "N", "C", "-")[(seed * 7 + at * at * (seed + 3)) % 4] for at in range(36)]
        changes = Desk().see(told("".join(letters), for_months=1 + seed % 2))
        assert sum(change.announce for change in changes) <= 1


def test_backfilled_episodes_are_kept_without_being_announced() -> None:
    desk = Desk()
    desk.see(told("BCB"))
    assert [(e.number, e.announced, e.is_open) for e in desk.recorded] == [(1, False, False), (2, True, True)]


def test_an_episode_nobody_was_told_of_ends_silently() -> None:
    silent = [replace(episode, announced=False) for episode in record([], Desk().see(told("B")))]
    for script, kind in (("BC", ChangeKind.RESOLVED), ("C", ChangeKind.RETRACTED)):
        (change,) = reconcile(silent, told(script), judged_through=month(1))
        assert (change.kind, change.notice) == (kind, Notice.NONE)


def test_an_episode_recorded_without_its_value_is_compared_by_its_months() -> None:
    silent = [replace(episode, value=None) for episode in record([], Desk().see(told("CB")))]
    assert reconcile(silent, told("CB"), judged_through=month(2)) == []
    (change,) = reconcile(silent, told("BB"), judged_through=month(2))
    assert (change.kind, change.is_material) == (ChangeKind.RESTATED, False)


def test_endings_come_before_what_stays_open() -> None:
    desk = Desk()
    desk.see(told("CB"))
    changes = desk.see(told("CCBCB"))
    assert [(c.kind, c.number) for c in changes] == [
        (ChangeKind.RETRACTED, 1),
        (ChangeKind.FIRED, 2),
        (ChangeKind.RESOLVED, 2),
        (ChangeKind.FIRED, 3),
    ]


def test_an_earlier_start_of_what_is_still_firing_is_for_the_digest() -> None:
    desk = Desk()
    desk.see(told("CCB"))
    assert desk.hear(told("CBB")) == ["[restated#1]"]
    assert desk.recorded[0].fired_month == month(2)


def test_a_restatement_that_merges_two_episodes_keeps_the_one_people_know_as_open() -> None:
    desk = Desk()
    for script in ("B", "BC", "BCB"):
        desk.see(told(script))
    assert desk.hear(told("BBB")) == ["[retracted#1]", "[restated#2]"]
    assert [e.number for e in desk.recorded if e.is_open] == [2]


def test_a_restatement_that_splits_an_episode_says_only_how_it_ends() -> None:
    desk = Desk()
    desk.see(told("BBB"))
    assert desk.hear(told("BCB")) == ["[resolved#1]", "fired#2"]


def test_a_gone_episode_and_a_later_one_are_not_the_same() -> None:
    assert heard("BC", "B" + "C" * 3 + "B")[1] == ["fired#2"]
    assert heard("CB", "CCCB")[1] == ["[retracted#1]", "fired#2"]


def test_breakeven_is_told_once_whatever_comes() -> None:
    desk = Desk()
    assert desk.hear(reached([100, 150])) == []
    assert desk.hear(reached([100, 150, 150])) == ["fired#1"]
    assert desk.hear(reached([100, 150, 150, 0, 500])) == []
    assert desk.hear(reached([100, 120, 150, 150, 500])) == ["[restated#1]"]
    assert desk.hear(reached([100, 100, 100, 100, 100])) == ["retracted#1"]


def test_breakeven_found_by_a_backfill_is_told_as_well() -> None:
    assert Desk().hear(reached([300] + [100] * 35)) == ["fired#1"]
