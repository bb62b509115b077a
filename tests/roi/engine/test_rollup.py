"""Roll-ups: parts add up to the total by any grouping; what is undefined says why; both ends of a bad balance show."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roi.engine import rollup, waiting
from roi.engine.result import Figure, Reason, undefined
from roi.engine.rollup import Amounts, Funded, Part, Spend

MICRO = 1_000_000
amounts = st.builds(Amounts, *(st.integers(-(10**17), 10**17) for _ in range(4)))
parts = st.builds(
    Part, st.sampled_from(["", "Sales", "Support", "Risk"]), st.sampled_from("ABCD"), amounts, st.none()
)


@given(st.lists(parts, max_size=20))
def test_groups_add_up_to_the_total(given_parts: list[Part]) -> None:
    found = rollup.roll_up(given_parts)
    added = Amounts()
    for group in found.groups:
        added += group.amounts
    assert added == found.total.amounts
    fields: tuple[Callable[[Amounts], int], ...] = (
        lambda a: a.run,
        lambda a: a.one_time,
        lambda a: a.benefit,
    )
    for field in fields:
        assert field(found.total.amounts) == sum(field(part.amounts) for part in given_parts)
    assert found.total.amounts.net == sum(part.amounts.net for part in given_parts)
    assert {name for group in found.groups for name in group.investments} == set(found.total.investments)


def part(group: str, investment: str, reason: Reason | None = None, **given_amounts: int) -> Part:
    return Part(group, investment, Amounts(**given_amounts), reason)


def test_the_dearest_group_is_first_and_the_nameless_last() -> None:
    found = rollup.roll_up([part("", "A", run=900), part("Small", "B", run=1), part("Large", "C", run=5)])
    assert [group.name for group in found.groups] == ["Large", "Small", "(none)"]


def test_roi_of_a_group_leaves_out_what_is_claimed_twice() -> None:
    found = rollup.roll_up([part("X", "A", run=60, one_time=40, benefit=180, overlap=30)])
    assert found.total.roi == Figure(0.5)


@pytest.mark.parametrize(
    ("given_part", "reason"),
    [
        (part("X", "A", benefit=5), Reason.NO_COST_YET),
        (part("X", "A", run=-5), Reason.NON_POSITIVE_BASE),
        (part("X", "A", Reason.MISSING_FX_RATE, run=5), Reason.MISSING_FX_RATE),
    ],
)
def test_roi_of_a_group_is_undefined_with_its_reason(given_part: Part, reason: Reason) -> None:
    assert rollup.roll_up([given_part]).groups[0].roi == undefined(reason)


def test_one_member_without_figures_leaves_the_group_without_roi_and_the_others_with_theirs() -> None:
    found = rollup.roll_up(
        [
            part("X", "A", run=5, benefit=10),
            part("Y", "B", Reason.MISSING_ACTUALS, run=5),
            part("Y", "C", run=5),
        ]
    )
    assert {group.name: group.roi.reason for group in found.groups} == {
        "X": None,
        "Y": Reason.MISSING_ACTUALS,
    }
    assert found.total.roi.reason is Reason.MISSING_ACTUALS


def test_spend_is_untraced_without_a_benefit_line_and_without_a_metric() -> None:
    found = rollup.untraced(
        [Spend("A", 30, True, False), Spend("B", 10, False, False), Spend("C", 60, False, True)]
    )
    assert (found.run, found.total_run, found.share, found.investments) == (10, 100, Figure(0.1), ("B",))


def test_a_share_of_no_spend_is_undefined() -> None:
    assert rollup.untraced([Spend("A", 0, False, False)]).share == undefined(Reason.NO_COST_YET)
    assert rollup.untraced([Spend("A", -1, True, False)]).share == undefined(Reason.NON_POSITIVE_BASE)


def test_a_reserve_is_compared_with_its_target() -> None:
    found = rollup.reserve(Decimal(1000), target_share=Decimal("0.1"), used=Decimal(40))
    assert (found.target, found.shortfall, found.share) == (Decimal("100.0"), Decimal(60), Figure(0.04))
    met = rollup.reserve(Decimal(1000), target_share=Decimal("0.1"), used=Decimal(140))
    assert met.shortfall == 0


def test_a_reserve_of_nothing_stated_is_no_reserve_of_zero() -> None:
    found = rollup.reserve(None, target_share=Decimal("0.1"), used=Decimal(5))
    assert (found.target, found.shortfall, found.share) == (None, None, undefined(Reason.NOT_STATED))
    assert (
        rollup.reserve(Decimal(0), target_share=Decimal(1), used=Decimal(5)).share.reason
        is Reason.NON_POSITIVE_BASE
    )


def funded(name: str, spend: int, roi: float | None, proposal: str | None = None) -> Funded:
    figure = undefined(Reason.NOT_LIVE) if roi is None else Figure(roi)
    return Funded(name, spend, figure, 0.12, proposal)


def test_under_investment_stands_beside_over_investment() -> None:
    found = rollup.balance(
        [
            funded("scales", 50, None, "double_down"),
            funded("earns", 40, 1.5),
            funded("large", 500, 1.5),
            funded("fails", 300, -0.2),
            funded("told", 100, 0.5, "pull_back"),
            funded("plain", 10, 0.5),
        ]
    )
    assert [one.investment for one in found.under] == ["earns", "scales"]
    assert [one.investment for one in found.over] == ["fails", "told"]
    assert (found.under_spend, found.over_spend, found.total_spend) == (90, 400, 1000)
    assert found.over[0].reasons == ("incremental ROI (20.0%) against a hurdle of 12.0%",)


def test_a_proposal_goes_before_a_rate() -> None:
    found = rollup.balance([funded("A", 5, 9.0, "pull_back"), funded("B", 95, 0.0, "double_down")])
    assert ([one.investment for one in found.under], [one.investment for one in found.over]) == (["B"], ["A"])


def test_an_undefined_rate_is_neither_good_nor_bad() -> None:
    found = rollup.balance([funded("A", 5, None), funded("B", 0, None)])
    assert (found.under, found.over) == ((), ())


def test_waiting_costs_the_mean_loss_by_the_day() -> None:
    found = waiting.cost_of_waiting(-9_120 * MICRO, months=3, days=10)
    assert (found.per_day, found.so_far) == (100 * MICRO, 1000 * MICRO)


def test_what_earns_loses_nothing_by_waiting() -> None:
    assert waiting.cost_of_waiting(5, months=3, days=10) == waiting.Waiting(0, 0)


def test_at_risk_is_what_runs_until_the_review() -> None:
    assert waiting.money_at_risk(9_120 * MICRO, months=3, days=20) == 2000 * MICRO
    assert waiting.money_at_risk(9_120 * MICRO, months=3, days=-4) == 0


def test_a_window_without_months_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one month"):
        waiting.money_at_risk(1, months=0, days=1)
