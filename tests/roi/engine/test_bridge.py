"""The bridge: every step is what its definition says, and nothing is left over, whatever the lines are."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roi.engine import bridge
from roi.engine.bridge import CAUSES, Bridge, Cause, Driver, Line, Reading, Role
from roi.engine.result import Reason

MICRO = 1_000_000

amounts = st.one_of(st.just(0), st.integers(-(10**12), 10**12))
rates = st.fractions(min_value=Fraction(1, 100), max_value=100, max_denominator=10**6)
shares = st.fractions(min_value=0, max_value=1, max_denominator=10**4)
quantities = st.none() | st.fractions(min_value=0, max_value=10**6, max_denominator=100)
readings = st.builds(Reading, amounts, rates, shares, quantities)
drivers = st.none() | st.builds(Driver, quantities.map(lambda q: q or Fraction(0)), rates, shares, shares)


@st.composite
def lines(draw: st.DrawFn) -> Line:
    return Line(
        account=draw(st.sampled_from(["a", "b", "c"])),
        is_benefit=draw(st.booleans()),
        shown=draw(readings),
        before=draw(readings),
        after=draw(readings),
        role=draw(st.sampled_from(Role)),
        driver=draw(drivers),
    )


@st.composite
def carried_lines(draw: st.DrawFn) -> Line:
    now = draw(readings)
    return Line("a", draw(st.booleans()), shown=draw(readings), before=now, after=now)


def closes(found: Bridge) -> None:
    change = found.end.net - found.start.net
    assert sum(step.net for step in found.steps) == change
    assert all(sum(step.accounts.values()) == step.net for step in found.steps)
    assert sum(step.benefit for step in found.steps) == found.end.benefit - found.start.benefit
    if found.roi_reason is None:
        assert found.start.roi is not None
        assert found.end.roi is not None
        points = [step.roi for step in found.steps if step.roi is not None]
        assert len(points) == len(found.steps)
        assert sum(points, Fraction(0)) == found.end.roi - found.start.roi
        rounded = bridge.points(found, places=1)
        assert rounded is not None
        # Shown at one decimal, the points still lead from the first ROI shown to the last.
        assert (
            abs(sum(rounded) - Decimal(float(sum(points) * 100)))
            <= Decimal("0.1001") + abs(sum(rounded)) / 10**9
        )


@given(st.lists(lines(), max_size=8))
def test_a_month_closes_exactly(given_lines: list[Line]) -> None:
    found = bridge.of_month(given_lines)
    assert isinstance(found, Bridge)
    assert found.start.benefit == sum(line.shown.money for line in given_lines if line.is_benefit)
    assert found.end.benefit == sum(line.after.money for line in given_lines if line.is_benefit)
    assert found.end.cost == sum(line.after.money for line in given_lines if not line.is_benefit)
    assert [step.cause for step in found.steps] == list(CAUSES)
    closes(found)


@given(st.lists(lines(), max_size=6), st.lists(carried_lines(), max_size=6))
def test_what_came_to_date_closes_exactly(given_lines: list[Line], carried: list[Line]) -> None:
    found = bridge.to_date(given_lines, carried=carried)
    assert isinstance(found, Bridge)
    whole = [*given_lines, *carried]
    assert found.start.net == sum(one.shown.money * (1 if one.is_benefit else -1) for one in carried)
    assert found.end.net == sum(one.after.money * (1 if one.is_benefit else -1) for one in whole)
    assert found.steps[0].cause is Cause.ANOTHER_MONTH
    closes(found)


def money(amount: float) -> int:
    return round(amount * MICRO)


def line(before: float, after: float, *, account: str = "model_api", **extra: object) -> Line:
    old = Reading(money(before), quantity=extra.pop("old", None))
    new = Reading(money(after), quantity=extra.pop("new", None))
    is_benefit = bool(extra.pop("is_benefit", False))
    return Line(account, is_benefit, shown=old, before=old, after=new, **extra)  # type: ignore[arg-type]


def effects(*given_lines: Line) -> dict[str, float]:
    found = bridge.of_month(given_lines)
    assert isinstance(found, Bridge)
    return {step.cause.value: step.net / MICRO for step in found.steps if step.net}


def test_volume_price_and_mix_of_lines_with_quantities() -> None:
    """10 at 2 and 10 at 4 become 30 at 3 and 10 at 4: twice the volume, a dearer first, more of the cheaper."""
    cheap = line(20, 90, old=Fraction(10), new=Fraction(30))
    dear = line(40, 40, old=Fraction(10), new=Fraction(10))
    assert effects(cheap, dear) == {"volume": -60, "price": -20, "mix": 10}


def test_a_line_that_begins_within_an_account_is_mix() -> None:
    old = line(20, 0, old=Fraction(10), new=None)
    new = line(0, 30, old=None, new=Fraction(10))
    assert effects(old, new) == {"mix": -10}


def test_an_account_that_begins_with_a_quantity_is_volume() -> None:
    assert effects(line(0, 30, new=Fraction(10))) == {"volume": -30}


def test_a_quantity_of_some_amounts_only_splits_nothing() -> None:
    with_one, without = line(20, 30, old=Fraction(1), new=Fraction(2)), line(10, 10)
    assert effects(with_one, without) == {"other": -10}


def test_a_benefit_follows_its_driver_and_its_quality() -> None:
    """100 cases, 80 % solved, 10 each become 150 cases, 90 % solved, 12 each."""
    driver = Driver(Fraction(100), Fraction(150), Fraction(8, 10), Fraction(9, 10))
    found = effects(line(800, 1620, is_benefit=True, driver=driver))
    assert found == {"volume": 400, "price": 240, "quality": 180}


def test_a_line_that_began_without_a_quantity_is_other() -> None:
    driver = Driver(Fraction(100), Fraction(150))
    assert effects(line(0, 50, driver=driver)) == {"other": -50}


def test_one_time_and_allocated_cost_have_steps_of_their_own() -> None:
    found = effects(line(100, 0, role=Role.ONE_TIME), line(5, 8, account="shared", role=Role.ALLOCATED))
    assert found == {"one_time": 100, "allocation": -3}


def test_attribution_fx_and_restatement_are_told_apart() -> None:
    shown = Reading(money(100), fx=Fraction(1), share=Fraction(1, 2))
    known = Reading(money(90), fx=Fraction(1), share=Fraction(1, 4))
    after = Reading(money(90), fx=Fraction(2), share=Fraction(1, 4))
    found = effects(Line("labor", is_benefit=True, shown=shown, before=known, after=after))
    assert found == {"attribution": -25, "fx": 25, "restatement": -5}


def test_points_are_undefined_where_a_step_leaves_no_cost() -> None:
    found = bridge.of_month(
        [line(100, 0, role=Role.ONE_TIME), line(10, 10, account="labor", is_benefit=True)]
    )
    assert isinstance(found, Bridge)
    assert found.roi_reason is Reason.NON_POSITIVE_BASE
    assert all(step.roi is None for step in found.steps)


def test_no_cost_before_is_said_so() -> None:
    found = bridge.of_month([line(0, 10)])
    assert isinstance(found, Bridge)
    assert found.roi_reason is Reason.NO_COST_YET


def test_the_main_cause_goes_the_way_of_the_change() -> None:
    found = bridge.of_month([line(100, 0, role=Role.ONE_TIME), line(10, 50)])
    assert isinstance(found, Bridge)
    assert found.main_cause is Cause.ONE_TIME
    nothing = bridge.of_month([line(5, 5)])
    assert isinstance(nothing, Bridge)
    assert nothing.main_cause is None


def test_what_leaves_exact_arithmetic_is_named() -> None:
    huge = Reading(2**61)
    both = [Line("x", False, huge, huge, huge), Line("y", False, huge, huge, huge)]
    assert bridge.of_month(both) is Reason.OVERFLOW


@pytest.mark.parametrize("amount", [1, 3, 5])
def test_every_state_is_rounded_half_even_as_the_ledger_rounds(amount: int) -> None:
    half = Reading(amount, fx=Fraction(1, 2))
    assert half.money == {1: 0, 3: 2, 5: 2}[amount]


def test_rounded_points_add_up_to_the_rounded_change() -> None:
    third = [
        line(100, 101, account=name, role=role)
        for name, role in (("a", Role.ONE_TIME), ("b", Role.ALLOCATED))
    ]
    found = bridge.of_month([*third, line(300, 300, account="labor", is_benefit=True)])
    assert isinstance(found, Bridge)
    shown = bridge.points(found, places=1)
    assert shown is not None
    assert found.start.roi is not None
    assert found.end.roi is not None
    first, last = (Decimal(round(float(roi) * 100, 1)) for roi in (found.start.roi, found.end.roi))
    assert abs(sum(shown) - (last - first)) < Decimal("0.0001")
    assert bridge.points(Bridge(found.start, (), found.end, Reason.NO_COST_YET), places=1) is None
