"""Seeing facts as they arrive, late and restated, ends in the same episodes as seeing them all at once."""

from hypothesis import given
from hypothesis import strategies as st

from alerts.rules.trajectory import ClosedReason, Trajectory
from tests.alerts.rules.cases import Desk, told

LETTERS = "BNC"
Episodes = set[tuple[object, ...]]


def expected(trajectory: Trajectory) -> Episodes:
    """Return the episodes of a fold, without their numbers."""
    return {(f.fired_month, f.resolved_month, f.closed_reason, f.value) for f in trajectory.firings}


def kept(desk: Desk) -> Episodes:
    """Return the episodes on record that were not taken back."""
    return {
        (e.fired_month, e.resolved_month, e.closed_reason, e.value)
        for e in desk.recorded
        if e.closed_reason is not ClosedReason.RETRACTED
    }


@st.composite
def arrivals(draw: st.DrawFn) -> tuple[list[str], dict[str, int]]:
    """Draw histories seen one after the other: months close, fill late, are restated, none is withdrawn."""
    length = draw(st.integers(1, 9))
    shown: list[str] = []
    seen: list[str] = []
    for _ in range(length):
        shown.append(draw(st.sampled_from(LETTERS + "-")))
        for at in draw(st.lists(st.integers(0, len(shown) - 1), max_size=2)):
            shown[at] = draw(st.sampled_from(LETTERS))
        if draw(st.booleans()):
            seen.append("".join(shown))
    counts = {"for_months": draw(st.integers(1, 3)), "keep_months": draw(st.integers(1, 3))}
    return [*seen, "".join(shown)], counts


@given(arrivals())
def test_as_they_arrive_or_all_at_once(drawn: tuple[list[str], dict[str, int]]) -> None:
    histories, counts = drawn
    desk = Desk()
    for script in histories:
        desk.see(told(script, **counts))
    final = told(histories[-1], **counts)
    assert kept(desk) == expected(final)
    at_once = Desk()
    at_once.see(final)
    assert kept(at_once) == expected(final)


@given(st.lists(st.sampled_from(LETTERS), min_size=1, max_size=8), st.integers(1, 3), st.data())
def test_the_order_of_arrival_does_not_matter(
    letters: list[str], for_months: int, data: st.DataObject
) -> None:
    desk = Desk()
    shown = ["-"] * len(letters)
    for at in data.draw(st.permutations(range(len(letters)))):
        shown[at] = letters[at]
        desk.see(told("".join(shown), for_months=for_months))
    assert kept(desk) == expected(told("".join(letters), for_months=for_months))


@given(st.lists(st.text("BNC-oE", min_size=1, max_size=10), min_size=1, max_size=6), st.integers(1, 3))
def test_whatever_comes_and_goes_one_notice_at_most_and_a_settled_record(
    scripts: list[str], count: int
) -> None:
    desk = Desk()
    for script in scripts:
        desk.see(told(script, for_months=count, keep_months=count))
    numbers = [episode.number for episode in desk.recorded]
    assert numbers == sorted(set(numbers))
