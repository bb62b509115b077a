"""What a change says in full: the writer of the record and of the outbox takes every field as it stands."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from alerts.rules import lifecycle
from alerts.rules.matching import RecordedEpisode, is_held, recovered_month
from alerts.rules.reconcile import Change, ChangeKind, Notice
from alerts.rules.replay import PastEvent, written_by
from alerts.rules.trajectory import ClosedReason, Trajectory
from tests.alerts.rules.cases import CONTEXT, Desk, facts, month, policy, told


def seen(*scripts: str) -> tuple[Desk, list[Change]]:
    """Return a desk that has seen these histories, and the changes of the last one."""
    desk = Desk()
    found = [desk.see(told(script)) for script in scripts]
    return desk, found[-1]


def test_a_firing_carries_its_episode() -> None:
    trajectory = told("CB")
    assert seen("CB")[1] == [
        Change(
            kind=ChangeKind.FIRED,
            number=1,
            ordinal=1,
            month=month(2),
            notice=Notice.NOW,
            firing=trajectory.firings[0],
        )
    ]


def test_an_end_says_when_and_why() -> None:
    (change,) = seen("CB", "CBC")[1]
    assert change == Change(
        kind=ChangeKind.RESOLVED,
        number=1,
        ordinal=1,
        month=month(3),
        notice=Notice.NOW,
        firing=told("CBC").firings[0],
        resolved_month=month(3),
        closed_reason=ClosedReason.RESOLVED,
    )


def test_what_is_found_over_is_recorded_with_its_end() -> None:
    said = {
        "number": 1,
        "ordinal": 1,
        "firing": told("BCC").firings[0],
        "resolved_month": month(2),
        "closed_reason": ClosedReason.RESOLVED,
    }
    assert seen("CCC", "BCC")[1] == [
        Change(kind=ChangeKind.FIRED, month=month(1), notice=Notice.NONE, **said),
        Change(kind=ChangeKind.RESOLVED, month=month(2), notice=Notice.NONE, **said),
        Change(kind=ChangeKind.RESTATED, month=month(2), notice=Notice.DIGEST, **said),
    ]


def test_a_retraction_has_no_firing_but_the_month_it_takes_back() -> None:
    (change,) = seen("CB", "CC")[1]
    assert change == Change(
        kind=ChangeKind.RETRACTED,
        number=1,
        ordinal=1,
        month=month(2),
        notice=Notice.NOW,
        resolved_month=month(2),
        closed_reason=ClosedReason.RETRACTED,
    )


def test_a_reopening_takes_the_end_away() -> None:
    (change,) = seen("B", "BC", "BB")[1]
    assert (change.kind, change.month, change.notice) == (ChangeKind.REOPENED, month(1), Notice.NOW)
    assert (change.resolved_month, change.closed_reason, change.ordinal) == (None, None, 1)


def test_an_end_with_the_investment_is_of_the_month_it_ended_in() -> None:
    desk, _ = seen("CB")
    for script in ("CB", "C-"):
        ended = told(script, context=replace(CONTEXT, ended_month=month(3)))
        (change,) = replace_desk(desk).see(ended)
        assert (change.kind, change.month, change.resolved_month) == (ChangeKind.CLOSED, month(3), month(3))
        assert change.closed_reason is ClosedReason.INVESTMENT_CLOSED


def replace_desk(desk: Desk) -> Desk:
    """Return another desk with the same record."""
    other = Desk()
    other.recorded, other.judged_through = list(desk.recorded), desk.judged_through
    return other


@pytest.mark.parametrize(
    ("script", "held"),
    [("CB", False), ("C-", True), ("CE", True), ("C", True), ("CC", False), ("CN", False), ("Co", True)],
)
def test_only_lost_data_hold_an_episode(script: str, held: bool) -> None:
    episode = RecordedEpisode(number=1, fired_month=month(2), announced=True)
    if script == "CB":
        episode = replace(episode, fired_month=month(1))
    assert is_held(episode, told(script)) is held


def test_an_episode_is_held_by_any_month_from_its_first_breach_on() -> None:
    episode = RecordedEpisode(number=1, fired_month=month(3), first_breach_month=month(2), announced=True)
    scripts = {"CBB": False, "C-B": True, "CB-": True, "-BB": False, "C-C": False, "CC-": False, "BB-": True}
    assert {script: is_held(episode, told(script, for_months=2)) for script in scripts} == scripts


def recovered(script: str, keep_months: int = 2) -> date | None:
    trajectory: Trajectory = told(script, keep_months=keep_months)
    episode = RecordedEpisode(number=1, fired_month=month(2), announced=True)
    return recovered_month(episode, trajectory)


def test_a_held_episode_recovers_by_clear_months_in_a_row_after_it_fired() -> None:
    assert recovered("C-CC") == month(4)
    assert recovered("C-C") is None
    assert recovered("CC-C") is None
    assert recovered("C-C-C") == month(5)
    assert recovered("C-CNC") is None
    assert recovered("C-CBCC") == month(6)
    assert recovered("C-C", keep_months=1) == month(3)


def test_changes_are_written_as_events_in_full() -> None:
    desk, changes = seen("CB")
    value = told("CB").firings[0].value
    fired = PastEvent(
        number=1,
        kind="fired",
        ordinal=1,
        month=month(2),
        notice="now",
        fired_month=month(2),
        first_breach_month=month(2),
        value=value,
    )
    assert value == Decimal("-0.1")
    assert written_by(changes, []) == [fired]
    (retraction,) = desk.see(told("CC"))
    assert written_by([retraction], [fired]) == [
        PastEvent(
            number=1,
            kind="retracted",
            ordinal=1,
            month=month(2),
            notice="now",
            fired_month=month(2),
            first_breach_month=month(2),
            resolved_month=month(2),
            closed_reason="retracted",
        )
    ]
    with pytest.raises(ValueError, match=r"^A change of episode 1 says nothing of its months\.$"):
        written_by([retraction], [])


def test_every_episode_the_facts_no_longer_yield_is_taken_back() -> None:
    changes = seen("BCB", "CCC")[1]
    assert [(c.kind, c.number) for c in changes] == [(ChangeKind.RETRACTED, 1), (ChangeKind.RETRACTED, 2)]


def test_a_held_episode_ends_in_the_month_that_is_clear() -> None:
    (change,) = seen("CB", "C-C")[1]
    assert (change.kind, change.month, change.resolved_month) == (ChangeKind.RESOLVED, month(3), month(3))
    assert change.closed_reason is ClosedReason.RESOLVED


def test_missing_data_that_arrived_are_over_in_the_last_month() -> None:
    desk, rule = Desk(), policy("missing_actuals")
    desk.see(lifecycle.fold([rule], facts([1] * 3, changes={2: {"complete": False}}), CONTEXT))
    (change,) = desk.see(lifecycle.fold([rule], facts([1] * 4), CONTEXT))
    assert (change.kind, change.month, change.resolved_month) == (ChangeKind.RESOLVED, month(4), month(4))
    assert change.closed_reason is ClosedReason.RESOLVED
